"""What is kept is made anew when any code that makes it has changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from avenv.acoustics import field
from avenv.core import cache, sources
from avenv.navigation import building
from avenv.simulation import homes

PACKAGE = Path(cache.__file__).parents[1]


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in {"__init__": "", **files}.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_what_a_file_imports_counts_and_what_that_imports(tmp_path):
    folder = write(
        tmp_path / "mine",
        one="import numpy as np\nfrom mine import two, nothing\nfrom json import loads\n",
        two="def f():\n    from .three import (\n        g,  # late\n    )\n",
        three="import mine.four as x, os\n",
        four="from avenv.core.errors import SceneError\n",
        other="import mine.one\n",
    )
    found = sources.sources_of(folder / "one.py")
    own = [Path(path).stem for path in found if path.startswith(str(tmp_path))]
    assert own == ["__init__", "four", "one", "three", "two"]
    assert str(PACKAGE / "core/errors.py") in found


@pytest.mark.parametrize(
    ("makers", "changed", "counts"),
    [
        (field._MAKERS, "acoustics/late/tracing.py", True),
        (field._MAKERS, "acoustics/paths/wedges.py", True),
        (field._MAKERS, "core/hashing.py", True),
        (field._MAKERS, "core/kernels.py", True),
        (field._MAKERS, "acoustics/response.py", False),
        (field._MAKERS, "vision/light/radiosity.py", False),
        (homes._MAKERS, "scene/homes/furniture.yaml", True),
        (homes._MAKERS, "geometry/bvh.py", True),
        (homes._MAKERS, "sounds/voices.py", False),
        (building._MAKERS, "navigation/obstacles.py", True),
        (("vision/light/radiosity.py",), "vision/light/smoothing.py", True),
    ],
)
def test_what_is_kept_is_named_by_all_code_that_makes_it(monkeypatch, makers, changed, counts):
    before = cache.code_digest.__wrapped__(*makers)
    read = sources._read

    def edited(file):
        return read(file) + b"\n" * (file == str((PACKAGE / changed).resolve()))

    assert (PACKAGE / changed).is_file()
    monkeypatch.setattr(sources, "_read", edited)
    assert (cache.code_digest.__wrapped__(*makers) != before) == counts


def test_a_kernel_is_compiled_anew_when_what_it_calls_has_changed(tmp_path):
    numbers = "STEP = {}\n"
    inner = (
        "from avenv.core.kernels import inner\nfrom mine.numbers import STEP\n"
        "@inner\ndef step(x):\n    return x + {} * STEP\n"
    )
    outer = (
        "from avenv.core.kernels import kernel\nfrom mine.inner import step\n"
        "@kernel\ndef walk(x):\n    return step(x) + {}\n"
    )
    look = "from mine.outer import walk; print(walk(1), sum(walk.stats.cache_hits.values()))"
    told = []
    for times, step, more in ((1, 1, 0), (1, 1, 0), (2, 1, 0), (2, 5, 0), (2, 5, 1)):
        write(tmp_path / "mine", numbers=numbers.format(step), inner=inner.format(times),
              outer=outer.format(more))  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-c", look],
            cwd=tmp_path, capture_output=True, text=True, check=True,
            env={"PYTHONPATH": f"{PACKAGE.parent}", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        told.append(run.stdout.strip())
    # The second time nothing has changed; then the callee has, then a number of it, then only what
    # calls it, which takes in what is kept of it.
    assert told == ["2 0", "2 1", "3 0", "11 0", "12 0"]


def test_a_kernel_is_compiled_anew_when_a_type_that_it_was_given_has_moved(tmp_path):
    kinds = "from typing import NamedTuple\nclass {}(NamedTuple):\n    x: float\n"
    outer = (
        "from avenv.core.kernels import kernel\nfrom mine.kinds import {0}\n"
        "@kernel\ndef walk(pair):\n    return pair.x + 1\nprint(walk({0}(1.0)))\n"
    )
    for name in ("Pair", "Couple"):
        write(tmp_path / "mine", kinds=kinds.format(name), outer=outer.format(name))
        run = subprocess.run(
            [sys.executable, "-c", "import mine.outer"],
            cwd=tmp_path, capture_output=True, text=True,
            env={"PYTHONPATH": f"{PACKAGE.parent}", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert run.stdout == "2.0\n", run.stderr
