"""A reference model that reads no words: it hears the sound it is sent and sees the depth picture.

The classical follower (``DirectionFollower``) behind a chat interface, so that the whole way from
an environment to a score can be walked without a key. Servers remember nothing, and neither does
it: what it knows it packs into the note that it leaves for itself.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.simulation.body import Body
from avenv.simulation.settings import SensorSettings
from avenv.tasks.actions import MOTIONS, STOP, TURN_LEFT
from avenv.tasks.options import NavigationOptions
from avenv_agents.baselines import DirectionFollower
from avenv_agents.hearing import SILENCE
from avenv_agents.listeners import Mind
from avenv_agents.omni.media import depth_of, picture_of, sound_of

CERTAIN, EAGER = 0.85, 0.4
"""Probabilities of being there at which to stop, and at which to act."""

_HEAD = struct.Struct("<3d d B B I H H")
_STEP = 1 / 8
"""Of the log-likelihoods in a note; they are told down to 32 below the highest."""
_MOST = 2**20  # bytes of a note, unpacked


@dataclass
class Memory:
    """What the model knows.

    Attributes:
        mind: what the follower knows.
        heard: whether there was anything to hear yet.
        tried: how often it has acted where the sound must be.
        grey: (H, W) the last picture of depth.
    """

    mind: Mind
    heard: bool = False
    tried: int = 0
    grey: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0), np.uint8))

    def pack(self) -> str:
        """Return it as text."""
        walker, belief = self.mind.walker, self.mind.belief
        levels = np.clip(np.rint((belief.log.max() - belief.log) / _STEP), 0, 255).astype(np.uint8)
        head = _HEAD.pack(
            *walker.position, walker.heading, belief.level, walker.action, self.heard, self.tried,
            *self.grey.shape,
        )  # fmt: skip
        content = head + levels.tobytes() + np.packbits(walker.obstacles.cells).tobytes()
        return base64.b64encode(zlib.compress(content + self.grey.tobytes(), 9)).decode()

    def unpack(self, note: str) -> None:
        """Know what a note tells.

        Raises:
            ValueError: it is none.
        """
        walker, belief = self.mind.walker, self.mind.belief
        try:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(base64.b64decode(note, validate=True), _MOST)
            if not unpacker.eof:
                raise ValueError("it has no end")
            *pose, level, action, heard, self.tried, rows, columns = _HEAD.unpack_from(content)
            rest = np.frombuffer(content, np.uint8, offset=_HEAD.size)
            places, cells = belief.log.size, walker.obstacles.cells.size
            levels, bits, grey = np.split(rest, [places, places + -(-cells // 8)])
            belief.log = -_STEP * levels.reshape(belief.log.shape).astype(np.float64)
            belief.level = level
            unpacked = np.unpackbits(bits, count=cells).astype(bool)
            walker.obstacles.cells = unpacked.reshape(walker.obstacles.cells.shape)
            walker.position, walker.heading, walker.action = np.array(pose[:2]), pose[2], action
            self.heard, self.grey = bool(heard), grey.reshape(rows, columns)
            walker.depth = depth_of(self.grey)[..., 0]
        except (ValueError, binascii.Error, zlib.error, struct.error) as error:
            raise ValueError(f"the note is none of this model: {error}") from error


class Reference:
    """Decides by sound and depth alone.

    Where it is offered to ``wait``, it does until it hears something; where it is offered to
    ``interact``, it does in place of a stop.

    Args:
        hfov: degrees that the picture of depth is wide.
        step_time: seconds of an action, whose sound is heard at one pose.
    """

    def __init__(self, hfov: float = 90.0, step_time: float = 0.25):
        self._hfov, self._step_time = hfov, step_time

    def decide(
        self, names: Sequence[str], sound: bytes, picture: bytes, note: str = ""
    ) -> tuple[str, str]:
        """Return the name of an action and a new note.

        Args:
            names: of the actions there are.
            sound: a stereo file.
            picture: a PNG of depth.
            note: the last one; empty at the beginning.

        Raises:
            ValueError: the sound is not stereo, the picture not grey, or the note not its own.
        """
        audio, rate = sound_of(sound)
        grey = picture_of(picture)
        if audio.shape[0] != 2 or grey.ndim != 2:
            raise ValueError(
                f"sound has {audio.shape[0]} channels and the picture {grey.ndim} dimensions; "
                "accepted: stereo, and grey depth, as --view reference sends them"
            )
        acts = "interact" in names
        follower = self._follower(audio.shape[1], rate, grey.shape, acts)
        memory = Memory(follower.new_mind())
        if note:
            memory.unpack(note)
        walker = memory.mind.walker
        memory.heard |= bool(np.sqrt(np.mean(audio**2)) > SILENCE)
        memory.grey = grey
        if not memory.heard and "wait" in names:
            walker.action = STOP
            return "wait", memory.pack()
        action = follower.step(memory.mind, {"audio": audio, "depth": depth_of(grey)[..., 0]})
        if action == STOP and acts:
            # What it reaches for may be beside it: it turns between two tries.
            memory.tried += 1
            if memory.tried % 2 == 1:
                return "interact", memory.pack()
            action = walker.action = TURN_LEFT
        return names[action], memory.pack()

    def _follower(
        self, samples: int, rate: int, shape: tuple[int, ...], acts: bool
    ) -> DirectionFollower:
        settings = SensorSettings(
            ("audio", "depth"),
            image_size=(shape[1], shape[0]),
            hfov=self._hfov,
            sample_rate=rate,
            step_time=self._step_time,
            window=samples / rate,
        )
        # An act that reaches nothing costs a moment, a stop in the wrong place the episode.
        return DirectionFollower(_view(settings), EAGER if acts else CERTAIN)


def _view(settings: SensorSettings) -> AgentView:
    """Return what a follower must know of its environment, with the usual body and step."""
    senses, moves = spaces.Dict(), spaces.Discrete(len(MOTIONS))
    return AgentView(1, senses, moves, MOTIONS, settings, Body(), NavigationOptions())
