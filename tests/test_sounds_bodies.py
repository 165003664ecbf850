"""Struck bodies: modes, damping, blows and bounces, against theory."""

import numpy as np
import pytest
from scipy import optimize, special

from avenv.sounds import parameters, synthesise
from avenv.sounds.bodies import FLOORS, MATERIALS, bar, blow, board, cup, decays, disc
from avenv.sounds.impacts import bounces
from avenv.sounds.loop import modes


def test_a_free_bar_has_the_ratios_of_the_textbook():
    # Fletcher & Rossing, table 2.1 (3.011^2 : 5^2 : 7^2 : 9^2 to four digits).
    f = bar(0.2, 0.004, 5000.0, 4)
    np.testing.assert_allclose(f / f[0], (1, 2.756, 5.404, 8.933), rtol=2e-4)
    # A steel rule 20 cm long and 4 mm thick: 1.0279 c h / L^2.
    assert f[0] == pytest.approx(1.0279 * 5000 * 0.004 / 0.2**2, rel=1e-3)


def test_a_free_disc_has_the_modes_of_kirchhoffs_equation():
    """The determinant of a free rim (Leissa 1969, eq. 2.14) vanishes at each eigenvalue."""
    nu = 0.33

    def boundary(x, n):
        jv, iv = special.jv(n, x), special.iv(n, x)
        jp, ip = special.jvp(n, x), special.ivp(n, x)
        left = (x**2 * jv + (1 - nu) * (x * jp - n**2 * jv)) / (
            x**2 * iv - (1 - nu) * (x * ip - n**2 * iv)
        )
        right = (x**3 * jp + (1 - nu) * n**2 * (x * jp - jv)) / (
            x**3 * ip - (1 - nu) * n**2 * (x * ip - iv)
        )
        return left - right

    found = []
    for n in range(6):
        x = np.linspace(1.5, 9.6, 2000)
        y = boundary(x, n)
        for k in np.flatnonzero(y[:-1] * y[1:] < 0):
            if abs(y[k]) < 1 and abs(y[k + 1]) < 1:  # a zero rather than a pole
                found.append(optimize.brentq(boundary, x[k], x[k + 1], args=(n,)) ** 2)
    f = disc(0.1, 0.002, 5000.0)
    eigenvalues = f * 2 * np.pi * 0.1**2 / (0.002 * 5000 / np.sqrt(12 * (1 - 0.3**2)))
    for value in eigenvalues:
        assert np.min(np.abs(np.array(found) / value - 1)) < 0.01, value


def test_a_cup_rings_as_a_ring_bends():
    # n (n^2 - 1) / sqrt(n^2 + 1) for n = 2, 3, 4: 1 : 2.83 : 5.42.
    f = cup(0.04, 0.003, 5200.0, 3)
    np.testing.assert_allclose(f / f[0], (1, 2.828, 5.423), rtol=1e-3)


def test_a_board_is_the_sum_of_its_waves():
    f = board(0.3, 0.2, 0.01, 4000.0, 3)
    waves = np.array([1 / 0.3**2 + 1 / 0.2**2, 4 / 0.3**2 + 1 / 0.2**2, 1 / 0.3**2 + 4 / 0.2**2])
    np.testing.assert_allclose(f / f[0], waves / waves[0])


def test_bigger_is_lower_and_thicker_is_higher():
    for body in (bar, cup, disc):
        small = body(0.1, 0.003, 5000.0)
        np.testing.assert_allclose(body(0.2, 0.003, 5000.0), small / 4)
        np.testing.assert_allclose(body(0.1, 0.006, 5000.0), 2 * small)


def test_damping_is_that_of_a_constant_loss():
    # Amplitude exp(-pi f loss t): the same number of cycles whatever the pitch.
    f = np.array([200.0, 800.0])
    assert decays(f, 0.01) * f == pytest.approx([1 / (np.pi * 0.01)] * 2)
    metal, wood, plastic = (MATERIALS[m].loss for m in ("steel", "oak", "abs"))
    assert metal < MATERIALS["soda_glass"].loss < wood < plastic


def test_a_blow_has_the_spectrum_of_half_a_sine():
    seconds, step = 2e-3, 1e-6
    t = np.arange(0, seconds, step)
    pulse = np.sin(np.pi * t / seconds)
    f = np.array([0.0, 100.0, 250.0, 400.0, 900.0, 2000.0])
    direct = np.abs(np.exp(-2j * np.pi * np.outer(f, t)) @ pulse)
    np.testing.assert_allclose(blow(f, seconds), direct / direct[0], atol=2e-3)


def test_a_ball_bounces_as_long_as_gravity_lets_it():
    times, speeds = bounces(1.0, 0.5, 0.1)
    np.testing.assert_allclose(speeds, [1, 0.5, 0.25, 0.125])
    # Falls at sqrt(2 g h) and is up for twice its speed over g.
    first = np.sqrt(2 * 9.81 * 1.0)
    np.testing.assert_allclose(np.diff(times), 2 * first * speeds[1:] / 9.81)


def test_a_bank_of_modes_is_the_sum_of_decaying_sines():
    t = np.arange(4000) / 16000
    f, a, d = np.array([440.0, 1000.0, 9000.0]), np.array([1.0, 0.5, 1.0]), np.array([0.1, 0.05, 1])
    direct = sum(a[k] * np.exp(-t / d[k]) * np.sin(2 * np.pi * f[k] * t) for k in range(2))
    np.testing.assert_allclose(modes(t, f, a, d, attack=0.0), direct, atol=1e-9)


def test_a_dropped_glass_rings_at_its_modes():
    name = "impact_glass?shape=cup&floor=tile"
    p = parameters(name)
    f = cup(p["size"] / 2, p["part"] * p["size"], MATERIALS[p["material"]].speed, 3)
    x = synthesise(name, 48000).signal.astype(float)
    power = np.abs(np.fft.rfft(x)) ** 2
    grid = np.fft.rfftfreq(len(x), 1 / 48000)
    for mode in f:
        near = np.abs(grid - mode) < 0.02 * mode
        beside = (np.abs(grid - mode) < 0.2 * mode) & ~near
        assert power[near].max() > 30 * np.median(power[beside])


@pytest.mark.parametrize("material", ["oak", "soda_glass"])
def test_a_soft_floor_is_duller(material):
    centroids = []
    for floor in ("tile", "carpet"):
        kind = "impact_wood?shape=board" if material == "oak" else "impact_glass?shape=cup"
        x = synthesise(f"{kind}&material={material}&floor={floor}", 16000).signal
        power = np.abs(np.fft.rfft(x)) ** 2
        centroids.append(power @ np.fft.rfftfreq(len(x), 1 / 16000) / power.sum())
    assert centroids[1] < 0.7 * centroids[0]
    assert FLOORS["carpet"].restitution < FLOORS["tile"].restitution
