"""Script an office with 20 telephones, and a task of one's own: answer the one that rings.

Run ``python scenes/office.py [office.yaml]``. It checks where the ringing is heard from, and
answers three calls.
"""

import sys

import numpy as np
from numpy.typing import NDArray

import avenv
from avenv import SceneBuilder, SceneSpec
from avenv.envs.env import Env
from avenv.tasks import TASKS, AudioGoal

ROWS, DESKS = 4, 5
AISLE = 2.6  # metres from row to row


class AnswerThePhone(AudioGoal):
    """Walk to the telephone that rings and stop there, turned towards it."""

    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether each body is at the telephone and has it before its eyes."""
        return super().succeeded() & (np.abs(self.truth()["source_azimuth"]) < np.deg2rad(45))


def build_office() -> SceneSpec:
    """Describe the office: rows of desks, each with a chair and a telephone of its own tone."""
    b = SceneBuilder("office")
    office = b.room(
        "office", size=(12, ROWS * AISLE + 0.6), height=2.8, type="study", floor="carpet_blue",
        ceiling="acoustic_tile",
    )  # fmt: skip
    for k in range(3):
        office.window("south wall", along=2.2 + 3.7 * k, width=2.4)
    office.place("plant", against="west wall", along="north")
    office.place("coat_rack", against="east wall", along="north")
    for row in range(ROWS):
        for desk in range(DESKS):
            number = DESKS * row + desk
            spot = (2.0 + 2.0 * desk, 1.2 + AISLE * row)
            name = office.place("desk", name=f"desk {number}", at=spot, facing="north")
            office.place("office_chair", in_front_of=name, gap=-0.1)
            phone = office.place("phone", name=f"phone {number}", on=name, offset=(0, 0.4))
            b.source(on=phone, sound=f"phone/{number}")
    return b.build()


def check_hearing(world: avenv.World) -> None:
    """Assert that a phone on the left is louder in the left ear, and nearer ones are louder."""
    ring = world.compiled.sources[7].position
    east_of_it, far_off = (ring[0] + 1.2, ring[1] + 0.7, 1.5), (1.0, 9.5, 1.5)

    def decibels(listener: tuple[float, ...], heading: float) -> NDArray[np.float64]:
        response = avenv.impulse_response(world, ring, listener, np.deg2rad(heading))
        return 10 * np.log10(np.sum(response.astype(float) ** 2, axis=1))

    left, right = decibels(east_of_it, 90)  # looking north, the phone in the west
    assert left > right + 3
    left_turned, right_turned = decibels(east_of_it, -90)
    assert right_turned > left_turned + 3
    assert left > decibels(far_off, 90).max() + 6
    print(f"at 1.2 m: {left:.1f} dB left, {right:.1f} dB right")


def answer(env: Env, seed: int) -> float:
    """Walk to the phone that rings, turn to it and stop; return whether that was a success."""
    _, info = env.reset(seed=seed)
    over = False
    while not over:
        action, turn = env.oracle_action(), info["truth"]["source_azimuth"]
        if action == 0 and abs(turn) > np.deg2rad(15):
            action = 2 if turn > 0 else 3
        _, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return info["metrics"]["success"]


def main(path: str = "office.yaml") -> None:
    """Build the office, check it, answer three calls and save it."""
    TASKS["AnswerThePhone"] = AnswerThePhone
    spec = build_office()
    world = avenv.load_scene(spec)
    check_hearing(world)
    env = Env("AnswerThePhone", scenes=world, goals="sources", sounds="scene", sensors=("audio",))
    assert [answer(env, seed) for seed in range(3)] == [1, 1, 1]
    spec.save(path)
    print(f"answered three calls; wrote {path}: {len(spec.sources)} telephones")


if __name__ == "__main__":
    main(*sys.argv[1:])
