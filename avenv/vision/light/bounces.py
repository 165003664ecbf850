"""Light that surfaces throw on each other: along links from sample to sample, and between rooms."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core import parallel
from avenv.core.kernels import borrowing, kernel
from avenv.scene.compiled import CompiledScene
from avenv.vision.light.charts import Charts
from avenv.vision.light.smoothing import smooth

_JOB = 1024  # samples


class Links(NamedTuple):
    """Which samples the rays of L samples hit.

    Attributes:
        phase: (L,) int8 the first ray of the fan that a sample shoots.
        stride: (L,) int8 the rays from one that it shoots to the next.
        first: (L + 1,) int64 where the links of each start.
        hit: (N,) int32 sample that each ray hits, -1 for none.
        is_open: (L,) bool, not buried in something.
        is_groove: (L,) bool, buried only in so far as something is right before it.
    """

    phase: NDArray[np.int8]
    stride: NDArray[np.int8]
    first: NDArray[np.int64]
    hit: NDArray[np.int32]
    is_open: NDArray[np.bool_]
    is_groove: NDArray[np.bool_]


class Exchange(NamedTuple):
    """How R rooms light one another, each taken as a whole.

    Attributes:
        room: (L,) of each sample.
        weight: (L,) of each sample in the mean of its room.
        share: (3, R, R) light on a room, on average, for one unit of it on another; by channel.
    """

    room: NDArray[np.int64]
    weight: NDArray[np.float64]
    share: NDArray[np.float64]

    def further(self, last: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the light (L, K, 3) of all bounces after the ``last``, even within each room.

        The sum of the series for the means of rooms (the ambient term of Cohen et al., "A
        progressive refinement approach", SIGGRAPH 1988, for every room by itself): so light gets
        through any number of doorways, and no room that has any is black.
        """
        rooms = self.share.shape[1]
        mean = np.zeros((rooms, *last.shape[1:]))
        _add_up(self.room, self.weight, _flat(last), mean.reshape(rooms, -1))
        rest = np.empty_like(mean)
        for c in range(3):
            series = np.linalg.inv(np.eye(rooms) - self.share[c]) @ self.share[c]
            rest[:, :, c] = series @ np.maximum(mean[:, :, c], 0)
        return rest.astype(np.float32)[self.room]


def bounced(
    charts: Charts, albedo: NDArray[np.float32], links: Links, stand_in: NDArray[np.int64],
    shade: NDArray[np.float32], direct: NDArray[np.float32], exchange: Exchange, bounces: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Return direct light (L, K, 3) together with what surfaces throw on each other."""
    indirect, count = np.zeros_like(direct), len(direct)
    sent, gathered = np.empty_like(direct), np.empty_like(direct)
    runs = _runs(count)
    for _ in range(bounces):
        last = indirect
        parallel.run(_send, ((direct, last, albedo, sent, *run) for run in runs))
        parallel.run(_gather, ((links, _flat(sent), _flat(gathered), *run) for run in runs))
        indirect = smooth(charts, hand_out(gathered, stand_in, shade, sent), 2)
    np.subtract(indirect, last, out=gathered)
    light = np.add(direct, indirect, out=sent)
    light += exchange.further(gathered)
    return light


def hand_out(
    light: NDArray[np.float32], stand_in: NDArray[np.int64], shade: NDArray[np.float32],
    out: NDArray[np.float32],
) -> NDArray[np.float32]:  # fmt: skip
    """Write to out (L, K, 3) the shaded light of those samples that stand in for each; return it.

    Args:
        light: (L, K, 3).
        stand_in: (L,) samples.
        shade: (L,) factors.
        out: another array.
    """
    rows = _flat(light), _flat(out)
    parallel.run(_hand_out, ((stand_in, shade, *rows, *run) for run in _runs(len(light))))
    return out


def _runs(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + _JOB, count)) for start in range(0, count, _JOB)]


def _flat(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return light (L, K, 3) as (L, 3 K): such long rows fill the processor's vectors."""
    return light.reshape(len(light), -1)


def find_exchange(
    compiled: CompiledScene, charts: Charts, albedo: NDArray[np.float32], links: Links
) -> Exchange:
    """Return how rooms light one another, from where the rays of their samples end."""
    per_chart = charts.width * charts.height
    room = per_sample(charts, np.array([o.room for o in compiled.objects])[charts.object])
    _, room = np.unique(room, return_inverse=True)
    rooms, count = int(room.max(initial=0)) + 1, np.diff(links.first)
    area = per_sample(charts, charts.area / per_chart) * (links.is_open & (count > 0))
    total = np.maximum(np.bincount(room, area, rooms), 1e-12)
    source = np.repeat(np.arange(len(count)), count)
    hits = links.hit >= 0
    source, target = source[hits], links.hit[hits]
    pair, weight = room[source] * rooms + room[target], (area / np.maximum(count, 1))[source]
    passed = [np.bincount(pair, weight * albedo[target, c], rooms**2) for c in range(3)]
    share = np.reshape(passed, (3, rooms, rooms)) / total[:, None]
    return Exchange(room, area / total[room], share)


def per_sample(charts: Charts, values: NDArray) -> NDArray:
    """Return for each sample (L, ...) what is said of its chart (C, ...)."""
    return np.repeat(values, charts.width * charts.height, axis=0)


# Layout: room and weight (L,), last (L, 3 K), mean (R, 3 K).
@borrowing
def _add_up(room, weight, last, mean):
    """Add the weighted light of all samples up, those of each room."""
    for i in range(len(room)):
        for k in range(last.shape[1]):
            mean[room[i], k] += weight[i] * last[i, k]


# Layout: direct, indirect and sent (L, K, 3), albedo (L, 3).
@borrowing
def _send(direct, indirect, albedo, sent, start, stop):
    """Write what some samples send on of the light that falls on them."""
    for i in range(start, stop):
        for k in range(direct.shape[1]):
            for c in range(3):
                sent[i, k, c] = albedo[i, c] * (direct[i, k, c] + indirect[i, k, c])


# Layout: stand_in and shade (L,), gathered and out (L, 3 K).
@borrowing
def _hand_out(stand_in, shade, gathered, out, start, stop):
    """Write to some samples the shaded light of those that stand in for them."""
    for i in range(start, stop):
        mean = gathered[stand_in[i]]
        for k in range(len(mean)):
            out[i, k] = shade[i] * mean[k]


# Layout: sent and gathered (L, 3 K).
@kernel
def _gather(links, sent, gathered, start, stop):
    """Write to some samples the mean of the light that their links send."""
    for i in range(start, stop):
        first, end, mean = links.first[i], links.first[i + 1], gathered[i]
        weight = np.float32(1) / np.float32(max(end - first, 1))
        mean[:] = 0
        for n in range(first, end):
            if links.hit[n] >= 0:
                light = sent[links.hit[n]]
                for k in range(len(mean)):
                    mean[k] += weight * light[k]
