"""Reads a safetensors file as numpy arrays, without copying: the weights stay in the file until they are used.

NumPy has no bfloat16: such a tensor comes as `BRAIN`, and `floats` makes numbers of it.

Source: the format's description in the repository ``huggingface/safetensors``: the length of a JSON header, the
header (name → dtype, shape, place), the tensors.
"""

import math
import mmap
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from forebay.engine.errors import ConversionError

_HEADER_LIMIT: Final = 100_000_000  # The format's own.
_LENGTH: Final = 8
BRAIN: Final = np.dtype([("bfloat16", "<u2")])
"""The upper halves of 32-bit floats."""
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": BRAIN,
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


class _Tensor(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of ``path`` by name, as read-only views of the mapped file.

    Raises:
        ConversionError: it is no safetensors file, is damaged or cut off, or has a tensor of an unknown type.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if not 0 < length <= min(_HEADER_LIMIT, path.stat().st_size - _LENGTH):
            raise ConversionError(f"{path} is not a whole safetensors file.")
        header = file.read(length)
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[_LENGTH + length :]
    try:
        described = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        described.pop("__metadata__", None)
        tensors = {name: msgspec.json.decode(raw, type=_Tensor) for name, raw in described.items()}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConversionError(f"{path} is damaged: its header cannot be read ({error}).") from None
    return {name: _view(path, name, tensor, data) for name, tensor in tensors.items()}


def _view(path: Path, name: str, tensor: _Tensor, data: memoryview) -> NDArray[Any]:
    dtype = _DTYPES.get(tensor.dtype)
    if dtype is None:
        raise ConversionError(f"{path}: the tensor '{name}' is of the type {tensor.dtype}, which is not supported.")
    begin, end = tensor.data_offsets
    size = math.prod(tensor.shape) * dtype.itemsize
    if min((0, begin, *tensor.shape)) < 0 or end > len(data) or end - begin != size:
        raise ConversionError(f"{path} is damaged or cut off: the tensor '{name}' lies outside of it.")
    view: NDArray[Any] = np.frombuffer(data[begin:end], dtype).reshape(tensor.shape)
    return view


def floats(tensor: NDArray[Any]) -> NDArray[np.float32]:
    """The numbers of ``tensor``, which may be of any type of floats, `BRAIN` included.

    Raises:
        ConversionError: it is of another type.
    """
    if tensor.dtype == BRAIN:
        return (tensor["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    if not np.issubdtype(tensor.dtype, np.floating):
        raise ConversionError(f"A tensor is of the type {tensor.dtype}, where floats were expected.")
    return tensor.astype(np.float32, copy=False)
