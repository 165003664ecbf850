"""Script a concert room and study its reverberation against what textbooks say.

Run ``python scenes/concert_room.py [room.yaml]``. It prints the reverberation time in each octave
beside Eyring's formula, and the clarity at growing distance from the platform.
"""

import sys

import numpy as np

import avenv
from avenv import SceneBuilder, SceneSpec
from avenv.acoustics import measures
from avenv.acoustics.air import air_absorption
from avenv.acoustics.theory import eyring_time
from avenv.core.bands import OCTAVE_CENTRES

LENGTH, WIDTH, HEIGHT = 16.0, 10.0, 6.0
PLATFORM = (1.8, 4.2, 1.5)  # where the musician sits, off the middle, as nobody sits exactly there
EAR = 1.2
SEATS = (2, 4, 6, 8, 11, 13)  # metres from the musician


def build_room(ceiling: str = "wood_panel") -> SceneSpec:
    """Describe the room: a wooden shoebox with rows of benches and a piano."""
    b = SceneBuilder("concert room")
    room = b.room(
        "hall", size=(LENGTH, WIDTH), height=HEIGHT, type="hall", floor="oak_parquet",
        walls="wood_panel", ceiling=ceiling,
    )  # fmt: skip
    for row in range(4):
        for aisle in (-1.6, 1.6):
            room.place("bench", at=(6 + 1.5 * row, WIDTH / 2 + aisle), facing="west",
                       size=(0.4, 2.2, 0.45))  # fmt: skip
    piano = room.place("piano", against="west wall", along=2.5)
    room.place("stool", in_front_of=piano, gap=0.1)
    b.source("violin", at=PLATFORM, sound="music_box")
    return b.build()


def responses(world: avenv.World) -> list[np.ndarray]:
    """Return the mono response at each seat."""
    x, y, _ = PLATFORM
    return [
        avenv.impulse_response(world, PLATFORM, (x + d, y + 0.3, EAR), layout="mono")[0]
        for d in SEATS
    ]


def predicted(world: avenv.World) -> np.ndarray:
    """Return Eyring's reverberation time in each octave, from every surface in the room."""
    scene = world.compiled
    a, b, c = (scene.triangles[:, k].astype(float) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    mean = area @ scene.surfaces.absorption[scene.surface] / area.sum()
    volume = (LENGTH - 0.12) * (WIDTH - 0.12) * HEIGHT
    air = air_absorption(OCTAVE_CENTRES) * np.log(10) / 10  # dB per metre, as energy
    return eyring_time(volume, area.sum(), mean, air)


def main(path: str = "concert_room.yaml") -> None:
    """Build the room, measure it, check it against theory and save it."""
    spec = build_room()
    world = avenv.load_scene(spec)
    heard = responses(world)
    t30 = np.mean([measures(rir, 16000, per_band=True)["t30"] for rir in heard], axis=0)
    eyring = predicted(world)[: len(t30)]
    print("octave  T30, s  Eyring, s")
    for frequency, time, theory in zip(OCTAVE_CENTRES, t30, eyring, strict=False):
        print(f"{frequency:6.0f}  {time:6.2f}  {theory:9.2f}")
    print("seat, m  C80, dB  direct to reverberant, dB")
    found = [measures(rir, 16000) for rir in heard]
    for metres, at_seat in zip(SEATS, found, strict=True):
        print(f"{metres:7d}  {at_seat['c80']:7.1f}  {at_seat['drr']:25.1f}")
    assert np.allclose(t30, eyring, rtol=0.25), "a room without absorbent corners is diffuse"
    drop = found[0]["drr"] - found[SEATS.index(8)]["drr"]
    assert abs(drop - 12) < 3, "direct sound falls by 6 dB a doubling, the field stays"
    assert found[0]["c80"] == max(at_seat["c80"] for at_seat in found), "clear near the platform"
    spec.save(path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
