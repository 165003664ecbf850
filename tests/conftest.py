"""Tests keep their caches to themselves."""

import os
import shutil
import tempfile

import pytest

_folder = tempfile.mkdtemp(prefix="avenv-tests-")
os.environ["AVENV_CACHE"] = _folder


@pytest.fixture(scope="session", autouse=True)
def _remove_cache():
    yield
    shutil.rmtree(_folder, ignore_errors=True)
