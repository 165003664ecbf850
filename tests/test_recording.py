"""Videos, top-down maps and the panel that shows them together."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from support import furnished, shoebox, two_rooms

from avenv.core.frames import forward
from avenv.drawing import TopDownMap, compose
from avenv.recording import VideoWriter
from avenv.scene import SceneSpec, compile_scene


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


def test_a_film_may_have_no_sound(tmp_path):
    av = pytest.importorskip("av")
    video = VideoWriter(tmp_path / "silent.mp4", (64, 48), 10, channels=0).open()
    video.add_frame(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="has no sound"):
        video.add_audio(np.zeros((0, 100), np.float32))
    video.close()
    with av.open(str(tmp_path / "silent.mp4")) as film:
        assert [stream.type for stream in film.streams] == ["video"]
        assert sum(1 for _ in film.decode(video=0)) == 1


def test_a_recording_can_be_given_up(tmp_path):
    video = VideoWriter(tmp_path / "video.mp4", (64, 48), 10).open()
    for _ in range(100):
        video.add_frame(np.zeros((48, 64, 3), np.uint8))
    video.discard()
    assert not list(tmp_path.iterdir())
    video.discard()
    with pytest.raises(RuntimeError, match="with VideoWriter"):
        video.close()


def luma_and_chroma(rgb):
    """Return Y'CbCr by ITU-R BT.601, limited range, of colours 0 to 255 (..., 3)."""
    r, g, b = np.moveaxis(rgb / 255.0, -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([16 + 219 * y, 128 + 112 * (b - y) / 0.886, 128 + 112 * (r - y) / 0.701])


def planes(path):
    """Return the luma and the two chromas of a video's last frame."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        *_, frame = container.decode(video=0)
        assert frame.format.name == "yuv420p"
    return [
        np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].astype(float)
        for p in frame.planes
    ]


@pytest.mark.parametrize("width", [64, 66, 70, 78, 94, 1158])
def test_the_encoder_is_handed_the_same_planes_whatever_memory_holds(tmp_path, monkeypatch, width):
    monkeypatch.setattr(VideoWriter, "video_codec", "ffv1")  # lossless: what goes in comes out
    rng = np.random.default_rng(width)
    tiles = rng.integers(0, 256, (6, width // 8 + 1, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    picture = tiles[:, :width]
    takes = []
    for k in range(4):
        for size in rng.integers(10_000, 400_000, 8):
            rng.integers(0, 256, size, np.uint8)  # left behind in freed memory
        with VideoWriter(tmp_path / f"{k}.mp4", (width, 48), 10) as video:
            video.add_frame(rng.integers(0, 256, picture.shape, np.uint8))
            video.add_frame(picture)
        takes.append(planes(tmp_path / f"{k}.mp4"))
    for plane, expected in zip(takes[0], luma_and_chroma(picture), strict=True):
        middle, tile = 4 * len(plane) // 48, 8 * len(plane) // 48
        middles = plane[middle::tile, middle::tile]
        np.testing.assert_allclose(middles, expected[4::8, 4::8], atol=1.5)
    for take in takes[1:]:
        for plane, first in zip(take, takes[0], strict=True):
            np.testing.assert_array_equal(plane, first)


def test_the_file_says_which_colours_it_holds(tmp_path):
    av = pytest.importorskip("av")
    write(tmp_path / "video.mp4", seconds=0.2)
    with av.open(str(tmp_path / "video.mp4")) as film:
        context = film.streams.video[0].codec_context
        assert (context.color_range, context.colorspace) == (1, 6)  # limited, BT.601 (ITU-T H.273)


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


def test_a_missing_encoder_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(VideoWriter, "video_codec", "no_such_codec")
    with pytest.raises(ValueError, match="no_such_codec"):
        VideoWriter(tmp_path / "video.mp4", (64, 48), 10).__enter__()
    assert not list(tmp_path.iterdir())


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
    for closed in (video, VideoWriter(tmp_path / "other.mp4", (64, 48), 10)):
        with pytest.raises(RuntimeError, match="with VideoWriter"):
            closed.add_frame(np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(RuntimeError, match="with VideoWriter"):
            closed.add_audio(np.zeros((2, 5), np.float32))


def test_without_pyav_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "avenv\[video\]"'):
        VideoWriter(tmp_path / "video.mp4", (64, 48), 10)


# Maps


def changed(map_, **drawing):
    """Return where (N, 2), as x and y, a drawing differs from the plan."""
    difference = np.abs(map_.draw(**drawing).astype(int) - map_.background).max(axis=2)
    return np.argwhere(difference > 4)[:, ::-1]


def test_up_in_the_world_is_up_in_the_picture():
    map_ = TopDownMap(two_rooms(), (400, 300))
    here, east, north = map_.to_pixels([[1, 1], [2, 1], [1, 2]])
    scale = east[0] - here[0]
    assert scale > 20
    np.testing.assert_allclose(east - here, (scale, 0), atol=1e-9)
    np.testing.assert_allclose(north - here, (0, -scale), atol=1e-9)
    np.testing.assert_allclose(map_.to_pixels((4.1, 2.0)), (200, 150), atol=1e-9)  # the middle


@pytest.mark.parametrize("size", [(480, 480), (640, 200), (97, 333)])
def test_the_whole_scene_is_in_the_picture(size):
    map_ = TopDownMap(furnished(), size)
    corners = map_.to_pixels([(0, 0), (10, 0), (10, 8), (0, 8)])
    assert map_.background.shape == (size[1], size[0], 3)
    assert corners.min() > 0
    assert np.all(corners < size)


@pytest.mark.parametrize("heading", [0.0, 1.0, np.pi / 2, 4.0])
def test_the_agent_is_drawn_where_it_is_and_looks_where_it_faces(heading):
    map_ = TopDownMap(shoebox((5, 4, 3)))
    marks = changed(map_, position=(3.0, 2.5), heading=heading)
    here = map_.to_pixels((3.0, 2.5))
    assert np.abs(marks - here).max() < 50
    ahead = marks.mean(axis=0) - here
    expected = forward(heading) * (1, -1)
    assert ahead @ expected / np.linalg.norm(ahead) > 0.95


def test_path_source_goal_and_route_are_drawn_in_their_places():
    map_ = TopDownMap(shoebox((8, 6, 3)))
    agent = {"position": (1.0, 1.0), "heading": np.pi}
    alone = {tuple(p) for p in changed(map_, **agent)}

    def added(**more):
        marks = np.array([p for p in changed(map_, **agent, **more) if tuple(p) not in alone])
        return marks.min(axis=0), marks.max(axis=0)

    for name, places, reach in (
        ("path", [(4, 2), (4, 5)], 8),
        ("route", [(4, 2), (4, 5)], 8),
        ("sources", [(6, 4)], 25),
        ("goal", [(6, 4)], 16),
    ):
        value = places[0] if name == "goal" else places
        low, high = added(**{name: value})
        pixels = map_.to_pixels(places)
        assert np.all(low >= pixels.min(axis=0) - reach), name
        assert np.all(high <= pixels.max(axis=0) + reach), name
        assert np.all(low <= pixels.min(axis=0) + 12), name
        assert np.all(high >= pixels.max(axis=0) - 12), name


def test_frames_do_not_leave_marks_on_the_next():
    map_ = TopDownMap(shoebox())
    before = map_.draw((1, 1), 0.0)
    map_.draw((4, 3), 1.0, path=[(0, 0), (4, 3)], sources=[(2, 2)], goal=(2, 2))
    np.testing.assert_array_equal(map_.draw((1, 1), 0.0), before)


@pytest.fixture(scope="module")
def flat():
    return compile_scene(
        SceneSpec.from_dict(
            {
                "name": "flat",
                "rooms": [
                    {"name": "a", "polygon": [[0, 0], [4, 0], [4, 4], [0, 4]], "floor": "oak"},
                    {"name": "b", "polygon": [[4, 0], [8, 0], [8, 4], [4, 4]], "floor": "oak"},
                ],
                "doors": [{"between": ["a", "b"]}],
                "objects": [{"kind": "bookshelf", "position": [0.5, 2]}],
            },
            source="flat",
        )
    )


def test_walls_are_dark_floors_and_doorways_are_not(flat):
    map_ = TopDownMap(flat)

    def brightness(x, y):
        column, row = map_.to_pixels((x, y)).round().astype(int)
        return map_.background[row, column].mean()

    assert brightness(4.0, 0.5) < 90  # the wall between the rooms
    assert brightness(4.0, 2.0) > 120  # the doorway in its middle
    assert brightness(2.0, 0.7) > 120
    assert brightness(6.0, 0.7) > 120


def test_ceilings_are_taken_off_and_furniture_stays(flat):
    map_ = TopDownMap(flat)
    bare = TopDownMap(shoebox())
    assert bare.background.std() > 10  # not one blank ceiling

    def colour(x, y):
        column, row = map_.to_pixels((x, y)).round().astype(int)
        return map_.background[row, column].astype(int)

    assert np.abs(colour(0.5, 2.0) - colour(2.0, 3.2)).max() > 25


def test_a_scene_without_rooms_has_a_map_too():
    map_ = TopDownMap(replace(furnished(), rooms=()), (200, 200))
    assert map_.draw((5, 4), 0.0).shape == (200, 200, 3)


def test_a_map_of_no_size_is_refused():
    with pytest.raises(ValueError, match="at least 32"):
        TopDownMap(shoebox(), (480, 0))


# Panels


def test_pictures_stand_side_by_side_unharmed():
    rng = np.random.default_rng(0)
    view, plan = rng.integers(0, 255, (2, 480, 480, 3), dtype=np.uint8)
    panel = compose(view, plan)
    np.testing.assert_array_equal(panel[8:488, 8:488], view)
    np.testing.assert_array_equal(panel[8:488, 496:976], plan)


def test_small_pictures_are_scaled_and_sides_are_even():
    for width in (33, 128, 129):
        panel = compose(
            np.full((128, width, 3), 77, np.uint8),
            np.zeros((200, 300, 3), np.uint8),
            ["a line"],
            height=201,
        )
        assert panel.dtype == np.uint8
        assert panel.shape[0] % 2 == panel.shape[1] % 2 == 0
        assert np.all(panel[20:100, 12:30] == 77)


def test_each_ear_is_drawn_as_loud_as_it_hears():
    blank = np.zeros((480, 480, 3), np.uint8)
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    panel = compose(blank, blank, audio=np.stack([0.05 * noise, 0.01 * noise]))
    blue = (panel[:, :, 2] > 200).sum()
    orange = (panel[:, :, 0] > 200).sum()
    assert blue > 2 * orange > 0


def test_a_spectrogram_shows_high_frequencies_on_top():
    blank = np.zeros((480, 480, 3), np.uint8)
    spectrogram = np.zeros((65, 26, 2), np.float32)
    spectrogram[50:] = 2.0
    panel = compose(blank, blank, spectrogram=spectrogram)
    strip = panel[496:592].astype(int).sum(axis=2)[:, 30:200]
    assert strip[:15].mean() > 500
    assert strip[40:].mean() < 100


def test_long_lines_are_written_smaller_rather_than_cut_off():
    blank = np.zeros((480, 480, 3), np.uint8)
    line = "Find what the voice asks for, bring it to the caller and stop there."
    silence = np.zeros((2, 1600), np.float32)
    short, long = (compose(blank, blank, [text], silence) for text in (line[:20], line))
    written = [
        np.flatnonzero((p[496:530, 496:] > 200).all(axis=2).any(axis=0)) for p in (short, long)
    ]
    assert 100 < written[0][-1] < 300
    assert 400 < written[1][-1] <= 480


def test_a_panel_can_be_recorded(tmp_path):
    map_ = TopDownMap(two_rooms())
    view = np.zeros((128, 128, 3), np.uint8)
    panel = compose(view, map_.draw((1, 1), 0.0), ["hello"], np.zeros((2, 1600), np.float32))
    height, width, _ = panel.shape
    with VideoWriter(tmp_path / "demo.mp4", (width, height), 4) as video:
        video.add_frame(panel)
    _, pictures, _, _ = read(tmp_path / "demo.mp4")
    assert pictures.shape[1:] == panel.shape
