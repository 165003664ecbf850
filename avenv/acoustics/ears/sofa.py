"""Read head-related impulse responses from SOFA files (AES69).

A file is a stranger's: every size that it declares is looked at before anything of it is read, and
whatever is wrong with it, from a wrong shape to a wrong byte, is one ``ValueError``.
"""

import io
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import direction

CONVENTION = "SimpleFreeFieldHRIR"

MOST_BYTES = 512_000_000
"""Of a file, and of a field when it is unpacked; the largest sets there are have a tenth of it."""

_MOST_SAMPLES = 16384  # of a response: a third of a second, which is a room's and no head's
_RATES = 8000.0, 768000.0  # Hz
_LOUDEST, _RANGE = (1e-9, 1e9), 1e-6  # peak of a set, and the least of a response relative to it
_LATEST = 1.0  # seconds that a delay may be
_DISTANCES = 1e-3, 1e6  # metres
_FAR = 0.95  # of the greatest distance: nearer measurements of a set are left out
_AWAY = 0.01  # metres that a listener may be from the origin


class Measurements(NamedTuple):
    """P directions from which both ears of a head were measured.

    Attributes:
        responses: (P, 2, N), the first receiver of the file first, and not yet the left ear.
        delays: (P, 2) seconds to add to the responses.
        directions: (P, 3) unit vectors in the body frame.
        sample_rate: Hz.
    """

    responses: NDArray[np.float64]
    delays: NDArray[np.float64]
    directions: NDArray[np.float64]
    sample_rate: float


class _UnusableError(Exception):
    """What is wrong with a file, without its name."""


def read_sofa(content: bytes, name: str) -> Measurements:
    """Return the measurements in the content of a SOFA file called ``name``.

    Positions may be spherical or cartesian. Of a set with several distances the greatest counts:
    sound is taken to come from afar. The greatest response has a peak of 1. ``ReceiverPosition``
    does not count: many files say there that the right ear is first when the left one is.

    Raises:
        ValueError: the file is not HDF5 or is damaged, its convention is not
            ``SimpleFreeFieldHRIR``, its listener is not at the origin or does not look along x, or
            a field is missing, too large, of another shape or out of range; the message names file
            and field.
    """
    import h5py  # slow to import, and only users of own files need it

    try:
        file = h5py.File(io.BytesIO(content), "r")
    except Exception as error:  # damage makes h5py raise errors of many kinds
        raise ValueError(f"{name} is not a SOFA (HDF5) file: {error}") from None
    try:
        with warnings.catch_warnings(action="ignore"), file:  # numbers are checked below
            return _read(file)
    except _UnusableError as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception as error:
        raise ValueError(f"{name}: the file is damaged: {error}") from None


def _read(file: Any) -> Measurements:
    convention = _text(file, "SOFAConventions")
    if convention != CONVENTION:
        raise _UnusableError(f"SOFAConventions is {convention!r}; accepted: {CONVENTION!r}")
    responses = _responses(file)
    number = len(responses)
    rates = np.unique(_numbers(file, "Data.SamplingRate"))
    if len(rates) != 1 or not _RATES[0] <= rates[0] <= _RATES[1]:
        raise _UnusableError(
            f"Data.SamplingRate is {_few(rates)}; accepted: one number of Hz, {_RATES[0]:g} to "
            f"{_RATES[1]:g}"
        )
    rate = float(rates[0])
    delays = _rows(_numbers(file, "Data.Delay"), (number, 2), "Data.Delay") / rate
    if np.abs(delays).max() > _LATEST:
        raise _UnusableError(
            f"Data.Delay is up to {_few(rate * np.abs(delays).max())}; accepted: samples, "
            f"{_LATEST * rate:.0f} at most"
        )
    _check_listener(file)
    positions = _rows(_cartesian(file, "SourcePosition"), (number, 3), "SourcePosition")
    distance = np.linalg.norm(positions, axis=1)
    if distance.min() < _DISTANCES[0]:
        raise _UnusableError("SourcePosition has a source inside the head's centre")
    if not distance.max() <= _DISTANCES[1]:
        raise _UnusableError(
            f"SourcePosition has a source {distance.max():.3g} m away; accepted: "
            f"{_DISTANCES[1]:g} m at most"
        )
    far = distance >= _FAR * distance.max()
    return Measurements(responses[far], delays[far], positions[far] / distance[far, None], rate)


def _responses(file: Any) -> NDArray[np.float64]:
    """Return the responses (M, 2, N), scaled to a peak of 1."""
    responses = _numbers(file, "Data.IR")
    if responses.ndim != 3 or responses.shape[1] != 2 or 0 in responses.shape:
        raise _UnusableError(
            f"Data.IR has shape {responses.shape}; accepted: (M, 2, N), two receivers"
        )
    if responses.shape[2] > _MOST_SAMPLES:
        raise _UnusableError(
            f"Data.IR has responses of {responses.shape[2]} samples; accepted: {_MOST_SAMPLES} at "
            "most, a head without a room"
        )
    peaks = np.abs(responses).max(axis=2)
    loudest = float(peaks.max())
    if not peaks.all():
        raise _UnusableError("Data.IR has a response that is silent")
    if not _LOUDEST[0] <= loudest <= _LOUDEST[1]:
        raise _UnusableError(
            f"Data.IR has a peak of {loudest:.3g}; accepted: {_LOUDEST[0]:g} to {_LOUDEST[1]:g}"
        )
    if peaks.min() < _RANGE * loudest:
        raise _UnusableError(
            f"Data.IR has a response that peaks at {peaks.min():.3g} where the loudest does at "
            f"{loudest:.3g}; accepted: a millionth of that or more"
        )
    return responses / loudest


def _text(owner: Any, name: str) -> str | None:
    """Return a short text that is an attribute of a file or a dataset; None where it has none."""
    if name not in owner.attrs:
        return None
    held = owner.attrs.get_id(name)
    if held.shape not in ((), (1,)) or held.get_storage_size() > 1000:
        raise _UnusableError(f"the attribute {name} is no short text")
    value = owner.attrs[name]
    if isinstance(value, np.ndarray):
        value = value.item()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _numbers(file: Any, field: str) -> NDArray[np.float64]:
    """Return a field of finite numbers; nothing is read of one that is too large or elsewhere."""
    import h5py

    link = file.get(field, getlink=True)
    if link is None:
        raise _UnusableError(f"the field {field} is missing")
    data = file[field] if isinstance(link, h5py.HardLink) else None
    if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
        raise _UnusableError(f"{field} cannot be read: it is no dataset of this file")
    if data.dtype.kind not in "fiu":
        raise _UnusableError(f"{field} cannot be read: it holds {data.dtype}, no numbers")
    if not data.size:
        raise _UnusableError(f"{field} is empty")
    unpacked = max(data.size, int(np.prod(data.chunks or (0,), dtype=object))) * 8
    if unpacked > MOST_BYTES:
        raise _UnusableError(
            f"{field} is {unpacked / 1e6:.0f} MB large; accepted: {MOST_BYTES / 1e6:.0f} MB"
        )
    array = np.asarray(data[()], np.float64)
    if not np.isfinite(array).all():
        raise _UnusableError(f"{field} has values that are not finite")
    return array


def _rows(array: NDArray, shape: tuple[int, int], field: str) -> NDArray[np.float64]:
    if array.ndim != 2 or array.shape[0] not in (1, shape[0]) or array.shape[1] != shape[1]:
        raise _UnusableError(f"{field} has shape {array.shape}; accepted: {shape}")
    return np.broadcast_to(array, shape)


def _cartesian(file: Any, field: str, usual: str | None = None) -> NDArray[np.float64]:
    """Return a field of positions (M, 3) in metres, whatever its coordinates.

    ``usual`` are those of a field that does not say.
    """
    values = _numbers(file, field)
    kind = _text(file[field], "Type") or usual
    if values.ndim != 2 or values.shape[1] != 3:
        raise _UnusableError(f"{field} has shape {values.shape}; accepted: (M, 3)")
    if kind == "cartesian":
        return values
    if kind != "spherical":
        raise _UnusableError(f"{field} is {kind!r}; accepted: 'spherical' or 'cartesian'")
    azimuth, elevation, radius = values.T
    if np.abs(azimuth).max() > 360.5 or np.abs(elevation).max() > 90.5:
        raise _UnusableError(f"{field} has angles beyond 360° or 90°; accepted: degrees")
    if radius.min() < 0:
        raise _UnusableError(f"{field} has a distance of {radius.min():.3g} m; accepted: 0 or more")
    return direction(np.radians(azimuth), np.radians(elevation)) * radius[:, None]


def _check_listener(file: Any) -> None:
    """Refuse a head that is elsewhere or looks elsewhere than directions assume."""
    if "ListenerPosition" in file:
        away = _cartesian(file, "ListenerPosition", usual="cartesian")
        farthest = away[np.linalg.norm(away, axis=1).argmax()]
        if np.linalg.norm(farthest) > _AWAY:
            raise _UnusableError(
                f"ListenerPosition is {_few(farthest)}, so that nobody can say from where "
                "SourcePosition is seen; accepted: (0, 0, 0)"
            )
    if "ListenerView" not in file or "Type" not in file["ListenerView"].attrs:
        return
    view = _cartesian(file, "ListenerView")
    ahead = view[:, 0] / np.maximum(np.linalg.norm(view, axis=1), 1e-12)
    if not ahead.min() >= 0.999:
        raise _UnusableError(f"ListenerView is {_few(view[ahead.argmin()])}; accepted: (1, 0, 0)")


def _few(values: Any) -> str:
    """Return the first of some numbers, for a message."""
    numbers = np.ravel(values)
    text = ", ".join(f"{x:.6g}" for x in numbers[:3]) + (", …" if len(numbers) > 3 else "")
    return f"({text})" if len(numbers) > 1 else text
