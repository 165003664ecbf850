"""Other renderers on the scene, the poses and the machine that avenv was measured on.

Each draws the GLB that avenv exports, without display: Embree casts one ray per pixel for depth,
MuJoCo and habitat-sim draw RGB and depth by OpenGL (``MUJOCO_GL=egl`` or ``osmesa``). None of them
is a dependency; one that is not installed is skipped.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import trimesh
from numpy.typing import NDArray

from avenv import export_glb, load_scene, vision
from avenv.core import frames
from avenv.habitat.vision import HabitatVision

FAR = 10.0  # metres: depths beyond are not compared


class Poses(NamedTuple):
    """N cameras (N, 3) with columns forward, left, up (N, 3, 3), of side x side pixels, 90°."""

    positions: NDArray[np.float64]
    rotations: NDArray[np.float64]
    side: int


Draw = Callable[[], NDArray[np.float64]]
"""Draws all poses once and returns depth (N, side, side) along the optical axis, metres."""


def avenv_draw(scene: str, poses: Poses) -> Draw:
    raster, count = load_scene(scene).raster, len(poses.positions)
    optics, scene_of = vision.Optics((poses.side, poses.side)), np.zeros(count, np.int64)
    renderer = vision.make_renderer(count, optics, ("rgb", "depth"))

    def draw() -> NDArray[np.float64]:
        renderer.draw([raster], scene_of, poses.positions, poses.rotations)
        return renderer.pictures["depth"][..., 0]

    return draw


def embree_draw(path: Path, poses: Poses) -> Draw:
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    mesh = trimesh.load_scene(path).to_mesh()
    scene = EmbreeScene()
    TriangleMesh(scene, frames.from_y_up(mesh.triangles).astype(np.float32))
    half = (np.arange(poses.side) + 0.5) / poses.side * 2 - 1
    left, up = np.meshgrid(-half, -half)
    pixels = np.stack([np.ones_like(left), left, up], axis=-1).reshape(-1, 3)
    rays = [np.ascontiguousarray(pixels @ r.T, np.float32) for r in poses.rotations]
    starts = [np.tile(p.astype(np.float32), (len(pixels), 1)) for p in poses.positions]

    def draw() -> NDArray[np.float64]:
        depth = [scene.run(o, d, query="DISTANCE") for o, d in zip(starts, rays, strict=True)]
        return np.reshape(depth, (-1, poses.side, poses.side))  # rays are 1 m long in depth

    return draw


def mujoco_draw(path: Path, poses: Poses) -> Draw:
    import mujoco

    assets, meshes, shapes = {}, [], []
    for k, mesh in enumerate(trimesh.load_scene(path).dump()):
        assets[f"{k}.stl"] = mesh.export(file_type="stl")
        color = " ".join(f"{c:.3f}" for c in _mean_color(mesh.visual.material))
        meshes.append(f'<mesh name="m{k}" file="{k}.stl" inertia="shell"/>')
        shapes.append(f'<geom type="mesh" mesh="m{k}" rgba="{color} 1" contype="0" '
                      f'conaffinity="0"/>')  # fmt: skip
    model = mujoco.MjModel.from_xml_string(
        f"<mujoco><asset>{''.join(meshes)}</asset><visual><map znear='0.0005' zfar='3'/>"
        "<quality offsamples='0' shadowsize='0'/></visual>"
        "<worldbody><light pos='0 3 0' castshadow='false'/><camera name='eye' fovy='90'/>"
        f"{''.join(shapes)}</worldbody></mujoco>", assets,
    )  # fmt: skip
    data = mujoco.MjData(model)
    color, depth = (mujoco.Renderer(model, poses.side, poses.side) for _ in range(2))
    depth.enable_depth_rendering()
    positions = frames.to_y_up(poses.positions)
    axes = np.stack([-poses.rotations[..., 1], poses.rotations[..., 2], -poses.rotations[..., 0]],
                    axis=-1)  # fmt: skip
    axes = np.swapaxes(frames.to_y_up(np.swapaxes(axes, 1, 2)), 1, 2)  # right, up, backwards

    def draw() -> NDArray[np.float64]:
        out = []
        for position, matrix in zip(positions, axes, strict=True):
            model.cam_pos[0] = position
            mujoco.mju_mat2Quat(model.cam_quat[0], matrix.ravel())
            mujoco.mj_kinematics(model, data)
            mujoco.mj_camlight(model, data)
            for renderer in (color, depth):
                renderer.update_scene(data, camera=0)
            color.render()
            out.append(depth.render())
        return np.array(out)

    return draw


def _mean_color(material: trimesh.visual.material.PBRMaterial) -> NDArray[np.float64]:
    if material.baseColorTexture is not None:
        return np.asarray(material.baseColorTexture.convert("RGB")).mean(axis=(0, 1)) / 255
    return np.asarray(material.baseColorFactor[:3]) / 255


def habitat_draw(path: Path, poses: Poses) -> Draw:
    backend, count = HabitatVision(), len(poses.positions)
    prepared, scene_of = backend.prepare(load_scene(path).compiled), np.zeros(count, np.int64)
    optics = vision.Optics((poses.side, poses.side))
    renderer = backend.make_renderer(count, optics, ("rgb", "depth"))

    def draw() -> NDArray[np.float64]:
        renderer.draw([prepared], scene_of, poses.positions, poses.rotations)
        return renderer.pictures["depth"][..., 0]

    return draw


PEERS = {
    "Embree, depth only": embree_draw,
    "MuJoCo": mujoco_draw,
    "habitat-sim": habitat_draw,
}


def measure_peers(scene: str, side: int, repeats: int, count: int = 32) -> None:
    """Print frames per second of avenv and of each peer that is installed, and their ratios."""
    world, rng = load_scene(scene), np.random.default_rng(0)
    places = np.column_stack([world.walkable.sample(rng, count), np.full(count, 1.25)])
    poses = Poses(places, frames.body_rotation(rng.uniform(-np.pi, np.pi, count)), side)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.glb"
        export_glb(world, path)
        draw = avenv_draw(scene, poses)
        depth = draw()
        ours = _seconds(draw, repeats)
        click.echo(f"{'avenv, RGB-D':<24}{count / ours:10,.0f} frames/s")
        for name, make in PEERS.items():
            try:
                peer = make(path, poses)
            except ImportError:
                click.echo(f"{name:<24}  not installed")
                continue
            apart = np.abs(peer() - depth)[(depth > 0) & (depth < FAR)]
            theirs = _seconds(peer, max(1, repeats // 5))
            click.echo(f"{name:<24}{count / theirs:10,.0f} frames/s   avenv is {theirs / ours:.1f} "
                       f"x as fast; depths differ by {1e3 * np.median(apart):.1f} mm, and by less "
                       f"than 1 cm at {100 * (apart < 0.01).mean():.2f} %")  # fmt: skip


def _seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


@click.command(help=__doc__)
@click.option("--scene", default="apartment", show_default=True)
@click.option("--side", default=128, show_default=True, help="Pixels.")
@click.option("--repeats", default=10, show_default=True)
def main(scene: str, side: int, repeats: int) -> None:
    measure_peers(scene, side, repeats)


if __name__ == "__main__":
    main()
