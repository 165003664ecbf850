"""How much of a sound bends round an edge: the uniform theory of diffraction, in real numbers.

Kouyoumjian & Pathak, "A uniform geometrical theory of diffraction for an edge in a perfectly
conducting surface", Proc. IEEE 62 (1974); for sound: Tsingos et al., "Modeling acoustics in virtual
environments using the uniform theory of diffraction", SIGGRAPH 2001. The gains are relative to the
sound that would have gone the same way without an edge: 1/2 on the shadow boundary.

A path carries a delay and a real gain per octave, no phase. The phase of a diffracted wave against
its delay goes from 0 on a boundary to -45 degrees far from it. On the far side of the boundary,
where the diffracted wave is all there is, its magnitude counts; on the near side it is added to the
sound that it belongs to, and its part in phase counts. The two meet on the boundary.
"""

import numpy as np

from avenv.core.kernels import borrowing, inner

_BENT = 0.1  # the bend at which the edges of a thin solid count half as two


@inner
def wedge_gain(opening, difference, total, distance, reflectance_0, reflectance_1):
    """Return the pressure gain of an edge, relative to a way of the same length without one.

    Kouyoumjian & Pathak (1974), equations 25 and 33, divided by the spreading of their equation 28;
    the reflected terms weighed by what the faces reflect (Luebbers, IEEE Trans. Antennas Propag.
    32, 1984). Symmetric in source and listener. Positive in the shadow, negative in the light.

    Parameters
    ----------
    opening : angle of the air over pi, more than 1.
    difference : angle from source to listener round the edge, radians, 0 to pi times ``opening``.
    total : sum of the angles of source and listener from face 0, radians.
    distance : k L, with the wave number k and L = s s' sin²(beta) / (s + s').
    reflectance_0, reflectance_1 : pressure that the faces reflect specularly, 0 to 1.
    """
    a, slope_a = boundary(opening, -difference)
    b, slope_b = boundary(opening, difference)
    c, slope_c = boundary(opening, -total)
    d, slope_d = boundary(opening, total)
    return (
        boundary_term(a, slope_a, distance)
        + boundary_term(b, slope_b, distance)
        + reflectance_0 * boundary_term(c, slope_c, distance)
        + reflectance_1 * boundary_term(d, slope_d, distance)
    )


@inner
def both_ways(one, apart, bend):
    """Return the gain of a thin solid in whose shadow both ends of a path are.

    Long waves see ``one`` edge, short ones two ``apart``. Either promises too much where the other
    holds: the one because it has no thickness, the two because with k t << 1 each takes the sound
    that has just bent round the other for one that comes from afar. So the gain is the less of the
    two, softly: gain^-3 = one^-3 + u apart^-3. From k t = 0.4 to 18, bends of 1 to 65 degrees, it
    is within 1.6 dB of the boundary element method.

    Parameters
    ----------
    one, apart : gains of either, more than 0.
    bend : k t √((1 - cos a) (1 - cos b)), with the thickness t and the angles a and b by which the
        path bends at its edges. On a shadow boundary both gains are right, and u = 0.
    """
    u = bend / (_BENT + bend)
    return one / (1 + u * (one / apart) ** 3) ** (1 / 3)


@inner
def boundary(n, angle):
    """Return what a boundary's term is made of at all frequencies: a sine, and a factor.

    With x = (pi + angle) / 2n and e = x - N pi from the boundary, a = 2 sin²(n e) is in the term
    -cot(x) F(k L a) / (2 n sqrt(2 pi k L)); this takes the singular factors of cotangent and
    transition function together. The factor is negative on the near side.
    """
    x = (np.pi + angle) / (2 * n)
    e = x - np.round(x / np.pi) * np.pi
    sine = abs(np.sin(n * e))
    slope = sine / np.tan(abs(e)) if abs(e) > 1e-9 else n
    slope /= np.sqrt(2.0) * n
    return sine, -slope if e > 0 else slope


@inner
def boundary_term(sine, slope, distance):
    """Return one of the four terms, at k L."""
    v = 2 * np.sqrt(distance / np.pi) * sine
    return (in_phase(v) if slope < 0 else magnitude(v)) * slope


@borrowing
def magnitude(v):
    """Return |F(X)| / (pi v) of the transition function F, with v = sqrt(2 X / pi).

    That is sqrt(f² + g²) of the auxiliary Fresnel functions (Abramowitz & Stegun 7.3.5, 7.3.6),
    here as a rational function exact at both ends, within 0.4 % between.
    """
    return (1 + v * (0.695 + 0.755 * v)) / (
        np.sqrt(2.0) + v * (2.49 + v * (2.272 + np.pi * 0.755 * v))
    )


@borrowing
def in_phase(v):
    """Return Re(F(X) exp(-j pi / 4)) / (pi v), the part in phase with the boundary's wave.

    That is (f + g) / sqrt(2) of the auxiliary Fresnel functions, within 0.6 %.
    """
    return (1 + v * (0.417 + 0.732 * v)) / (
        np.sqrt(2.0) + v * (2.184 + v * (2.054 + np.sqrt(2.0) * np.pi * 0.732 * v))
    )
