"""One episode as plain data: where the body starts, what sounds where, and how hard it is."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Episode:
    """Everything that fixes an episode; two equal episodes look, sound and score the same.

    Attributes:
        scene: index into the environment's scenes.
        start: (x, y) of the body, world metres.
        heading: of the body, radians.
        source: (x, y, z) of the sound source, world metres.
        sound: index into the environment's sound set.
        offset: sample of the sound that is emitted at time 0.
        level: of the source, dB relative to the set's common loudness.
        geodesic_distance: from start to source, metres walked.
        oracle_actions: number of actions the oracle needs, its final stop included.
    """

    scene: int
    start: tuple[float, float]
    heading: float
    source: tuple[float, float, float]
    sound: int
    offset: int
    level: float
    geodesic_distance: float
    oracle_actions: int

    @property
    def seed(self) -> int:
        """64 bits for what else is random in the episode, as the noise of its cameras is."""
        data = json.dumps(self.to_dict(), sort_keys=True, default=lambda number: number.item())
        return int.from_bytes(hashlib.blake2b(data.encode(), digest_size=8).digest())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON and YAML want it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Episode":
        """Return the episode that ``to_dict`` described.

        Raises:
            ValueError: a field is missing or unknown.
        """
        expected = set(cls.__dataclass_fields__)
        if set(data) != expected:
            raise ValueError(
                f"episode fields are {sorted(data)}; exactly {sorted(expected)} are accepted"
            )
        return cls(**{**data, "start": tuple(data["start"]), "source": tuple(data["source"])})
