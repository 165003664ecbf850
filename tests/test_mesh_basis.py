"""Textures by Basis Universal, in a KTX2 file that is written here block by block."""

import json
import struct
import sys

import pytest
from mesh_support import quad_gltf

import avenv
from avenv.core.errors import SceneWarning
from avenv.scene.meshes import inspect_mesh

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")

RED, BLUE = (255, 0, 0, 255), (0, 0, 255, 255)


def block(rgba):
    """Return a UASTC block of one colour: mode 8 is five bits of code, then eight of each channel
    (Basis Universal, "UASTC Texture Specification")."""
    bits = 0b10111
    for k, value in enumerate(rgba):
        bits |= value << (5 + 8 * k)
    return bits.to_bytes(16, "little")


def ktx2(rows):
    """Return a KTX2 file (Khronos, "KTX File Format Specification" 2.0), 4 x 4 pixels a colour."""
    data = b"".join(block(rgba) for row in rows for rgba in row)
    sample = struct.pack("<HBB4BII", 0, 127, 3, 0, 0, 0, 0, 0, 0xFFFFFFFF)  # RGBA, 128 bits
    descriptor = struct.pack("<IHHBBBB4B8B", 0, 2, 24 + len(sample), 166, 1, 2, 0,
                             3, 3, 0, 0, 16, *[0] * 7) + sample  # fmt: skip
    descriptor = struct.pack("<I", 4 + len(descriptor)) + descriptor
    first = 12 + 9 * 4 + 4 * 4 + 2 * 8 + 3 * 8  # identifier, fields, index, one level
    begin = (first + len(descriptor) + 15) // 16 * 16
    head = struct.pack("<12s9I4I2Q3Q", b"\xabKTX 20\xbb\r\n\x1a\n", 0, 1, 4 * len(rows[0]),
                       4 * len(rows), 0, 0, 1, 1, 0, first, len(descriptor), 0, 0, 0, 0,
                       begin, len(data), len(data))  # fmt: skip
    return (head + descriptor).ljust(begin, b"\0") + data


def quad(folder, data):
    """Write a quad that shows an image of Basis Universal's."""
    (folder / "look.ktx2").write_bytes(data)
    header = quad_gltf(folder / "quad.gltf", "look.ktx2")
    header["textures"][0] = {"extensions": {"KHR_texture_basisu": {"source": 0}}}
    header["extensionsUsed"] = header["extensionsRequired"] = ["KHR_texture_basisu"]
    (folder / "quad.gltf").write_text(json.dumps(header))
    return folder / "quad.gltf"


def test_a_texture_of_basis_universal_is_shown(tmp_path):
    pytest.importorskip("opengl_basisu")
    scene, report = inspect_mesh(quad(tmp_path, ktx2([[RED, BLUE]])))
    [image] = scene.images
    assert image.shape == (4, 8, 4)
    assert (image[:, :4] == RED).all()
    assert (image[:, 4:] == BLUE).all()
    assert report.warnings == ()


@pytest.mark.parametrize(
    "data", [ktx2([[RED]])[:40], ktx2([[RED]])[:-8], b"\xabKTX 20\xbb\r\n\x1a\n"]
)
def test_one_that_is_cut_off_is_missing(tmp_path, data):
    pytest.importorskip("opengl_basisu")
    with pytest.warns(SceneWarning, match=r"missing or unreadable.*look\.ktx2.*cannot be decoded"):
        scene = avenv.import_mesh(quad(tmp_path, data))
    assert scene.images == ()


def test_one_that_says_it_is_too_large_is_not_unpacked(tmp_path):
    pytest.importorskip("opengl_basisu")
    data = bytearray(ktx2([[RED]]))
    struct.pack_into("<2I", data, 20, 9000, 9000)  # width and height
    with pytest.warns(SceneWarning, match="9000 x 9000 pixels; at most 67,108,864 are decoded"):
        assert avenv.import_mesh(quad(tmp_path, bytes(data))).images == ()


def test_without_what_unpacks_it_the_surface_is_plain_and_the_report_says_what_helps(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "opengl_basisu", None)
    with pytest.warns(SceneWarning, match=r"plain colour.*pip install 'avenv\[habitat\]'"):
        scene, report = inspect_mesh(quad(tmp_path, ktx2([[RED]])))
    assert scene.images == ()
    assert "avenv[habitat]" in str(report)
    assert report.triangles == 2
