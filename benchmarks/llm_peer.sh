#!/usr/bin/env bash
# Compare the online executor with bespokelabs-curator, which gets its own environment (kept, about 1 GB).
#
#   bash benchmarks/llm_peer.sh [--help] [FOLDER [OPTIONS of llm_peer.py…]]
#
# FOLDER: of curator's environment, created if missing (default: /tmp/llm-peer). Needs a package index the first time.
set -euo pipefail

case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit ;; esac
cd "$(dirname "$0")/.."
folder=${1:-${TMPDIR:-/tmp}/llm-peer}
shift || true
if ! "$folder/bin/python" -c "import bespokelabs.curator" 2>/dev/null; then
    .venv/bin/python -m venv "$folder"
    "$folder/bin/pip" install --quiet "bespokelabs-curator==0.1.31"
fi
.venv/bin/python benchmarks/llm_peer.py --python "$folder/bin/python" "$@"
