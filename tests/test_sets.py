"""Episode sets are what they were, apart from training, and made by their command."""

import gzip
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from set_support import load_small_set

from avenv.benchmark import load_set, set_names
from avenv.benchmark.making import SplitRecipe, find_recipe, make_set, recipe_names, solve
from avenv.benchmark.sets import FOLDER, pins, save_set
from avenv.benchmark.strata import SHARES, rooms_crossed
from avenv.cli import main
from avenv.envs.batch import Batch
from avenv.scene.homes import find_homes, make_home
from avenv.simulation.world import World
from avenv.sounds.builtin import SETS, parse_name
from avenv.tasks import TASKS


@pytest.mark.parametrize("name", set_names())
class TestPackaged:
    """What holds for every set that comes with the package."""

    def test_it_is_what_was_pinned(self, name):
        assert load_set(name).hash == pins()[name]
        assert (FOLDER / f"{name}.json.gz").stat().st_size < 2_000_000

    def test_each_cell_has_its_share_and_each_home_its_turn(self, name):
        recipe, found = find_recipe(name), load_set(name)
        for split, episodes in found.splits.items():
            one = recipe.splits[split]
            cells = Counter((e.strata["sounds"], e.strata["homes"]) for e in episodes)
            assert cells == {(s, h): one.each for s in recipe.sounds for h in one.homes}
            for cell in cells:
                homes = [e.episode.scene.name for e in episodes
                         if (e.strata["sounds"], e.strata["homes"]) == cell]  # fmt: skip
                most = Counter(homes).most_common()
                assert most[0][1] - most[-1][1] <= 1
                first = homes[: len(most)]
                assert len(set(first)) == len(first)  # all once before any twice
            beginning = Counter(
                (e.strata["sounds"], e.strata["homes"]) for e in episodes[: 4 * len(cells)]
            )
            assert set(beginning.values()) == {4}

    def test_it_is_apart_from_training(self, name):
        recipe, found = find_recipe(name), load_set(name)
        heard = {n.kind for n in SETS["heard"]}
        for split, episodes in found.splits.items():
            homes = {g: find_homes(h) for g, h in recipe.splits[split].homes.items()}
            assert homes["unseen"].split.removesuffix("+boxes") in ("val", "test")
            assert homes["seen"].split.removesuffix("+boxes") == "train"
            for one in episodes:
                scene = find_homes(one.episode.scene.name)
                group = homes[one.strata["homes"]]
                assert scene.split == group.split
                assert scene.numbers[0] in group.numbers
                names = [parse_name(source.sound.name) for source in one.episode.sources]
                if recipe.sounds["heard"] == {"sounds": "builtin:heard"}:
                    kept_back = [name.kind not in heard for name in names]
                else:  # sounds of the things that are there, in variants that training never draws
                    kept_back = [name.split == "unheard" for name in names]
                assert set(kept_back) <= {one.strata["sounds"] == "unheard"}
        assert len({e.episode.seed for x in found.splits.values() for e in x}) == sum(
            map(len, found.splits.values())
        )

    def test_an_expert_stands_in_it(self, name):
        for episodes in load_set(name).splits.values():
            for one in episodes:
                assert one.episode.expert
                assert one.episode.geodesic_distance is None or one.episode.geodesic_distance > 0


def test_a_scene_is_the_same_in_every_set():
    hashes = {}
    for name in set_names():
        for episodes in load_set(name).splits.values():
            for one in episodes:
                hashes.setdefault(one.episode.scene.name, set()).add(one.episode.scene.hash)
    assert {name: found for name, found in hashes.items() if len(found) > 1} == {}
    # What was chosen in it once hung on the last bit of a distance, which releases of Python round
    # differently.
    assert hashes["homes:train/48"] == {make_home("train", 48).content_hash[:16]}


def test_no_seed_of_a_training_draws_an_episode_of_a_set():
    # NumPy's streams of (entropy, spawn_key) are those of one number: the words of the entropy,
    # filled up to 128 bits, then those of the key.
    for turn, k in ((0, 1), (3, 9)):
        stream = np.random.default_rng(np.random.SeedSequence(77, spawn_key=(turn, k)))
        seed = 77 + (turn << 128) + (k << 160)
        assert stream.random(4).tolist() == np.random.default_rng(seed).random(4).tolist()
        assert seed >= 2**128
    first = np.random.SeedSequence(77, spawn_key=(0, 0)).generate_state(4)
    assert first.tolist() != np.random.SeedSequence(77).generate_state(4).tolist()


def test_there_is_a_recipe_for_every_kind_of_task_that_has_a_set():
    for name in recipe_names():
        assert find_recipe(name).task in TASKS
    assert set(set_names()) <= set(recipe_names())
    with pytest.raises(ValueError, match=r"did you mean 'audiogoal-v1'"):
        find_recipe("audiogoal-v2")


def test_a_set_is_made_and_made_on_where_it_stopped(tmp_path):
    recipe = find_recipe("audiogoal-v1")
    recipe = replace(recipe, splits={"val": SplitRecipe(3, {"unseen": "homes:val/0-1"})})
    made = make_set(recipe, tmp_path, progress=False)
    episodes = made.split("val")
    assert [e.strata["sounds"] for e in episodes] == ["heard", "unheard"] * 3
    names = [e.episode.scene.name for e in episodes if e.strata["sounds"] == "heard"]
    assert names == ["homes:val/0", "homes:val/1", "homes:val/0"]
    assert set(SHARES) <= set(episodes[0].strata)
    path = tmp_path / "made.json.gz"
    digest = save_set(path, made)
    assert load_set(path) == made
    assert load_set(path).hash == digest
    # Stopped after the first home: the second is made again, as it was.
    log = tmp_path / "audiogoal-v1-val-unseen.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    log.write_bytes(b"".join(lines[:2]) + lines[2][:40])
    assert make_set(recipe, tmp_path, progress=False) == made
    other = replace(recipe, rules={"success_radius": 0.8})
    with pytest.raises(ValueError, match=r"another evaluation, which differs in rules.success"):
        make_set(other, tmp_path, progress=False)
    # The expert does again what it did.
    one = episodes[0].episode
    batch = Batch("AudioGoal", scenes=one.scene.name, sensors=("contact",), **made.rules)
    assert solve(batch, replace(one, expert=())) == one


def test_a_set_that_was_changed_is_refused(tmp_path, monkeypatch):
    name = "audiogoal-v1"
    monkeypatch.setattr("avenv.benchmark.sets.FOLDER", tmp_path)
    data = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    data["rules"]["success_radius"] = 2.0
    (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    with pytest.raises(ValueError, match=r"the set audiogoal-v1 has been changed: its hash is"):
        load_set(name)
    done = CliRunner().invoke(main, ["evaluate", "--agent", "oracle", "--set", name])
    assert done.exit_code == 1
    assert "has been changed" in done.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "cannot be read"),
        (gzip.compress(b"{}"), "is no episode set"),
        (gzip.compress(b'{"format": "avenv episode set"}'), "is damaged"),
        (gzip.compress(b'{"format": "avenv episode set", "version": 9, "episodes": 1}'), "sion 9"),
        (gzip.compress(b"{}" * 1000)[:-20], "cut off"),
    ],
    ids=["no-gzip", "no-set", "damaged", "version", "cut-off"],
)
def test_files_that_are_no_sets_are_refused(tmp_path, content, message):
    path = tmp_path / "x.json.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"x.json.gz: .*{message}"):
        load_set(path)
    with pytest.raises(ValueError, match=r"set is 'audiogaol-v1'; accepted: .*did you mean"):
        load_set("audiogaol-v1")


def test_a_set_is_small_and_travels(tmp_path):
    episodes, path = load_small_set(tmp_path)
    assert load_set(path) == episodes
    text = gzip.decompress(path.read_bytes()).decode()
    scene = episodes.split("test")[0].episode.scene.hash
    assert text.count(scene) == 1  # in a table, not in every episode


def test_doors_on_the_way_are_counted():
    from support import two_rooms

    compiled = World(two_rooms()).compiled
    assert rooms_crossed(compiled, [(1, 1), (3, 3)]) == 0
    assert rooms_crossed(compiled, [(1, 1), (3.9, 2), (4.3, 2), (6, 1)]) == 1
    assert rooms_crossed(compiled, [(1, 1), (6, 2), (1, 2)]) == 2


def test_the_sets_are_listed():
    done = CliRunner().invoke(main, ["sets", "list"])
    assert done.exit_code == 0, done.output
    assert "audiogoal-v1: AudioGoal; mini 20" in done.output


def test_homes_without_room_are_passed_over_and_the_others_make_up_for_them(tmp_path, monkeypatch):
    from avenv.benchmark import making

    def in_home(recipe, chain, name, turn, quota, balance):
        if name.endswith("/1"):
            return {"episodes": {}}
        made = [
            {"episode": episode(f"{name}, turn {turn}, {k}"), "strata": {"homes": "unseen"}}
            for k in range(quota)
        ]
        return {"episodes": {"heard": made}}

    def episode(name):
        scene = {"name": name, "hash": ""}
        return {"version": 1, "task": "AudioGoal", "scene": scene, "start": [0, 0], "heading": 0.0}

    monkeypatch.setattr(making, "_in_home", in_home)
    recipe = replace(
        find_recipe("audiogoal-v1"),
        sounds={"heard": {}},
        splits={"val": SplitRecipe(6, {"unseen": "homes:val/0-2"})},
    )
    made = make_set(recipe, tmp_path, progress=False).split("val")
    assert [one.episode.scene.name.removeprefix("homes:val/") for one in made] == [
        "0, turn 0, 0", "2, turn 0, 0",
        "0, turn 0, 1", "2, turn 0, 1",
        "0, turn 1, 0", "2, turn 1, 0",
    ]  # fmt: skip
