"""Hold the sound against theory: `python scripts/validate_acoustics.py`.

Runs the gates of ``tests/test_gates.py``, prints what each measured, and writes that table and the
pictures into ``docs/acoustics.md`` and ``docs/images``.
"""

import re
import sys
from pathlib import Path

import click
import matplotlib
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # what is measured, and where, is written down there once

from support import shoebox  # noqa: E402
from test_gates import (  # noqa: E402
    AIR,
    BANDS,
    DRY_AIR,
    RATE,
    STROLLS,
    coupled_rooms,
    decibels,
    hear,
    octave_energy,
    step_levels,
    stroll,
)

from avenv import load_scene  # noqa: E402
from avenv.acoustics import (  # noqa: E402
    AcousticSettings,
    Engine,
    ResponseBatch,
    make_layout,
    theory,
)
from avenv.acoustics.field import source_field  # noqa: E402
from avenv.acoustics.paths.search import (  # noqa: E402
    DIFFRACTED,
    DIRECT,
    REFLECTED,
    TRANSMITTED,
    allocate_paths,
    find_paths,
)
from avenv.acoustics.signal.filters import octave_weights  # noqa: E402
from avenv.acoustics.tables import is_inside_solid  # noqa: E402

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

PAGE, IMAGES = ROOT / "docs" / "acoustics.md", ROOT / "docs" / "images"
BEGIN, END = "<!-- gates: scripts/validate_acoustics.py writes this table -->", "<!-- end -->"
KINDS = {DIRECT: "direct", TRANSMITTED: "through walls", REFLECTED: "mirrored",
         DIFFRACTED: "round edges"}  # fmt: skip
COLOURS = dict(zip(KINDS, ("#000000", "#999999", "#0072b2", "#d55e00"), strict=True))
BAND_COLOURS = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(BANDS)))
SOURCE = np.array([3.2, 2.0, 1.5])  # in the apartment's living room
HALL_DOORS = {"the doorway": (4.1, 5.3), "the kitchen's": (5.95, 6.85)}  # x from, x to, at y = 4.2


class Records:
    """Collects what the gates measured, as a plugin of pytest."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float, float, str]] = []
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the properties of a test that has run."""
        if report.when == "call":
            name = report.nodeid.rpartition("::")[2]
            number = re.match(r"test_gate_(\d+)", name)[1]
            self.rows += [(number, what, *found) for what, found in report.user_properties]
            if not report.user_properties:
                text = name.removeprefix(f"test_gate_{number}_").replace("_", " ")
                self.rows.append((number, text, 0.0, 0.0, "yes" if report.passed else "no"))
            if not report.passed:
                self.failed.append(name)


def gate_table() -> tuple[str, list[str]]:
    """Run the gates; return a table in Markdown and the names of those that failed."""
    records = Records()
    pytest.main([str(ROOT / "tests" / "test_gates.py"), "-q", "-p", "no:cacheprovider"], [records])
    lines = ["| gate | what | measured | accepted |", "|---|---|---|---|"]
    for number, what, error, limit, unit in records.rows:
        found = (f"{error:.2g} {unit}", f"{limit:g} {unit}") if limit else (unit, "yes")
        lines.append(f"| {number} | {what} | {found[0].strip()} | {found[1].strip()} |")
    return "\n".join(lines), records.failed


def early_paths(field, listener):
    """Return the early paths to a listener, each column cut to their number."""
    paths = allocate_paths(field.tree, len(BANDS))
    count = find_paths(field.tables, field.tree, AIR / 2, np.asarray(listener, float), paths)
    return type(paths)(*(column[:count] for column in paths))


def draw_response(world, path):
    """Draw a response in the apartment: its first part with the paths it is made of, and all."""
    engine = Engine(RATE, "mono", settings=AcousticSettings(max_time=0.8))
    listener = np.array([7.8, 4.9, 1.5])
    field = engine.source_field(world.acoustics_for(), SOURCE, listener[2])
    response = engine.responses(ResponseBatch.of_source(field, listener))[0, 0]
    paths = early_paths(field, listener)
    milliseconds = 1e3 * np.arange(len(response)) / RATE
    figure, (near, far) = plt.subplots(1, 2, figsize=(10, 3.2), width_ratios=(3, 2))
    near.plot(milliseconds, response, color="#555555", lw=0.7)
    for kind, name in KINDS.items():
        mine = paths.kind == kind
        if mine.any():
            near.plot(paths.length[mine] / 0.343, paths.gain[mine, 3], "o", ms=4,
                      color=COLOURS[kind], label=name)  # fmt: skip
    near.set(xlim=(0, 60), xlabel="ms", ylabel="pressure, 1 at 1 m",
             title="from the living room to the hall: early paths at 1 kHz")  # fmt: skip
    near.legend(frameon=False)
    far.plot(milliseconds, 20 * np.log10(np.abs(response) + 1e-9), color="#0072b2", lw=0.4)
    far.set(ylim=(-110, 0), xlim=(0, 800), xlabel="ms", ylabel="dB", title="the whole response")
    save(figure, path)


def draw_decays(path):
    """Draw the decays of a diffuse room and of two coupled ones beside their theory."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    heard = hear(shoebox((7, 5.5, 4), 0.2, 0.7), (2, 2, 2), [(5, 4, 2), (2.2, 4.4, 2)],
                 AcousticSettings(max_time=1.0), noises=16)[:, 0]  # fmt: skip
    spectra = np.fft.rfft(heard, 2 * heard.shape[-1])  # room for what the octave filters ring
    weights = octave_weights(np.fft.rfftfreq(2 * heard.shape[-1], 1 / RATE), RATE)
    times = np.arange(heard.shape[-1]) / RATE
    reverberation = theory.eyring_time(154, 177, 0.2, AIR)
    for band, colour in enumerate(BAND_COLOURS):
        energy = np.fft.irfft(spectra * weights[band])[:, : heard.shape[-1]] ** 2
        decay = np.cumsum(energy.mean(axis=0)[::-1])[::-1]
        left.plot(times, decibels(decay / decay[0]), color=colour, label=f"{BANDS[band]:.0f} Hz")
        left.plot(times, -60 * times / reverberation[band], "--", color=colour, lw=0.8)
    left.set(ylim=(-60, 0), xlim=(0, 0.8), xlabel="s", ylabel="dB",
             title="a diffuse room; dashed: Eyring")  # fmt: skip
    left.legend(frameon=False, fontsize=8)
    places = [(x, y, 1.5) for x in (2.0, 3.0, 4.0, 6.5, 8.0, 9.5) for y in (0.8, 2.4, 3.2)]
    settings = AcousticSettings(max_time=1.2, rays=8192, humidity=0.0)
    heard = hear(coupled_rooms((0.3, 0.05), 1.0), (1, 1, 1.5), places, settings, noises=8)
    energy = (heard.astype(float).reshape(8, 2, 9, -1) ** 2).mean(axis=(0, 2))
    decay = np.cumsum(energy[:, ::-1], axis=1)[:, ::-1]
    times, start = np.arange(decay.shape[1]) / RATE, int(0.03 * RATE)
    areas = -np.array([92.0, 106.0]) * np.log1p([-0.3, -0.05]) + 4 * DRY_AIR[3] * np.array([60, 72])
    expected = theory.coupled_rooms((60, 72), areas, 2.0, times)
    for row, name in enumerate(("with the source", "beside it")):
        level, theirs = (decibels(e[row] / e[0, start]) for e in (decay, expected))
        right.plot(times, level, color=f"C{row}", label=name)
        right.plot(times, theirs, "--", color=f"C{row}", lw=0.9)
    right.set(ylim=(-50, 15), xlim=(0, 0.9), xlabel="s",
              title="two coupled rooms; dashed: power balance")  # fmt: skip
    right.legend(frameon=False)
    save(figure, path)


def draw_levels(world, path, width=0.1):
    """Draw how loud a source in the living room is everywhere in the apartment."""
    engine = Engine(RATE, "mono", settings=AcousticSettings(max_time=0.3))
    field = engine.source_field(world.acoustics_for(), SOURCE, SOURCE[2])
    low, high = world.compiled.bounds
    x, y = (np.arange(low[k] + width / 2, high[k], width) for k in (0, 1))
    free = [(i, j) for i in range(len(x)) for j in range(len(y))
            if not is_inside_solid(field.tables, x[i], y[j], SOURCE[2])]  # fmt: skip
    places = np.array([(x[i], y[j], SOURCE[2]) for i, j in free])
    level = np.full((len(x), len(y)), np.nan)
    for start in range(0, len(free), 512):
        batch = ResponseBatch.of_source(field, places[start : start + 512])
        energy = (engine.responses(batch).astype(float) ** 2).sum(axis=(1, 2))
        level[tuple(np.transpose(free[start : start + 512]))] = decibels(energy)
    figure, axes = plt.subplots(figsize=(7.5, 5.2))
    axes.set_facecolor("#333333")
    mesh = axes.pcolormesh(x, y, level.T, cmap="magma", vmin=-25, vmax=5, shading="nearest")
    axes.plot(*SOURCE[:2], "o", color="white", mec="black", ms=8)
    axes.set(aspect="equal", xlabel="m", ylabel="m",
             title="level of a source in the living room, 1.5 m above the floor")  # fmt: skip
    figure.colorbar(mesh, label="dB relative to 1 m in the free field", shrink=0.8)
    save(figure, path)


def draw_walk(world, path):
    """Draw level and direction of arrival along a walk in the hall past the open doorway."""
    engine = Engine(RATE, "mono", settings=AcousticSettings(max_time=0.5))
    field = engine.source_field(world.acoustics_for(), SOURCE, SOURCE[2])
    x = np.arange(8.4, 3.95, -0.05)
    places = np.column_stack([x, np.full(len(x), 4.9), np.full(len(x), SOURCE[2])])
    energy = octave_energy(engine.responses(ResponseBatch.of_source(field, places))[:, 0])
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(8, 6), sharex=True)
    for band in (1, 3, 5):
        upper.plot(x, decibels(energy[:, band]), color=BAND_COLOURS[band],
                   label=f"{BANDS[band]:.0f} Hz")  # fmt: skip
    upper.set(ylabel="dB relative to 1 m", title="walking past the doorway of the sounding room")
    upper.legend(frameon=False)
    seen = set()
    for place in places:
        paths = early_paths(field, place)
        loud = np.flatnonzero(paths.gain[:, 3] > 0.1 * paths.gain[:, 3].max())
        first = loud[paths.length[loud].argmin()]
        kind, arrival = int(paths.kind[first]), paths.arrival[first]
        lower.plot(place[0], np.degrees(np.arctan2(arrival[1], arrival[0])), "o", ms=4,
                   color=COLOURS[kind])  # fmt: skip
        seen.add(kind)
    for (name, ends), grey in zip(HALL_DOORS.items(), ("#cccccc", "#e8e8e8"), strict=True):
        edges = [np.degrees(np.arctan2(4.2 - 4.9, end - x)) for end in ends]
        lower.fill_between(x, *edges, color=grey, label=name)
    straight = SOURCE[:2] - places[:, :2]
    lower.plot(x, np.degrees(np.arctan2(straight[:, 1], straight[:, 0])), "--", color="black",
               lw=0.8, label="the source")  # fmt: skip
    for kind in sorted(seen):
        lower.plot([], [], "o", ms=4, color=COLOURS[kind], label=f"first sound: {KINDS[kind]}")
    lower.set(xlabel="x of the listener, m", ylabel="azimuth of arrival, degrees", xlim=(8.4, 3.95),
              ylim=(-180, 0))  # fmt: skip
    lower.legend(frameon=False, fontsize=8)
    save(figure, path)


def draw_ears(path):
    """Draw the interaural differences of the default head over azimuth."""
    layout = make_layout("binaural", 44100)
    row = layout.delays.shape[0] // 2
    azimuth = np.arange(layout.delays.shape[1]) * 360 / layout.delays.shape[1]
    order = np.argsort((azimuth + 180) % 360)
    shown = (azimuth[order] + 180) % 360 - 180
    delays = layout.delays[row, order]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2))
    left.plot(shown, 1e6 * (delays[:, 1] - delays[:, 0]) / 44100, "o", ms=3, label="KEMAR")
    left.plot(shown, 1e6 * theory.woodworth_delay(np.radians(shown)), "k--", lw=0.9,
              label="sphere of 8.75 cm (Woodworth)")  # fmt: skip
    left.set(xlabel="azimuth, degrees to the left", ylabel="µs",
             title="how much earlier the left ear hears")  # fmt: skip
    left.legend(frameon=False)
    for band in range(1, len(BANDS)):
        power = layout.power[row, order, :, band]
        right.plot(shown, decibels(power[:, 0] / power[:, 1]), color=BAND_COLOURS[band],
                   label=f"{BANDS[band]:.0f} Hz")  # fmt: skip
    right.set(xlabel="azimuth, degrees to the left", ylabel="dB", title="how much louder it hears")
    right.legend(frameon=False, fontsize=8)
    save(figure, path)


def walk_apartment(walks):
    """Print the greatest change of the level in a step of 1 cm, per octave, of many walks."""
    scene = load_scene("apartment").acoustics_for()
    for source, (start, _) in STROLLS.items():
        field = source_field(scene, source, start[2], AcousticSettings(max_time=0.5))
        changes = []
        for seed in range(walks):
            places = stroll(scene, start, 2500, seed)
            far = np.linalg.norm(places[1:] - source, axis=1) >= 0.5
            changes.append(step_levels(field, places)[far].max(axis=0))
        octaves = ", ".join(f"{level:.2f}" for level in np.max(changes, axis=0))
        click.echo(
            f"{walks} x 2500 steps of 1 cm, source at {source}: at most {octaves} dB, "
            "125 Hz to 4 kHz"
        )


def save(figure, path):
    """Write a picture of few colours, which is what keeps it small."""
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    click.echo(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")


@click.command()
@click.option("--gates/--no-gates", default=True, help="Run the gates and write their table.")
@click.option("--walks/--no-walks", default=True, help="Walk 25,000 centimetres, and print steps.")
@click.option("--pictures/--no-pictures", default=True, help="Draw the pictures.")
def main(gates: bool, walks: bool, pictures: bool) -> None:
    """Measure how far the sound is from theory; write the table and pictures of the docs."""
    if pictures:
        IMAGES.mkdir(parents=True, exist_ok=True)
        world = load_scene("apartment")
        draw_response(world, IMAGES / "acoustics_response.png")
        draw_decays(IMAGES / "acoustics_decay.png")
        draw_levels(world, IMAGES / "acoustics_levels.png")
        draw_walk(world, IMAGES / "acoustics_doorway.png")
        draw_ears(IMAGES / "acoustics_ears.png")
    if walks:
        walk_apartment(10)
    if gates:
        table, failed = gate_table()
        click.echo(table)
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
        if failed:
            raise click.ClickException(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
