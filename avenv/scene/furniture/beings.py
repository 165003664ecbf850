"""People, animals and robots, as they stand and as they walk."""

import math
from collections.abc import Callable

import numpy as np

from avenv.scene.primitives import (
    Mesh,
    Parts,
    ball,
    box,
    cylinder,
    fitted,
    lathe,
    loft,
    move,
    prism,
    tube,
    turn,
)

STRIDES = ("left", "right")
"""Shapes of what walks, by the leg (or foreleg) that is ahead."""

_WAIST, _SHOULDER = 0.90, 1.40  # m, of somebody 1.7 m tall
_SWING = 0.42  # radians that a leg swings ahead and behind
_TORSO = (  # height, half the depth and half the width
    (0.86, 0.09, 0.14), (0.95, 0.115, 0.165), (1.08, 0.105, 0.15), (1.25, 0.125, 0.18),
    (1.38, 0.115, 0.19), (1.45, 0.075, 0.13), (1.48, 0.05, 0.06),
)  # fmt: skip


def person(x: float, y: float, z: float) -> Parts:
    """Make a person who stands, arms hanging."""
    return fitted(_person(0.0), x, y, z)


def dog(x: float, y: float, z: float) -> Parts:
    """Make a standing dog that looks ahead."""
    return fitted(_dog(0.0), x, y, z)


def cat(x: float, y: float, z: float) -> Parts:
    """Make a sitting cat that looks ahead."""
    coat = [
        ball((-0.04, 0, 0.11), (0.12, 0.09, 0.11), 12, 6),
        tube([(-0.03, 0, 0.1), (0.03, 0, 0.2), (0.05, 0, 0.27)], (0.085, 0.07, 0.045), 10),
        ball((0.07, 0, 0.31), (0.06, 0.058, 0.052), 12, 6),
        tube([(-0.14, 0.02, 0.04), (-0.16, 0.1, 0.025), (-0.06, 0.15, 0.022), (0.04, 0.13, 0.02)],
             (0.024, 0.022, 0.02, 0.01)),
    ]  # fmt: skip
    for w in (-0.04, 0.04):
        coat.append(tube([(0.05, w, 0.18), (0.07, w, 0.02)], (0.03, 0.022)))
        coat.append(ball((0.085, w, 0.018), (0.035, 0.024, 0.018), 8, 4))
        coat.append(lathe([(0.022, 0.345), (0.0, 0.395)], 4, (0.06, 0.85 * w)))
    dark = [ball((0.122, w, 0.32), 0.009, 6, 4) for w in (-0.022, 0.022)]
    dark.append(ball((0.13, 0, 0.3), 0.007, 6, 4))
    return fitted({"coat": coat, "dark": dark}, x, y, z)


def robot_vacuum(x: float, y: float, z: float) -> Parts:
    """Make a flat round robot: a bumper in front, a turret that looks round on top."""
    case = lathe([(0.155, 0.01), (0.166, 0.018), (0.166, 0.064), (0.156, 0.075)], 28)
    arc = [math.radians(a) for a in range(-75, 76, 15)]
    outline = [(0.17 * math.cos(a), 0.17 * math.sin(a)) for a in arc]
    outline += [(0.15 * math.cos(a), 0.15 * math.sin(a)) for a in arc[::-1]]
    dark = [
        prism(outline, (0.02, 0.055)),
        cylinder((-0.04, 0), 0.048, (0.07, 0.09), 16),
        *(box((-0.03, 0.03), (w - 0.008, w + 0.008), (0, 0.03)) for w in (-0.11, 0.11)),
        box((0.09, 0.11), (-0.01, 0.01), (0, 0.02)),
    ]
    button = cylinder((0.08, 0), 0.016, (0.07, 0.079))
    return fitted({"case": [case], "dark": dark, "button": [button]}, x, y, z)


def _person(swing: float) -> Parts:
    """Make a person of 1.7 m whose left leg swings ahead by so many radians, the right one back."""
    trousers = [ball((0, 0, 0.93), (0.112, 0.162, 0.12), 12, 4)]
    shirt = [loft([_ellipse(*level) for level in _TORSO])]
    skin = [
        tube([(0, 0, 1.43), (0.012, 0, 1.56)], 0.052, 8),
        ball((0.02, 0, 1.605), (0.092, 0.076, 0.112), 12, 6),
        ball((0.108, 0, 1.59), (0.02, 0.013, 0.024), 6, 3),
    ]
    shoes: list[Mesh] = []
    for side, angle in ((1, swing), (-1, -swing)):
        hip = np.array([0.0, 0.088 * side, _WAIST])
        bend = 0.1 + 0.8 * max(-angle, 0.0) if swing else 0.0  # the one behind has left the floor
        knee = hip + 0.42 * _down(angle)
        ankle = knee + 0.42 * _down(angle - bend)
        trousers.append(
            tube([hip.tolist(), knee.tolist(), ankle.tolist()], (0.088, 0.062, 0.05), 8)
        )
        shoe = ball((0.055, 0, -0.02), (0.13, 0.047, 0.04), 8, 5)
        shoes.append(turn(shoe, bend - angle, axis=1) + ankle)
        shoulder = np.array([0.0, 0.2 * side, _SHOULDER])
        aside = np.array([0.0, 0.14 * side, 0.0])
        elbow = shoulder + 0.29 * (_down(-0.8 * angle) + aside)
        wrist = elbow + 0.25 * (_down(-0.8 * angle + 0.2) + 0.3 * aside)
        shirt += [
            ball(shoulder.tolist(), (0.062, 0.055, 0.062), 8, 5),
            tube([shoulder.tolist(), elbow.tolist(), wrist.tolist()], (0.055, 0.046, 0.036), 8),
        ]
        hand = wrist + 0.06 * _down(-0.8 * angle + 0.25)
        skin.append(ball(hand.tolist(), (0.04, 0.024, 0.075), 8, 4))
    hair = [
        ball((-0.012, 0, 1.636), (0.094, 0.084, 0.1), 12, 6),
        *(ball((0.1, w, 1.618), (0.012, 0.012, 0.009), 5, 3) for w in (-0.032, 0.032)),
    ]
    return {"skin": skin, "hair": hair, "shirt": shirt, "trousers": trousers, "shoes": shoes}


def _dog(swing: float) -> Parts:
    """Make a dog whose left foreleg and right hind leg are so many metres ahead."""
    coat = [
        ball((-0.02, 0, 0.34), (0.26, 0.11, 0.12), 12, 8),
        ball((0.17, 0, 0.37), (0.12, 0.115, 0.135), 12, 6),
        tube([(0.2, 0, 0.4), (0.31, 0, 0.53)], (0.08, 0.06), 8),
        ball((0.34, 0, 0.56), (0.09, 0.075, 0.075), 12, 6),
        ball((0.43, 0, 0.53), (0.07, 0.04, 0.038), 8, 6),
        tube([(-0.25, 0, 0.4), (-0.36, 0, 0.5), (-0.4, 0, 0.6)], (0.028, 0.022, 0.01)),
    ]
    for a in (-0.2, 0.17):
        for w in (-0.065, 0.065):
            ahead = swing if (a > 0) == (w > 0) else -swing
            foot = a + ahead
            coat.append(
                tube([(a, w, 0.33), (a - 0.02 + ahead / 2, w, 0.15), (foot, w, 0.0)],
                     (0.055, 0.03, 0.028))
            )  # fmt: skip
            coat.append(ball((foot + 0.02, w, 0.022), (0.045, 0.032, 0.022), 8, 4))
    dark = [ball((0.31, w, 0.58), (0.035, 0.022, 0.065), 8, 4) for w in (-0.08, 0.08)]
    dark += [ball((0.41, w, 0.585), 0.012, 6, 4) for w in (-0.035, 0.035)]
    dark.append(ball((0.495, 0, 0.545), 0.018, 8, 4))
    return {"coat": coat, "dark": dark}


def _walking_cat(swing: float) -> Parts:
    """Make a cat on its legs, its tail up; the swing is that of a dog."""
    coat = [
        ball((-0.03, 0, 0.2), (0.17, 0.068, 0.072), 12, 6),
        ball((0.09, 0, 0.205), (0.085, 0.065, 0.075), 12, 6),
        tube([(0.11, 0, 0.22), (0.19, 0, 0.285)], (0.055, 0.042), 8),
        ball((0.205, 0, 0.3), (0.06, 0.058, 0.052), 12, 6),
        tube([(-0.17, 0, 0.22), (-0.25, 0, 0.27), (-0.28, 0, 0.36), (-0.26, 0, 0.44)],
             (0.02, 0.019, 0.017, 0.009)),
    ]  # fmt: skip
    for a in (-0.13, 0.1):
        for w in (-0.042, 0.042):
            foot = a + (swing if (a > 0) == (w > 0) else -swing)
            coat.append(tube([(a, w, 0.19), ((a + foot) / 2 - 0.01, w, 0.09), (foot, w, 0.01)],
                             (0.036, 0.02, 0.018)))  # fmt: skip
            coat.append(ball((foot + 0.012, w, 0.015), (0.03, 0.021, 0.015), 8, 4))
    coat += [lathe([(0.022, 0.335), (0.0, 0.385)], 4, (0.195, w)) for w in (-0.034, 0.034)]
    dark = [ball((0.257, w, 0.31), 0.009, 6, 4) for w in (-0.022, 0.022)]
    dark.append(ball((0.264, 0, 0.29), 0.007, 6, 4))
    return {"coat": coat, "dark": dark}


def _down(angle: float) -> np.ndarray:
    """Return the unit vector (3,) that hangs down, swung ahead by an angle."""
    return np.array([math.sin(angle), 0.0, -math.cos(angle)])


def _ellipse(height: float, depth: float, width: float) -> np.ndarray:
    angle = 2 * np.pi * np.arange(12) / 12
    return np.stack([depth * np.cos(angle), width * np.sin(angle), np.full(12, height)], axis=1)


def _walking(
    make: Callable[[float], Parts], swing: float, still: Parts
) -> Callable[[float, float, float], Parts]:
    """Return the builder of what walks, as large as ``still``, which stands, in its size."""
    corners = np.concatenate([m.reshape(-1, 3) for meshes in still.values() for m in meshes])
    extents = corners.max(axis=0) - corners.min(axis=0)

    def build(x: float, y: float, z: float) -> Parts:
        parts, scale = make(swing), np.array([x, y, z]) / extents
        lowest = min(float(m[..., 2].min()) for meshes in parts.values() for m in meshes)
        return {name: [move(m, z=-lowest) * scale for m in meshes]
                for name, meshes in parts.items()}  # fmt: skip

    return build


BUILDERS = (person, dog, cat, robot_vacuum)

SHAPES = {
    (kind, stride): _walking(make, sign * swing, still)
    for kind, make, swing, still in (
        ("person", _person, _SWING, _person(0.0)),
        ("dog", _dog, 0.08, _dog(0.0)),
        ("cat", _walking_cat, 0.05, cat(0.28, 0.22, 0.4)),
    )
    for stride, sign in zip(STRIDES, (1, -1), strict=True)
}
