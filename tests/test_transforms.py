"""Long transforms: those of NumPy but for their order, and a convolution there and back."""

import numpy as np
import pytest

from avenv.acoustics.signal import transforms
from avenv.acoustics.signal.transforms import LANES, SIZES, roots_for, size_for
from avenv.core.kernels import fast_kernel


@fast_kernel
def transform(work, roots):
    transforms.transform(work, roots)


@fast_kernel
def convolve(a, b, roots, total, begin, share, out):
    """Fade (n,) from a convolved with b's real part to its imaginary part, from a sample on."""
    rows = len(total)
    one, other = np.zeros((rows, 2, LANES), np.float32), np.zeros((rows, 2, LANES), np.float32)
    transforms.write_signal(a, one, 0)
    for part in range(2):
        transforms.write_signal(b[part], other, part)
    transforms.transform(one, roots)
    transforms.transform(other, roots)
    for row in range(rows):
        transforms.add_product(total, row, one, row, other, row)
    transforms.invert(total, roots)
    swapped = total[:, ::-1].copy()
    transforms.read_faded(total, swapped, 0, begin, share, out)


def packed(signal):
    parts = signal.reshape(-1, LANES)
    return np.ascontiguousarray(np.stack([parts.real, parts.imag], axis=1), np.float32)


@pytest.mark.parametrize("size", SIZES[:8])
def test_a_spectrum_is_that_of_numpy_in_another_order(size):
    place = np.random.default_rng(size).integers(size)
    signal = np.exp(2j * np.pi * place * np.arange(size) / size)  # one frequency
    work = packed(signal)
    transform(work, roots_for(size))
    heights = np.hypot(work[:, 0], work[:, 1]).ravel()
    assert heights.max() == pytest.approx(size, rel=1e-5)
    assert np.sort(heights)[-2] < 1e-4 * size


@pytest.mark.parametrize("size", SIZES[:8])
def test_products_of_spectra_are_convolutions(size):
    rng, n = np.random.default_rng(size), size // 2 - 3
    a, b = rng.standard_normal(n, np.float32), rng.standard_normal((2, n), np.float32)
    share, begin = rng.uniform(size=n).astype(np.float32), 7
    out, total = np.empty(n, np.float32), np.zeros((size // LANES, 2, LANES), np.float32)
    convolve(a, b, roots_for(size), total, begin, share, out)
    first, second = (np.convolve(a.astype(float), c)[begin : begin + n] for c in b)
    expected = first + share * (second - first)
    np.testing.assert_allclose(out, expected, atol=2e-6 * np.abs(expected).max() * np.log2(size))


def test_sizes_are_those_that_hold_the_samples():
    assert [size_for(n) for n in (1, 256, 257, 8000)] == [256, 256, 512, 8192]
    with pytest.raises(ValueError, match="accepted: up to 4194304"):
        size_for(2**22 + 1)
