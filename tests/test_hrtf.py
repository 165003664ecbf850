"""The head: does sound reach the right ear first, and as much louder as it should?"""

import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from avenv.acoustics import make_layout, theory
from avenv.acoustics.ears.hrtf import ear_filters, ears_of, load_hrtf
from avenv.acoustics.ears.sofa import read_sofa
from avenv.acoustics.signal.filters import (
    END,
    end_products,
    minimum_phase,
    octave_filters,
    octave_weights,
)
from avenv.core.bands import bands_for
from avenv.core.frames import direction

RATE = 16000
CASES = Path(__file__).with_name("cases")


@pytest.fixture(scope="module")
def ears():
    return ear_filters(load_hrtf(), RATE)


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_octave_filters_add_up_to_one_tap(rate):
    filters = octave_filters(rate, 8)
    whole = filters[0].astype(np.float64).sum(axis=0)
    tap = np.zeros_like(whole)
    tap[len(tap) // 2] = 1
    np.testing.assert_allclose(whole, tap, atol=1e-6)
    assert filters.shape[1] == len(bands_for(rate))


def test_octave_filters_pass_their_own_centre():
    filters = octave_filters(RATE, 1)[0]
    gain = np.abs(np.fft.rfft(filters, RATE))[:, bands_for(RATE).astype(int)]
    np.testing.assert_allclose(gain, np.eye(6), atol=0.06)


@pytest.mark.parametrize("rate", [16000, 22050])
def test_products_of_ends_tell_the_energy_that_sums_of_octaves_have_there(rate):
    filters = octave_filters(rate, 8)
    products, size = end_products(filters), filters.shape[2]
    faint = 0
    for gains in np.random.default_rng(0).uniform(0, 1, (20, filters.shape[1])):
        energy = np.einsum("b,pbi->pi", gains, filters) ** 2
        told = np.einsum("b,nbc,c->n", gains, products, gains)
        np.testing.assert_allclose(told[-1], energy.sum(axis=1), rtol=0.03)
        for n, ends in enumerate(told[:-1]):
            left = energy.copy()
            left[:, n * END : size - n * END] = 0
            if ends < 1e-5 * told[-1]:
                faint += 1
                np.testing.assert_allclose(left.sum(axis=1), ends, rtol=0.3, atol=1e-9)
    assert faint > 100
    assert len(told) == 2 + (size - 1) // (2 * END)


def test_octave_weights_share_every_frequency():
    weights = octave_weights(np.geomspace(1, RATE / 2, 500), RATE)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-12)
    assert weights.min() >= 0


def test_octave_filters_delay_by_parts_of_a_sample():
    filters = octave_filters(RATE, 4).astype(np.float64).sum(axis=1)
    half = filters.shape[1] // 2
    turns = np.fft.rfftfreq(1024)
    spectra = np.fft.rfft(filters, 1024) * np.exp(2j * np.pi * turns * half)
    delayed = np.exp(-2j * np.pi * turns * np.arange(5)[:, None] / 4)
    passed = turns < 0.46
    np.testing.assert_allclose(spectra[:, passed], delayed[:, passed], atol=5e-3)


def test_minimum_phase_of_a_known_filter():
    zeros_inside = np.array([1.0, -0.5, 0.06])  # roots 0.3 and 0.2
    magnitude = np.abs(np.fft.rfft(zeros_inside[::-1], 256))
    np.testing.assert_allclose(minimum_phase(magnitude)[:3], zeros_inside, atol=1e-9)


def test_interaural_delay_is_that_of_a_sphere(ears):
    # Woodworth & Schlosberg 1954: (r / c) (θ + sin θ), θ from the median plane, r = 8.75 cm
    _, delays = ears
    azimuth = np.radians(np.arange(0, 360, 5))
    lateral = np.arcsin(np.sin(azimuth))
    sphere = 0.0875 / 343 * (lateral + np.sin(lateral))
    horizontal = delays[18]
    measured = (horizontal[:, 1] - horizontal[:, 0]) / RATE
    np.testing.assert_allclose(measured, sphere, atol=60e-6)


def test_the_near_ear_is_louder(ears):
    filters, _ = ears
    energy = (filters[18] ** 2).sum(axis=-1)
    level_difference = 10 * np.log10(energy[:, 0] / energy[:, 1])
    left, right = slice(3, 34), slice(39, 70)  # 15° to 165° on either side
    assert (level_difference[left] > 2).all()
    assert (level_difference[right] < -2).all()


def test_ears_mirror_each_other(ears):
    filters, delays = ears
    mirrored = -np.arange(filters.shape[1])
    np.testing.assert_array_equal(filters[:, :, 0], filters[:, mirrored, 1])
    np.testing.assert_array_equal(delays[:, :, 0], delays[:, mirrored, 1])


@pytest.mark.parametrize("rate", [16000, 44100])
def test_an_ear_in_a_diffuse_field_is_as_loud_as_a_microphone(rate):
    covariance = make_layout("binaural", rate).covariance
    level = 10 * np.log10(np.diagonal(covariance, axis1=1, axis2=2).real)
    np.testing.assert_allclose(level, 0, atol=0.3)


def test_ears_in_a_diffuse_field_cohere_at_low_frequencies_only():
    # for two points apart: sin(kd) / kd, d about 0.2 m: 0.5 near 500 Hz, 0 near 860 Hz and lower
    # round a head (Lindevald & Benade 1986 measure the first zero near 500 Hz)
    covariance = make_layout("binaural", RATE).covariance.real
    frequency = np.linspace(0, RATE / 2, len(covariance))
    assert (covariance[frequency < 100, 0, 1] > 0.9).all()
    assert np.abs(covariance[frequency > 1500, 0, 1]).max() < 0.12
    first_zero = frequency[np.argmax(covariance[:, 0, 1] < 0)]
    assert 400 < first_zero < 800


# Heads from SOFA files.

COARSE = np.radians(np.arange(0, 360, 15)), np.radians(np.arange(-75, 90, 15))[:, None]
EVERYWHERE = direction(*COARSE).reshape(-1, 3)
LISTENER = "ListenerView", "ListenerPosition"


def measure(directions, rate=44100, spread=20.0):
    """Make responses (M, 2, 256) of a transparent head: taps up to ``spread`` samples apart.

    The left ear hears sound from the left 6 dB louder than from the right, the right ear the same.
    """
    responses = np.zeros((len(directions), 2, 256))
    turns = np.fft.rfftfreq(256)
    for ear, side in enumerate((1, -1)):
        lag = 40 - side * spread / 2 * directions[:, 1]
        level = 10 ** (side * directions[:, 1] * 3 / 20)
        spectra = level[:, None] * np.exp(-2j * np.pi * turns * lag[:, None])
        responses[:, ear] = np.fft.irfft(spectra * np.cos(np.pi * turns) ** 2)
    return responses


def one_faint(responses):
    responses[7, 1] *= 1e-300
    return responses


def later_and_louder(directions):
    """Make a head whose nearer ear hears everything later."""
    level = 10 ** (np.stack([directions[:, 1], -directions[:, 1]], axis=1) * 10 / 20)
    return level[..., None] * measure(directions, spread=-30.0)


def woodworth_head(directions, rate, shadow, ringing=(), ringing_far=()):
    """Make responses (M, 2, 512) of a rigid sphere with Woodworth's delays.

    ``shadow``: with the high-frequency shadow of Brown & Duda (1998). ``ringing``: copies (samples
    early, height) of what each ear hears, as linear-phase equalisation leaves; ``ringing_far``: of
    what reaches the far ear alone.
    """
    turns = np.fft.rfftfreq(512)
    corner = 343 / 0.0875 / (2 * np.pi * rate)  # cycles per sample
    delay = theory.woodworth_delay(np.arcsin(directions[:, 1])) * rate
    responses = np.zeros((len(directions), 2, 512))
    for ear, side in enumerate((1, -1)):
        heard = np.exp(-2j * np.pi * turns * (60 - side * delay[:, None] / 2))
        if shadow:
            away = np.arccos(np.clip(side * directions[:, 1:2], -1, 1))
            high = 1.05 + 0.95 * np.cos(1.2 * away)
            heard *= (1 + 0.5j * high * turns / corner) / (1 + 0.5j * turns / corner)
        whole = heard.copy()
        for early, height in ringing:
            whole += height * heard * np.exp(2j * np.pi * turns * early)
        for early, height in ringing_far:
            far = side * directions[:, 1:2] < 0
            whole += far * height * heard * np.exp(2j * np.pi * turns * early)
        responses[:, ear] = np.fft.irfft(whole * np.cos(np.pi * turns) ** 2)
    return responses


def write_sofa(path, directions=EVERYWHERE, rate=44100, kind="cartesian", **fields):
    """Write a SOFA file; ``fields`` replace datasets, or remove those that are None."""
    positions = 1.4 * directions
    if kind == "spherical":
        azimuth = np.degrees(np.arctan2(directions[:, 1], directions[:, 0])) % 360
        elevation = np.degrees(np.arcsin(directions[:, 2]))
        positions = np.column_stack([azimuth, elevation, np.full(len(azimuth), 1.4)])
    data = {
        "Data.IR": measure(directions),
        "Data.SamplingRate": [float(rate)],
        "Data.Delay": [[0.0, 0.0]],
        "SourcePosition": positions,
        "ListenerView": [[1.0, 0.0, 0.0]],
    }
    convention = fields.pop("convention", "SimpleFreeFieldHRIR")
    with h5py.File(path, "w") as file:
        file.attrs["SOFAConventions"] = np.bytes_(convention)
        for name, value in (data | fields).items():
            if value is not None:
                file[name] = value
        systems = {"SourcePosition": kind} | dict.fromkeys(LISTENER, "cartesian")
        for name, system in systems.items():
            if name in file:
                file[name].attrs["Type"] = np.bytes_(system)
    return path


GRID = direction(np.radians(np.arange(0, 360, 5)), np.radians(np.arange(-90, 91, 5))[:, None])


@pytest.mark.parametrize("kind", ["cartesian", "spherical"])
def test_a_sofa_file_gives_each_ear_its_delays_and_levels(tmp_path, kind):
    hrtf = load_hrtf(write_sofa(tmp_path / "head.sofa", kind=kind))
    expected = -GRID[..., 1] * 20 / 44100
    measured = hrtf.delays[..., 0] - hrtf.delays[..., 1]
    np.testing.assert_allclose(measured, expected, atol=5e-6)
    assert abs(hrtf.delays[:, 0]).max() < 5e-6  # from ahead, when it reaches the centre
    level = hrtf.magnitudes[..., 0, 10] - hrtf.magnitudes[..., 1, 10]
    np.testing.assert_allclose(level, 6 * GRID[..., 1], atol=0.3)


EQUALISED = {
    "plain": {},
    "ringing before": {"ringing": [(8, 0.15)]},
    "ringing long before": {"ringing": [(20, 0.3)]},
    "ringing on both sides": {"ringing": [(8, 0.3), (-8, 0.3)]},
    "the far ear rings before": {"ringing_far": [(8, 0.15)]},
}


@pytest.mark.parametrize("name", EQUALISED)
@pytest.mark.parametrize("shadow", [False, True])
@pytest.mark.parametrize("rate", [44100, 48000])
def test_equalised_sets_have_the_delays_of_their_heads(tmp_path, name, shadow, rate):
    responses = woodworth_head(EVERYWHERE, rate, shadow, **EQUALISED[name])
    hrtf = load_hrtf(write_sofa(tmp_path / "head.sofa", rate=rate, **{"Data.IR": responses}))
    heard = hrtf.delays[18, :, 1] - hrtf.delays[18, :, 0]
    sphere = theory.woodworth_delay(np.radians(np.arange(0, 360, 5)))
    np.testing.assert_allclose(heard, sphere, atol=35e-6)
    if not name.startswith("the far"):
        np.testing.assert_allclose(heard, sphere, atol=20e-6)


@pytest.mark.parametrize("sign", [(-1, -1), (1, -1), (-1, 1)])
def test_microphones_may_be_inverted(tmp_path, sign):
    responses = woodworth_head(EVERYWHERE, 44100, True) * np.array(sign)[:, None]
    hrtf = load_hrtf(write_sofa(tmp_path / "head.sofa", **{"Data.IR": responses}))
    heard = hrtf.delays[18, :, 1] - hrtf.delays[18, :, 0]
    sphere = theory.woodworth_delay(np.radians(np.arange(0, 360, 5)))
    np.testing.assert_allclose(heard, sphere, atol=12e-6)


@pytest.mark.parametrize("declared", ["left first", "right first", "nothing"])
@pytest.mark.parametrize("right_first", [False, True])
def test_the_data_say_which_ear_is_first(tmp_path, declared, right_first):
    responses = woodworth_head(EVERYWHERE, 44100, True)
    fields = {"Data.IR": responses[:, ::-1] if right_first else responses}
    if declared != "nothing":
        left = 0.09 if declared == "left first" else -0.09
        fields["ReceiverPosition"] = np.array([[0, left, 0], [0, -left, 0]])[..., None]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        hrtf = load_hrtf(write_sofa(tmp_path / "head.sofa", **fields))
    heard = hrtf.delays[18, :, 1] - hrtf.delays[18, :, 0]
    sphere = theory.woodworth_delay(np.radians(np.arange(0, 360, 5)))
    np.testing.assert_allclose(heard, sphere, atol=12e-6)
    assert hrtf.magnitudes[18, 18, 0, 30] > hrtf.magnitudes[18, 18, 1, 30] + 6  # the left one
    assert ["head.sofa: has the right ear first" in str(w.message) for w in said] == (
        [True] if right_first else []
    )


def test_delays_beside_the_responses_say_which_ear_is_first(tmp_path):
    both = np.stack([EVERYWHERE[:, 1], -EVERYWHERE[:, 1]], axis=1) * 10  # the second is first
    responses = np.zeros((264, 2, 64))
    responses[..., 20] = 1.0
    path = write_sofa(tmp_path / "head.sofa", **{"Data.IR": responses, "Data.Delay": both})
    with pytest.warns(UserWarning, match="right ear first"):
        hrtf = load_hrtf(path)
    heard = hrtf.delays[..., 1] - hrtf.delays[..., 0]
    np.testing.assert_allclose(heard, 20 * GRID[..., 1] / 44100, atol=5e-6)


def test_a_file_with_the_right_ear_first_is_heard_the_right_way_round():
    # it was written by another library, and declares what it holds
    with warnings.catch_warnings(action="ignore"):
        layout = make_layout("binaural", RATE, CASES / "swap.sofa")
    earlier = (layout.delays[18, 18, 1] - layout.delays[18, 18, 0]) / RATE  # from the left
    assert earlier == pytest.approx(theory.woodworth_delay(np.pi / 2), abs=10e-6)
    energy = (layout.filters[18, 18] ** 2).sum(axis=-1)
    assert energy[0] > energy[1]


def test_a_head_from_a_file_at_any_rate_is_as_loud_as_a_microphone(tmp_path):
    for file_rate, rate in [(44100, 16000), (16000, 48000), (96000, 22050)]:
        path = write_sofa(tmp_path / f"{file_rate}.sofa", rate=file_rate)
        layout = make_layout("binaural", rate, path)
        level = 10 * np.log10(np.diagonal(layout.covariance, axis1=1, axis2=2).real)
        np.testing.assert_allclose(level, 0, atol=0.3)
        delay = (layout.delays[18, 18, 1] - layout.delays[18, 18, 0]) / rate
        assert delay == pytest.approx(20 / file_rate, abs=5e-6)


@pytest.mark.parametrize("shape", [(1, 2), (264, 2)])
def test_delays_beside_the_responses_count(tmp_path, shape):
    later = np.zeros(shape)
    later[:, 1] = 7.0  # samples, the right ear
    hrtf = load_hrtf(write_sofa(tmp_path / "head.sofa", **{"Data.Delay": later}))
    both = hrtf.delays[..., 1] - hrtf.delays[..., 0]
    np.testing.assert_allclose(both, (20 * GRID[..., 1] + 7) / 44100, atol=5e-6)


@pytest.mark.parametrize("number", [1, 4, 24])
def test_few_directions_are_enough(tmp_path, number):
    ring = direction(np.arange(number) * 2 * np.pi / number)
    hrtf = load_hrtf(write_sofa(tmp_path / "ring.sofa", ring))
    assert np.isfinite(hrtf.magnitudes).all()
    if number == 24:
        horizon = hrtf.delays[18, :, 1] - hrtf.delays[18, :, 0]
        np.testing.assert_allclose(horizon, GRID[18, :, 1] * 20 / 44100, atol=1e-5)


def test_many_directions_and_distances_are_thinned(tmp_path):
    rng = np.random.default_rng(0)
    many = rng.standard_normal((4000, 3))
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    near = 0.2 * many[:500]  # with a delay that only near measurements have
    delay = np.repeat([[0.0, 0.0], [0.0, 50.0]], [4000, 500], axis=0)
    path = write_sofa(
        tmp_path / "dense.sofa",
        **{
            "Data.IR": measure(np.concatenate([many, many[:500]])).astype(np.float32),
            "SourcePosition": np.concatenate([1.4 * many, near]),
            "Data.Delay": delay,
        },
    )
    hrtf = load_hrtf(path)
    both = hrtf.delays[..., 1] - hrtf.delays[..., 0]
    np.testing.assert_allclose(both, 20 * GRID[..., 1] / 44100, atol=5e-6)


def test_the_content_of_a_file_is_what_counts(tmp_path):
    path = write_sofa(tmp_path / "a.sofa")
    other = tmp_path / "b.sofa"
    other.write_bytes(path.read_bytes())
    one = make_layout("binaural", RATE, path)
    assert make_layout("binaural", RATE, str(other)) is one
    write_sofa(path, rate=48000)
    assert make_layout("binaural", RATE, path) is not one


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"convention": "SimpleFreeFieldHRTF"}, "SOFAConventions is 'SimpleFreeFieldHRTF'"),
        ({"Data.IR": None}, "the field Data.IR is missing"),
        ({"Data.Delay": None}, "the field Data.Delay is missing"),
        ({"SourcePosition": None}, "the field SourcePosition is missing"),
        ({"Data.IR": np.ones((264, 1, 64))}, r"Data.IR has shape \(264, 1, 64\).*two receivers"),
        ({"Data.IR": np.full((264, 2, 64), np.nan)}, "Data.IR has values that are not finite"),
        ({"Data.IR": np.zeros((264, 2, 64))}, "Data.IR has a response that is silent"),
        ({"Data.IR": "text"}, "Data.IR cannot be read"),
        ({"Data.SamplingRate": [0.0]}, "Data.SamplingRate is"),
        ({"Data.SamplingRate": [16000.0, 44100.0]}, "Data.SamplingRate is"),
        ({"Data.Delay": np.zeros((3, 2))}, r"Data.Delay has shape \(3, 2\)"),
        ({"SourcePosition": np.ones((264, 2))}, r"SourcePosition has shape \(264, 2\)"),
        ({"SourcePosition": np.zeros((264, 3))}, "SourcePosition has a source inside"),
        (
            {"SourcePosition": 264 * [(0.0, 0.0, -1.0)], "kind": "spherical"},
            "SourcePosition has a distance of -1",
        ),
        ({"ListenerView": [[0.0, 1.0, 0.0]]}, "ListenerView is"),
        ({"ListenerPosition": [[0.0, 0.0, 1.2]]}, r"ListenerPosition is \(0, 0, 1.2\)"),
        ({"SourcePosition": 1e300 * EVERYWHERE}, "SourcePosition has a source inf m away"),
        ({"Data.SamplingRate": [1e-300]}, "Data.SamplingRate is 1e-300"),
        ({"Data.SamplingRate": [2.0]}, "Data.SamplingRate is 2"),
        ({"Data.Delay": [[0.0, 1e300]]}, r"Data.Delay is up to 1e\+300"),
        ({"Data.IR": 1e-300 * measure(EVERYWHERE)}, "Data.IR has a peak of .*e-301"),
        ({"Data.IR": 1e300 * measure(EVERYWHERE)}, r"Data.IR has a peak of .*e\+299"),
        ({"Data.IR": one_faint(measure(EVERYWHERE))}, "Data.IR has a response that peaks at"),
        ({"Data.IR": np.ones((264, 2, 20000), np.float16)}, "responses of 20000 samples"),
        ({"Data.IR": later_and_louder(EVERYWHERE)}, "first in one ear and louder in the other"),
        ({"kind": "polar"}, "SourcePosition is 'polar'; accepted: 'spherical' or 'cartesian'"),
    ],
)
def test_files_that_cannot_be_heard_with_are_refused_by_name(tmp_path, fields, message):
    path = write_sofa(tmp_path / "bad.sofa", **fields)
    with pytest.raises(ValueError, match=f"bad.sofa.*{message}"):
        load_hrtf(path)


def test_what_is_no_sofa_file_is_refused_by_name(tmp_path):
    (tmp_path / "song.sofa").write_text("la la la")
    with pytest.raises(ValueError, match=r"song\.sofa is not a SOFA"):
        load_hrtf(tmp_path / "song.sofa")
    with pytest.raises(ValueError, match=r"none\.sofa cannot be read: No such file"):
        load_hrtf(tmp_path / "none.sofa")


def test_a_fifo_or_a_folder_is_no_head(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be read: (is no plain file|Is a directory)"):
        load_hrtf(tmp_path)


def test_a_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "large.sofa"
    with path.open("wb") as file:
        file.truncate(150_000_000_000)  # sparse
    with pytest.raises(ValueError, match=r"large\.sofa cannot be read: is larger than 512 MB"):
        load_hrtf(path)


def test_fields_that_declare_too_much_are_refused_unread(tmp_path):
    path = write_sofa(tmp_path / "bomb.sofa")
    with h5py.File(path, "a") as file:
        del file["Data.IR"]
        file.create_dataset("Data.IR", (9_000_000, 2, 1024), "f8", chunks=(1, 2, 1024))
    with pytest.raises(ValueError, match=r"bomb\.sofa: Data\.IR is 147456 MB large"):
        load_hrtf(path)


def test_fields_elsewhere_are_not_followed(tmp_path):
    other = write_sofa(tmp_path / "other.sofa")
    path = write_sofa(tmp_path / "link.sofa", **{"Data.IR": None})
    with h5py.File(path, "a") as file:
        file["Data.IR"] = h5py.ExternalLink(other, "Data.IR")
    with pytest.raises(ValueError, match=r"link\.sofa: Data\.IR .* no dataset of this file"):
        load_hrtf(path)


def test_a_damaged_file_is_refused_by_name():
    with pytest.raises(ValueError, match=r"corrupt\.sofa: the file is damaged"):
        load_hrtf(CASES / "corrupt.sofa")


@pytest.mark.filterwarnings("ignore:.*right ear first")
def test_damage_of_every_kind_is_one_error_that_names_the_file(tmp_path):
    rng = np.random.default_rng(0)
    whole = write_sofa(tmp_path / "good.sofa", direction(np.arange(6) * np.pi / 3)).read_bytes()
    read = 0
    for k in range(500):
        data = bytearray(whole)
        if k % 5 == 0:
            del data[rng.integers(len(data)) :]
        elif k % 5 == 1:
            start = int(rng.integers(len(data) - 8))
            data[start : start + 8] = rng.choice([b"\xff" * 8, bytes(8), b"\xff" * 4 + bytes(4)])
        else:  # mostly where sizes, types and addresses are
            for place in rng.integers(min(8192, len(data)), size=rng.integers(1, 5)):
                data[place] = rng.integers(256)
        try:
            measured = read_sofa(bytes(data), "damaged.sofa")
            if read < 20:  # what is read can be heard with
                ears = ears_of(measured, "damaged.sofa")
                assert np.isfinite(ears.delays).all()
                assert np.isfinite(ears.magnitudes).all()
            read += 1
        except ValueError as error:
            assert "damaged.sofa" in str(error)  # noqa: PT017
    assert 20 < read < 400
