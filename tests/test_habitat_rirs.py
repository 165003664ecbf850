"""Our homes as SoundSpaces' files, and SoundSpaces' files as a backend of the sound."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import avenv
from avenv.acoustics import BACKENDS, ResponseBatch
from avenv.cli import main
from avenv.core.errors import SceneError
from avenv.habitat import Graph, graph_episodes, read_graph, register_rirs, write_graph
from avenv.habitat.recorded import nearest_angle
from avenv.scene import SceneBuilder
from avenv.simulation.loading import load_scene

nx = pytest.importorskip("networkx")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with an exported home of two small rooms, and its scene's file."""
    folder = tmp_path_factory.mktemp("data")
    build = SceneBuilder("flat")
    build.room("left", size=(3.2, 2.4), floor="carpet")
    build.room("right", size=(3.2, 2.4), at=(3.2, 0))
    build.door("left", "right", width=1.0)
    build.build().save(folder / "flat.yaml")
    made = CliRunner().invoke(
        main,
        ["habitat", "export-rirs", str(folder / "flat.yaml"), "--out", str(folder), "--dataset",
         "small", "--seconds", "0.3"],
        catch_exceptions=False,
    )  # fmt: skip
    assert "places" in made.output
    (folder / "sounds/1s_all").mkdir(parents=True)
    for k in range(2):
        noise = 0.1 * np.random.default_rng(k).normal(size=16000)
        soundfile.write(folder / f"sounds/1s_all/noise{k}.wav", noise, 16000)
    return folder


@pytest.fixture
def name(data):
    """Register the data under a name of its own, for one test."""
    register_rirs(data, "small", "small-rirs")
    yield "small-rirs"
    del BACKENDS["small-rirs"]


def graph_of(data):
    return read_graph(data / "metadata/small/flat")


def test_the_places_hang_together_a_metre_apart(data):
    graph = graph_of(data)
    assert len(graph.nodes) >= 8
    assert graph.islands().max() == 0
    ends = graph.points[graph.edges]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-5)
    rooms = graph.points[:, 0] < 3.2
    assert rooms.any()
    assert not rooms.all()


def test_a_file_is_the_response_that_avenv_gives(data):
    graph = graph_of(data)
    source, receiver = graph.nodes[0], graph.nodes[-1]
    for angle, heading in ((0, np.pi / 2), (90, 0.0)):
        path = data / f"binaural_rirs/small/flat/{angle}/{receiver}_{source}.wav"
        samples, rate = soundfile.read(path, dtype="float32")
        ours = avenv.impulse_response(
            data / "flat.yaml", graph.points[0] + [0, 0, 1.5], graph.points[-1] + [0, 0, 1.5],
            heading, length=4800, settings=avenv.acoustics.AcousticSettings(),
        )  # fmt: skip
        assert rate == 16000
        np.testing.assert_allclose(samples.T, ours, atol=1e-6)


def test_a_graph_of_networkx_is_read_and_written(data, tmp_path):
    graph = graph_of(data)
    theirs = pickle.loads((data / "metadata/small/flat/graph.pkl").read_bytes())
    assert isinstance(theirs, nx.Graph)
    assert sorted(theirs.nodes) == graph.nodes.tolist()
    x, y, z = graph.points[3]
    np.testing.assert_allclose(theirs.nodes[3]["point"], (x, z, -y), atol=1e-6)
    assert nx.shortest_path_length(theirs, 0, 5) == graph.steps()[0, 5]
    write_graph(graph, tmp_path)
    again = read_graph(tmp_path)
    np.testing.assert_array_equal(again.edges, graph.edges)
    np.testing.assert_allclose(again.points, graph.points, atol=1e-5)


def heard(data, backend, listener, heading, source):
    scene = load_scene(data / "flat.yaml").acoustics_for(backend)
    engine = BACKENDS[backend].Engine(16000, length=4800)
    field = engine.source_field(scene, source, 1.5)
    return engine.responses(ResponseBatch.of_source(field, listener, heading))[0]


def test_a_listener_hears_the_nearest_place_and_direction(data, name):
    graph = graph_of(data)
    listener, source = graph.points[-1] + [0.2, -0.2, 1.2], graph.points[0] + [0.1, 0.3, 1.0]
    last = graph.nodes[-1]
    for angle, heading in ((0, 1.3), (90, 0.4), (180, -1.2), (270, 3.0)):
        path = data / f"binaural_rirs/small/flat/{angle}/{last}_0.wav"
        expected = soundfile.read(path, dtype="float32")[0].T
        np.testing.assert_array_equal(heard(data, name, listener, heading, source), expected)


def test_angles_turn_clockwise_from_y(data):
    # SoundSpaces' 0 looks along Habitat's -z, our +y; its 90 is a turn to the right, our +x.
    assert [nearest_angle(h) for h in (np.pi / 2, 0.0, -np.pi / 2, np.pi)] == [0, 90, 180, 270]


def test_steps_on_the_graph_are_steps_of_the_environment(data, name):
    graph = graph_of(data)
    scene = str(data / "flat.yaml")
    episodes = graph_episodes(scene, graph, str(data / "sounds/1s_all"), 3, least=3)
    env = gym.make(
        "avenv/AudioGoal-v0", scenes=scene, acoustics=name, sensors=("audio",), step_time=1.0,
        forward_step=1.0, turn_angle=90.0, disable_env_checker=True,
    )  # fmt: skip
    for episode in episodes:
        env.reset(options={"episode": episode})
        done = False
        while not done:
            _, _, done, truncated, info = env.step(env.unwrapped.oracle_action())
            x, y = env.unwrapped.batch.simulator.state.position[0]
            away = np.hypot(graph.points[:, 0] - x, graph.points[:, 1] - y).min()
            assert away < 0.05
            assert not truncated
        assert info["metrics"]["success"] == 1
    env.close()


def broken(data, tmp_path, **files):
    """Return a copy of the data in which some files are others."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    rirs = copy / "binaural_rirs/small/flat/0"
    for name, change in files.items():
        change(rirs / f"{name.removeprefix('r')}.wav")
    register_rirs(copy, "small", "broken")
    return copy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.unlink(), "there is no such file, nor 3-0.wav"),
        (lambda p: p.write_bytes(b"no sound"), "cannot be read"),
        (lambda p: soundfile.write(p, np.zeros((99, 2)), 44100),
         "is at 44100 Hz, and 16000 Hz are wanted; accepted: sample_rate=44100"),
        (lambda p: soundfile.write(p, np.zeros((99, 1)), 16000), "has 1 channels; accepted: 2"),
        (lambda p: soundfile.write(p, np.full((9, 2), np.nan), 16000, subtype="FLOAT"),
         "samples that are not finite"),
    ],
)  # fmt: skip
def test_a_response_that_is_none_is_named(data, tmp_path, change, words):
    copy = broken(data, tmp_path, r3_0=change)
    graph = graph_of(copy)
    try:
        with pytest.raises(SceneError, match=rf"0/3_0\.wav: .*{words}"):
            heard(copy, "broken", graph.points[3] + [0, 0, 1.5], np.pi / 2,
                  graph.points[0] + [0, 0, 1.5])  # fmt: skip
    finally:
        del BACKENDS["broken"]


def test_the_older_separator_is_read_too(data, tmp_path):
    copy = broken(data, tmp_path, r3_0=lambda p: p.rename(p.with_name("3-0.wav")))
    graph = graph_of(copy)
    try:
        place = graph.points[3] + [0, 0, 1.5]
        assert heard(copy, "broken", place, np.pi / 2, graph.points[0] + [0, 0, 1.5]).any()
    finally:
        del BACKENDS["broken"]


def test_what_is_too_far_or_not_there_is_named(data, name):
    with pytest.raises(SceneError, match=r"listener .* m from the nearest of \d+ places"):
        heard(data, name, [30.0, 0, 1.5], 0.0, [0.5, 0.5, 1.5])
    with pytest.raises(ValueError, match=r"layout is 'mono'.*accept 'binaural'"):
        BACKENDS[name].Engine(16000, "mono")
    with pytest.raises(ValueError, match="no folder metadata/replica; accepted: SoundSpaces'"):
        register_rirs(data, "replica", "others")
    with pytest.raises(ValueError, match="'native' is another already"):
        register_rirs(data, "small", "native")
    with pytest.raises(SceneError, match=r"points\.txt"):
        load_scene("apartment").acoustics_for(name)


def test_a_graph_with_islands_is_refused(data):
    graph = graph_of(data)
    some = graph.edges[(graph.edges != 0).all(axis=1)]
    with pytest.raises(SceneError, match="falls into 2 parts; accepted: one"):
        graph_episodes(data / "flat.yaml", Graph(graph.nodes, graph.points, some), "phone", 1)
    with pytest.raises(SceneError, match=r"no two of .* are 99 steps apart"):
        graph_episodes(data / "flat.yaml", graph, "phone", 1, least=99)


class Harmful:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("points", "graph", "words"),
    [
        ("0 0 0 1.5\n", pickle.dumps(Harmful()), "asks for builtins.print"),
        ("0 0 0 1.5\n", b"\x80", r"graph\.pkl: is no pickled graph"),
        ("0 0 0 1.5\n", pickle.dumps({"a": 1}), "holds no networkx.Graph"),
        ("0 0 0 1.5\n", pickle.dumps(nx.path_graph(2)), "node 1 is not in points.txt"),
        ("0 0 0\n", b"", r"points\.txt: accepted: a number and x, y, z a line"),
        ("0 0 0 1\n0 1 1 1\n", b"", "a number comes twice"),
    ],
)
def test_metadata_that_is_none_is_named_and_runs_nothing(tmp_path, capsys, points, graph, words):
    (tmp_path / "points.txt").write_text(points)
    (tmp_path / "graph.pkl").write_bytes(graph)
    with pytest.raises(SceneError, match=words):
        read_graph(tmp_path)
    assert "run" not in capsys.readouterr().out
