"""What an episode is worth, as pure functions of numbers or arrays (N,), each with its paper.

The one place where these are defined: tasks judge by them, and the benchmark, which also counts
over many episodes (``avenv.benchmark.metrics``), offers them again.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def spl(success: ArrayLike, shortest: ArrayLike, walked: ArrayLike) -> Values:
    """Return success weighted by path length: S l / max(l, p).

    Anderson et al. 2018, "On Evaluation of Embodied Navigation Agents".

    Args:
        success: S, 0 or 1.
        shortest: l, metres of the shortest way from the start, above 0.
        walked: p, metres walked.
    """
    return np.asarray(success, np.float64) * _efficiency(shortest, walked)


def soft_spl(left: ArrayLike, shortest: ArrayLike, walked: ArrayLike) -> Values:
    """Return progress weighted by path length: max(0, 1 - d / l) l / max(l, p).

    Datta et al. 2020, "Integrating Egocentric Localization for More Realistic Point-Goal
    Navigation Agents".

    Args:
        left: d, metres on foot from the end to the goal.
        shortest: l, metres of the shortest way from the start, above 0.
        walked: p, metres walked.
    """
    progress = 1.0 - np.asarray(left, np.float64) / np.asarray(shortest)
    return np.maximum(0.0, progress) * _efficiency(shortest, walked)


def sna(success: ArrayLike, needed: ArrayLike, taken: ArrayLike) -> Values:
    """Return success weighted by number of actions: S n* / max(n*, n).

    Chen et al. 2021, "Learning to Set Waypoints for Audio-Visual Navigation".

    Args:
        success: S, 0 or 1.
        needed: n*, actions of the oracle, its stop included; 1 or more.
        taken: n, actions taken.
    """
    return np.asarray(success, np.float64) * _efficiency(needed, taken)


def sws(success: ArrayLike, silent: ArrayLike) -> Values:
    """Return success when silent: S where the source had fallen silent before the stop.

    Chen et al. 2021, "Semantic Audio-Visual Navigation"; as in the authors' code (sound-spaces,
    ``SWS``), which asks at the stop whether the sound's time is over.

    Args:
        success: S, 0 or 1.
        silent: whether nothing of the goal sounded any more when the episode ended.
    """
    return np.asarray(success, np.float64) * np.asarray(silent, bool)


def ppl(progress: ArrayLike, shortest: ArrayLike, walked: ArrayLike) -> Values:
    """Return progress weighted by path length: s l / max(l, p).

    Wani et al. 2020, "MultiON: Benchmarking Semantic Map Memory using Multi-Object Navigation"; as
    in the authors' code (saimwani/multiON, ``PSPL``).

    Args:
        progress: s, share of the goals that were reached, 0 to 1.
        shortest: l, metres of the shortest way past the goals that were reached; where none was,
            anything above 0.
        walked: p, metres walked until the last of them was reached.
    """
    return np.asarray(progress, np.float64) * _efficiency(shortest, walked)


def normalized_distance(left: ArrayLike, shortest: ArrayLike) -> Values:
    """Return the share d / l of the way that is left; it exceeds 1 for who walked away.

    Args:
        left: d, metres on foot from the end to the goal.
        shortest: l, metres of the shortest way from the start, above 0.
    """
    return np.asarray(left, np.float64) / np.asarray(shortest)


def _efficiency(needed: ArrayLike, spent: ArrayLike) -> Values:
    """Return how much of what was spent was needed, 0 to 1."""
    return np.asarray(needed, np.float64) / np.maximum(needed, spent)
