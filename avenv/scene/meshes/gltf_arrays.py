"""The arrays of a glTF file: strided, sparse or normalised, as its accessors say."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.meshes.gltf_header import COMPONENTS, WIDTHS, Header
from avenv.scene.meshes.parts import MAX_TRIANGLES

_MOST_ZEROS = 3 * MAX_TRIANGLES
"""Rows of an array that takes no bytes of the file: corners of the most triangles, none shared."""


class Arrays:
    """Reads the arrays of one file.

    Args:
        header: the checked header.
        buffers: the contents of its buffers.
        path: of the file, for messages.
    """

    def __init__(self, header: Header, buffers: list[bytes], path: Path) -> None:
        self._header, self._buffers, self._path = header, buffers, path
        self._known: dict[int, NDArray[Any]] = {}

    def whole(self, row: int) -> NDArray[np.int64]:
        """Return an array of integers (N, width).

        Raises:
            SceneError: it ends beyond its buffer, is empty, or is of real numbers.
        """
        array = self._array(row)
        if array.dtype.kind not in "iu":
            raise SceneError(f"{self._path}: accessors[{row}] has real numbers; expected integers")
        return array.astype(np.int64)

    def real(self, row: int, normalized: bool | None = None) -> NDArray[np.float64]:
        """Return an array of numbers (N, width), integers scaled if they are normalised.

        Args:
            row: the accessor's.
            normalized: instead of what the accessor says.

        Raises:
            SceneError: it ends beyond its buffer, or is empty.
        """
        array = self._array(row)
        asked = self._header.accessors[row].normalized if normalized is None else normalized
        if array.dtype.kind in "iu" and asked:
            return np.maximum(array / float(np.iinfo(array.dtype).max), -1.0)
        return array.astype(np.float64)

    def _array(self, row: int) -> NDArray[Any]:
        if row not in self._known:
            self._known[row] = self._read(row)
        return self._known[row]

    def _read(self, row: int) -> NDArray[Any]:
        accessor, place = self._header.accessors[row], f"accessors[{row}]"
        kind, width = np.dtype(f"<{COMPONENTS[accessor.componentType]}"), WIDTHS[accessor.type]
        if accessor.bufferView is None and accessor.sparse is None:
            raise SceneError(f"{self._path}: {place} is compressed or empty; export plain arrays")
        if accessor.bufferView is None:
            if accessor.count > _MOST_ZEROS:
                raise SceneError(f"{self._path}: {place}.count is {accessor.count:,} without a "
                                 f"buffer view; at most {_MOST_ZEROS:,} are read")  # fmt: skip
            values = np.zeros((accessor.count, width), kind)
        else:
            values = self._slice(accessor.bufferView, accessor.byteOffset, kind,
                                 (accessor.count, width), place)  # fmt: skip
        if accessor.sparse is None:
            return values
        few, count = accessor.sparse, accessor.sparse.count
        which = self._slice(few.indices.bufferView, few.indices.byteOffset,
                            np.dtype(f"<{COMPONENTS[few.indices.componentType]}"), (count, 1),
                            f"{place}.sparse.indices").ravel()  # fmt: skip
        if (which >= accessor.count).any():
            raise SceneError(f"{self._path}: {place}.sparse.indices names a row that is not there")
        values = values.copy()
        values[which] = self._slice(few.values.bufferView, few.values.byteOffset, kind,
                                    (count, width), f"{place}.sparse.values")  # fmt: skip
        return values

    def _slice(
        self, view_row: int, offset: int, kind: np.dtype, shape: tuple[int, int], place: str
    ) -> NDArray[Any]:
        view = self._header.bufferViews[view_row]
        width = kind.itemsize * shape[1]
        stride = view.byteStride or width
        if shape[0] and offset + (shape[0] - 1) * stride + width > view.byteLength:
            raise SceneError(f"{self._path}: {place} ends beyond its buffer view")
        if not shape[0]:
            return np.zeros(shape, kind)
        return np.ndarray(shape, kind, self._buffers[view.buffer], view.byteOffset + offset,
                          (stride, kind.itemsize))  # fmt: skip
