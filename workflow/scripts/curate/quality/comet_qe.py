"""Score of a reference-free COMET model, trained to judge translations; higher is better, the range is the model's.

unbabel-comet 2.2 requires numpy below 2, unlike the workbench's other packages. It is therefore installed in a separate
environment, and this module runs its program ``comet-score``. Needs the model's weights.

Source: Rei et al., CometKiwi: IST-Unbabel 2022 Submission for the Quality Estimation Shared Task (WMT 2022).
"""

import json
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from curate.quality import Context, Instances, QualityMetric, Score
from curate.quality._models import local_weights
from workbench.cli import UserError

log = logging.getLogger(__name__)

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """Score every pair with ``comet-score``.

    Raises:
        UserError: the program or the weights are missing, or it fails, as it does for a model that needs references.
    """
    program = shutil.which(context.settings["program"])
    if program is None:
        raise UserError(
            f"metric comet_qe, program: no program {context.settings['program']!r}; install it beside the workbench: "
            "python -m venv comet && comet/bin/pip install unbabel-comet==2.2.7 'setuptools<81', "
            "and set `program: comet/bin/comet-score`"
        )
    weights, on_gpu = local_weights("comet_qe", context)
    if weights.suffix != ".ckpt":  # comet-score would take it for the name of a model to download
        raise UserError(
            f"metric comet_qe, weights: {weights} is not a checkpoint; give the file model.ckpt of the model"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources, targets, scores = folder / "sources.txt", folder / "targets.txt", folder / "scores.json"
        sources.write_text("".join(f"{instance.source}\n" for instance in instances), encoding="utf-8")
        targets.write_text("".join(f"{instance.target}\n" for instance in instances), encoding="utf-8")
        command = [
            *(program, "-s", sources, "-t", targets, "--model", weights, "--to_json", scores, "--quiet"),
            *("--batch_size", str(context.settings["batch_size"])),
            *("--gpus", "1" if on_gpu else "0"),
        ]
        # It must import its own packages, not the workbench's.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["OMP_NUM_THREADS"] = str(context.threads)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not scores.is_file():
            log.error("%s", done.stderr)
            reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise UserError(f"metric comet_qe, weights {weights}: comet-score failed: {reason}")
        (judged,) = json.loads(scores.read_text(encoding="utf-8")).values()
    return [float(entry["COMET"]) for entry in judged]
