#!/usr/bin/env bash
# Snakemake runs this in the new environment. Build isolation or dependencies would install a second PyTorch.
set -euo pipefail
pip install --no-cache-dir --no-build-isolation --no-deps fairseq-fixed==0.12.3.1
