"""Sample-continuous convolution of many listeners' sound with responses that change every step."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from avenv.acoustics.signal import interleaved
from avenv.core import parallel
from avenv.core.kernels import borrowing, fast_inner, fast_kernel

_ENVIRONMENTS_PER_JOB = 4  # as many as one SIMD register of the FFT holds

Array = NDArray[np.float32]


class Stream:
    """The sound of E environments, step after step, without a seam.

    Each step convolves every source's own past with its current response, so that reverberation
    outlives the step in which it began, cross-fades from the previous response, and adds up the
    sources. A source that is silent, and whose tail is over, costs nothing and needs no response;
    when it begins again, it does so with the response that it is given then.

    The convolution is uniformly partitioned overlap-save (Stockham 1966; Gardner 1995): responses
    and pasts are cut into parts of one step, whose spectra are multiplied and added. A transform
    covers two steps, of which the second is valid; a raised-cosine cross-fade over that half is a
    cosine over the whole, which in the frequency domain only mixes neighbouring bins. So all
    sources of an environment share one inverse transform per channel.

    Parameters
    ----------
    num : environments E.
    channels : C.
    step : samples S that each ``push`` brings.
    window : samples W that are heard at a time, the newest last.
    length : samples L of the responses.

    Attributes
    ----------
    window : (E, C, W) float32, what was heard last; the next call overwrites it.
    sources : K, how many sources an environment has room for; ``reset`` makes room for more.
    past : L - 1 + W, how many samples of the past ``reset`` needs.
    """

    def __init__(self, num: int, channels: int, step: int, window: int, length: int):
        self.num, self.channels, self.step, self.length = num, channels, step, length
        self.past = length - 1 + window
        self.sources = 0
        self.window = np.zeros((num, channels, window), np.float32)
        self._parts = -(-length // step)
        bins = step + 1
        self._newest = np.zeros(num, np.int64)  # where in the rings of pasts
        self._pasts = np.zeros((num, 0, self._parts, bins), np.complex64)  # spectra of two blocks
        self._blocks = np.zeros((num, 0, step), np.float32)  # the latest
        self._idle = np.zeros((num, 0), np.int64)  # steps since a source last sounded
        self._responses = np.zeros((num, 0, channels, self._parts, bins), np.complex64)
        self.make_room(1)

    def reset(self, index: int, histories: Array, responses: Array) -> None:
        """Begin anew in one environment, as if it had heard the past through these responses.

        Parameters
        ----------
        index : which environment.
        histories : (k, L - 1 + W) float32, each source's last samples before now.
        responses : (k, C, L) float32; those of silent sources do not matter.
        """
        number = len(histories)
        _check("histories", histories, (number, self.past))
        _check("responses", responses, (number, self.channels, self.length))
        self.make_room(number)
        self._idle[index] = self._parts + 1
        self._blocks[index] = 0
        self._pasts[index] = 0
        self.window[index] = 0
        heard = np.flatnonzero(histories.any(axis=1))
        if len(heard) == 0:
            return
        histories, responses = histories[heard], responses[heard]
        size = next_fast_len(self.past, real=True)  # what wraps round is not kept
        through = rfft(histories, size)[:, None] * rfft(responses, size)
        self.window[index] = irfft(through.sum(axis=0), size)[:, self.length - 1 : self.past]
        blocks = self._latest_blocks(histories)
        ages = (self._newest[index] - np.arange(self._parts)) % self._parts
        frames = np.concatenate([blocks[:, :-1], blocks[:, 1:]], axis=-1)
        self._pasts[index, heard[:, None], ages] = rfft(frames)[:, ::-1]
        self._blocks[index, heard] = blocks[:, -1]
        silent = ~blocks[:, ::-1].any(axis=-1)
        self._idle[index, heard] = np.logical_and.accumulate(silent, axis=1).sum(axis=1)
        self._responses[index, heard] = self._spectra(responses)

    def audible(self, rows: NDArray[np.int64], dry: Array) -> NDArray[np.bool_]:
        """Return which sources (R, K) will be heard in the next step: they sound or did lately.

        Parameters
        ----------
        rows : (R,) environments.
        dry : (R, K, S) float32, what each of their sources emits during the step.
        """
        return dry.any(axis=2) | (self._idle[rows] < self._parts)

    def push(self, rows: NDArray[np.int64], dry: Array, responses: Array) -> Array:
        """Let some environments hear one step more and return the windows (E, C, W) of all.

        The returned array is the stream's own: the next call overwrites it.

        Parameters
        ----------
        rows : (R,) environments, ascending; for the others no time passes.
        dry : (R, K, S) float32, what each of their sources emits during the step.
        responses : (J, C, L) float32, those of the J sources that ``audible(rows, dry)`` names, row
            by row, at the end of the step.
        """
        _check("dry", dry, (len(rows), self.sources, self.step))
        sounding = dry.any(axis=2)
        audible = sounding | (self._idle[rows] < self._parts)
        _check("responses", responses, (int(audible.sum()), self.channels, self.length))
        ends = np.cumsum(audible.sum(axis=1))
        jobs = []
        for first in range(0, len(rows), _ENVIRONMENTS_PER_JOB):
            some = slice(first, first + _ENVIRONMENTS_PER_JOB)
            own = responses[ends[first - 1] if first else 0 : ends[some][-1]]
            jobs.append((rows[some], dry[some], audible[some], own))
        parallel.run(self._advance, jobs)
        self._idle[rows] = np.where(sounding, 0, self._idle[rows] + 1)
        return self.window

    def _advance(
        self, rows: NDArray[np.int64], dry: Array, audible: NDArray[np.bool_], responses: Array
    ) -> None:
        newest = self._newest[rows] = (self._newest[rows] + 1) % self._parts
        row, source = np.divmod(np.flatnonzero(audible), self.sources)
        frames = np.concatenate([self._blocks[rows[row], source], dry[row, source]], axis=-1)
        self._blocks[rows] = dry
        self._pasts[rows, :, newest] = 0
        self._pasts[rows[row], source, newest[row]] = interleaved.transform(frames)
        heard = np.empty((len(rows), self.channels, self.step + 1), np.complex64)
        _multiply_and_fade(
            self._pasts, self._newest, self._responses, self._idle <= self._parts,
            rows, rows[row], source, self._spectra(responses), heard,
        )  # fmt: skip
        block = interleaved.invert(heard.reshape(-1, self.step + 1), 2 * self.step)
        _slide(self.window, rows, block.reshape(*heard.shape[:2], -1), self.step)

    def _spectra(self, responses: Array) -> NDArray[np.complex64]:
        """Return the spectra (n, C, P, F) of the parts of responses (n, C, L)."""
        number, step = self._parts, self.step
        parts = np.zeros((*responses.shape[:2], number, 2 * step), np.float32)
        for k in range(number):
            part = responses[..., k * step : (k + 1) * step]
            parts[:, :, k, : part.shape[-1]] = part
        return rfft(parts)

    def _latest_blocks(self, histories: Array) -> Array:
        """Return the last steps (k, P + 1, S) of histories, as far back as responses reach."""
        size = (self._parts + 1) * self.step
        blocks = np.zeros((len(histories), size), np.float32)
        kept = min(size, self.past)
        blocks[:, size - kept :] = histories[:, self.past - kept :]
        return blocks.reshape(len(histories), -1, self.step)

    def make_room(self, sources: int) -> None:
        """Let every environment have at least this many sources; new ones are silent."""
        self.sources = max(sources, self.sources)
        self._blocks = _widened(self._blocks, self.sources)
        self._pasts = _widened(self._pasts, self.sources)
        self._responses = _widened(self._responses, self.sources)
        self._idle = _widened(self._idle, self.sources, self._parts + 1)


def _widened(array: NDArray, sources: int, fill: int = 0) -> NDArray:
    more = [(0, 0)] * array.ndim
    more[1] = (0, sources - array.shape[1])
    return np.pad(array, more, constant_values=fill) if more[1][1] else array


@fast_kernel
def _multiply_and_fade(pasts, newest, responses, goes_on, rows, row, source, current, heard):
    """Set heard (R, C, F) to the spectra of sound that fades from old responses to current ones.

    pasts (E, K, P, F) are rings of frames, the last at newest (E,); responses (E, K, C, P, F) are
    the old ones, which the current (n, C, P, F) replace; sound n belongs to environment row (n,),
    ascending, and its source (n,), and heard to the environments rows (R,). Where a source goes on
    (E, K) its response fades, otherwise it is the current one at once.

    With y0 and y1 the sounds through either response and N samples in a transform, the fade is
    (y0 + y1) / 2 + (y1 - y0) / 2 · cos(2π t / N).
    """
    channels, bins = heard.shape[1], heard.shape[2]
    parts = pasts.shape[2]
    old, new = np.empty((channels, bins), np.complex64), np.empty((channels, bins), np.complex64)
    n = 0
    for i in range(len(rows)):
        e = rows[i]
        old[:] = 0
        new[:] = 0
        while n < len(row) and row[n] == e:
            k = source[n]
            for c in range(channels):
                for p in range(parts):
                    x = pasts[e, k, (newest[e] - p) % parts]
                    h0, h1 = responses[e, k, c, p], current[n, c, p]
                    if not goes_on[e, k]:
                        h0[:] = h1
                    _accumulate(x, h0, h1, old[c], new[c])
            n += 1
        for c in range(channels):
            _fade(old[c], new[c], heard[i, c])


@fast_inner
def _accumulate(x, h0, h1, y0, y1):
    """Add x times h0 to y0 and x times h1 to y1, and set h0 to h1."""
    for f in range(len(x)):
        y0[f] += x[f] * h0[f]
        y1[f] += x[f] * h1[f]
        h0[f] = h1[f]


@fast_inner
def _fade(old, new, out):
    last = len(out) - 1
    half, quarter = np.float32(0.5), np.float32(0.25)
    for f in range(1, last):
        beside = (new[f - 1] - old[f - 1]) + (new[f + 1] - old[f + 1])
        out[f] = half * (old[f] + new[f]) + quarter * beside
    # beyond both ends lie the conjugates of the neighbours
    out[0] = half * (old[0] + new[0]) + half * (new[1] - old[1]).real
    out[last] = half * (old[last] + new[last]) + half * (new[last - 1] - old[last - 1]).real


@borrowing
def _slide(window, rows, block, step):
    """Move rows of window (E, C, W) on by a step: append the ends of block (R, C, 2 S) to them."""
    channels, length = window.shape[1:]
    kept = max(length - step, 0)
    for i in range(len(rows)):
        for c in range(channels):
            row, source = window[rows[i], c], block[i, c]
            for t in range(kept):
                row[t] = row[t + step]
            for t in range(kept, length):
                row[t] = source[t + 2 * step - length]


def _check(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} is needed")
