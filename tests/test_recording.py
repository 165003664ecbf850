"""Videos, top-down maps and the panel that shows them together."""

import sys

import numpy as np
import pytest

from avenv.recording import VideoWriter


def read(path):
    """Decode a video: frame times (F,), mean brightness (F,), sound (2, N), its rate."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    times, pictures = zip(*frames, strict=True)
    sound = np.concatenate([b.to_ndarray() for b in blocks], axis=1)
    return np.array(times), np.stack(pictures), sound, blocks[0].sample_rate


def write(path, seconds=2.0, flash=1.3, fps=10, rate=16000, size=(64, 48)):
    """Write a video with a white frame and a click at the same time."""
    with VideoWriter(path, size, fps, rate) as video:
        for k in range(round(seconds * fps)):
            now = k == round(flash * fps)
            video.add_frame(np.full((size[1], size[0], 3), 255 * now, np.uint8))
            sound = np.zeros((2, rate // fps), np.float32)
            sound[:, :20] = 0.9 * now
            video.add_audio(sound)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_flash_and_click_coincide_and_streams_are_equally_long(tmp_path, rate):
    path = tmp_path / "flash.mp4"
    write(path, rate=rate)
    times, pictures, sound, read_rate = read(path)
    assert read_rate == rate
    assert len(times) == 20
    np.testing.assert_allclose(times, np.arange(20) / 10, atol=1e-6)
    assert sound.shape[1] / rate == pytest.approx(2.0, abs=0.05)
    flash = times[np.argmax(pictures.mean(axis=(1, 2, 3)))]
    click = np.argmax(np.abs(sound[0]) > 0.3) / rate
    assert flash == pytest.approx(1.3, abs=1e-6)
    assert click == pytest.approx(1.3, abs=0.05)


def test_the_shorter_stream_is_made_as_long_as_the_other(tmp_path):
    rng = np.random.default_rng(0)
    for name, frames, samples in (("quiet", 20, 4000), ("still", 5, 32000)):
        with VideoWriter(tmp_path / f"{name}.mp4", (64, 48), 10, 16000) as video:
            for _ in range(frames):
                video.add_frame(np.full((48, 64, 3), 200, np.uint8))
            left = samples
            while left:  # in pieces of odd lengths
                piece = min(left, int(rng.integers(1, 3000)))
                video.add_audio(0.1 * rng.standard_normal((2, piece)).astype(np.float32))
                left -= piece
        times, _, sound, rate = read(tmp_path / f"{name}.mp4")
        assert len(times) == 20
        assert sound.shape[1] / rate == pytest.approx(2.0, abs=0.05)


def test_odd_sizes_gain_a_row_and_a_column(tmp_path):
    with VideoWriter(tmp_path / "odd.mp4", (65, 47), 5) as video:
        video.add_frame(np.full((47, 65, 3), (200, 60, 30), np.uint8))
    _, pictures, _, _ = read(tmp_path / "odd.mp4")
    assert pictures.shape == (1, 48, 66, 3)
    np.testing.assert_allclose(pictures[0].reshape(-1, 3).mean(axis=0), (200, 60, 30), atol=6)


def test_mono_sound_and_fractional_rates(tmp_path):
    with VideoWriter(tmp_path / "mono.mp4", (64, 48), 7.5, 16000, channels=1) as video:
        for _ in range(15):
            video.add_frame(np.zeros((48, 64, 3), np.uint8))
        video.add_audio(np.zeros((1, 32000), np.float32))
    times, _, sound, rate = read(tmp_path / "mono.mp4")
    assert times[-1] == pytest.approx(14 / 7.5, abs=1e-4)
    assert sound.shape[0] == 1
    assert sound.shape[1] / rate == pytest.approx(2.0, abs=0.05)


def test_an_exception_leaves_nothing_behind_and_an_old_file_alone(tmp_path):
    path = tmp_path / "old.mp4"
    write(path, seconds=0.5, flash=0)
    before = path.read_bytes()

    def record_and_fail():
        with VideoWriter(path, (64, 48), 10) as video:
            video.add_frame(np.zeros((48, 64, 3), np.uint8))
            assert path.read_bytes() == before
            raise KeyError

    with pytest.raises(KeyError):
        record_and_fail()
    assert [p.name for p in tmp_path.iterdir()] == ["old.mp4"]
    assert path.read_bytes() == before


def test_a_video_without_frames_is_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="no frames were added"),
        VideoWriter(tmp_path / "empty.mp4", (64, 48), 10) as video,
    ):
        video.add_audio(np.zeros((2, 100), np.float32))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "video.avi"}, "must end in .mp4"),
        ({"path": "no/such/folder/video.mp4"}, "no folder"),
        ({"size": (0, 10)}, "at least 1"),
        ({"fps": 0}, "fps is 0"),
        ({"sample_rate": 12345}, "sample_rate is 12345"),
        ({"channels": 4}, "channels is 4"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, changes, message):
    arguments = {"path": "video.mp4", "size": (64, 48), "fps": 10, **changes}
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(ValueError, match=message):
        VideoWriter(**arguments)


def test_bad_frames_and_sounds_are_refused(tmp_path):
    with VideoWriter(tmp_path / "video.mp4", (64, 48), 10) as video:
        with pytest.raises(ValueError, match=r"frame is \(64, 48, 3\) uint8; it must be \(48, 64"):
            video.add_frame(np.zeros((64, 48, 3), np.uint8))
        with pytest.raises(ValueError, match=r"audio is \(1, 5\); it must be \(2, samples\)"):
            video.add_audio(np.zeros((1, 5), np.float32))
        video.add_frame(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(RuntimeError, match="with VideoWriter"):
        video.add_frame(np.zeros((48, 64, 3), np.uint8))


def test_without_pyav_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "avenv\[video\]"'):
        VideoWriter(tmp_path / "video.mp4", (64, 48), 10)
