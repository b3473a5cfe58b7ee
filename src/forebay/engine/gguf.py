"""Reads what a GGUF file says about itself, where its weights are, and whether all of it is there.

The file may come from anywhere, and OpenVINO's own reader ends the process on a truncated one: so every length is
checked against what was read, at most `LIMIT` bytes are read, and whatever is wrong becomes a `GGUFError`.

Source: the GGUF specification (``docs/gguf.md`` of ggml), versions 2 and 3, little-endian.
"""

import array
import math
import struct
import sys
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from forebay.engine.errors import GGUFError
from forebay.engine.metadata import Facts

T = TypeVar("T")

LIMIT: Final = 64 * 1024 * 1024  # The largest vocabularies (256,000 tokens) take about 16 MiB.
_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_NESTING: Final = 4
_DIMENSIONS: Final = 4

_STRING: Final = 8
_ARRAY: Final = 9
_BOOL: Final = 7
# By the type's number: how `struct` and `array` name it.
_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", _BOOL: "B", 10: "Q", 11: "q", 12: "d"}

# By ggml's number of a tensor's type: weights in a block, and the bytes of that block.
_BLOCKS: Final = (
    {0: (1, 4), 1: (1, 2), 30: (1, 2), 28: (1, 8)}  # F32 F16 BF16 F64
    | {24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8)}  # I8 I16 I32 I64
    | {2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}  # Q4_0 Q4_1 Q5_0 Q5_1 Q8_0
    | {10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)}  # Q2_K to Q6_K
    | {16: (256, 66), 17: (256, 74), 22: (256, 82)}  # IQ2_XXS IQ2_XS IQ2_S
    | {18: (256, 98), 21: (256, 110), 19: (256, 50), 29: (256, 56)}  # IQ3_XXS IQ3_S IQ1_S IQ1_M
    | {20: (32, 18), 23: (256, 136), 39: (32, 17)}  # IQ4_NL IQ4_XS MXFP4
)
_UNKNOWN_BLOCK: Final = (1, 0)

ENDS: Final = frozenset(
    {
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|end|>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "<end_of_turn>",
        "<｜end▁of▁sentence｜>",  # noqa: RUF001 - these are the characters of the token
    }
)
"""A chat model ends its turn with any of these, whichever of them its file calls "eos" (llama.cpp does the same)."""

_CONTROL: Final = 3


class Tensor(msgspec.Struct, frozen=True):
    """Weights in the file: ``shape`` as ggml has it, the length of a row first; ``start`` and ``size`` in bytes.

    ``kind`` is ggml's number of the type.
    """

    name: str
    kind: int
    shape: tuple[int, ...]
    start: int
    size: int


def tensors(path: Path) -> list[Tensor]:
    """The weights of the file at ``path``.

    Raises:
        GGUFError: it is no GGUF file, or a damaged one.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(LIMIT)
    try:
        reader = _Reader(header, path.stat().st_size)
        reader.fields()
    except GGUFError as error:
        raise GGUFError(f"{path}: {error}") from None
    return reader.tensors


def read(path: Path) -> Facts:
    """What ``path`` says about the model in it.

    Raises:
        GGUFError: it is no GGUF file, is damaged or cut off, or holds no language model.
        OSError: it cannot be read.
    """
    fields = read_fields(path)
    try:
        return _facts(fields)
    except GGUFError as error:
        raise GGUFError(f"{path}: {error}") from None


def read_fields(path: Path) -> dict[str, object]:
    """All key-value pairs of ``path``: numbers, strings, and lists or ``array.array`` of them.

    Raises:
        GGUFError: it is no GGUF file, or is damaged or cut off.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(LIMIT)
    try:
        return _Reader(header, size).fields()
    except GGUFError as error:
        raise GGUFError(f"{path}: {error}") from None


class _Reader:
    """Walks once through the header of a file of ``size`` bytes."""

    def __init__(self, header: bytes, size: int) -> None:
        self._header = header
        self._size = size
        self._at = 0
        self.tensors: list[Tensor] = []

    def fields(self) -> dict[str, object]:
        """Every key-value pair; the list of tensors is checked against the size of the file."""
        tensors, count = self._start()
        fields: dict[str, object] = {}
        for _ in range(count):
            key = self._string()
            if key in fields:
                raise GGUFError(f"the key '{key[:80]}' stands in it twice, so it is damaged")
            fields[key] = self._value(self._integer("I"), _NESTING)
        found = [self._tensor() for _ in range(tensors)]
        alignment = _alignment(fields)
        begin = -(-self._at // alignment) * alignment
        self._check_size(begin + max((each.start + each.size for each in found), default=0))
        self.tensors = [msgspec.structs.replace(each, start=begin + each.start) for each in found]
        return fields

    def _start(self) -> tuple[int, int]:
        if self._header[:4] != _MAGIC:
            raise GGUFError("this is not a GGUF file (it does not begin with 'GGUF')")
        self._at = 4
        version = self._integer("I")
        if version not in _VERSIONS:
            raise GGUFError(
                f"GGUF version {version} is not supported (only little-endian 2 and 3 are): convert the model anew "
                "with a current llama.cpp"
            )
        return self._integer("Q"), self._integer("Q")

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._header):
            if end > self._size:
                raise GGUFError("the file is damaged or cut off: download it again")
            raise GGUFError(f"its header is larger than {LIMIT // 2**20} MiB")
        taken = self._header[self._at : end]
        self._at = end
        return taken

    def _integer(self, code: str) -> int:
        number: int = struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0]
        return number

    def _string(self) -> str:
        return self._take(self._integer("Q")).decode("utf-8", "replace")

    def _value(self, kind: int, nesting: int) -> object:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(nesting)
        if kind not in _NUMBERS:
            raise GGUFError(f"it holds a value of the unknown type {kind}, so it is damaged or newer than this reader")
        number: float = struct.unpack("<" + _NUMBERS[kind], self._take(struct.calcsize("<" + _NUMBERS[kind])))[0]
        return bool(number) if kind == _BOOL else number

    def _array(self, nesting: int) -> object:
        kind, count = self._integer("I"), self._integer("Q")
        if kind in _NUMBERS:
            # Compact on purpose: a list would need many times the bytes that stand in the file.
            numbers: array.array[float] = array.array(_NUMBERS[kind])
            numbers.frombytes(self._take(count * numbers.itemsize))
            if sys.byteorder == "big":
                numbers.byteswap()
            return numbers
        if not nesting:
            raise GGUFError("it nests arrays too deeply, so it is damaged")
        return [self._value(kind, nesting - 1) for _ in range(count)]

    def _tensor(self) -> Tensor:
        """The next tensor; its ``start`` is counted from where the data begins."""
        name = self._string()
        dimensions = self._integer("I")
        if dimensions > _DIMENSIONS:
            raise GGUFError(f"the tensor '{name[:80]}' has {dimensions} dimensions, so it is damaged")
        shape = tuple(self._integer("Q") for _ in range(dimensions))
        kind, offset = self._integer("I"), self._integer("Q")
        in_block, block_size = _BLOCKS.get(kind, _UNKNOWN_BLOCK)
        return Tensor(name, kind, shape, offset, math.prod(shape) // in_block * block_size)

    def _check_size(self, whole: int) -> None:
        if self._size < whole:
            raise GGUFError(f"the file is cut off: it has {self._size:,} of {whole:,} bytes; download it again")


def _alignment(fields: dict[str, object]) -> int:
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0:
        raise GGUFError("its alignment is not a positive number, so it is damaged")
    return alignment


def _facts(fields: dict[str, object]) -> Facts:
    architecture = _field(fields, "general.architecture", str)
    if architecture is None:
        raise GGUFError("it does not say which architecture the model has")
    if (_field(fields, "split.count", int) or 1) > 1:
        raise GGUFError("it is one part of a split model: join the parts with llama-gguf-split --merge")
    context_length = _field(fields, f"{architecture}.context_length", int)
    if context_length is None or context_length <= 0:
        raise GGUFError(f"it gives no context length, so it is no language model ({architecture})")
    tokens = _field(fields, "tokenizer.ggml.tokens", list) or []
    return Facts(
        architecture=architecture,
        context_length=context_length,
        chat_template=_field(fields, "tokenizer.chat_template", str),
        bos_token=_token(fields, tokens, "bos"),
        eos_token=_token(fields, tokens, "eos"),
        eos_ids=_ends(fields, tokens),
    )


def _field(fields: dict[str, object], key: str, kind: type[T]) -> T | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, kind):
        raise GGUFError(f"'{key}' should be {kind.__name__}, so the file is damaged")
    return value


def _token_id(fields: dict[str, object], tokens: list[Any], name: str) -> int | None:
    number = _field(fields, f"tokenizer.ggml.{name}_token_id", int)
    return number if number is not None and 0 <= number < len(tokens) else None


def _token(fields: dict[str, object], tokens: list[Any], name: str) -> str:
    number = _token_id(fields, tokens, name)
    return "" if number is None else str(tokens[number])


def _ends(fields: dict[str, object], tokens: list[Any]) -> tuple[int, ...]:
    named = [_token_id(fields, tokens, name) for name in ("eos", "eot", "eom")]
    kinds = _field(fields, "tokenizer.ggml.token_type", array.array) or ()
    known = [
        number
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=False))
        if kind == _CONTROL and token in ENDS
    ]
    return tuple(dict.fromkeys(number for number in (*named, *known) if number is not None))
