"""What a body has seen, heard and done in one episode, and the question that is made of it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv_agents.omni import media
from avenv_agents.omni.bearings import bearings_of
from avenv_agents.omni.question import Part, Picture, Sound, Text
from avenv_agents.omni.view import View


@dataclass(frozen=True)
class Charter:
    """What holds throughout an episode, told as the system's message.

    Attributes:
        view: what the model is shown.
        names: of the actions.
        step: metres of a step ahead; turn: degrees; step_time: seconds of an action.
        radius: metres within which a stop counts, where there is one.
    """

    view: View
    names: Sequence[str]
    step: float
    turn: float
    step_time: float
    radius: float | None

    def text(self) -> str:
        """Return it in words."""
        view, told = self.view, []
        if view.frames:
            told.append(
                f"{view.frames} picture(s) of a camera {view.hfov:g}° wide, the latest last"
            )
        if view.depth:
            told.append(
                f"a grey picture of depth: white is {media.DEPTH_RANGE:g} m away or more, the "
                "darker the nearer, black is nothing measured"
            )
        if view.sound != "none":
            told.append(
                f"the last {view.seconds:g} s of what your two ears hear, left channel first"
            )
        if view.spectrogram:
            told.append("a spectrogram of it, left ear above, time to the right, low pitches below")
        if view.bearings:
            told.append("what microphones at your ears measure; they cannot tell front from back")
        if view.odometry:
            told.append("odometry from where you began")
        success = f" A stop counts within {self.radius:g} m of the goal." if self.radius else ""
        many = f"up to {view.plan} actions" if view.plan > 1 else "one action"
        how = (
            "Call the tool with them."
            if view.reply == "tools"
            else 'Write one JSON object and nothing behind it: {"actions": ["forward"], '
            '"note": "..."}.'
        )
        return (
            "You steer a robot in a home that you do not know. Each time you are shown "
            f"{'; '.join(told) or 'what you have done'}. An action takes {self.step_time:g} s: "
            f"forward is {self.step:g} m, a turn {self.turn:g}°, and stop ends the episode for "
            f"good.{success} The actions are: {', '.join(self.names)}. Choose {many}. {how} You "
            "remember nothing but what you are told and your note."
        )


class Diary:
    """One episode, as far as the body has sensed it."""

    def __init__(self, charter: Charter):
        self._charter, self._view = charter, charter.view
        view = self._view
        span = max(view.frames - 1, 0) * view.frame_every + 1
        self._frames: deque[NDArray[np.uint8]] = deque(maxlen=span)
        self._now: Mapping[str, NDArray] = {}
        self._lines: deque[str] = deque(maxlen=max(view.history, 1))
        self._done = ""
        self._steps = 0
        self._answer = ""
        self.instruction, self.note = "", ""

    def see(self, observation: Mapping[str, NDArray], instruction: str, answer: str = "") -> bool:
        """Take note of what is sensed now, and return whether the last action met something."""
        self._now, self.instruction = observation, instruction
        if self._view.frames:
            self._frames.append(observation["rgb"])
        bumped = bool(observation["contact"][0] > 0)
        self._answer = answer or self._answer
        if self._done:
            line = f"{self._steps}. {self._done}"
            line += ", bumped" if bumped else ""
            line += f"; heard {self._heard()}" if self._view.bearings else ""
            line += f"; you were told: {answer}" if answer else ""
            self._lines.append(line)
            self._done = ""
        return bumped

    def do(self, action: str) -> None:
        """Take note of what is done next."""
        self._steps += 1
        self._done = action

    def parts(self, flaws: Sequence[str] = ()) -> tuple[Part, ...]:
        """Return what is shown and told now.

        Args:
            flaws: what was wrong with the latest answers.
        """
        view, now, parts = self._view, self._now, list[Part]()
        words = [f"Your task: {self.instruction}"]
        if view.history and self._lines:
            words.append(f"What you did:\n{self._history()}")
        if view.odometry:
            words.append(f"Odometry: {odometry_of(now['pose'])}.")
        if view.bearings:
            words.append(f"Microphones: {self._heard()}.")
        if self._answer:
            words.append(f"You asked, and were told: {self._answer}")
        if self.note:
            words.append(f"Your note: {self.note}")
        words += [f"Your last answer was of no use: {flaw}." for flaw in flaws]
        parts.append(Text("\n".join(words)))
        shown = list(self._frames)[:: -view.frame_every][::-1]
        parts += [Picture(media.png_of(frame)) for frame in shown]
        if view.depth:
            parts.append(Picture(media.png_of(media.grey_of(now["depth"]))))
        if view.sound != "none":
            content = media.sound_file(now["audio"], view.sample_rate, view.sound)
            parts.append(Sound(content, view.sound))
        if view.spectrogram:
            drawn = media.spectrogram_picture(now["audio"])
            parts.append(Picture(media.png_of(drawn)))
        return tuple(parts)

    def _heard(self) -> str:
        samples = round(self._charter.step_time * self._view.sample_rate)
        return bearings_of(self._now["audio"][:, -max(samples, 512) :], self._view.sample_rate)

    def _history(self) -> str:
        """Return the latest lines that fit."""
        left, kept = self._view.history_letters, list[str]()
        for line in reversed(self._lines):
            left -= len(line) + 1
            if left < 0:
                break
            kept.append(line)
        return "\n".join(reversed(kept))


def odometry_of(pose: Any) -> str:
    """Return in words a pose (4,): metres ahead and left of the start, radians, seconds."""
    ahead, left, heading, seconds = (float(value) for value in pose)
    turned = round(np.rad2deg(heading))
    hand = "left" if turned > 0 else "right"
    return (
        f"{abs(ahead):.2f} m {'ahead of' if ahead >= 0 else 'behind'} the start, "
        f"{abs(left):.2f} m to its {'left' if left >= 0 else 'right'}, turned {abs(turned)}° to "
        f"the {hand}, after {seconds:.1f} s"
    )
