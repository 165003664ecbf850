"""Backends of sound by name, and the batches that they are asked."""

from types import ModuleType

import numpy as np
import pytest
from support import shoebox, two_rooms

from avenv.acoustics import (
    BACKENDS,
    AcousticSettings,
    Engine,
    ResponseBatch,
    check_batch,
    find_backend,
    impulse_response,
    prepare,
)
from avenv.envs.env import Env
from avenv.scene import SceneBuilder

RATE = 16000
QUICK = AcousticSettings(rays=256, mirror_rays=1024, max_time=0.2)


def test_a_backend_is_found_by_its_name():
    for name, backend in BACKENDS.items():
        assert find_backend(name) is backend
    with pytest.raises(ValueError, match=r"acoustics is 'anechoc'; accepted: native, .*did you "
                       r"mean 'anechoic'\?"):  # fmt: skip
        find_backend("anechoc")
    with pytest.raises(ValueError, match=r"acoustics is \['native'\]; accepted"):
        find_backend(["native"])


@pytest.mark.parametrize("name", BACKENDS)
def test_all_backends_are_asked_alike(name):
    backend = find_backend(name)
    scene = backend.prepare(shoebox((9, 4, 3), absorption=1.0))
    engine = backend.Engine(RATE, "mono", settings=QUICK)
    assert engine.length == 0.2 * RATE
    field = engine.source_field(scene, (1, 1, 1.2), 1.2)
    moved = field.moved((1.3, 1, 1.2))
    where = np.array([0, 1, 0])
    ears = np.array([(5, 3, 1.2), (5, 3, 1.2), (3, 1, 1.2)], float)
    responses = engine.responses(ResponseBatch((field, moved), where, ears))
    assert responses.shape == (3, engine.channels, engine.length)
    for j, k in enumerate(where):
        alone = engine.responses(ResponseBatch.of_source((field, moved)[k], ears[j]))
        np.testing.assert_array_equal(responses[j], alone[0])
    distance = np.linalg.norm(ears - [(1, 1, 1.2), (1.3, 1, 1.2), (1, 1, 1.2)], axis=1)
    first = np.abs(responses[:, 0]).argmax(axis=1)
    np.testing.assert_allclose(first, distance / 343 * RATE, atol=1.1)
    assert engine.decay_length(ResponseBatch.of_source(field, ears)) > distance.max() / 343 * RATE


@pytest.mark.parametrize("name", BACKENDS)
def test_a_scene_that_sounds_alike_is_prepared_once(name):
    backend, scene = find_backend(name), two_rooms()
    prepared = backend.prepare(scene)
    assert backend.prepare(two_rooms(), prepared) is prepared
    assert backend.prepare(two_rooms(door=0.0), prepared) is not prepared


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("listeners", [(1, 1)], r"listeners has shape \(1, 2\); accepted: \(J, 3\)"),
        ("listeners", [(1, 1, 1), (1, np.inf, 1)], r"jobs\[1\]: listener is .*metres"),
        ("headings", [0.0, np.nan], r"jobs\[1\]: heading is nan; accepted: finite radians"),
        ("headings", [0.0] * 3, r"headings have shape \(3,\); accepted: one, or \(2,\)"),
        ("facings", np.inf, r"jobs\[0\]: facing is inf"),
        ("field_of", [0], r"field_of has shape \(1,\); accepted: \(2,\)"),
        ("field_of", [0, 1], r"field_of is 0 to 1; accepted: 0 to 0"),
        ("field_of", [-1, 0], r"field_of is -1 to 0; accepted: 0 to 0"),
        ("directivities", ["omni"] * 3, r"directivities are 3; accepted: 1 or 2"),
        ("directivities", ["omni", "laser"], r"directivity is 'laser'; accepted"),
    ],
)
def test_batches_that_make_no_sense_are_refused(column, value, message):
    batch = ResponseBatch((None,), np.zeros(2, np.int64), np.ones((2, 3)))
    check_batch(batch)
    with pytest.raises(ValueError, match=message):
        check_batch(batch._replace(**{column: value}))


def test_an_empty_batch_has_no_responses():
    engine = Engine(RATE, "mono", settings=QUICK)
    empty = ResponseBatch((), np.zeros(0, np.int64), np.zeros((0, 3)), directivities=())
    assert engine.responses(empty).shape == (0, 1, engine.length)


def test_a_backend_of_ones_own_is_one_row(monkeypatch):
    """Hear everything as a click that comes at once, 1 / r loud."""

    class Click:
        channels = 1

        def __init__(self, sample_rate, layout="binaural", length=None, settings=None, hrtf=None):
            self.length = length or sample_rate

        def source_field(self, scene, source, ear_height):
            return scene.check_position(source, "source")

        def responses(self, batch, out=None):
            batch = check_batch(batch)
            responses = np.zeros((len(batch.listeners), 1, self.length), np.float32)
            sources = np.reshape(batch.fields, (-1, 3))[batch.field_of]
            responses[:, 0, 0] = 1 / np.linalg.norm(batch.listeners - sources, axis=1)
            return responses

        def decay_length(self, batch):
            return 1

    module = ModuleType("click")
    module.prepare, module.Engine, module.QUESTION_SETTINGS = prepare, Click, AcousticSettings()
    monkeypatch.setitem(BACKENDS, "click", module)
    response = impulse_response(shoebox(), (1, 1, 1), (1, 3, 1), backend="click")
    np.testing.assert_array_equal(response, [[0.5]])
    builder = SceneBuilder("studio")
    builder.room("studio", size=(4, 3))
    env = Env(
        scenes=builder.build(),
        sensors=("audio",),
        layout="mono",
        sounds="builtin:heard",
        acoustics="click",
    )
    assert np.abs(env.reset(seed=0)[0]["audio"]).max() > 0
