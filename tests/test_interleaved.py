"""Transforms of few signals: those of SciPy, the same bits for one signal as for many."""

import numpy as np
import pytest
from scipy.fft import irfft, rfft

from avenv.acoustics.signal import interleaved


@pytest.mark.parametrize("size", [8000, 44, 12, 22, 4])
def test_transforms_are_those_of_scipy(size):
    signals = np.random.default_rng(0).standard_normal((3, size)).astype(np.float32)
    spectra = interleaved.transform(signals)
    assert spectra.dtype == np.complex64
    np.testing.assert_allclose(spectra, rfft(signals.astype(float)), atol=1e-6 * size)
    back = interleaved.invert(spectra, size)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, irfft(spectra.astype(complex), size), atol=1e-5)


def test_one_signal_is_transformed_as_many_are():
    signals = np.random.default_rng(0).standard_normal((9, 8000)).astype(np.float32)
    spectra = interleaved.transform(signals)
    alone = np.concatenate([interleaved.transform(s[None]) for s in signals])
    assert spectra.tobytes() == alone.tobytes()
    back = np.concatenate([interleaved.invert(s[None], 8000) for s in spectra])
    assert interleaved.invert(spectra, 8000).tobytes() == back.tobytes()
