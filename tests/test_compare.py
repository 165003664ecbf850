"""Agents are compared on the same episodes."""

import numpy as np
import pytest
from click.testing import CliRunner

from avenv.benchmark import Results
from avenv.benchmark.compare import Method, compare, markdown
from avenv.benchmark.metrics import MEASURES
from avenv.cli import main

RULES = {"max_episode_steps": 60}


def results(success, name="it", seed=0, privilege="", digest="abc", **more):
    """Return results of so many episodes, two in each home, every other with unheard sounds."""
    heading = {
        "format": "avenv results", "version": 1, "avenv": "0", "task": "AudioGoal",
        "headline": ["success", "spl", "soft_spl", "sna"], "rules": RULES,
        "set": {"name": "x-v1", "hash": digest, "split": "test"}, "episodes": len(success),
        "shard": None, "senses": {}, "agent": {"name": name, "impaired": None, "seed": seed,
                                               "privilege": privilege, "code": ""},
    } | more  # fmt: skip
    records = [
        {
            "number": k,
            "scene": f"home {k // 2}",
            "strata": {"sounds": ("heard", "unheard")[k % 2]},
            "metrics": {"success": s, "spl": s / 2, "soft_spl": 0.1 * k, "sna": s / 4},
            "actions": [0],
        }
        for k, s in enumerate(success)
    ]
    return Results(heading, records)


def method(*runs, name="it"):
    return Method(name, runs)


ONE = [1.0, 1, 1, 1, 1, 1, 0, 0, 0, 0]
OTHER = [1.0, 0, 0, 0, 1, 0, 0, 0, 1, 0]


def test_differences_are_those_of_the_same_episodes():
    first, second = compare([method(results(ONE)), method(results(OTHER), name="other")])
    assert first.differences == {}
    assert first.p is None
    assert second.estimates["SR"].mean == 0.3
    assert second.differences["SR"].mean == pytest.approx(-0.3)
    assert second.differences["SPL"].mean == pytest.approx(-0.15)
    # Four episodes only the one solves, one only the other: 2 (C(5,0) + C(5,1)) / 2^5.
    assert second.p == pytest.approx(2 * 6 / 32)
    # By homes the differences are -1, -2, -1, 0, 1 of two episodes each.
    homes = np.array([-1, -2, -1, 0, 1]) / 2
    draws = homes[np.random.default_rng(0).integers(5, size=(100_000, 5))].mean(axis=1)
    assert second.differences["SR"].low == pytest.approx(np.quantile(draws, 0.025), abs=0.101)
    assert second.differences["SR"].high == pytest.approx(np.quantile(draws, 0.975), abs=0.101)


def test_who_does_the_same_does_not_differ():
    _, row = compare([method(results(ONE)), method(results(ONE))])
    assert row.differences["SR"] == (0, 0, 0)
    assert row.p == 1


def test_several_trainings_are_one_row_with_their_spread():
    runs = method(results(ONE), results(OTHER, seed=1), results(ONE, seed=2), name="three")
    row = compare([runs, method(results(OTHER))])
    assert row[0].estimates["SR"].mean == pytest.approx(0.5)
    assert row[0].spread["SR"] == pytest.approx(np.std([0.6, 0.3, 0.6], ddof=1))
    assert row[1].p is None
    assert row[1].differences["SR"].mean == pytest.approx(-0.2)
    assert "three (3 runs)" in markdown(row)
    assert f"±{row[0].spread['SR']:.2f}" in markdown(row)


def test_strata_are_compared_by_themselves():
    rows = compare(
        [method(results(ONE)), method(results(OTHER))], [MEASURES["success"]], {"sounds": "heard"}
    )
    assert [row.estimates["SR"].mean for row in rows] == [0.6, 0.6]
    with pytest.raises(ValueError, match=r"no episode is of .*'loud'.*'heard', 'unheard'"):
        compare([method(results(ONE))], where={"sounds": "loud"})


def test_silence_and_distraction_are_told_where_there_are_some():
    one = results(ONE)
    for record in one.episodes:
        record["metrics"]["dsr"] = 1.0 - record["metrics"]["success"]
    [row] = compare([method(one)])
    assert list(row.estimates) == ["SR", "SPL", "SoftSPL", "SNA", "DSR"]
    assert row.estimates["DSR"].mean == pytest.approx(0.4)


def test_a_table_can_be_read():
    rows = compare(
        [method(results(ONE, privilege="the map"), name="oracle"), method(results(OTHER))]
    )
    lines = markdown(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "agent", "SR", "SPL", "SoftSPL", "SNA", "Δ SR", "p", "Δ SPL",
    ]  # fmt: skip
    assert lines[2].startswith("| oracle† | 0.60 [0.31, 0.83]")
    assert "-0.30 [" in lines[3]


def test_a_table_tells_what_an_episode_cost():
    asked = results(ONE)
    for record in asked.episodes:
        spent = 0.5 if record["number"] % 2 else 0.25
        record["ledger"] = {"questions": 40, "tokens_in": 9000, "tokens_out": 0, "cost": spent}
    failed = results(ONE)
    for record in failed.episodes[:5]:  # of the others nothing is known
        record["ledger"] = {"questions": 4}
    rows = compare([method(results(OTHER), name="deaf"), method(asked), method(failed)])
    assert rows[0].costs == {}
    head, _, deaf, model, other = markdown(rows).splitlines()
    assert [cell.strip() for cell in head.split("|")[-4:-1]] == ["asked", "tokens in", "$"]
    assert [cell.strip() for cell in deaf.split("|")[-4:-1]] == ["", "", ""]
    assert [cell.strip() for cell in model.split("|")[-4:-1]] == ["40", "9,000", "0.375"]
    assert [cell.strip() for cell in other.split("|")[-4:-1]] == ["2", "0", "0"]
    unheard = compare([method(asked)], where={"sounds": "unheard"})
    assert unheard[0].costs["cost"] == 0.5
    assert "tokens" not in markdown(compare([method(results(ONE))]))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (results(OTHER, digest="def"), "set.hash"),
        (results(OTHER[:4]), "episodes"),
        (results(OTHER, rules={"max_episode_steps": 500}), "rules.max_episode_steps"),
    ],
)
def test_other_episodes_or_rules_do_not_compare(other, message):
    with pytest.raises(ValueError, match=f"other was not .* differs in .*{message}"):
        compare([method(results(ONE)), method(other, name="other")])


def test_what_is_not_finished_is_not_compared():
    half = results(ONE, episodes=20)
    with pytest.raises(ValueError, match="it has 10 of 20 episodes"):
        compare([method(half)])


def test_the_command_names_runs_and_privileges(tmp_path):
    for name, success in (("a", ONE), ("b", OTHER), ("c", ONE)):
        results(success, name, privilege="the map" if name == "a" else "").save(tmp_path / name)
    a, b, c = (str(tmp_path / name) for name in "abc")
    done = CliRunner().invoke(main, ["compare", a, f"mine={b},{c}", "--where", "sounds=heard"])
    assert done.exit_code == 0, done.output
    assert "| mine (2 runs) |" in done.output
    assert "† a is told the map" in done.output
    done = CliRunner().invoke(main, ["compare", str(tmp_path)])
    assert done.exit_code == 1
    assert "is no folder of results" in done.output
