# The checked study, digests of its code, and the wildcards that it allows.

import gc
import os
import re
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
TEMPLATES = Path(workflow.basedir) / "workflow" / "report"
sys.path.insert(0, str(SCRIPTS))

from planning.code_digest import CodeDigest
from planning.configuration.errors import ConfigurationError
from planning.generators import FairseqGenerator, FileGenerator, HostedGenerator, LocalGenerator
from planning.learners import FairseqLearner, HostedLearner, LocalLearner
from planning.load_study import load_study
from workbench.generated import HUMAN

# Everything in the DAG stays alive, so garbage collection while planning is wasted work: a sixth of the time for 11,000
# jobs. It is enabled again before the first job.
gc.disable()

try:
    STUDY = load_study(
        config,
        [str(path) for path in workflow.configfiles],
        workflow.config_settings.config,
        Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml",
        inputs_in_storage=workflow.storage_settings.default_storage_provider is not None,
        is_checked=not workflow.is_main_process,
    )
    RELEASES = STUDY.corpus.read_releases()
except ConfigurationError as error:
    sys.exit(str(error))

CODE = CodeDigest(SCRIPTS)
TRAINING = STUDY.training
EVALUATION = STUDY.evaluation
LANGUAGES = [STUDY.languages["source"], STUDY.languages["target"]]
METRICS = EVALUATION.metrics
METRIC_ARGUMENTS = EVALUATION.metric_arguments(METRICS)
RESAMPLING_SEED = 1


def alternatives(names):
    """A wildcard constraint that allows ``names`` only, and nothing if there are none."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


wildcard_constraints:
    release=alternatives(RELEASES),
    generator=alternatives(STUDY.generators),
    learner=alternatives(STUDY.learners),
    # Snakemake parses a constraint again for every file name that it writes, and there may be many recipes. Only
    # build_dataset, which every run depends on, lists them.
    recipe="[^/]+",
    quality=alternatives(STUDY.quality),
    pair="{0}--{0}".format(f"(?:{alternatives([HUMAN, *STUDY.generators])})"),
    size=alternatives(STUDY.runs.sizes),
    seed=alternatives(STUDY.runs.seeds),
