"""The sound of a live simulator as it goes on, without a seam from step to step.

    stream = avenv.habitat.AudioStream(sensor, step_time=0.25)
    stream.play("phone")
    while True:
        sim.step(action)
        heard = stream.step()      # (channels, samples) of the step that has passed

SoundSpaces convolves one second anew at every step; here what was emitted before rings on through
the responses of its time, and a response fades into the next over a step.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics import Stream
from avenv.habitat.sensor import AudioSensor
from avenv.sounds.sets import load_sounds


class AudioStream:
    """What a sensor hears while its sources play and everything may move.

    Args:
        sensor: with its sources; those that are added later are heard from then on.
        step_time: seconds between two calls of ``step``.
        window: seconds of the latest sound that ``window`` has.

    Raises:
        ValueError: the times are out of range.
    """

    def __init__(self, sensor: AudioSensor, step_time: float = 0.25, window: float = 1.0):
        if not 0 < step_time <= window <= 60:
            raise ValueError(
                f"step_time is {step_time!r} and window {window!r}; accepted: 0 < step_time <= "
                "window <= 60 seconds"
            )
        self._sensor = sensor
        self._rate = sensor.sample_rate
        self._step, self._samples = round(step_time * self._rate), round(window * self._rate)
        self._sounds: dict[int, tuple[NDArray[np.float32], bool, int]] = {}
        self._numbers: list[int] = []  # of the sources, in the order of the stream's rows
        self._stream: Stream | None = None
        self._clock = 0

    def play(self, sound: Any, source: int = 0, loop: bool = True) -> None:
        """Let a source play from the next step on.

        Args:
            sound: samples (N,) at the sensor's rate, or what ``avenv.sounds.load_sounds`` takes.
            source: its number.
            loop: again and again, or once.

        Raises:
            ValueError: the samples are none.
            SoundError: there is no such sound.
        """
        if not isinstance(sound, np.ndarray):
            sound = load_sounds(sound, self._rate)[0].signal
        samples = np.asarray(sound, np.float32)
        if samples.ndim != 1 or len(samples) == 0 or not np.isfinite(samples).all():
            raise ValueError(f"sound has the shape {samples.shape}; accepted: finite samples (N,)")
        self._sounds[int(source)] = samples, loop, self._clock
        if source not in self._numbers:
            self._numbers.append(int(source))

    def silence(self, source: int = 0) -> None:
        """Let a source fall silent; it rings out."""
        self._sounds.pop(int(source), None)

    def step(self) -> NDArray[np.float32]:
        """Let a step of time pass, and return what was heard in it (channels, samples).

        Raises:
            ValueError: nothing plays yet, or a source or the listener has no place.
            SceneError: one of them is inside a solid or outside the scene.
        """
        if not self._numbers:
            raise ValueError("nothing plays; call play() first")
        self._sensor.runSimulation()
        responses = np.stack([self._sensor.getIR(number) for number in self._numbers])
        if self._stream is None:
            _, channels, length = responses.shape
            self._stream = Stream(1, channels, self._step, self._samples, length)
        stream, rows = self._stream, np.zeros(1, np.int64)
        stream.make_room(len(self._numbers))
        dry = np.zeros((1, stream.sources, self._step), np.float32)
        for k, number in enumerate(self._numbers):
            dry[0, k] = self._emitted(number)
        renewed = stream.audible(rows, dry)
        stream.push(rows, dry, responses[renewed[0, : len(responses)]], renewed)
        self._clock += self._step
        return stream.window[0, :, -self._step :].copy()

    @property
    def window(self) -> NDArray[np.float32]:
        """What was heard last (channels, samples), the newest at the end; silence before it began.

        Raises:
            ValueError: no step has passed.
        """
        if self._stream is None:
            raise ValueError("no step has passed; call step() first")
        return self._stream.window[0].copy()

    def _emitted(self, source: int) -> NDArray[np.float32]:
        """Return what a source emits in the step that now passes (S,)."""
        if source not in self._sounds:
            return np.zeros(self._step, np.float32)
        samples, loop, began = self._sounds[source]
        at = np.arange(self._clock - began, self._clock - began + self._step)
        if loop:
            return samples[at % len(samples)]
        return np.where(at < len(samples), samples[np.minimum(at, len(samples) - 1)], 0)
