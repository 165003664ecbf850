"""Where torch computes."""

import pytest

torch = pytest.importorskip("torch")

from avenv_agents.devices import find_device  # noqa: E402


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [find_device(name) for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


def test_without_a_gpu_none_is_promised(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == find_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="torch sees no GPU; accepted: cpu or auto"):
        find_device("cuda")


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="device is 'gpu'; accepted: auto, cpu, cuda"):
        find_device("gpu")
