"""The blocks that GGUF files keep weights in, as floats or as codes.

Source: the structures ``block_*`` and the functions ``dequantize_row_*`` of ggml; types by ggml's numbers.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forebay.engine.decoder import codes
from forebay.engine.decoder.codes import Codes
from forebay.engine.errors import ConversionError

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

F32, F16, Q4_0, Q8_0, BF16 = 0, 1, 2, 8, 30
_PART: Final = 2**24  # Weights that are unpacked at once.


class _Blocks(NamedTuple):
    """How to read blocks of so many bytes: [blocks, bytes] → [blocks, weights]."""

    size: int
    values: Callable[[Bytes], Floats]


def values(kind: int, data: Bytes, name: str) -> Floats:
    """The weights in ``data``, one after the other.

    Raises:
        ConversionError: they are of a type that cannot be read; the message has ``name``.
    """
    blocks = _known(kind, name)
    return blocks.values(data.reshape(-1, blocks.size)).reshape(-1)


def matrix(kind: int, data: Bytes, columns: int, name: str) -> Codes:
    """The matrix in ``data`` with rows of ``columns`` weights: as it is where codes can be, otherwise of 8 bits.

    Raises:
        ConversionError: as `values`.
    """
    size = _known(kind, name).size
    if kind in _EXACT:
        return _EXACT[kind](data.reshape(-1, columns // codes.GROUP, size))
    row = data.size // max(_rows(kind, data, columns), 1)
    part = row * max(_PART // columns, 1)
    pieces = (values(kind, data[at : at + part], name) for at in range(0, data.size, part))
    return codes.joined([codes.quantised(piece.reshape(-1, columns)) for piece in pieces])


def _rows(kind: int, data: Bytes, columns: int) -> int:
    blocks = _BLOCKS[kind]
    weights = blocks.values(data[: blocks.size].reshape(1, -1)).size
    return data.size // blocks.size * weights // columns


def _known(kind: int, name: str) -> _Blocks:
    if kind not in _BLOCKS:
        raise ConversionError(
            f"The tensor '{name}' is quantised in a way that is not supported (ggml's type {kind}); take a file in "
            "Q4_0, Q8_0, Q4_1, Q4_K_M, Q5_K_M, Q6_K, F16 or BF16."
        )
    return _BLOCKS[kind]


def _halves(data: Bytes, begin: int, count: int) -> Floats:
    """``count`` floats of 16 bits from the byte ``begin`` of each block."""
    return np.ascontiguousarray(data[..., begin : begin + 2 * count]).view("<f2").astype(np.float32)


def _nibbles(data: Bytes) -> Bytes:
    """The low halves of all bytes, then the high ones."""
    return np.concatenate([data & 15, data >> 4], axis=-1)


def _f32(data: Bytes) -> Floats:
    return data.view("<f4").astype(np.float32)


def _bf16(data: Bytes) -> Floats:
    return (data.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _q4_1(data: Bytes) -> Floats:
    return _nibbles(data[:, 4:]) * _halves(data, 0, 1) + _halves(data, 2, 1)


def _fifth_bits(data: Bytes, begin: int) -> Bytes:
    """32 bits from the byte ``begin`` of each block, each where the fifth bit of a code is."""
    bits: Bytes = np.unpackbits(np.ascontiguousarray(data[:, begin : begin + 4]), axis=1, bitorder="little")
    return bits * np.uint8(16)


def _q5_0(data: Bytes) -> Floats:
    found = (_nibbles(data[:, 6:]) | _fifth_bits(data, 2)).astype(np.float32)
    return (found - 16) * _halves(data, 0, 1)


def _q5_1(data: Bytes) -> Floats:
    return (_nibbles(data[:, 8:]) | _fifth_bits(data, 4)) * _halves(data, 0, 1) + _halves(data, 2, 1)


def _k_scales(data: Bytes) -> tuple[Floats, Floats]:
    """Of each group of 32 in blocks of Q4_K or Q5_K, its step and its minimum: [blocks, 8, 1]."""
    low, middle, high = data[:, 4:8], data[:, 8:12], data[:, 12:16]
    steps = np.concatenate([low & 63, (high & 15) | (low >> 6 << 4)], axis=1)
    minima = np.concatenate([middle & 63, (high >> 4) | (middle >> 6 << 4)], axis=1)
    return (steps * _halves(data, 0, 1))[..., None], (minima * _halves(data, 2, 1))[..., None]


def _k_codes(data: Bytes) -> Bytes:
    """Four times 32 bytes, the low halves of each before its high ones: [blocks, 8, 32]."""
    return _nibbles(data.reshape(-1, 4, 32)).reshape(-1, 8, 32)


def _q4_k(data: Bytes) -> Floats:
    steps, minima = _k_scales(data)
    return _k_codes(data[:, 16:]) * steps - minima


def _q5_k(data: Bytes) -> Floats:
    steps, minima = _k_scales(data)
    fifth = data[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None] & 1
    return (_k_codes(data[:, 48:]) | (fifth << 4)) * steps - minima


def _q6_k(data: Bytes) -> Floats:
    low = _nibbles(data[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    high = data[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3
    found = (low | (high << 4)).astype(np.float32).reshape(-1, 16, 16) - 32
    scales = data[:, 192:208].view(np.int8) * _halves(data, 208, 1)
    return found * scales[..., None]


_BLOCKS: Final[Mapping[int, _Blocks]] = MappingProxyType(
    {
        F32: _Blocks(4, _f32),
        F16: _Blocks(2, lambda data: _halves(data, 0, 1)),
        Q4_0: _Blocks(18, lambda data: (_nibbles(data[:, 2:]).astype(np.float32) - 8) * _halves(data, 0, 1)),
        3: _Blocks(20, _q4_1),
        6: _Blocks(22, _q5_0),
        7: _Blocks(24, _q5_1),
        Q8_0: _Blocks(34, lambda data: data[:, 2:].view(np.int8) * _halves(data, 0, 1)),
        12: _Blocks(144, _q4_k),
        13: _Blocks(176, _q5_k),
        14: _Blocks(210, _q6_k),
        BF16: _Blocks(2, _bf16),
    }
)


def _scales(data: Bytes) -> npt.NDArray[np.float16]:
    return np.ascontiguousarray(data[..., :2]).view("<f2")


_EXACT: Final[Mapping[int, Callable[[Bytes], Codes]]] = MappingProxyType(
    {
        Q4_0: lambda data: Codes(_nibbles(data[..., 2:]).astype(np.int8) - np.int8(8), _scales(data), 4),
        Q8_0: lambda data: Codes(np.ascontiguousarray(data[..., 2:]).view(np.int8), _scales(data), 8),
    }
)
