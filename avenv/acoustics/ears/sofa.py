"""Read head-related impulse responses from SOFA files (AES69)."""

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import direction

CONVENTION = "SimpleFreeFieldHRIR"

_FAR = 0.95  # of the greatest distance: nearer measurements of a set are left out


class Measurements(NamedTuple):
    """P directions from which both ears of a head were measured.

    Attributes:
        responses: (P, 2, N), left ear first.
        delays: (P, 2) seconds to add to the responses.
        directions: (P, 3) unit vectors in the body frame.
        sample_rate: Hz.
    """

    responses: NDArray[np.float64]
    delays: NDArray[np.float64]
    directions: NDArray[np.float64]
    sample_rate: float


def read_sofa(content: bytes, name: str) -> Measurements:
    """Return the measurements in the content of a SOFA file called ``name``.

    Positions may be spherical or cartesian. Of a set with several distances the greatest counts:
    sound is taken to come from afar.

    Raises:
        ValueError: the file is not HDF5, its convention is not ``SimpleFreeFieldHRIR``, a field is
            missing, of another shape or not finite; the message names file and field.
    """
    import h5py  # slow to import, and only users of own files need it

    try:
        file = h5py.File(io.BytesIO(content), "r")
    except OSError as error:
        raise ValueError(f"{name} is not a SOFA (HDF5) file: {error}") from None
    with file:
        convention = _text(file.attrs.get("SOFAConventions"))
        if convention != CONVENTION:
            raise ValueError(f"{name}: SOFAConventions is {convention!r}; accepted: {CONVENTION!r}")
        responses = _numbers(file, "Data.IR", name)
        if responses.ndim != 3 or responses.shape[1] != 2 or 0 in responses.shape:
            raise ValueError(
                f"{name}: Data.IR has shape {responses.shape}; accepted: (M, 2, N), two receivers"
            )
        if not np.abs(responses).max(axis=2).all():
            raise ValueError(f"{name}: Data.IR has a response that is silent")
        number = len(responses)
        rate = np.unique(_numbers(file, "Data.SamplingRate", name))
        if len(rate) != 1 or rate[0] <= 0:
            raise ValueError(f"{name}: Data.SamplingRate is {rate}; accepted: one number of Hz")
        delays = _rows(_numbers(file, "Data.Delay", name), (number, 2), "Data.Delay", name)
        _check_view(file, name)
        positions = _cartesian(file, "SourcePosition", name)
    positions = _rows(positions, (number, 3), "SourcePosition", name)
    distance = np.linalg.norm(positions, axis=1)
    if not distance.all():
        raise ValueError(f"{name}: SourcePosition has a source inside the head's centre")
    far = distance >= _FAR * distance.max()
    return Measurements(
        responses[far],
        delays[far] / rate[0],
        positions[far] / distance[far, None],
        float(rate[0]),
    )


def _text(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _numbers(file: Any, field: str, name: str) -> NDArray[np.float64]:
    if field not in file:
        raise ValueError(f"{name}: the field {field} is missing")
    try:
        array = np.asarray(file[field][()], np.float64)
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: {field} cannot be read: {error}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {field} has values that are not finite")
    return array


def _rows(array: NDArray, shape: tuple[int, int], field: str, name: str) -> NDArray[np.float64]:
    if array.ndim != 2 or array.shape[0] not in (1, shape[0]) or array.shape[1] != shape[1]:
        raise ValueError(f"{name}: {field} has shape {array.shape}; accepted: {shape}")
    return np.broadcast_to(array, shape)


def _cartesian(file: Any, field: str, name: str) -> NDArray[np.float64]:
    """Return a field of positions (M, 3) in metres, whatever its coordinates."""
    values = _numbers(file, field, name)
    kind = _text(file[field].attrs.get("Type"))
    if values.ndim != 2 or values.shape[1] != 3:
        raise ValueError(f"{name}: {field} has shape {values.shape}; accepted: (M, 3)")
    if kind == "cartesian":
        return values
    if kind != "spherical":
        raise ValueError(f"{name}: {field} is {kind!r}; accepted: 'spherical' or 'cartesian'")
    azimuth, elevation, radius = np.radians(values[:, 0]), np.radians(values[:, 1]), values[:, 2]
    return direction(azimuth, elevation) * radius[:, None]


def _check_view(file: Any, name: str) -> None:
    """Raise ``ValueError`` if the head does not look along the x axis, as positions assume."""
    if "ListenerView" not in file or "Type" not in file["ListenerView"].attrs:
        return
    view = _cartesian(file, "ListenerView", name)
    ahead = view[:, 0] / np.maximum(np.linalg.norm(view, axis=1), 1e-12)
    if ahead.min() < 0.999:
        raise ValueError(f"{name}: ListenerView is {view[ahead.argmin()]}; accepted: (1, 0, 0)")
