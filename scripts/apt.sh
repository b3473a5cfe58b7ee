#!/bin/sh
# Install Debian packages that are missing: scripts/apt.sh PACKAGE...
# Where that is not possible, say which line to run, and fail.
set -eu

missing=
for package in "$@"; do
    # A program of that name, from wherever, is as good as the package.
    command -v "$package" >/dev/null 2>&1 && continue
    dpkg-query --show --showformat='${Status}\n' "$package" 2>/dev/null | grep -q 'install ok installed' && continue
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing with apt-get." >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word a package
    if apt-get -qq update >&2 && apt-get -qq install -y --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "Missing:$missing. To install: sudo apt-get install$missing" >&2
exit 1
