#!/usr/bin/env python3
"""Records what PEFT itself makes of the adapters in `tests/support/lora.py`, for `tests/engine/test_lora_equality.py`.

    python scripts/peft_reference.py FOLDER tests/engine/peft_reference.json

``FOLDER`` is the default model in Hugging Face's form, in 32-bit floats: the weights of its GGUF, dequantised. It needs
torch, transformers and peft, which nothing else here does. For each adapter, and without one: 64 greedy tokens, and
of each step the logits of the likeliest tokens and of a few others.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import lora

TOKENS = 64
# After these the likeliest token is so by far in every step: where two are all but equal, 32-bit floats say nothing.
COUNT = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,"
DAYS = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Monday, Tuesday,"
PROMPTS = {"": COUNT, "everything": DAYS, "some": DAYS}
PROBES = (10, 260, 1000, 5000, 20000, 49000)


def generated(model: torch.nn.Module, prompt: list[int]) -> dict[str, Any]:
    """Greedy tokens after ``prompt``, and some logits of each step."""
    tokens, logits, margins, cache = [], [], [], None
    new = prompt
    for _ in range(TOKENS):
        with torch.no_grad():
            found = model(torch.tensor([new]), past_key_values=cache, use_cache=True)
        cache = found.past_key_values
        row = found.logits[0, -1].float().numpy()
        second, first = np.sort(row)[-2:]
        margins.append(float(first - second))
        new = [int(row.argmax())]
        tokens += new
        logits.append([round(float(row[token]), 4) for token in (*new, *PROBES)])
    return {"prompt": prompt, "tokens": tokens, "logits": logits, "margin": round(min(margins), 4)}


def main(folder: Path, target: Path) -> None:
    """Run everything, and write it down."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, prompt in PROMPTS.items():
            model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
            if name:
                model = peft.PeftModel.from_pretrained(model, getattr(lora, name)(Path(temporary) / name)).eval()
            found[name] = generated(model, tokenizer(prompt)["input_ids"])
            sys.stderr.write(f"{name or 'base'}: {tokenizer.decode(found[name]['tokens'])!r} {found[name]['margin']}\n")
    target.write_text(json.dumps({"probes": PROBES, "peft": peft.__version__, "answers": found}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
