#!/usr/bin/env bash
# Pin the packages of requirements/*.in, and everything they need, in requirements/*.txt.
#
# Pinned versions stay as long as the .in files allow them; arguments are passed to `uv pip compile` (`--upgrade`,
# `--upgrade-package NAME`). PyTorch takes part so that shared dependencies fit. Its own line and its GPU packages are
# left out, because tools/setup.sh installs the build that the machine needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=.venv/bin/python
[ -x "$python" ] || { echo "lock: run 'make setup' first" >&2; exit 1; }
"$python" -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt

lock() { # lock NAME ARGUMENT...: requirements/NAME.in -> requirements/NAME.txt
    local name=$1 lock=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --python-version 3.11 --python-platform linux --no-header \
        --annotation-style line --output-file "$lock" "requirements/$name.in" "$@"
    { echo "# Made by \`make lock\` from $name.in: edit that file, not this one."
        grep -vE '^(torch|triton|(nvidia|cuda)-[a-z0-9-]+)==' "$lock"; } > "$lock.new"
    mv "$lock.new" "$lock"
    echo "lock: $(grep -c == "$lock") packages in $lock"
}

lock main requirements/torch.txt "$@"
lock kubernetes --constraint requirements/main.txt "$@"
lock finetune --constraint requirements/main.txt --constraint requirements/torch.txt "$@"
lock dev --constraint requirements/main.txt --constraint requirements/torch.txt \
    --constraint requirements/kubernetes.txt --constraint requirements/finetune.txt "$@"
