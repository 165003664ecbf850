"""What an ear is worth, on poses in homes that it has never heard, with 95 % intervals.

Poses of one home are no independent draws: intervals are those of a bootstrap over homes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from avenv_agents.ear_examples import Examples
from avenv_agents.ear_files import load_ear
from avenv_agents.ear_training import angle_between, believe
from avenv_agents.encoders.ear import Belief, Heard, azimuth_of
from avenv_agents.poses import RINGS, Poses, PoseSettings, read_poses

NEARBY = 5.0
"""Metres within which a source in sight counts."""
PRECISION = 0.8
MARGIN = np.deg2rad(10)
"""A source less than this off the middle is on no side, and less than this off the line through
the ears neither in front nor behind."""
RESAMPLES = 1000
BATCH = 4096
CONFIDENCE = (2.5, 97.5)


class Figure(NamedTuple):
    """One number of a report: what it is, its value and interval, and of how many places."""

    name: str
    value: float
    low: float
    high: float
    places: int


class Answers(NamedTuple):
    """What is believed of P places after the first and after the last window, and the truth.

    Attributes:
        azimuth, leg: (P,) error in radians.
        side, front: (P,) bool, whether left and right, and front and back, are right.
        near: (P,) logit.
        first_azimuth, first_near: (P,) what the first window alone tells.
    """

    azimuth: NDArray[np.float32]
    leg: NDArray[np.float32]
    side: NDArray[np.bool_]
    front: NDArray[np.bool_]
    near: NDArray[np.float32]
    first_azimuth: NDArray[np.float32]
    first_near: NDArray[np.float32]


def report(ear: str | Path, folders: Sequence[str | Path]) -> str:
    """Return the tables of an ear on each folder of poses, as text.

    Raises:
        ValueError: there is no ear, or a folder holds no poses.
    """
    belief = load_ear(ear)
    parts = []
    for folder in folders:
        poses, settings = read_poses(folder)
        parts.append(_title(poses, settings))
        for figure in figures(belief, poses):
            low, high = _number(figure.low), _number(figure.high)
            parts.append(
                f"  {figure.name:<52} {_number(figure.value):>6}   95 % [{low}, {high}]  "
                f"n = {figure.places}"
            )
        parts.append(strata(belief, poses))
    return "\n".join(parts)


def _title(poses: Poses, settings: PoseSettings) -> str:
    silent = 1 - poses.sounding.mean()
    throughout = int((~poses.sounding).all(axis=1).sum())
    return (
        f"{settings.homes}, {settings.sounds}, {settings.motion}: {len(poses.azimuth)} places, "
        f"{poses.azimuth.shape[1]} windows each; {silent:.1%} of the windows silent, {throughout} "
        f"places throughout, all are counted; {poses.near[:, -1].mean():.0%} end within 1 m"
    )


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def figures(belief: Belief, poses: Poses) -> list[Figure]:
    """Return the figures of an ear on poses."""
    answers = answer(belief, poses)
    visible, leg = poses.visible[:, -1], np.isfinite(poses.leg[:, -1])
    close = visible & (poses.distance[:, -1] <= NEARBY)
    azimuth = poses.azimuth[:, -1]
    lateral = close & (np.abs(np.sin(azimuth)) > np.sin(MARGIN))
    frontal = close & (np.abs(np.cos(azimuth)) > np.sin(MARGIN))
    near, near_first = poses.near[:, -1], poses.near[:, 0]
    first = poses.visible[:, 0] & (poses.distance[:, 0] <= NEARBY)
    everywhere = np.ones(len(near), bool)
    degrees = np.rad2deg

    def median(values: NDArray) -> Callable[[NDArray[np.int64]], float]:
        return lambda rows: float(degrees(np.median(values[rows])))

    def share(values: NDArray) -> Callable[[NDArray[np.int64]], float]:
        return lambda rows: float(values[rows].mean())

    def recall(logit: NDArray, truth: NDArray) -> Callable[[NDArray[np.int64]], float]:
        return lambda rows: recall_at_precision(logit[rows], truth[rows], PRECISION)

    asked: list[tuple[str, NDArray[np.bool_], Callable[[NDArray[np.int64]], float]]] = [
        (f"in sight within {NEARBY:.0f} m: azimuth error, median, °", close,
         median(answers.azimuth)),
        ("  of the first window alone", first, median(answers.first_azimuth)),
        ("  side right", lateral, share(answers.side)),
        ("  front and back confused", frontal, share(~answers.front)),
        ("out of sight: error of the first leg, median, °", ~visible & leg, median(answers.leg)),
        (f"within 1 m: recall at precision {PRECISION}", everywhere, recall(answers.near, near)),
        ("  of the first window alone", everywhere, recall(answers.first_near, near_first)),
    ]  # fmt: skip
    return [_figure(name, which, poses.home, statistic) for name, which, statistic in asked]


def strata(belief: Belief, poses: Poses) -> str:
    """Return a table of places by how far the source is and whether it is in sight."""
    answers = answer(belief, poses)
    visible, distance = poses.visible[:, -1], poses.distance[:, -1]
    ring = np.searchsorted(RINGS, distance)
    lines = ["  distance, m   sight    places   azimuth, °   first leg, °   silent windows"]
    edges = (0.0, *RINGS, np.inf)
    for seen in (True, False):
        for k in range(len(RINGS) + 1):
            rows = (ring == k) & (visible == seen)
            if not rows.any():
                continue
            legs = answers.leg[rows & np.isfinite(poses.leg[:, -1])]
            upper = f"{edges[k + 1]:.0f}" if np.isfinite(edges[k + 1]) else ""
            lines.append(
                f"  {f'{edges[k]:.0f}–{upper}':<13} {'in' if seen else 'out':<8} {rows.sum():>6}"
                f"   {np.rad2deg(np.median(answers.azimuth[rows])):>10.1f}"
                f"   {np.rad2deg(np.median(legs)) if len(legs) else np.nan:>12.1f}"
                f"   {1 - poses.sounding[rows].mean():>14.1%}"
            )
    return "\n".join(lines)


def answer(belief: Belief, poses: Poses) -> Answers:
    """Return what an ear believes of poses, against the truth."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(poses.azimuth), BATCH):
            some = Examples.of(poses.some(slice(start, start + BATCH)))
            alone, _ = belief.ear(some.binaural[:, 0].float())
            parts.append(_compare(believe(belief, some), alone, some))
    return Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _compare(believed: Heard, alone: Heard, truth: Examples) -> Answers:
    source = azimuth_of(believed.source[:, -1])
    azimuth = truth.azimuth[:, -1]
    return Answers(
        angle_between(source, azimuth).numpy(),
        angle_between(azimuth_of(believed.leg[:, -1]), truth.leg[:, -1]).numpy(),
        (source.sin().sign() == azimuth.sin().sign()).numpy(),
        (source.cos().sign() == azimuth.cos().sign()).numpy(),
        believed.near[:, -1].numpy(),
        angle_between(azimuth_of(alone.source), truth.azimuth[:, 0]).numpy(),
        alone.near.numpy(),
    )


def recall_at_precision(
    score: NDArray[np.floating], truth: NDArray[np.bool_], precision: float
) -> float:
    """Return the largest share of what is true that a threshold on scores (P,) finds, such that of
    what it finds at least ``precision`` is true; 0 where no threshold does, NaN if nothing is."""
    if not truth.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    found = np.arange(1, len(order) + 1)
    # A threshold lies between different scores only.
    ends = np.append(np.diff(score[order]) != 0, True)
    good = ends & (hits >= precision * found)
    return float(hits[good].max() / hits[-1]) if good.any() else 0.0


def _figure(
    name: str, which: NDArray[np.bool_], home: NDArray[np.int32],
    statistic: Callable[[NDArray[np.int64]], float],
) -> Figure:  # fmt: skip
    """Return a statistic of some rows, with the interval of a bootstrap over homes."""
    rows = np.flatnonzero(which)
    if len(rows) == 0:
        return Figure(name, np.nan, np.nan, np.nan, 0)
    homes = [rows[home[rows] == number] for number in np.unique(home[rows])]
    rng = np.random.default_rng(0)
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(homes), size=len(homes))
        values.append(statistic(np.concatenate([homes[k] for k in drawn])))
    low, high = np.nanpercentile(values, CONFIDENCE) if len(homes) > 1 else (np.nan, np.nan)
    return Figure(name, statistic(rows), float(low), float(high), len(rows))
