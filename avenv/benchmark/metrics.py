"""What metrics are called, what they say of many episodes, and how surely.

The definitions for one episode are those by which tasks judge (``avenv.tasks.metrics``). Shares of
episodes have Wilson's interval; all else has a bootstrap that draws whole homes, since episodes in
one home are alike.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.tasks.metrics import normalized_distance, ppl, sna, soft_spl, spl, sws

__all__ = [
    "MEASURES",
    "Estimate",
    "Measure",
    "bootstrap",
    "estimate",
    "exact_mcnemar",
    "measures_of",
    "normalized_distance",
    "ppl",
    "sna",
    "soft_spl",
    "spl",
    "sws",
    "wilson",
]

CONFIDENCE = 0.95
RESAMPLES = 5000


class Estimate(NamedTuple):
    """A mean with its interval at 95 % confidence; NaN where there is too little to tell."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return format(self)

    def __format__(self, sign: str) -> str:
        """Return it with two digits; ``"+"`` shows the sign of what is above 0, too."""
        mean, low, high = (f"{value:{sign}.2f}" for value in self)
        return f"{mean} [{low}, {high}]" if np.isfinite(self.low) else mean


class Measure(NamedTuple):
    """A figure that many episodes have.

    Attributes:
        title: what tables call it.
        says: what it is, in a few words.
        metric: that each episode has, and whose mean it is.
        per: another metric; then it is the sum of the one over the sum of the other.
        share: whether each episode has it or not, 1 or 0, so that Wilson's interval is right.
        better: 1 if more is better, -1 if less is, 0 if neither.
    """

    title: str
    says: str
    metric: str
    per: str | None = None
    share: bool = False
    better: int = 1


_ROWS = (
    Measure("SR", "share of episodes that succeed", "success", share=True),
    Measure("SPL", "success weighted by path length", "spl"),
    Measure("SoftSPL", "progress weighted by path length", "soft_spl"),
    Measure("SNA", "success weighted by number of actions", "sna"),
    Measure("SWS", "share that succeeds after the source fell silent", "sws", share=True),
    Measure("DSR", "share that stops at the distractor", "dsr", share=True, better=-1),
    Measure("progress", "share of the goals that were reached", "progress"),
    Measure("PPL", "progress weighted by path length", "ppl"),
    Measure("DTG", "metres to the goal at the end", "distance_to_goal", better=-1),
    Measure(
        "NDTG", "the same over those at the start", "normalized_distance_to_goal", better=-1
    ),
    Measure("NA", "number of actions", "num_actions", better=0),
    Measure("collisions/m", "collisions a metre walked", "collisions", "path_length", better=-1),
    Measure("premature", "acts before it was time, an episode", "premature_acts", better=-1),
    Measure("wrong", "acts on the wrong thing, an episode", "wrong_acts", better=-1),
    Measure("misled", "acts on what only seemed right, an episode", "misled_acts", better=-1),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = {row.metric: row for row in _ROWS}
"""The figures that have a name in the field, by the metric that they are of."""


def measures_of(metrics: Sequence[str]) -> list[Measure]:
    """Return what is told of episodes that have these metrics, in the table's order, then theirs.

    A metric that is not in the table is told by its mean, under its own name.
    """
    known = [m for m in _ROWS if m.metric in metrics and (m.per is None or m.per in metrics)]
    return known + [Measure(name, name, name, better=0) for name in metrics if name not in MEASURES]


def estimate(
    measure: Measure,
    episodes: Sequence[Mapping[str, float]],
    clusters: Sequence[str] | None = None,
) -> Estimate:
    """Return a measure of episodes with its interval.

    Args:
        measure: which.
        episodes: the metrics of each.
        clusters: the home of each; by default, and where all are in one, episodes stand for
            themselves.

    Raises:
        ValueError: there are no episodes, or one lacks the metric.
    """
    if not episodes:
        raise ValueError(f"there are no episodes to take {measure.title} of; accepted: one or more")
    for name in filter(None, (measure.metric, measure.per)):
        if any(name not in metrics for metrics in episodes):
            raise ValueError(f"an episode has no metric {name!r}")
    values = np.array([metrics[measure.metric] for metrics in episodes], np.float64)
    weights = np.ones(len(values))
    if measure.per is not None:
        weights = np.array([metrics[measure.per] for metrics in episodes], np.float64)
    if measure.share and np.isin(values, (0, 1)).all():
        return wilson(int(values.sum()), len(values))
    return bootstrap(values, weights, clusters)


def wilson(successes: int, count: int) -> Estimate:
    """Return a share of independent trials with its score interval.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".

    Raises:
        ValueError: there are no trials, or fewer than successes.
    """
    from scipy.stats import binomtest  # takes longer to import than all else here

    bounds = binomtest(successes, count).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(successes / count, float(bounds.low), float(bounds.high))


def bootstrap(
    values: ArrayLike,
    weights: ArrayLike | None = None,
    clusters: Sequence[str] | None = None,
) -> Estimate:
    """Return a weighted mean, sum(values) / sum(weights), with its percentile bootstrap.

    Whole clusters are drawn with replacement (Field & Welsh 2007, "Bootstrapping Clustered Data"),
    as many as there are; the draws are always the same.

    Args:
        values: (N,).
        weights: (N,), by default 1: a plain mean.
        clusters: (N,) names of what each value belongs to; by default, and where all are of one,
            each value stands for itself.
    """
    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    names = (
        np.arange(len(values)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    )
    if names.max() == 0:
        names = np.arange(len(values))
    sums = np.bincount(names, values), np.bincount(names, weights)
    mean = _ratio(sums[0].sum(), sums[1].sum())
    count = names.max() + 1
    if count < 2:
        return Estimate(float(mean), float("nan"), float("nan"))
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(count, np.full(count, 1 / count), RESAMPLES)
    share = (1 - CONFIDENCE) / 2
    with np.errstate(invalid="ignore"):  # a goal that cannot be reached is infinitely far
        means = _ratio(drawn @ sums[0], drawn @ sums[1])
    if not np.isfinite(means).all():
        return Estimate(float(mean), float("nan"), float("nan"))
    return Estimate(float(mean), *np.quantile(means, (share, 1 - share)).tolist())


def _ratio(values: NDArray, weights: NDArray) -> NDArray:
    """Return values over weights, 0 where both are 0: nobody who stands still collides."""
    return np.where(weights > 0, values / np.where(weights > 0, weights, 1.0), 0.0)


def exact_mcnemar(one: ArrayLike, other: ArrayLike) -> float:
    """Return the probability that two agents, equally good, differ as much on the same episodes.

    The exact two-sided form of McNemar 1947, "Note on the Sampling Error of the Difference Between
    Correlated Proportions": of the episodes in which just one succeeds, half would be each one's.

    Args:
        one: (N,) whether the one succeeds.
        other: (N,) whether the other does.
    """
    one, other = np.asarray(one, bool), np.asarray(other, bool)
    first, second = int((one & ~other).sum()), int((other & ~one).sum())
    if first + second == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(first, first + second).pvalue)
