"""Where a sound comes from, heard with two ears and remembered while walking."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SPEED_OF_SOUND = 343.0
HEAD_RADIUS = 0.08
"""Of the sphere whose time differences fit, metres; a head's own 0.0875 fits only sources at the
height of the ears."""
BAND = (150.0, 2000.0)
"""Hz; above, the wave is shorter than the head and many delays fit it equally well."""
SHADOW = (700.0, 6000.0)
"""Hz between which a head shades its far ear, and ordinary sounds have energy."""
FRAME = 512
SILENCE = 10 ** (-70 / 20)
"""Root-mean-square pressure below which there is nothing to hear."""


def interaural_correlation(
    audio: NDArray[np.float32], sample_rate: int, delays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how well the right ear hears what the left heard some delays before.

    The generalised cross-correlation weighted by the coherence of the ears ("SCOT" in Knapp and
    Carter 1976, "The Generalized Correlation Method for Estimation of Time Delay"): every
    frequency counts as much as the two ears agree on it throughout the sound, so that the direct
    sound outweighs the reverberation, which changes from frame to frame.

    Args:
        audio: (2, N) at least 512 samples, left first.
        sample_rate: Hz.
        delays: (D,) seconds by which the right ear lags.

    Returns:
        (D,) from -1 to 1; 1 where one ear's sound is the other's, delayed.
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=1)[:, :: FRAME // 2]
    frequency = np.fft.rfftfreq(FRAME, 1 / sample_rate)
    heard = (frequency >= BAND[0]) & (frequency <= BAND[1])
    left, right = np.fft.rfft(frames * np.hanning(FRAME))[..., heard]
    power = np.sum(np.abs(left) ** 2, axis=0) * np.sum(np.abs(right) ** 2, axis=0)
    coherence = np.sum(right * left.conj(), axis=0) / np.sqrt(power + 1e-30)
    phases = np.exp(2j * np.pi * frequency[heard] * delays[:, None])
    return (phases @ coherence).real / heard.sum()


def level_difference(audio: NDArray[np.float32], sample_rate: int) -> float:
    """Return by how many decibels the left ear of audio (2, N) hears the band of the head's shadow.

    Positive where it is the louder one, 0 where neither hears anything.
    """
    frequency = np.fft.rfftfreq(audio.shape[1], 1 / sample_rate)
    shadow = (frequency >= SHADOW[0]) & (frequency <= SHADOW[1])
    left, right = np.sum(np.abs(np.fft.rfft(audio)[:, shadow]) ** 2, axis=1)
    return float(10 * np.log10((left + 1e-12) / (right + 1e-12)))


class SourceBelief:
    """Probability of each place on a map to be where the sound comes from.

    Every observation adds its log-likelihood; what was heard long ago fades, because round corners
    it told of a doorway rather than of the source. Front and back, which two ears cannot tell
    apart, part as soon as the body turns, and the distance shows as it walks past.

    Args:
        reach: metres from the origin to the edges of the map.
        level_error: decibels by which a level errs as a sign of distance; ``inf``: it is none, as
            of sounds that swell or fade.

    Attributes:
        log: (N, N) log-likelihood of each place so far.
        level: dB re full scale, the loudest heard lately.
        probability: (N, N) of each place.
    """

    CELL = 0.3
    WEIGHT = 2.0
    """Log-likelihood of a perfect interaural correlation."""
    MEMORY = 0.98
    """Share of the log-likelihood that is left after a step."""
    SHADE = 6.0
    """Decibels between the ears of a sound from the side, in the reverberation of a home."""
    SHADE_ERROR = 6.0
    """Decibels by which the difference errs: rooms and the body's turns change it."""
    LEVEL_AT_1M = -21.5
    LEVEL_DROP = 13.0
    """Decibels re full scale of a sound 1 m away, and its loss per tenfold distance in a home."""
    LEVEL_DECAY = 0.25
    """Decibels per step by which the loudest level fades, so that rests count for nothing."""

    def __init__(self, reach: float, level_error: float = 4.0):
        self._level_error = level_error
        centres = np.arange(-reach + self.CELL / 2, reach, self.CELL)
        self._x, self._y = centres, centres[:, None]
        self.log = np.zeros((len(centres), len(centres)))
        self.level = -np.inf
        self._sides = np.linspace(-1, 1, 41)
        # Woodworth 1938: the way round a sphere to the far ear.
        self._delays = HEAD_RADIUS / SPEED_OF_SOUND * (np.arcsin(self._sides) + self._sides)
        self.probability = np.full(self.log.shape, 1 / self.log.size)

    def update(
        self, window: NDArray[np.float32], recent: NDArray[np.float32], sample_rate: int,
        position: NDArray[np.float64], heading: float,
    ) -> None:  # fmt: skip
        """Take in what is heard at a pose.

        Args:
            window: (2, N) sound whose level tells the distance.
            recent: (2, M) its end, heard at this pose, which tells the direction.
            sample_rate: Hz.
            position: (2,) metres.
            heading: radians.
        """
        dx, dy = self._x - position[0], self._y - position[1]
        distance = np.hypot(dx, dy) + 1e-9
        self.log *= self.MEMORY
        if np.sqrt(np.mean(recent**2)) > SILENCE:
            side = (dy * np.cos(heading) - dx * np.sin(heading)) / distance
            match = interaural_correlation(recent, sample_rate, self._delays)
            self.log += self.WEIGHT * np.interp(side, self._sides, match)
            shade = np.clip(level_difference(recent, sample_rate), -self.SHADE, self.SHADE)
            self.log -= ((shade - self.SHADE * side) / self.SHADE_ERROR) ** 2 / 2
        level = 10 * np.log10(np.mean(window**2) + 1e-12)
        self.level = max(level, self.level - self.LEVEL_DECAY)
        expected = self.LEVEL_AT_1M - self.LEVEL_DROP * np.log10(np.maximum(distance, 0.5))
        error = np.clip((self.level - expected) / self._level_error, -3, 3)
        # Levels of successive windows err alike, so that only the last one counts.
        log = self.log - error**2 / 2
        likelihood = np.exp(log - log.max())
        self.probability = likelihood / likelihood.sum()

    def within(self, position: NDArray[np.float64], radius: float) -> float:
        """Return the probability that the source lies within some metres of a position (2,)."""
        near = np.hypot(self._x - position[0], self._y - position[1]) < radius
        return float(self.probability[near].sum())

    def best(self, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return the place (2,) whose neighbourhood is most probable, of all or of some (N, N)."""
        likely = ndimage.uniform_filter(self.probability, 3)
        if allowed is not None and allowed.any():
            likely = np.where(allowed, likely, -1.0)
        row, column = np.divmod(likely.argmax(), len(self._x))
        return np.array([self._x[column], self._x[row]])

    def log_at(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how likely places (K, 2) are, by the logarithm, relative to the likeliest."""
        log = np.log(self.probability + 1e-12)
        cells = np.floor((places - self._x[0]) / self.CELL + 0.5).astype(np.int64)
        column, row = np.clip(cells, 0, len(self._x) - 1).T
        return log[row, column] - log.max()

    def places(self) -> NDArray[np.float64]:
        """Return the places (N, N, 2) that are believed in."""
        return np.stack(np.meshgrid(self._x, self._x), axis=-1)
