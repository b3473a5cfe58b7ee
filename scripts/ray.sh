#!/bin/sh
# Make .venv-ray, with Forebay, its engine, Ray Serve and what the tests of the kind `ray` need: scripts/ray.sh
# When it has been done for this pyproject.toml, nothing is done and no network is needed.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-ray
installed=$venv/installed

if ! cmp -s pyproject.toml $installed; then
    echo "Installing Ray into $venv." >&2
    [ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[engine,ray,redis]" \
        hypothesis openai psutil pytest pytest-asyncio
    cp pyproject.toml $installed
fi
