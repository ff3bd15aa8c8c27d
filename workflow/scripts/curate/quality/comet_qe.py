"""A trained judge of translations that looks at source and target alone.

unbabel-comet 2.2 asks for numpy below 2, which the workbench's other packages are past. So it lives in an environment
of its own, and its program ``comet-score`` is what is called.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from curate.quality import Context, Instance, Metric, Score
from curate.quality._extras import local_weights
from models.devices import take_gpus
from workbench.cli import UserError

log = logging.getLogger(__name__)

METRIC = Metric(
    summary="score of a COMET model that needs no reference",
    source="Rei et al., CometKiwi: IST-Unbabel 2022 Submission for the Quality Estimation Shared Task (WMT 2022), by "
    "unbabel-comet",
    low=None,
    high=None,
    better="higher",
    needs=("weights",),
)


def score(instances: Sequence[Instance], context: Context) -> list[Score]:
    """Have ``comet-score`` judge every pair.

    Raises:
        UserError: the program or the weights are not there, or it fails, as it does for a model that needs references.
    """
    program = shutil.which(context.settings["program"])
    if context.settings["device"] == "gpu":
        take_gpus(1)
    if program is None:
        raise UserError(
            f"metric comet_qe, program: no program {context.settings['program']!r}; install it beside the workbench: "
            "python -m venv comet && comet/bin/pip install unbabel-comet==2.2.7 'setuptools<81', "
            "and set `program: comet/bin/comet-score`"
        )
    weights = local_weights("comet_qe", context)
    if weights.suffix != ".ckpt":  # comet-score would take it for the name of a model to download
        raise UserError(f"metric comet_qe, weights: {weights} is no checkpoint; give the file model.ckpt of the model")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources, targets, scores = folder / "sources.txt", folder / "targets.txt", folder / "scores.json"
        sources.write_text("".join(f"{instance.source}\n" for instance in instances), encoding="utf-8")
        targets.write_text("".join(f"{instance.target}\n" for instance in instances), encoding="utf-8")
        command = [
            *(program, "-s", sources, "-t", targets, "--model", weights, "--to_json", scores, "--quiet"),
            *("--batch_size", str(context.settings["batch_size"])),
            *("--gpus", "1" if context.settings["device"] == "gpu" else "0"),
        ]
        # Its own packages, not the workbench's.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["OMP_NUM_THREADS"] = str(context.threads)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not scores.is_file():
            log.error("%s", done.stderr)
            reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise UserError(f"metric comet_qe, weights {weights}: comet-score failed: {reason}")
        (judged,) = json.loads(scores.read_text(encoding="utf-8")).values()
    return [float(entry["COMET"]) for entry in judged]
