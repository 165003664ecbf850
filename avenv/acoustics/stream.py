"""Sample-continuous convolution of many listeners' sound with responses that change every step."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from avenv import parallel

_ENVIRONMENTS_PER_JOB = 4  # as many as one SIMD register of the FFT holds

Array = NDArray[np.float32]


class Stream:
    """The sound of E environments, step after step, without a seam.

    Each step convolves a source's own past with the current response, so that reverberation
    outlives the step in which it began, and cross-fades from the previous response. One stream
    carries one source per environment; the sounds of several sources add up.

    The convolution is uniformly partitioned overlap-save (Stockham 1966; Gardner 1995): response
    and past are cut into parts of one step, whose spectra are multiplied and added. A transform
    covers two steps, of which the second is valid; a raised-cosine cross-fade over that half is a
    cosine over the whole, which in the frequency domain only mixes neighbouring bins.

    Parameters
    ----------
    num : environments E.
    channels : C.
    step : samples S that each ``push`` brings.
    window : samples W that are heard at a time, the newest last.
    length : samples L of the responses.
    """

    def __init__(self, num: int, channels: int, step: int, window: int, length: int):
        self.num, self.channels = num, channels
        self.step, self.window_length, self.length = step, window, length
        parts, bins = -(-length // step), step + 1
        self._window = np.zeros((num, channels, window), np.float32)
        self._frames = np.zeros((num, 2 * step), np.float32)
        self._past = np.zeros((num, parts, bins), np.complex64)  # spectra of frames, a ring
        self._newest = 0  # row of _past
        self._parts = np.zeros((num, channels, parts, 2 * step), np.float32)
        self._previous = np.zeros((num, channels, parts, bins), np.complex64)
        self._current = np.zeros((num, channels, parts, bins), np.complex64)

    @property
    def window(self) -> Array:
        """The last W samples heard (E, C, W); the next call overwrites them."""
        return self._window

    def reset(self, index: int, history: Array, response: Array) -> None:
        """Begin anew in one environment, as if it had heard the past through one response.

        Parameters
        ----------
        index : which environment.
        history : (L - 1 + W,) float32, the source's last samples before now.
        response : (C, L) float32.
        """
        _check("history", history, (self.length - 1 + self.window_length,))
        _check("response", response, (self.channels, self.length))
        size = next_fast_len(len(history), real=True)  # what wraps round is not kept
        heard = irfft(rfft(history, size) * rfft(response, size), size)
        self._window[index] = heard[:, self.length - 1 : len(history)]
        parts, step = self._past.shape[1], self.step
        past = np.zeros((parts + 1) * step, np.float32)
        kept = min(len(past), len(history))
        past[len(past) - kept :] = history[len(history) - kept :]
        blocks = past.reshape(parts + 1, step)
        ages = (self._newest - np.arange(parts)) % parts
        self._past[index, ages] = rfft(np.hstack([blocks[:-1], blocks[1:]]))[::-1]
        self._frames[index, step:] = blocks[-1]
        self._current[index] = self._spectra(slice(index, index + 1), response[None])[0]

    def push(self, dry: Array, responses: Array) -> Array:
        """Hear one step more and return the last W samples (E, C, W).

        The returned array is the stream's own: the next call overwrites it.

        Parameters
        ----------
        dry : (E, S) float32, what each source emits during the step.
        responses : (E, C, L) float32, the responses at the end of the step.
        """
        _check("dry", dry, (self.num, self.step))
        _check("responses", responses, (self.num, self.channels, self.length))
        self._previous, self._current = self._current, self._previous
        self._newest = (self._newest + 1) % self._past.shape[1]
        starts = range(0, self.num, _ENVIRONMENTS_PER_JOB)
        jobs = [(dry, responses, slice(i, i + _ENVIRONMENTS_PER_JOB)) for i in starts]
        parallel.run(self._advance, jobs)
        return self._window

    def _advance(self, dry: Array, responses: Array, some: slice) -> None:
        frames = self._frames[some]
        frames[:, : self.step] = frames[:, self.step :]
        frames[:, self.step :] = dry[some]
        self._past[some, self._newest] = rfft(frames)
        self._current[some] = self._spectra(some, responses[some])
        heard = np.empty((len(frames), self.channels, self.step + 1), np.complex64)
        _multiply_and_fade(
            self._past[some], self._newest, self._previous[some], self._current[some], heard
        )
        _slide(self._window[some], irfft(heard, 2 * self.step), self.step)

    def _spectra(self, some: slice, responses: Array) -> NDArray[np.complex64]:
        """Return the spectra (n, C, K, S + 1) of the parts of responses (n, C, L)."""
        parts = self._parts[some]
        for k in range(parts.shape[2]):
            part = responses[..., k * self.step : (k + 1) * self.step]
            parts[:, :, k, : part.shape[-1]] = part
        return rfft(parts)


@njit(cache=True, nogil=True, fastmath=True)
def _multiply_and_fade(past, newest, previous, current, heard):
    """Set heard (n, C, F) to the spectra of sound that fades from one response to another.

    past (n, K, F) is a ring of frames; previous and current are (n, C, K, F). With y0 and y1 the
    sounds through either response and N samples in a transform, the fade is
    (y0 + y1) / 2 + (y1 - y0) / 2 · cos(2π t / N).
    """
    number, channels, bins = heard.shape
    parts = past.shape[1]
    old, new = np.empty(bins, np.complex64), np.empty(bins, np.complex64)
    for i in range(number):
        for c in range(channels):
            old[:] = 0
            new[:] = 0
            for k in range(parts):
                x = past[i, (newest - k) % parts]
                h0, h1 = previous[i, c, k], current[i, c, k]
                for f in range(bins):
                    old[f] += x[f] * h0[f]
                    new[f] += x[f] * h1[f]
            _fade(old, new, heard[i, c])


@njit(cache=True, nogil=True, fastmath=True)
def _fade(old, new, out):
    last = len(out) - 1
    half, quarter = np.float32(0.5), np.float32(0.25)
    for f in range(1, last):
        beside = (new[f - 1] - old[f - 1]) + (new[f + 1] - old[f + 1])
        out[f] = half * (old[f] + new[f]) + quarter * beside
    # beyond both ends lie the conjugates of the neighbours
    out[0] = half * (old[0] + new[0]) + half * (new[1] - old[1]).real
    out[last] = half * (old[last] + new[last]) + half * (new[last - 1] - old[last - 1]).real


@njit(cache=True, nogil=True)
def _slide(window, block, step):
    """Move window (n, C, W) on by a step and append the last samples of block (n, C, 2 S)."""
    number, channels, length = window.shape
    kept = max(length - step, 0)
    for i in range(number):
        for c in range(channels):
            row, source = window[i, c], block[i, c]
            for t in range(kept):
                row[t] = row[t + step]
            for t in range(kept, length):
                row[t] = source[t + 2 * step - length]


def _check(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} is needed")
