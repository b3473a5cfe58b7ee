"""The processors for transformers and vLLM, in the environment that has both: what they mark is what is looked for."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.vllm, pytest.mark.needs("vllm")]

ROOT = Path(__file__).parents[2]
PYTHON = str(ROOT / ".venv-vllm" / "bin" / "python")

COMPARE = """
import json
import numpy as np, torch
from transformers import WatermarkLogitsProcessor
from forebay.watermark.keyring import Parameters, scheme_of
from forebay.watermark.transformers import WatermarkProcessor

SIZE = 5000
torch.manual_seed(1)
tokens, scores = torch.randint(0, SIZE, (4, 9)), torch.randn(4, SIZE)
found = {}
for name, theirs in (("kgw-lefthash", ("lefthash", 1)), ("hf-selfhash", ("selfhash", 4))):
    own = WatermarkProcessor(scheme_of("15485863", Parameters(name, 0.25, None, SIZE)))(tokens, scores)
    found[name] = torch.equal(own, WatermarkLogitsProcessor(SIZE, "cpu", 0.25, 2.0, 15485863, *theirs)(tokens, scores))
keyed = scheme_of("a secret of some length", Parameters("keyed"))
marked = WatermarkProcessor(keyed)(tokens, scores) - scores > 1
hard = WatermarkProcessor(keyed, hard=True)(tokens, scores)
green = np.stack([keyed.green((int(row[-1]),), np.arange(SIZE)) for row in tokens])
found["keyed"] = bool((marked.numpy() == green).all()) and bool((torch.isfinite(hard).numpy() == green).all())
gumbel = scheme_of("a secret of some length", Parameters("gumbel"))
drawn = WatermarkProcessor(gumbel)(tokens, scores)
winners = [gumbel.winner(tuple(row[-4:].tolist()), np.arange(SIZE), line.softmax(-1).numpy())
           for row, line in zip(tokens, scores)]
found["gumbel"] = drawn.argmax(-1).tolist() == winners and int(torch.isfinite(drawn).sum()) == 4
print(json.dumps(found))
"""

STATE = """
import json, types
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality
from vllm import SamplingParams
from forebay.watermark.vllm import WatermarkLogitsProcessor
import numpy as np

SIZE = 3000
config = types.SimpleNamespace(model_config=types.SimpleNamespace(get_vocab_size=lambda: SIZE))
processor = WatermarkLogitsProcessor(config, torch.device("cpu"), False)
scheme = processor._marker._scheme
outputs = [[5], [6], [7], []]
asked = [SamplingParams(temperature=t, extra_args=e) for t, e in
         ((1.0, None), (0.5, None), (1.0, {"watermark": False}), (1.0, None))]
processor.update_state(BatchUpdate(4, [], [(i, asked[i], [1], outputs[i]) for i in range(4)], []))


def biases():
    moved = processor.apply(torch.zeros(4, SIZE))
    return [sorted({round(float(each), 3) for each in row.unique()}) for row in moved], moved


first, rows = biases()
right = bool(((rows[0] > 0).numpy() == scheme.green((5,), np.arange(SIZE))).all())
outputs[0].append(9)
_, rows = biases()
followed = bool(((rows[0] > 0).numpy() == scheme.green((9,), np.arange(SIZE))).all())
processor.update_state(BatchUpdate(4, [], [], [(0, 2, MoveDirectionality.SWAP)]))
swapped, _ = biases()
processor.update_state(BatchUpdate(3, [1], [], [(2, 1, MoveDirectionality.UNIDIRECTIONAL)]))
left, _ = biases()
refused = False
try:
    WatermarkLogitsProcessor.validate_params(SamplingParams(extra_args={"watermark": "yes"}))
except ValueError:
    refused = True
print(json.dumps([first, right, followed, swapped, left, refused]))
"""


def run(script: str, **environ: str) -> Any:
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), **environ}
    done = subprocess.run([PYTHON, "-c", script], env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_transformers_get_the_marks_of_the_engine_and_those_of_their_own_processor() -> None:
    assert run(COMPARE) == {"kgw-lefthash": True, "hf-selfhash": True, "keyed": True, "gumbel": True}


def test_vllm_marks_the_rows_that_want_it_wherever_they_are() -> None:
    first, right, followed, swapped, left, refused = run(STATE, FOREBAY_WATERMARK_SECRET="a secret of some length")
    marked, cooler, plain = [0.0, 2.0], [0.0, 1.0], [0.0]
    assert first == [marked, cooler, plain, plain]
    assert right
    assert followed
    assert swapped == [plain, cooler, marked, plain]
    assert left == [plain, marked, plain, plain]
    assert refused
