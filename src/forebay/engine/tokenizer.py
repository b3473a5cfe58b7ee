"""Text to tokens with the model's own tokenizer, an OpenVINO graph; and what each token stands for.

The graph runs without holding the interpreter's lock, on the caller's thread.
"""

import copy
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13

from forebay.engine.openvino_core import core

# Characters of one to four bytes, in more tokens than any limit that a converter sets by default (8,192).
_SAMPLE: Final = "Aé漢🙂 \n1x" * 4000
_UNLIMITED: Final = 2**31 - 1


class TokenizerError(RuntimeError):
    """The model's tokenizer is not one that this file can use."""


class Tokenizer:
    """A model's tokenizer.

    ``pieces`` are the bytes of each token, empty for those of ``special``; ``names`` are never empty. ``prefix`` is
    what the model wants before every text that is no chat (often a token that means "beginning", often nothing).
    """

    def __init__(self, folder: Path) -> None:
        """Load the tokenizer in ``folder``.

        Raises:
            TokenizerError: its tokens are not bytes of the text.
        """
        graph = core().read_model(folder / "openvino_tokenizer.xml")
        _lift_limit(graph)
        self.chat_template = _fact(graph, "chat_template")
        self.bos = _number(_fact(graph, "bos_token_id"))
        self.eos = _number(_fact(graph, "eos_token_id"))
        self._compiled = core().compile_model(graph, "CPU", {"INFERENCE_NUM_THREADS": 1})
        self._request = self._compiled.create_infer_request()
        self.names, self.special = _vocabulary(folder / "openvino_detokenizer.xml")
        self.pieces = self.names.copy()
        for token in self.special:
            self.pieces[token] = b""
        self.longest = max(map(len, self.names))
        self._nul = [self.names.index(b"\0")] if b"\0" in self.names else []
        self.prefix = self._run("")
        self._check()

    def encode(self, text: str) -> list[int]:
        """The tokens of ``text``, without `prefix`. Not for more than one thread at a time."""
        return self._run(text)[len(self.prefix) :]

    def twin(self) -> "Tokenizer":
        """The same once more, for another thread."""
        twin = copy.copy(self)
        twin._request = self._compiled.create_infer_request()  # noqa: SLF001 - its own
        return twin

    def _run(self, text: str) -> list[int]:
        kept = text.rstrip("\0")  # which NumPy takes for padding
        self._request.infer([np.array([kept])])
        tokens: list[int] = self._request.get_output_tensor(0).data[0].tolist()
        return tokens + self._nul * (len(text) - len(kept))

    def _check(self) -> None:
        if b"".join(self.pieces[token] for token in self.encode(_SAMPLE)) != _SAMPLE.encode():
            raise TokenizerError(
                "this model's tokenizer is of a kind that is not supported: joined, its tokens do not give the text"
            )


def _lift_limit(graph: ov.Model) -> None:
    """Converters cut every text at some number of tokens, silently; here a text that is too long is to be refused."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "Minimum":
            continue
        for port in node.inputs():
            source = port.get_source_output()
            if source.get_node().get_type_name() == "Constant":
                limit = opset13.constant(np.array(_UNLIMITED, source.get_element_type().to_dtype()))
                port.replace_source_output(limit.output(0))


def _fact(graph: ov.Model, name: str) -> str | None:
    if not graph.has_rt_info(name):
        return None
    value: str = graph.get_rt_info(name).astype(str)
    return value


def _number(value: str | None) -> int | None:
    return None if value is None else int(value)


def _vocabulary(path: Path) -> tuple[list[bytes], frozenset[int]]:
    """The bytes of every token, and which tokens are special: what the detokenizer's graph looks them up in."""
    graph = core().read_model(path)
    decoder = next((node for node in graph.get_ordered_ops() if node.get_type_name() == "VocabDecoder"), None)
    if decoder is None:
        raise TokenizerError(f"{path} has no VocabDecoder: it was made by another version of openvino-tokenizers")
    tables = ov.Model([opset13.result(decoder.input_value(port)) for port in (1, 2, 3, 4)], [], "vocabulary")
    request = core().compile_model(tables, "CPU").create_infer_request()
    request.infer()
    begins, ends, characters, special = (_table(request, port) for port in range(4))
    text = characters.tobytes()
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    return [text[begin:end] for begin, end in spans], frozenset(special.tolist())


def _table(request: ov.InferRequest, port: int) -> npt.NDArray[Any]:
    table: npt.NDArray[Any] = request.get_output_tensor(port).data
    return table
