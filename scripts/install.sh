#!/bin/sh
# Make .venv and install a lock file and Forebay itself into it: scripts/install.sh serve|dev (or venv: only make it).
# What is installed is noted in .venv/installed; when that still holds, nothing is done and no network is needed.
set -eu
cd "$(dirname "$0")/.."
what=$1
venv=.venv
python=$venv/bin/python
installed=$venv/installed

say() { echo "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        command -v "$name" || true
    done
}

# A virtual environment that an upgrade or a move of Python has left without its packages is not usable.
usable() {
    [ -x $python ] && new_enough $python && $python -m pip --version >/dev/null 2>&1 && wanted
}

wanted() {
    [ -z "${PYTHON:-}" ] || [ "$(version "$PYTHON")" = "$(version $python)" ]
}

version() { "$1" -c 'import sys; print(sys.version)' 2>/dev/null; }

try_venv() {
    rm -rf $venv
    "$1" -m venv $venv >/dev/null 2>&1 && return
    rm -rf $venv
    return 1
}

make_venv() {
    usable && return
    found=
    for candidate in $(candidates); do
        new_enough "$candidate" || continue
        found=${found:-$candidate}
        if try_venv "$candidate"; then
            say "Made $venv with $("$candidate" --version)."
            return
        fi
    done
    if [ -z "$found" ]; then
        say "Forebay needs Python 3.11 or newer; found: $(too_old)."
        say "Name another one with: make PYTHON=/path/to/python3.12"
        exit 1
    fi
    # Debian keeps the module that puts pip into a new environment in a package of its own.
    if scripts/apt.sh "$(venv_package "$found")" && try_venv "$found"; then
        say "Made $venv with $("$found" --version)."
        return
    fi
    say "$found cannot make a virtual environment: $found -m venv $venv"
    exit 1
}

too_old() {
    for candidate in $(candidates); do
        "$candidate" --version 2>/dev/null && return
    done
    [ -n "${PYTHON:-}" ] && echo "$PYTHON, which does not run" || echo none
}

venv_package() {
    if [ "$(version "$1")" = "$(version /usr/bin/python3)" ]; then
        echo python3-venv
    else
        "$1" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")'
    fi
}

# One line that changes with anything that would make another install necessary.
state() {
    echo "$1 $(cat "requirements/$1.txt" pyproject.toml | sha256sum | cut -c1-32) $(readlink -f $python) $PWD"
}

install() {
    say "Installing requirements/$1.txt into $venv."
    rm -f $installed
    quiet=
    [ -t 2 ] || quiet=--quiet
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    # shellcheck disable=SC2086 # nothing when empty
    $python -m pip install $quiet --require-hashes -r "requirements/$1.txt"
    # The build backend came with the lock file.
    $python -m pip install --quiet --no-deps --no-index --no-build-isolation --editable .
    # dev.txt holds everything of serve.txt in the same versions.
    {
        state serve
        [ "$1" = serve ] || state "$1"
    } >$installed
}

make_venv
[ "$what" = venv ] && exit 0
grep -qxF "$(state "$what")" $installed 2>/dev/null || install "$what"
