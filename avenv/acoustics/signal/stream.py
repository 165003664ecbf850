"""Sample-continuous convolution of many listeners' sound with responses that change every step."""

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.signal.transforms import (
    LANES,
    add_product,
    invert,
    is_silent,
    read_faded,
    roots_for,
    size_for,
    transform,
    write_signal,
)
from avenv.core import parallel
from avenv.core.kernels import borrowing, fast_inner, fast_kernel, inlined

_ENVIRONMENTS_PER_JOB = 4
_LARGEST = np.finfo(np.float32).max

Array = NDArray[np.float32]


class Stream:
    """The sound of E environments, step after step, without a seam.

    Each step convolves every source's own past with its current response, so that reverberation
    outlives the step in which it began, cross-fades from the previous response, and adds up the
    sources. A source that is silent, and whose tail is over, costs nothing and needs no response;
    when it begins again, it does so with the response that it is given then. A response is as long
    as its last sample that is not 0: what is beyond costs nothing either.

    The convolution is uniformly partitioned overlap-save (Stockham 1966; Gardner 1995): responses
    and pasts are cut into parts of one step, whose spectra are kept, multiplied and added. Two
    channels share a transform, one as its real, the other as its imaginary part; so do all sources
    of an environment, when they return from the frequency domain. The cross-fade is half a cosine
    over the step.

    Parameters
    ----------
    num : environments E.
    channels : C.
    step : samples S that each ``push`` brings.
    window : samples W that are heard at a time, the newest last.
    length : samples L of the responses.
    limit : full scale, at which what is heard is cut off.

    Attributes
    ----------
    window : (E, C, W) float32, what was heard last; the next call overwrites it.
    finite : (E,) bool, whether what was heard last was, before it was cut off.
    sources : K, how many sources an environment has room for; ``reset`` makes room for more.
    past : L - 1 + W, how many samples of the past ``reset`` needs.
    """

    def __init__(
        self,
        num: int,
        channels: int,
        step: int,
        window: int,
        length: int,
        limit: float = np.inf,
    ):
        self.num, self.channels, self.step, self.length = num, channels, step, length
        self.past = length - 1 + window
        self.sources = 0
        self.window = np.zeros((num, channels, window), np.float32)
        self.finite = np.ones(num, np.bool_)
        self._limit = np.float32(limit)
        self._parts, self._pairs = -(-length // step), -(-channels // 2)
        size = size_for(2 * step)
        self._roots = roots_for(size)
        self._rise = (0.5 - 0.5 * np.cos(np.pi * np.arange(step) / step)).astype(np.float32)
        row = size // LANES, 2, LANES
        self._newest = np.zeros(num, np.int64)  # where in the rings of pasts
        self._pasts = np.zeros((num, 0, self._parts, *row), np.float32)  # spectra of two blocks
        self._sounds = np.zeros((num, 0, self._parts), np.bool_)  # whether there is sound in them
        self._frames = np.zeros((num, 0, 2 * step), np.float32)  # the latest two blocks
        self._idle = np.zeros((num, 0), np.int64)  # steps since a source last sounded
        self._spectra = np.zeros((num, 0, self._parts, self._pairs, *row), np.float32)
        self._reach = np.zeros((num, 0), np.int64)  # parts of the response that are not silent
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
        self._frames[index] = 0
        self._sounds[index] = False
        size = size_for(self.past)  # what wraps round is not kept
        self.finite[index] = _hear_the_past(
            histories, responses, size // LANES, roots_for(size), self._limit, self.window[index]
        )
        blocks = self._latest_blocks(histories)
        silent = ~self._sounding(blocks)[:, ::-1]
        idle = np.logical_and.accumulate(silent, axis=1).sum(axis=1)
        self._idle[index, :number] = idle
        self._frames[index, :number] = blocks[:, -2:].reshape(number, 2 * self.step)
        _remember(
            blocks, responses, int(self._newest[index]), self._roots, self._pasts[index],
            self._sounds[index], self._spectra[index], self._reach[index],
        )  # fmt: skip

    def audible(self, rows: NDArray[np.int64], dry: Array) -> NDArray[np.bool_]:
        """Return which sources (R, K) will be heard in the next step: they sound or did lately.

        Parameters
        ----------
        rows : (R,) environments.
        dry : (R, K, S) float32, what each of their sources emits during the step.
        """
        return self._sounding(dry) | (self._idle[rows] < self._parts)

    def _sounding(self, dry: Array) -> NDArray[np.bool_]:
        sounding = np.empty(dry.shape[:2], np.bool_)
        _find_sounding(dry, sounding)
        return sounding

    def push(
        self,
        rows: NDArray[np.int64],
        dry: Array,
        responses: Array,
        renewed: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Let some environments hear one step more and return the windows (E, C, W) of all.

        The returned array is the stream's own: the next call overwrites it.

        Parameters
        ----------
        rows : (R,) environments, ascending; for the others no time passes.
        dry : (R, K, S) float32, what each of their sources emits during the step.
        responses : (J, C, L) float32, those of the J sources that are ``renewed``, row by row, at
            the end of the step.
        renewed : (R, K), which sources have another response than the one that they were last
            given; by default all that ``audible(rows, dry)`` names. The others keep it.
        """
        _check("dry", dry, (len(rows), self.sources, self.step))
        sounding = self._sounding(dry)
        if renewed is None:
            renewed = sounding | (self._idle[rows] < self._parts)
        _check("responses", responses, (int(renewed.sum()), self.channels, self.length))
        parallel.run(
            _advance,
            [
                (
                    begin, min(begin + _ENVIRONMENTS_PER_JOB, len(rows)), rows, dry, sounding,
                    renewed, responses, self._newest, self._pasts, self._sounds, self._frames,
                    self._idle, self._spectra, self._reach, self._roots, self._rise, self._limit,
                    self.window, self.finite,
                )
                for begin in range(0, len(rows), _ENVIRONMENTS_PER_JOB)
            ],
        )  # fmt: skip
        return self.window

    def _latest_blocks(self, histories: Array) -> Array:
        """Return the last steps (k, P + 1, S) of histories, as far back as responses reach."""
        size = (self._parts + 1) * self.step
        blocks = np.zeros((len(histories), size), np.float32)
        kept = min(size, self.past)
        blocks[:, size - kept :] = histories[:, self.past - kept :]
        return blocks.reshape(len(histories), self._parts + 1, self.step)

    def make_room(self, sources: int) -> None:
        """Let every environment have at least this many sources; new ones are silent."""
        self.sources = max(sources, self.sources)
        self._frames = _widened(self._frames, self.sources)
        self._pasts = _widened(self._pasts, self.sources)
        self._sounds = _widened(self._sounds, self.sources)
        self._spectra = _widened(self._spectra, self.sources)
        self._reach = _widened(self._reach, self.sources)
        self._idle = _widened(self._idle, self.sources, self._parts + 1)


def _widened(array: NDArray, sources: int, fill: int = 0) -> NDArray:
    more = [(0, 0)] * array.ndim
    more[1] = (0, sources - array.shape[1])
    return np.pad(array, more, constant_values=fill) if more[1][1] else array


@borrowing
def _find_sounding(dry, sounding):
    """Set sounding (R, K) to where a signal of dry (R, K, S) is not all zeros."""
    for i in range(dry.shape[0]):
        for k in range(dry.shape[1]):
            sounding[i, k] = not is_silent(dry[i, k])


@fast_kernel
def _advance(
    begin, end, rows, dry, sounding, renewed, responses, newest, pasts, sounds, frames, idle,
    spectra, reach, roots, rise, limit, window, finite,
):  # fmt: skip
    """Let the environments rows[begin:end] hear their sources' dry (R, K, S) sound.

    The responses are those of all sources that are renewed (R, K), row by row; all that is not of
    rows (R,) is the stream's own.
    """
    n = 0
    for i in range(begin):
        for k in range(dry.shape[1]):
            n += renewed[i, k]
    parts, pairs, size, step = pasts.shape[2], spectra.shape[3], pasts.shape[3], dry.shape[2]
    before = np.empty((pairs, size, 2, LANES), np.float32)
    after = np.empty((pairs, size, 2, LANES), np.float32)
    for i in range(begin, end):
        e, changes = rows[i], False
        slot = (newest[e] + 1) % parts
        newest[e] = slot
        before[:] = 0
        after[:] = 0
        for k in range(dry.shape[1]):
            sounds[e, k, slot] = sounding[i, k] or idle[e, k] == 0
            if sounds[e, k, slot]:
                frame = frames[e, k]
                for t in range(step):
                    frame[t], frame[step + t] = frame[step + t], dry[i, k, t]
                _transform_frame(frame, roots, pasts[e, k, slot])
            goes_on, old, new = idle[e, k] <= parts, reach[e, k], reach[e, k]
            if renewed[i, k]:
                new = _reach(responses[n], step)
            for p in range(max(old, new)):  # each part while it is at hand
                past = (slot - p) % parts
                if goes_on and p < old and sounds[e, k, past]:
                    _add_products(pasts[e, k, past], spectra[e, k, p], before)
                if renewed[i, k] and p < new:
                    _transform_part(responses[n], p, step, roots, spectra[e, k, p])
                if p < new and sounds[e, k, past]:
                    _add_products(pasts[e, k, past], spectra[e, k, p], after)
                    if not goes_on:  # it begins, with its own response at once
                        _add_products(pasts[e, k, past], spectra[e, k, p], before)
            if renewed[i, k]:
                reach[e, k], changes = new, True
                n += 1
            idle[e, k] = 0 if sounding[i, k] else idle[e, k] + 1
        finite[e] = True
        for pair in range(pairs):
            invert(before[pair], roots)
            if changes:
                invert(after[pair], roots)
            faded = after[pair] if changes else before[pair]
            for part in range(min(2, window.shape[1] - 2 * pair)):
                heard = window[e, 2 * pair + part]
                _slide(heard, step)
                new = heard[max(0, len(heard) - step) :]
                begin, late = 2 * step - len(new), rise[step - len(new) :]
                read_faded(before[pair], faded, part, begin, late, new)
                finite[e] &= _cut_off(new, limit)


@fast_kernel
def _hear_the_past(histories, responses, size, roots, limit, window):
    """Set window (C, W) to the end of what histories (k, N) are through responses (k, C, L).

    Says whether that is finite.
    """
    channels, finite = len(window), True
    past = np.empty((size, 2, LANES), np.float32)
    total = np.zeros(((channels + 1) // 2, size, 2, LANES), np.float32)
    spectra = np.empty_like(total)
    for k in range(len(histories)):
        if not is_silent(histories[k]):
            _transform_frame(histories[k], roots, past)
            _transform_part(responses[k], np.int64(0), responses.shape[2], roots, spectra)
            _add_products(past, spectra, total)
    begin, still = histories.shape[1] - window.shape[1], np.zeros(window.shape[1], np.float32)
    for pair in range(len(total)):
        invert(total[pair], roots)
        for part in range(min(2, channels - 2 * pair)):
            new = window[2 * pair + part]
            read_faded(total[pair], total[pair], part, begin, still, new)
            finite &= _cut_off(new, limit)
    return finite


@fast_kernel
def _remember(blocks, responses, newest, roots, pasts, sounds, spectra, reach):
    """Fill pasts and spectra of sources from their last blocks (k, P + 1, S) and responses."""
    parts, step = blocks.shape[1] - 1, blocks.shape[2]
    for k in range(len(blocks)):
        flat = blocks[k].ravel()
        heard = False
        for p in range(parts):
            frame, slot = flat[p * step : (p + 2) * step], (newest + 1 + p) % parts
            sounds[k, slot] = not is_silent(frame)
            if sounds[k, slot]:
                _transform_frame(frame, roots, pasts[k, slot])
                heard = True
        if heard:
            reach[k] = _reach(responses[k], step)
            for p in range(reach[k]):
                _transform_part(responses[k], p, step, roots, spectra[k, p])


@fast_inner
def _transform_frame(frame, roots, spectrum):
    """Set a spectrum to that of a real signal."""
    write_signal(frame, spectrum, 0)
    spectrum[:, 1] = 0
    transform(spectrum, roots)


@fast_inner
def _reach(response, step):
    """Return how many parts of a response (C, L) there are up to the last that is not silent."""
    parts = (response.shape[1] + step - 1) // step
    while parts > 0 and _is_silent(response, (parts - 1) * step, parts * step):
        parts -= 1
    return parts


@fast_inner
def _is_silent(response, begin, end):
    for channel in response:  # noqa: SIM110
        if not is_silent(channel[begin:end]):
            return False
    return True


@fast_inner
def _transform_part(response, p, step, roots, spectra):
    """Set spectra (pairs, ...) to those of part p of a response (C, L)."""
    begin, end = p * step, (p + 1) * step
    for pair in range(len(spectra)):
        spectrum = spectra[pair]
        write_signal(response[2 * pair, begin:end], spectrum, 0)
        if 2 * pair + 1 < len(response):
            write_signal(response[2 * pair + 1, begin:end], spectrum, 1)
        else:
            spectrum[:, 1] = 0
        transform(spectrum, roots)


@fast_inner
def _add_products(frame, spectra, total):
    """Add to total (pairs, ...) a frame times spectra (pairs, ...)."""
    for pair in range(len(total)):
        heard, spectrum = total[pair], spectra[pair]
        for row in range(len(heard)):
            add_product(heard, row, frame, row, spectrum, row)


@fast_inner
def _slide(heard, step):
    """Move a window (W,) on by a step; its end is to be written."""
    for start in range(0, len(heard) - step, step):
        source = heard[start + step : start + 2 * step]
        target = heard[start : start + len(source)]  # apart, so that LLVM may copy in registers
        for t in range(len(source)):
            target[t] = source[t]


@inlined
def _cut_off(signal, limit):
    """Cut a signal (n,) off at a limit; say whether it was finite."""
    finite = True
    for t in range(len(signal)):
        value = signal[t]
        finite &= abs(value) <= _LARGEST
        signal[t] = min(max(value, -limit), limit)
    return finite


def _check(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} is needed")
