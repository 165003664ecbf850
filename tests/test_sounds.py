"""Sets of sounds: what an episode may choose from, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avenv.core.errors import SceneError, SoundError
from avenv.scene import SceneBuilder
from avenv.simulation.loading import load_scene
from avenv.sounds import KINDS, SETS, VARIANTS, Sound, check_builtin, load_sounds, synthesise
from avenv.sounds.recipes import RECIPES, Words

RATE = 16000


def tone(frequency=440.0, seconds=0.5):
    return (0.1 * np.sin(2 * np.pi * frequency * np.arange(seconds * RATE) / RATE)).astype("f4")


def test_sets_divide_the_kinds_and_the_parameters():
    heard, unheard, variants, everything = (
        load_sounds(f"builtin:{s}", RATE) for s in ("heard", "unheard", "unheard_variants", "all")
    )
    assert not set(heard.kinds) & set(unheard.kinds)
    assert set(heard.kinds) == set(variants.kinds)
    assert set(heard.kinds) | set(unheard.kinds) == set(everything.kinds) == set(KINDS)
    assert all("/unheard/" in name for name in unheard.names + variants.names)
    assert not any("unheard" in name for name in heard.names)
    assert set(heard.names + unheard.names + variants.names) < set(everything.names)
    assert len(everything) == 2 * VARIANTS * len(KINDS)
    assert len(KINDS) >= 30


def test_a_kind_or_one_variant_of_it():
    assert load_sounds("phone", RATE).names == tuple(f"phone/{v}" for v in range(VARIANTS))
    assert load_sounds("phone/unheard*2", RATE).names == ("phone/unheard/0", "phone/unheard/1")
    [sound] = load_sounds("phone/7", RATE)
    np.testing.assert_array_equal(sound.signal, synthesise("phone/7", RATE).signal)


def test_a_set_holds_as_many_variants_as_one_asks_for():
    many = load_sounds("builtin:heard*1000", RATE)
    assert len(many) == 1000 * len(SETS["heard"])
    assert many[999].name == "phone/999"


def test_names_rebuild_the_same_set():
    phones = load_sounds(["phone", "dog/2"], RATE)
    assert load_sounds(phones.names, RATE).names == phones.names


def test_sampling_is_seeded_and_reaches_every_sound():
    sounds = load_sounds(["clock", "tap"], RATE)
    draw = [sounds.sample(np.random.default_rng(3)).name for _ in range(2)]
    assert draw[0] == draw[1]
    rng = np.random.default_rng(0)
    assert {sounds.sample(rng).name for _ in range(200)} == set(sounds.names)


def test_a_set_is_a_sequence():
    sounds = load_sounds("clock", RATE)
    assert sounds[-1].name == sounds.names[-1]
    assert [s.name for s in sounds[1:3]] == list(sounds.names[1:3])
    assert sounds[0] is sounds[0]
    with pytest.raises(IndexError):
        sounds[len(sounds)]


def test_a_list_mixes_kinds_files_and_sounds(tmp_path):
    soundfile.write(tmp_path / "x.wav", tone(), RATE)
    own = Sound("mine", "mine", tone(), RATE)
    sounds = load_sounds(["doorbell", tmp_path / "x.wav", own], RATE)
    assert sounds.names[-2:] == ("x.wav", "mine")
    assert sounds[-1] is own


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("builtin:loud", "builtin:heard, builtin:unheard, .*builtin:all"),
        ("phnoe", "did you mean phone"),
        ("no/such/file.wav", "no/such/file.wav: no such"),
        ("phone/x", "phone/x: no such"),
        ([], "empty"),
        (["dog/1", "dog"], "named twice: dog/1"),
        ("dog*0", "1 or more variants"),
        ("dog/1*3", "1 or more variants"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_help(spec, message):
    with pytest.raises(SoundError, match=message):
        load_sounds(spec, RATE)


def test_rates_are_checked():
    with pytest.raises(SoundError, match="sample_rate is 4000"):
        load_sounds("phone", 4000)
    with pytest.raises(SoundError, match="must be at 8000"):
        load_sounds(Sound("mine", "mine", tone(), RATE), 8000)


# What scenes may name


def room(sound):
    builder = SceneBuilder("test room")
    builder.room("hall", [(0, 0), (4, 0), (4, 3), (0, 3)])
    builder.source("ring", at=(2, 1.5, 1), sound="phone")
    builder.source(at=(3, 1.5, 1), sound=sound)
    return builder.build()


@pytest.mark.parametrize("sound", ["phone/3", "phone/unheard", "footsteps?floor=tile&pace=1.8"])
def test_a_scene_may_name_a_variant_and_its_parameters(sound):
    source = load_scene(room(sound)).compiled.sources[1]
    assert (source.name, source.sound) == (re.split("[/?]", sound)[0], sound)
    check_builtin(sound)


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        ("phnoe", "did you mean phone"),
        ("tests", "no built-in sound 'tests'"),  # a folder, wherever it may be
        ("footsteps?floor=lava", "accepted: parquet, carpet, tile, laminate"),
    ],
)
def test_a_scene_that_names_an_unknown_sound_is_refused_when_it_is_loaded(sound, message):
    with pytest.raises(SceneError, match=rf"test room: sources\[1\].sound: .*{message}"):
        load_scene(room(sound))


# What the documentation promises

SECTION = re.search(
    r"## Sounds\n(.*?)\n## ", Path(__file__).parents[1].joinpath("docs/scenes.md").read_text(), re.S
)


def test_the_documentation_lists_every_kind_with_its_numbers():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", SECTION[1], re.M))
    assert tuple(rows) == KINDS
    for kind, row in rows.items():
        recipe = RECIPES[kind]
        assert row.startswith(f"{recipe.set} | {recipe.seconds} s |")
        for name, splits in recipe.parameters.items():
            for values in splits.values():
                shown = values.words if isinstance(values, Words) else (f"{values.high:g}",)
                assert all(re.search(rf"{name} [^,|]*{word}", row) for word in shown), name


def test_the_documented_names_are_understood():
    [block] = re.findall(r"```python\n(.*?)```", SECTION[1], re.S)
    exec(compile(block, "docs/scenes.md", "exec"), {})
    for cell in re.findall(r"^\| (`[^|]*) \| (?!heard|unheard)", SECTION[1], re.M):
        for name in re.findall(r"`([^`]+)`", cell):
            if "my_" not in name and "wav" not in name:
                assert len(load_sounds(name, RATE)) >= 1
