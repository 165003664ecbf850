import io

import pytest

from avenv.acoustics.native import propagate
from avenv.core.kernels import is_on_disk
from avenv.simulation import warmup


def test_kernels_are_compiled_once_and_it_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(warmup, "_done", False)
    warmup.warm_up()
    assert "compiling kernels" in capsys.readouterr().err
    marks = [p.name for p in (tmp_path / "cache").iterdir() if p.name.startswith("kernels-")]
    assert len(marks) == 1
    assert is_on_disk(propagate)

    monkeypatch.setattr(warmup, "_done", False)
    warmup.warm_up()
    assert capsys.readouterr().err == ""


def test_without_a_cache_folder_it_still_works(monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", "")
    monkeypatch.setattr(warmup, "_done", False)
    warmup.warm_up()
    assert warmup._done


class Python:
    """Stands for another Python that compiles, and dies at a stage."""

    def __init__(self, names, fails=None):
        done = names[: names.index(fails)] if fails in names else names
        self.names, self.stdout, self.killed = names, io.StringIO("\n".join([*done, ""])), False

    def kill(self):
        self.killed = True

    def communicate(self):
        self.stdout.close()


@pytest.mark.parametrize(("threads", "processes"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("fails", [None, "sound", "walking"])
def test_other_processes_compile_and_this_one_reads(monkeypatch, threads, processes, fails):
    ran, began = [], []
    stages = list(warmup.STAGES)
    monkeypatch.setattr(warmup, "STAGES", {n: (lambda _, n=n: ran.append(n)) for n in stages})
    monkeypatch.setattr(warmup, "is_on_disk", lambda kernel: False)
    monkeypatch.setattr(warmup, "num_threads", lambda: threads)
    monkeypatch.setattr(
        warmup, "_start", lambda names: began.append(Python(names, fails)) or began[-1]
    )
    monkeypatch.setenv("AVENV_CACHE", "")
    monkeypatch.setattr(warmup, "_done", False)
    warmup.warm_up()
    assert ran == stages  # all, whoever compiled them
    assert len(began) == processes
    assert [name for python in began for name in python.names] == stages
    assert all(python.stdout.closed and not python.killed for python in began)


def test_who_gives_up_waiting_leaves_no_process_behind(monkeypatch):
    began = []

    def interrupted(world):
        raise KeyboardInterrupt

    monkeypatch.setattr(warmup, "STAGES", dict.fromkeys(warmup.STAGES, interrupted))
    monkeypatch.setattr(warmup, "is_on_disk", lambda kernel: False)
    monkeypatch.setattr(warmup, "_start", lambda names: began.append(Python(names)) or began[-1])
    monkeypatch.setenv("AVENV_CACHE", "")
    monkeypatch.setattr(warmup, "_done", False)
    with pytest.raises(KeyboardInterrupt):
        warmup.warm_up()
    assert began
    assert all(python.killed and python.stdout.closed for python in began)


def test_a_process_that_compiles_says_what_is_done(monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(
        warmup, "STAGES", {n: (lambda _, n=n: ran.append(n)) for n in warmup.STAGES}
    )
    warmup.compile_stages(["sight", "walking"])
    assert ran == ["sight", "walking"]
    assert capsys.readouterr().out.split() == ran
