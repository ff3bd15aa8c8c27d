#!/usr/bin/env bash
# Time the set-up in a fresh copy of the committed files, with pip's cache off. Needs network; takes minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
cd "$copy"
time PIP_NO_CACHE_DIR=1 make setup
