#!/usr/bin/env bash
# Fine-tune against another project's mock of OpenAI's API, npm's @copilotkit/aimock, as a second opinion on the protocol.
#
#   bash benchmarks/tuning_peer.sh [--help] [FOLDER]
#
# FOLDER: where the mock is or is installed (default: /tmp/tuning-peer). Needs Node 20 and, the first time, npm's registry.
set -euo pipefail

case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit ;; esac
cd "$(dirname "$0")/.."
folder=${1:-${TMPDIR:-/tmp}/tuning-peer}
mkdir -p "$folder"
if [ ! -x "$folder/node_modules/.bin/llmock" ]; then
    npm install --prefix "$folder" --no-audit --no-fund --silent "@copilotkit/aimock@1.43.0"
fi
.venv/bin/python benchmarks/tuning_peer.py --mock "$folder/node_modules/.bin/llmock"
