#!/bin/sh
# Make .venv-aiperf, with NVIDIA's AIPerf and a tokenizer for its prompts: scripts/aiperf.sh
# When it has been done, nothing is done and no network is needed.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-aiperf
wanted="aiperf==0.13.0"
installed=$venv/installed

if [ "$(cat $installed 2>/dev/null)" != "$wanted" ]; then
    echo "Installing AIPerf into $venv." >&2
    [ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
    $venv/bin/python -m pip install --quiet --disable-pip-version-check "$wanted"
    # It wants a tokenizer to make prompts with, and would fetch one: bytes will do.
    $venv/bin/python - $venv/tokenizer <<'END'
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=letters[0]).save_pretrained(sys.argv[1])
END
    echo "$wanted" >$installed
fi
