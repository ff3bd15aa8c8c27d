#!/usr/bin/env bash
# Make .venv and install the pinned requirements into it; packages that are up to date stay as they are.
#
#   tools/setup.sh        what the workflow needs
#   tools/setup.sh dev    the same, plus what tests and lint need
#
#   PYTHON=...            the Python 3.11 that .venv is made with (default: python3.11, python3 or python on the PATH)
#   TORCH=cpu|cuda        the build of PyTorch (default: what .venv has; otherwise cuda if nvidia-smi lists a GPU)
#
# Each step that finishes records in .venv what it installed. A step runs again if its record is missing or differs, so
# that changed requirements are installed and an interrupted set-up resumes where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONPATH PYTHONHOME
export PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1

readonly venv=$PWD/.venv
readonly log=$venv/setup.log
readonly gigabytes_cpu=3 gigabytes_cuda=10 # size of .venv and of the wheels while they are installed
readonly debian="on Debian or Ubuntu: apt-get install"

fail() {
    echo "set-up: $*" >&2
    exit 1
}

find_python() { # print the path of a Python 3.11 that can make virtual environments and compile extensions
    local candidate python="" headers wrong="was not found"
    local candidates=(python3.11 python3 python)
    [ -z "${PYTHON:-}" ] || { candidates=("$PYTHON") wrong="PYTHON=$PYTHON is not one"; }
    for candidate in "${candidates[@]}"; do
        # The Python of a virtual environment may be the one to be replaced: use the Python that made it.
        python=$("$candidate" -c 'import sys
print(sys._base_executable if sys.version_info[:2] == (3, 11) else "")' 2> /dev/null) || python=""
        [ -z "$python" ] || break
    done
    [ -n "$python" ] || fail "Python 3.11 is needed and $wrong:" \
        "install it ($debian python3.11 python3.11-venv python3.11-dev) or name it, as in 'make setup PYTHON=/path/to/python3.11'"
    "$python" -c 'import ensurepip, venv; ensurepip.version()' 2> /dev/null ||
        fail "$python cannot make virtual environments: install its venv module ($debian python3.11-venv)"
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$headers/Python.h" ] ||
        fail "fairseq is compiled here and needs $headers/Python.h: install Python's headers ($debian python3.11-dev)"
    echo "$python"
}

check_compiler() { # check_compiler PYTHON: check that the compilers of setuptools can compile C and C++
    local language header compiler
    while read -r language header compiler; do
        echo "#include <$header>" | $compiler -x "$language" -fsyntax-only - 2> /dev/null ||
            fail "fairseq is compiled here and '${compiler%% *}' cannot compile ${language/c/C}:" \
                "install a C and C++ compiler ($debian g++) or name it with CC=... and CXX=..."
    done < <("$1" -c 'import os, sysconfig
cc = os.environ.get("CC") or sysconfig.get_config_var("CC")
cxx = os.environ.get("CXX") or sysconfig.get_config_var("CXX")
print("c stdlib.h", cc)
print("c++ vector", cc)
print("c++ vector", cxx)')
}

check_disk() { # check_disk GIGABYTES: check that so much disk space is free
    local free
    free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1024 / 1024))
    [ "$free" -ge "$1" ] || fail "$1 GB of disk space are needed in $PWD and $free GB are free: make room, or set up elsewhere"
}

torch_build() { # print cpu or cuda
    local build=${TORCH:-$(cat "$venv/torch-build" 2> /dev/null || true)}
    if [ -z "$build" ]; then
        build=cpu
        ! nvidia-smi -L > /dev/null 2>&1 || build=cuda
    fi
    case $build in
        cpu | cuda) echo "$build" ;;
        *) fail "TORCH=$build: allowed are cpu and cuda" ;;
    esac
}

drop_half_installed() { # remove packages that a killed pip left incomplete but that look installed
    local info
    for info in "$venv"/lib/python3.11/site-packages/*.dist-info; do
        [ ! -d "$info" ] || [ -s "$info/INSTALLER" ] || rm -rf "$info"
    done
    rm -rf "$venv"/lib/python3.11/site-packages/~*
}

pip_install() {
    "$venv/bin/python" -m pip install --progress-bar off "$@"
}

pip_uninstall() {
    "$venv/bin/python" -m pip uninstall --yes "$@"
}

install_main() {
    pip_install -r requirements/main.txt
}

install_torch() { # pip first, because its configuration may name an index with the CPU build; uv knows PyTorch's index
    local torch
    torch=$(cat requirements/torch.txt)
    pip_uninstall torch # pip does not distinguish the builds
    if [ "$build" = cuda ] || [ "$(uname -s)" = Darwin ]; then
        pip_install -r requirements/torch.txt -c requirements/main.txt
    elif ! pip_install --no-deps "$torch+cpu"; then
        pip_install -r requirements/uv.txt
        "$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps --torch-backend cpu "$torch"
    fi
    "$venv/bin/python" - "$build" << 'PYTHON'
import sys

import torch

if (torch.version.cuda is not None) != (sys.argv[1] == "cuda"):
    sys.exit(f"ERROR: PyTorch {torch.__version__} is not the {sys.argv[1]} build")
PYTHON
    echo "$build" > "$venv/torch-build"
}

install_fairseq() { # compiled for the torch and numpy of .venv; a cached wheel may be for others; no CUDA kernels
    env -u CUDA_HOME "$venv/bin/python" -m pip install --progress-bar off --no-cache-dir --no-build-isolation --no-deps \
        --force-reinstall -r requirements/fairseq.txt
    "$venv/bin/python" -c 'import fairseq.data.data_utils_fast, fairseq.data.token_block_utils_fast, fairseq_cli.train'
}

install_dev() {
    pip_install -r requirements/dev.txt
}

reason() { # print why the step failed, from pip's output
    if grep -q "No space left on device" "$log"; then
        echo "the disk is full ($PWD, or ${TMPDIR:-/tmp} for temporary files): make room, then try again"
    elif grep -qE "NewConnectionError|NameResolutionError|dns error|timed out" "$log"; then
        echo "the package index cannot be reached: check the network and pip's configuration, then try again"
    else
        grep -iE '^ *(error|[A-Za-z]+Error)\b' "$log" | tail -n 1 || echo "it failed"
    fi
}

step() { # step NAME WORDS RECORD: run install_NAME unless it is recorded as done
    local name=$1 words=$2 record=$3 started=$SECONDS
    [ "$(cat "$venv/record-$name" 2> /dev/null)" != "$record" ] || return 0
    echo "set-up: $words"
    rm -f "$venv/record-$name"
    drop_half_installed
    set +e # an `||` after the parentheses would switch `set -e` off inside them
    (set -e; "install_$name") > "$log" 2>&1 < /dev/null
    local status=$?
    set -e
    [ "$status" = 0 ] || fail "$words: $(reason) (complete log: $log)"
    printf '%s\n' "$record" > "$venv/record-$name"
    echo "set-up: $words: done in $((SECONDS - started)) s"
}

trap 'fail "interrupted: run the same command again to continue"' INT TERM

# Only one set-up at a time; without flock, nothing prevents a second one.
exec 9< tools/setup.sh
! command -v flock > /dev/null || flock 9

build=$(torch_build)
if [ "$(cat "$venv/record-venv" 2> /dev/null)" != "$PWD" ] || [ ! -x "$venv/bin/python" ]; then
    # New, unfinished, or moved with the folder: a virtual environment holds its own path.
    python=$(find_python)
    check_compiler "$python"
    check_disk "$([ "$build" = cpu ] && echo "$gigabytes_cpu" || echo "$gigabytes_cuda")"
    echo "set-up: a virtual environment in .venv, with $python"
    "$python" -m venv --clear "$venv" > /dev/null || fail "$python could not make a virtual environment in .venv"
    printf '%s\n' "$PWD" > "$venv/record-venv"
fi

main=$(cat requirements/main.txt)
compiled_with=$(grep -E '^(cython|numpy|setuptools|wheel)==' requirements/main.txt)
torch=$(cat requirements/torch.txt requirements/uv.txt)
step main "packages of the workflow" "$main"
step torch "PyTorch, $build build" "$build $torch"
step fairseq "fairseq (compiled here, a minute or two)" "$build $torch $compiled_with $(cat requirements/fairseq.txt)"
[ "${1:-}" != dev ] || step dev "packages of tests and lint" "$main $(cat requirements/dev.txt)"
