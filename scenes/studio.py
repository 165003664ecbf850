"""Script a scene: a studio with a bathroom, checked and saved as YAML.

Run ``python scenes/studio.py [studio.yaml]``; the file can then be used wherever a scene is asked
for.
"""

import sys

import numpy as np
from shapely import Polygon

import avenv
from avenv.geometry import lines_of_sight
from avenv.scene import SceneBuilder, SceneSpec


def build_studio() -> SceneSpec:
    """Describe the studio: one large room, and a bathroom in the east."""
    b = SceneBuilder("studio")
    studio = b.room("studio", size=(6, 4), height=2.8, type="living_room", walls="plaster_warm")
    bath = b.room(
        "bath", size=(2, 4), at=(6, 0), type="bathroom", floor="ceramic_tile", walls="ceramic_tile"
    )
    b.door(studio, bath, at=(6, 1.2), into=bath, hinge="right", material="white_door")
    view = studio.window("south wall", along=2, width=2.0)
    studio.window("south wall", along=-1.2)
    bath.window("east wall", along=-1, width=0.6, height=0.6, sill=1.5)

    bed = studio.place("bed", against="west wall", along="north", size=(2.08, 1.4, 0.95))
    nightstand = studio.place("nightstand", against="west wall", right_of=bed, gap=0.05)
    studio.place("alarm_clock", on=nightstand)
    wardrobe = studio.place("wardrobe", against="north wall", along=3.2)
    studio.place("sofa", against="north wall", left_of=wardrobe, gap=0.3, size=(0.92, 1.6, 0.84))
    rug = studio.place("rug", at=(4.6, 1.9))
    studio.place("ceiling_lamp", above=rug)
    studio.place("picture", against="west wall", along=0.8)

    desk = studio.place("desk", against=view)
    studio.place("office_chair", in_front_of=desk, gap=-0.1)
    studio.place("laptop", on=desk)
    phone = studio.place("phone", on=desk, offset=(0, 0.5))

    bath.place("washbasin", against="east wall", along=2.4)
    bath.place("toilet", against="east wall", along="south")
    bath.place("bathtub", against="north wall")

    b.source(on=phone)
    b.source("music", at=(5.6, 0.4, 1.2), sound="radio", level=-6)
    return b.build()


def check_studio(world: avenv.World) -> None:
    """Assert what this script promises about its scene: its size, its sight, its sound."""
    scene = world.compiled
    studio, bath = scene.rooms
    assert np.isclose(Polygon(studio.polygon).area, 5.88 * 3.88)  # 6 x 4 m less the walls
    assert np.isclose(Polygon(bath.polygon).area, 1.88 * 3.88)

    phone = np.array([s.position for s in scene.sources if s.name == "phone"])
    on_the_sofa = np.array([[5.0, 3.4, 1.2]])
    in_the_doorway, in_the_tub = np.array([[6.0, 1.2, 1.2]]), np.array([[7.0, 3.5, 1.2]])
    assert lines_of_sight(scene.bvh, phone, on_the_sofa).all()
    assert lines_of_sight(scene.bvh, phone, in_the_doorway).all()
    assert not lines_of_sight(scene.bvh, phone, in_the_tub).any()

    in_the_room, in_the_bath = (3.0, 1.9), (7.0, 2.0)
    assert avenv.geodesic_distance(world, in_the_room, in_the_bath) > 2.3
    here, there = (
        avenv.impulse_response(world, phone[0], (*place, 1.25), layout="mono")
        for place in (in_the_room, in_the_bath)
    )
    assert np.sum(here**2) > np.sum(there**2), "the bathroom is a room away from the phone"
    clarity = [avenv.acoustics.measures(rir[0], 16000)["c50"] for rir in (here, there)]
    assert clarity[0] > clarity[1] + 3, "and its tiles reverberate"


def main(path: str = "studio.yaml") -> None:
    """Build, check and save the studio."""
    spec = build_studio()
    check_studio(avenv.load_scene(spec))
    spec.save(path)
    assert SceneSpec.from_yaml(path) == spec
    print(f"wrote {path}: {len(spec.rooms)} rooms, {len(spec.objects)} objects")


if __name__ == "__main__":
    main(*sys.argv[1:])
