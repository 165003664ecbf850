"""The table of materials: what people may write in it, and that its numbers are those it cites."""

import re
from pathlib import Path

import numpy as np
import pytest
from pyroomacoustics.parameters import materials_absorption_table

import avenv.scene.materials as module
from avenv.core.errors import SceneError
from avenv.scene.materials import Material, material, material_names, register_materials

ROW = """
mine:
  color: "#808080"
  absorption: [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
  scattering: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
  transmission_loss: [20, 20, 20, 20, 20, 20, 20]
"""


@pytest.fixture
def own_table(monkeypatch):
    """Let a test add materials that other tests do not see."""
    table = dict(module._table())
    monkeypatch.setattr(module, "_table", lambda: table)


@pytest.mark.parametrize("name", material_names())
def test_every_material_is_physical(name):
    m = material(name)
    rows = np.array([m.absorption, m.scattering, m.transmission_loss, m.transmission])
    assert rows.shape == (4, 7)
    assert ((rows[[0, 1, 3]] >= 0) & (rows[[0, 1, 3]] <= 1)).all()
    assert (rows[3] <= rows[0]).all(), "passes more than it does not reflect"
    assert all(0 <= c <= 1 for c in m.color)


def test_absorption_is_that_of_the_cited_rows():
    text = Path(module.__file__).with_name("materials.yaml").read_text(encoding="utf-8")
    cited = re.findall(r"^(\w+): +# absorption V ([\w.]+)", text, flags=re.M)
    assert len(cited) > 25
    for name, row in cited:
        coefficients = list(materials_absorption_table[row]["coeffs"])
        coefficients += coefficients[-1:] * (7 - len(coefficients))
        assert material(name).absorption == pytest.approx(coefficients), name


def test_colour_is_linear_light():
    # sRGB 0xbc is the well-known encoding of half the light; black and white stay.
    assert module._linear("#bc00ff", "") == pytest.approx((0.503, 0.0, 1.0), abs=1e-3)


def test_loss_is_shared_by_the_two_surfaces_of_a_solid_and_borne_whole_by_a_sheet():
    bands = (0.5,) * 7
    solid = Material("m", (1, 1, 1), bands, bands, (20.0,) * 7)
    sheet = Material("m", (1, 1, 1), bands, bands, (20.0,) * 7, sheet=True)
    assert solid.transmission == pytest.approx([0.1] * 7)
    assert sheet.transmission == pytest.approx([0.01] * 7)


def test_unknown_material_names_the_closest():
    with pytest.raises(SceneError, match=r"no material 'concret'.*'concrete'"):
        material("concret")
    with pytest.raises(SceneError, match="known are: acoustic_panel,"):
        material("qqq")


@pytest.mark.usefixtures("own_table")
def test_own_materials_join_the_table(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(ROW)
    assert register_materials(path) == ("mine",)
    assert register_materials(str(path)) == ("mine",)  # again, unchanged
    assert material("mine").absorption == (0.2,) * 7
    assert material_names()[-1] == "mine"


@pytest.mark.usefixtures("own_table")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mine", "oak", "'oak' already exists"),
        ("absorption: [0.2, ", "absorption: [", r"own.yaml: mine: absorption is .*7 numbers"),
        ("scattering: [0.1", "scattering: [1.5", r"mine: scattering has 1.5; .* from 0 to 1"),
        ("scattering: [0.1", "scattering: [.nan", r"mine: scattering has nan"),
        ("scattering: [0.1", "scattering: [yes", r"mine: scattering has 'yes'"),
        ("  scattering", "  scatering", "unknown field 'scatering'"),
        ("  scattering: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]\n", "", "'scattering' is missing"),
        ("#808080", "grey", "color is 'grey'; expected sRGB"),
        ("#808080", "#8080", "color is '#8080'; expected sRGB"),
        ("[20,", "[10,", "at 125 Hz one surface would pass 0.316"),
        ("[20,", "[-1,", "transmission_loss has -1"),
        ("  color", "  sheet: maybe\n  color", "sheet is 'maybe'"),
        ("mine:", "- mine:", "cannot be read|mapping"),
    ],
)
def test_a_wrong_file_is_refused_whole(tmp_path, old, new, message):
    before = material_names()
    path = tmp_path / "own.yaml"
    path.write_text(ROW.replace(old, new))
    with pytest.raises(SceneError, match=message):
        register_materials(path)
    assert material_names() == before


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SceneError, match=r"nowhere.yaml"):
        register_materials(tmp_path / "nowhere.yaml")
