"""Make many homes and check what is promised of them: `python scripts/validate_homes.py`.

Prints a table. `--pin` writes down the content hashes of the fixed lists, once their making is
meant to have changed.
"""

import json
import time
from collections import Counter, defaultdict
from pathlib import Path

import click
import numpy as np
from shapely import Polygon, contains_xy
from tqdm import tqdm

import avenv
from avenv.acoustics import AcousticSettings, measures
from avenv.scene.catalogue import categories, kind
from avenv.scene.homes import (
    SIZES,
    generate_home,
    lacks,
    make_home,
    objects_in_doorways,
    pin_of,
    pins,
    reverberation_times,
    sets,
)
from avenv.scene.placed import lay_out
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import survey
from avenv.simulation.world import World

PINS = Path(sets.__file__).with_name("pins.json")
T30 = (0.2, 1.2)  # s, of 500 Hz and 1 kHz, in every room
WALKABLE = 0.6
SETTINGS = AcousticSettings(max_time=1.5)
GOALS = 21  # categories of SoundSpaces' audio-goal tasks, the first of the catalogue's


class Findings:
    """What was measured of the homes so far."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.walkable: list[float] = []
        self.rooms: list[int] = []
        self.problems: list[str] = []
        self.estimated: dict[str, list[float]] = defaultdict(list)
        self.measured: dict[str, list[float]] = defaultdict(list)
        self.kinds: Counter[str] = Counter()

    def look_at(self, seed: int, measure: bool) -> None:
        """Make the home of a seed and check it."""
        start = time.process_time()
        home = generate_home(seed)
        self.seconds.append(time.process_time() - start)
        world, layout = load_scene(home), lay_out(home)
        self.problems += [f"{seed}: {line}" for line in survey(world).warnings]
        self.problems += [
            f"{seed}: {a!r} in the way of {b!r}" for a, b in objects_in_doorways(layout)
        ]
        self.problems += [f"{seed}: has not {what}" for what in lacks(home)]
        self.rooms.append(len(home.rooms))
        self.walkable.append(
            world.walkable.swept_area() / sum(room.shape.area for room in layout.rooms)
        )
        self.kinds.update({thing.kind for thing in home.objects})
        times = reverberation_times(layout)
        for room, seconds in zip(home.rooms, times, strict=True):
            self.estimated[room.type].append(seconds)
        if measure:
            for room, seconds in zip(home.rooms, measured_times(world), strict=True):
                self.measured[room.type].append(seconds)

    def print(self) -> None:
        """Print the table."""
        seconds, walkable = np.array(self.seconds), np.array(self.walkable)
        sizes = ", ".join(f"{n}: {self.rooms.count(n)}" for n in sorted(set(self.rooms)))
        shown = {kind(name).category for name in self.kinds}
        goals = set(categories()[:GOALS])
        rows = [
            ("homes", f"{len(seconds)} (rooms {sizes})"),
            ("made in, CPU", f"median {np.median(seconds):.2f} s, most {seconds.max():.2f} s"),
            ("problems", str(len(self.problems))),
            (f"walkable share (>= {WALKABLE:g})",
             f"least {walkable.min():.3f}, median {np.median(walkable):.3f}"),
            ("kinds of objects", str(len(self.kinds))),
            ("goal categories", f"{len(goals & shown)} of {len(goals)}"),
        ]  # fmt: skip
        for title, times in (("estimated", self.estimated), ("measured", self.measured)):
            for type_, values in sorted(times.items()):
                low, middle, high = np.nanquantile(values, (0, 0.5, 1))
                span = f"{low:.2f} to {high:.2f} s, median {middle:.2f} s ({len(values)})"
                rows.append((f"T30 {title}, {type_.replace('_', ' ')}", span))
        for name, value in rows:
            click.echo(f"{name:<34}{value}")
        for problem in self.problems:
            click.echo(problem)

    def failures(self) -> list[str]:
        """Return what does not hold that should."""
        failed = list(self.problems)
        if min(self.walkable) < WALKABLE:
            failed.append(f"a home is walkable to {min(self.walkable):.3f} only")
        for times in (self.estimated, self.measured):
            for type_, values in times.items():
                bad = [v for v in values if not T30[0] <= v <= T30[1]]
                failed += [f"T30 of a {type_} is {v:.2f} s" for v in bad]
        return failed


def measured_times(world: World) -> list[float]:
    """Return the T30 (s) in each room, mean of 500 Hz and 1 kHz, from one end to the other."""
    times = []
    for room in world.compiled.rooms:
        near = world.places[contains_xy(Polygon(room.polygon), world.places)]
        if len(near) == 0:
            times.append(np.nan)
            continue
        source = near[0]
        listener = near[np.argmax(np.hypot(*(near - source).T))]
        if len(near) == 1:  # a small room: half a metre to its middle
            middle = np.mean(room.polygon, axis=0)
            listener = source + 0.5 * (middle - source) / max(np.hypot(*(middle - source)), 0.5)
        response = avenv.impulse_response(
            world, (*source, 1.2), (*listener, 1.5), layout="mono", settings=SETTINGS
        )
        times.append(float(measures(response, 16000, per_band=True)["t30"][0, 2:4].mean()))
    return times


def check_pins() -> list[str]:
    """Return which homes of the fixed lists are not as pinned, or lack what homes should have."""
    changed = []
    for split in pins():
        for number in tqdm(range(SIZES[split]), desc=split):
            try:
                home = make_home(split, number)
                changed += [f"{home.name}: has not {what}" for what in lacks(home)]
            except avenv.SceneError as error:
                changed.append(str(error))
    return changed


def write_pins() -> None:
    """Write down the content hashes of the fixed lists."""
    PINS.write_text("{}")
    pins.cache_clear()
    found = {
        split: [pin_of(make_home(split, n)) for n in tqdm(range(SIZES[split]), desc=split)]
        for split in ("val", "test")
    }
    PINS.write_text(json.dumps(found, indent=0) + "\n")


@click.command()
@click.option("--homes", default=300, show_default=True, help="How many to make.")
@click.option("--measured", default=12, show_default=True, help="In how many to measure T30.")
@click.option("--pin", is_flag=True, help="Write the hashes of the fixed lists, and stop.")
def main(homes: int, measured: int, pin: bool) -> None:
    """Make homes and print what holds of them; the exit status is 1 if something does not."""
    if pin:
        write_pins()
        return
    findings = Findings()
    for seed in tqdm(range(homes), desc="homes"):
        findings.look_at(seed, measure=seed < measured)
    findings.print()
    failed = findings.failures() + check_pins()
    for line in failed:
        click.echo(f"failed: {line}")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
