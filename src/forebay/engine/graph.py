"""The model as one paged graph: a step computes the next logits of many sequences at once, over caches cut into blocks.

This is the only file that touches OpenVINO's private `paged_attention_transformation`. It rewrites the graph of a
language model that keeps its cache inside into one that is handed its cache (``key_cache.i`` and ``value_cache.i``)
and which part of it belongs to whom. Two things are added here:

- only the last token of each sequence reaches the projection to the vocabulary (a `Gather` before the last `MatMul`),
  because nobody reads the other logits: it makes a prefill a quarter faster;
- a step of a single row can be padded to two. From two rows on a sequence's logits are bit-identical whatever else is
  in the step; a single row takes another kernel, whose rounding differs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13

from forebay.engine import projections
from forebay.engine.batch import PADDING, Batch, Floats, Row
from forebay.engine.blocks import SCRATCH
from forebay.engine.lora import Branches, Stack
from forebay.engine.openvino_core import core
from forebay.engine.projections import Module

try:
    from openvino._offline_transformations import paged_attention_transformation
except ImportError:  # pragma: no cover - told by `_check_version` when a model is loaded
    paged_attention_transformation = None

Precision = Literal["f32"]

TESTED: Final = "2026.4"
_LAST: Final = "last_tokens"


class GraphError(RuntimeError):
    """OpenVINO, or the model, is not what this file was written for; the message names the remedy."""


class PagedGraph:
    """A compiled model and its caches. Not for more than one thread at a time.

    ``blocks`` counts all blocks, `SCRATCH` included; ``vocabulary`` is the length of a row of logits; ``modules`` are
    those that an adapter may change, with the widths of their inputs and outputs.

    Rows may have adapters once `prepare` has been called. The model is compiled twice then, over the same caches: a
    step in which nobody has an adapter does not pay for those of others.
    """

    def __init__(
        self, folder: Path, *, kv_cache: int, threads: int | None = None, precision: Precision | None = None
    ) -> None:
        """Read and compile the model in ``folder`` and set aside ``kv_cache`` bytes for its caches.

        Without a ``precision`` the numbers are those that this processor is fastest with. With "f32" a row without an
        adapter gets the same logits, to the last bit, whether others in its step have adapters or not.

        Raises:
            GraphError: this OpenVINO or this model cannot be used, or not even one block fits.
        """
        _check_version(ov.__version__)
        self._folder = folder
        self._properties = _properties(threads, precision)
        model = _read(folder)
        self.modules: Mapping[Module, tuple[int, int]] = dict(
            module for projection in projections.find(model) for module in projection.modules()
        )
        compiled = core().compile_model(model, "CPU", self._properties)
        self.vocabulary: int = compiled.output("logits").partial_shape[-1].get_length()
        self._caches = _allocate(compiled, kv_cache)
        self.blocks = int(next(iter(self._caches.values())).shape[0])
        self._plain = _Request(compiled, self._caches)
        self._adapted: tuple[_Request, Stack] | None = None
        self._targets: frozenset[str] = frozenset()

    def step(self, batch: Sequence[Row], *, exact: bool = False) -> Floats:
        """The logits after the last token of each row: one line each, valid until the next step.

        ``exact`` makes each line independent of what else is in the step, at the price of a padding row when there is
        but one.
        """
        padded = exact and len(batch) == 1
        rows = [*batch, PADDING] if padded else batch
        logits = self._chosen(rows).infer(Batch.of(rows))
        return logits.reshape(-1, self.vocabulary)[: len(batch)]

    def prepare(self, targets: frozenset[str]) -> None:
        """Make ready for adapters that change the modules ``targets``: a row may have one once this returns.

        This compiles the model once more unless it was done for such adapters already. Any one thread may call it while
        another is in `step`.
        """
        if targets <= self._targets:
            return
        wanted = self._targets | targets
        model = _read(self._folder)
        branches = Branches(model, projections.find(model), wanted)
        request = _Request(core().compile_model(model, "CPU", self._properties), self._caches)
        self._adapted = request, branches.stack(request.request)
        self._targets = wanted

    def _chosen(self, rows: Sequence[Row]) -> "_Request":
        """The request for ``rows``: the one with adapters, and what those need in it, only where there are some."""
        adapted = self._adapted
        if adapted is None or all(row.adapter is None for row in rows):
            return self._plain
        request, stack = adapted
        stack.put([(row.adapter, len(row.tokens)) for row in rows])
        return request


class _Request:
    """A compiled model over caches that others share."""

    def __init__(self, compiled: ov.CompiledModel, caches: Mapping[str, ov.Tensor]) -> None:
        self.request = compiled.create_infer_request()
        for name, tensor in caches.items():
            self.request.set_tensor(name, tensor)
        self._inputs = {
            name: _Input(self.request, name, compiled.input(name).element_type.to_dtype()) for name in Batch._fields
        }

    def infer(self, batch: Batch) -> Floats:
        """One run: the logits, valid until the next one."""
        for name, values in batch._asdict().items():
            self._inputs[name].put(values)
        self.request.infer()
        logits: Floats = self.request.get_output_tensor(0).data
        return logits


class _Input:
    """An input of the graph. Its memory stays the same while its length does: handing over another takes longer."""

    def __init__(self, request: ov.InferRequest, name: str, kind: npt.DTypeLike) -> None:
        self._request = request
        self._name = name
        self._kind = kind
        self._values: npt.NDArray[Any] | None = None

    def put(self, values: int | list[int]) -> None:
        """Set the input to ``values``."""
        size = len(values) if isinstance(values, list) else 1
        if self._values is not None and self._values.size == size:
            self._values[...] = values
            return
        tensor = ov.Tensor(np.array(values, self._kind))
        self._request.set_tensor(self._name, tensor)
        self._values = tensor.data


def _read(folder: Path) -> ov.Model:
    model = core().read_model(folder / "openvino_model.xml")
    _make_paged(model)
    _keep_last_tokens(model)
    return model


def _allocate(compiled: ov.CompiledModel, kv_cache: int) -> dict[str, ov.Tensor]:
    caches = [port for port in compiled.inputs if _is_cache(port.any_name)]
    shapes = {port.any_name: [side.get_length() for side in list(port.partial_shape)[1:]] for port in caches}
    block_bytes = sum(int(np.prod(shapes[port.any_name])) * port.element_type.size for port in caches)
    blocks = kv_cache // block_bytes
    if blocks <= SCRATCH + 1:
        raise GraphError(f"kv_cache of {kv_cache:,} bytes is too small: one block takes {block_bytes:,} bytes")
    return {port.any_name: ov.Tensor(port.element_type, ov.Shape([blocks, *shapes[port.any_name]])) for port in caches}


def _check_version(version: str) -> None:
    if paged_attention_transformation is None or not version.startswith(f"{TESTED}."):
        raise GraphError(
            f"the embedded engine is made for OpenVINO {TESTED}, but {version} is installed: "
            "install forebay[engine] again"
        )


def _properties(threads: int | None, precision: Precision | None) -> Mapping[str, Any]:
    # 16 bits for keys and values, of which bfloat16 is made where that is computed with: 6 % faster than 8 bits.
    properties: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "KV_CACHE_PRECISION": "f16"}
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = threads
    if precision is not None:
        properties["INFERENCE_PRECISION_HINT"] = precision
    return properties


def _make_paged(model: ov.Model) -> None:
    try:
        paged_attention_transformation(model)
    except RuntimeError as error:
        raise GraphError(f"the model cannot be paged: {error}") from error
    found = {port.any_name for port in model.inputs if not _is_cache(port.any_name)}
    if found != set(Batch._fields) - {_LAST}:
        raise GraphError(f"the model cannot be paged: its inputs became {sorted(found)}")


def _is_cache(name: str) -> bool:
    return name.startswith(("key_cache.", "value_cache."))


def _keep_last_tokens(model: ov.Model) -> None:
    """Let only the tokens at the new input `_LAST` reach the projection to the vocabulary."""
    projection = _projection(model)
    rows = opset13.parameter([-1], np.int64, name=_LAST)
    rows.output(0).get_tensor().set_names({_LAST})
    hidden = projection.input(0)
    gathered = opset13.gather(hidden.get_source_output(), rows, opset13.constant(np.int64(0)))
    hidden.replace_source_output(gathered.output(0))
    model.add_parameters([rows])
    model.validate_nodes_and_infer_types()


def _projection(model: ov.Model) -> ov.Node:
    """The `MatMul` that the logits come from, perhaps by way of a scaling or a conversion."""
    node = model.output("logits").get_node()
    while node.get_type_name() != "MatMul":
        if not node.get_input_size():
            raise GraphError("the model cannot be used: its logits come from no matrix multiplication")
        node = node.input_value(0).get_node()
    return node
