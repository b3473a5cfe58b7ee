#!/bin/sh
# Installs what tests need from npm into .node, once; without npm they say what is missing.
set -eu
cd "$(dirname "$0")/.."

packages="oidc-provider@9.13.3 oauth2-mock-server@8.2.3 @microsoft/jest-sarif@1.0.0-beta.0 axe-core@4.14.1"

installed=.node/installed
[ "$(cat $installed 2>/dev/null)" = "$packages" ] && exit 0
if ! command -v npm >/dev/null; then
    echo "npm is not installed: the tests with an OpenID provider and of accessibility will be skipped" >&2
    exit 0
fi
mkdir -p .node
# No lock file: npm writes the registry's address into it. The version above is exact.
npm install --prefix .node --loglevel=error --no-audit --no-fund --no-package-lock $packages
echo "$packages" >$installed
