"""Whatever a scene says, it compiles or is refused with a SceneError."""

import contextlib

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avenv.core.errors import SceneError
from avenv.scene import SceneSpec, compile_scene
from avenv.scene.catalogue import kind_names

extreme = st.sampled_from([0, -1, 1e-9, 1e9, 1e300, float("nan"), float("inf"), 10**400, "a", None])


def now_and_then(good, bad, one_in=40):
    return st.integers(1, one_in).flatmap(lambda k: bad if k == 1 else good)


number = now_and_then(st.floats(-1, 8), extreme)
length = now_and_then(st.floats(0.1, 2), extreme)
point = st.tuples(number, number).map(list)
name = now_and_then(st.sampled_from("abcd"), st.sampled_from(["", "e", "a/b", " "]))
wall = now_and_then(
    st.sampled_from(["north wall", "east wall", "wall 1"]), st.sampled_from(["wall 99", "roof"])
)
words = [
    st.fixed_dictionaries({"position": point}, optional={"z": number}),
    st.fixed_dictionaries({"against": wall}, optional={"along": number, "gap": number}),
    st.fixed_dictionaries({"against": wall, "left_of": name}),
    *(
        st.fixed_dictionaries({word: name}, optional={"offset": point})
        for word in ("on", "under", "above", "right_of", "behind", "in_front_of")
    ),
]
thing = st.builds(
    lambda where, what: where | what,
    st.one_of(words),
    st.fixed_dictionaries(
        {"kind": now_and_then(st.sampled_from(kind_names()), st.just("boat"))},
        optional={
            "name": name,
            "room": st.sampled_from("AB"),
            "facing": st.one_of(number, name),
            "size": st.tuples(length, length, length).map(list),
            "materials": now_and_then(st.just({}), st.just({"seat": "mud"})),
            "state": st.sampled_from(["on", "open", "fallen"]),
        },
    ),
)
door = st.fixed_dictionaries(
    {"between": st.just(["A", "B"])},
    optional={"position": point, "width": length, "height": length, "name": name},
)
window = st.fixed_dictionaries(
    {"room": st.sampled_from("AB"), "wall": wall}, optional={"along": number, "width": length}
)
source = st.fixed_dictionaries(
    {"on": name, "sound": now_and_then(st.just("phone"), st.sampled_from(["../a.wav", "a\0.wav"]))},
    optional={"level": number},
)
rooms = now_and_then(
    st.just(
        [
            {"name": "A", "polygon": [[0, 0], [5, 0], [5, 4], [0, 4]]},
            {"name": "B", "polygon": [[5, 0], [9, 0], [9, 5], [7, 2], [5, 4]]},
        ]
    ),
    st.lists(
        st.fixed_dictionaries(
            {"name": name, "polygon": st.lists(point, min_size=2, max_size=6)},
            optional={"height": number, "elevation": number},
        ),
        max_size=3,
    ),
    one_in=8,
)
scene = st.fixed_dictionaries(
    {"name": st.just("fuzz"), "rooms": rooms},
    optional={
        "doors": st.lists(door, max_size=1),
        "windows": st.lists(window, max_size=1),
        "objects": st.lists(thing, max_size=4),
        "sources": st.lists(source, max_size=1),
        "wall_thickness": now_and_then(st.just(0.1), number),
    },
)


@settings(
    max_examples=250, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(scene)
def test_a_scene_compiles_or_is_refused(data):
    with contextlib.suppress(SceneError):
        compiled = compile_scene(SceneSpec.from_dict(data))
        assert np.isfinite(compiled.triangles).all()
