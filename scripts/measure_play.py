"""Measure `avenv play` in a headless Chromium, as its user meets it.

    python scripts/measure_play.py               # latency, pictures, CPU time, edits
    python scripts/measure_play.py --install     # and from `pip install` to hearing a home

The machine should be idle: what is said of the page is by the clock. The first line of each part
names its command; all figures are printed.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from avenv import load_scene
from avenv.play.pictures import Pictures
from avenv.play.session import STEP, Session

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser import browser

ROOT = Path(__file__).parents[1]
SIZE = (480, 360)
SHOWN = """(async () => {{
  let shown = 0;
  const view = document.getElementById("view");
  const count = new MutationObserver((changes) => (shown += changes.length));
  count.observe(view, {{attributeFilter: ["data-number"]}});
  const begun = performance.now();
  await new Promise((done) => setTimeout(done, {milliseconds}));
  count.disconnect();
  const value = (name) => document.getElementById(name).value;
  return {{
    rate: 1000 * shown / (performance.now() - begun), size: `${{view.width}} x ${{view.height}}`,
    latency: value("latency"), gaps: value("gaps"), late: value("late"),
  }};
}})()"""
PAINTED = "document.getElementById('view').dataset.number > 0"
NAME = "document.getElementById('name').textContent"
WRONG = "!document.getElementById('problems').hidden"
HEARD = "document.getElementById('latency').value !== '–'"


def of_steps(scene: str, count: int) -> None:
    """Print the CPU time of a step of sound and of a picture, while the body walks in a circle."""
    session = Session(load_scene(scene))
    session.pictures = Pictures(budget=1e9, size=SIZE)  # its size stays
    session.walk = (0.3, 1.0)
    sound, picture = [], []
    for _ in range(count):
        begun = time.process_time()
        session.step()
        between = time.process_time()
        session.picture()
        sound.append(between - begun)
        picture.append(time.process_time() - between)
    step, drawn = (1000 * float(np.mean(times[5:])) for times in (sound, picture))
    click.echo(f"in {scene}, CPU time: {step:.1f} ms for each {1000 * STEP:.0f} ms of sound, "
               f"{drawn:.1f} ms for each picture of {SIZE[0]} x {SIZE[1]}")  # fmt: skip
    for rate in (20, 25):
        share = step / (1000 * STEP) + drawn * rate / 1000
        click.echo(f"  {rate} pictures a second with sound take {share:.2f} cores")


async def of_page(seconds: float, url: str, begun: float) -> None:
    """Open a page, listen, turn round for a while, and print what it shows of itself."""
    async with browser() as chromium:
        tab = await chromium.open(url)
        await tab.until(PAINTED)
        seen = time.perf_counter()
        await tab.evaluate("document.getElementById('listen').click()")
        await tab.until(HEARD)
        click.echo(f"  {seen - begun:.1f} s until it is seen, "
                   f"{time.perf_counter() - begun:.1f} s until it is heard")  # fmt: skip
        await tab.call("Input.dispatchKeyEvent", type="keyDown", code="ArrowLeft", key="ArrowLeft")
        await asyncio.sleep(3)
        found = await tab.evaluate(SHOWN.format(milliseconds=1000 * seconds))
    click.echo(f"  turning for {seconds:g} s: {found['rate']:.1f} pictures a second of "
               f"{found['size']}, latency {found['latency']} ms, {found['gaps']} samples lost, "
               f"late {found['late']} times")  # fmt: skip


def run(
    command: list[str], visit: Callable[[str, float], Coroutine], folder: str | None = None
) -> None:
    """Run `avenv play` as its user does, and visit its address, given when the command began."""
    begun = time.perf_counter()
    click.echo(" ".join(["avenv", *command[command.index("play") :]]))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().rpartition(" ")[2].strip()
            if not url.startswith("http"):
                raise click.ClickException(f"avenv play said {url!r}")
            asyncio.run(visit(url, begun))
        finally:
            process.terminate()


async def of_edits(url: str, file: Path, edits: dict[str, str]) -> None:
    """Open a page and print how long it takes to show what is saved in its scene's file."""
    async with browser() as chromium:
        tab = await chromium.open(url)
        await tab.until(PAINTED)
        for what, text in edits.items():
            before = await tab.evaluate(NAME)
            begun = time.perf_counter()
            file.write_text(text)
            await tab.until(f"{NAME} !== {before!r} || {WRONG}")
            click.echo(f"  {what}: {time.perf_counter() - begun:.1f} s until it shows")


def edited(scene: str) -> None:
    """Print how long after it is saved a scene's file shows."""
    with tempfile.TemporaryDirectory(prefix="avenv-edits-") as folder:
        file = Path(folder) / "scene.yaml"
        spec = load_scene(scene).spec
        if spec is None:
            raise click.ClickException(f"{scene} is a mesh; accepted: scenes that are described")
        spec.save(file)
        walls = [spec.rooms[0].model_copy(update={"walls": "brick"}), *spec.rooms[1:]]
        variants = {
            "another name": spec.model_copy(update={"name": "another"}),
            "a wall of brick": spec.model_copy(update={"name": "brick", "rooms": tuple(walls)}),
        }
        edits = {}
        for what, one in variants.items():
            one.save(Path(folder) / "edit.yaml")
            edits[what] = (Path(folder) / "edit.yaml").read_text()
        edits["nonsense"] = "rooms: 3"
        command = [sys.executable, "-m", "avenv", "play", str(file), "--watch", "--no-open"]
        run(command, lambda url, _: of_edits(url, file, edits))


def install(scene: str, seconds: float) -> None:
    """Print how long a newcomer waits, from `pip install` in an empty environment on."""
    with tempfile.TemporaryDirectory(prefix="avenv-newcomer-") as folder:
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
        click.echo("pip install avenv[play]")
        begun = time.perf_counter()
        subprocess.run([*pip, f"{ROOT}[play]"], check=True)
        click.echo(f"  {time.perf_counter() - begun:.1f} s")
        play = [f"{folder}/bin/avenv", "play", scene, "--no-open"]
        run(play, partial(of_page, seconds), folder)
        click.echo(f"  {time.perf_counter() - begun - seconds - 3:.1f} s in all")


@click.command(help=__doc__)
@click.option("--scene", default="apartment", show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="For which the page is watched.")
@click.option("--steps", default=100, show_default=True, help="Of which CPU time is the mean.")
@click.option("--install", "installs", is_flag=True, help="In an environment of its own.")
def main(scene: str, seconds: float, steps: int, installs: bool) -> None:
    of_steps(scene, steps)
    command: list[Any] = [sys.executable, "-m", "avenv", "play", scene, "--no-open"]
    run(command, partial(of_page, seconds))
    edited(scene)
    if installs:
        install(scene, seconds)


if __name__ == "__main__":
    main()
