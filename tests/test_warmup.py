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


def test_a_second_process_compiles_what_this_one_does_not(monkeypatch):
    ran = []
    monkeypatch.setattr(
        warmup, "STAGES", {n: (lambda _, n=n: ran.append(n)) for n in warmup.STAGES}
    )
    warmup.compile_beside()
    first, others = list(warmup.STAGES).index(warmup.BESIDE), list(warmup.STAGES)
    assert ran == others[first:]
    assert others.index(warmup.COMMON) == 0 < first
