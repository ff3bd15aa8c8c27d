"""Train a model on the dataset of a run or of a local generator, and keep what is needed to translate with it.

A killed training resumes from its checkpoints in a state folder. The folder is named by a fingerprint of everything
that shapes the result, so a changed training starts from the beginning.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from models.fairseq_checkpoints import load_checkpoint
from train.command_line import add_training_arguments
from train.data import encode_dataset
from train.fairseq_training import USER_DIR, train
from train.monitors import prepare_monitors
from train.settings import TrainingSettings
from train.state import TrainingState, fingerprint
from workbench.cli import run_script, say, script_parser
from workbench.files import atomic_folder, atomic_path, checked, file_digest, write_json
from workbench.pairs import read_training_pairs

log = logging.getLogger(__name__)

_TIMINGS = ("previous_training_time", "metrics")  # what differs between equal trainings


def main(arguments: argparse.Namespace) -> None:
    """Train, or resume a killed training, and write the model, its CTranslate2 form and a report."""
    given = json.loads(arguments.settings)
    settings = TrainingSettings(**given)
    # Numerical libraries read the number of threads when they are imported, which functions do later.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    dataset = [(p.source, p.target) for p in read_training_pairs(arguments.dataset, arguments.size, arguments.skip)]
    valid = [(p.source, p.target) for p in read_training_pairs(arguments.valid)]
    if arguments.backwards:
        dataset, valid = ([(target, source) for source, target in pairs] for pairs in (dataset, valid))
    start = arguments.start and file_digest(checked(arguments.start))
    shaping = {"code": arguments.code, "settings": given, "spm": file_digest(arguments.spm), "start": start}
    identity = fingerprint(shaping, dataset, valid)
    with TrainingState(arguments.state, identity) as state:
        if state.is_finished(arguments.report, arguments.model, arguments.ctranslate2):
            return
        vocabulary = (arguments.spm, arguments.dictionary)
        truncated = encode_dataset(dataset, valid, *vocabulary, settings, state.data)
        monitors = prepare_monitors(arguments.tensorboard, arguments.wandb, arguments.label)
        report = train(settings, arguments.threads, state, arguments.start, monitors)
        slim_checkpoint(state.checkpoint(settings.checkpoint), arguments.model)
        report |= {"fingerprint": identity, "truncated": truncated}
        report["ctranslate2"] = export_ctranslate2(arguments.model, state.data, arguments.ctranslate2)
        write_json(arguments.report, report)
        state.discard()
    say(
        f"{len(dataset):,} instances, {report['updates']:,} updates in {report['epochs']} epochs, best validation loss "
        f"{report['best_valid_loss']:.3f}, {report['target_tokens_per_second']:,.0f} target tokens/s"
    )


def slim_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint without optimizer state and without what differs between equal trainings."""
    import torch

    checkpoint = load_checkpoint(source)
    checkpoint.pop("last_optimizer_state", None)
    checkpoint["optimizer_history"] = checkpoint["optimizer_history"][-1:]
    checkpoint["extra_state"] = {key: value for key, value in checkpoint["extra_state"].items() if key not in _TIMINGS}
    # Written to a file object: torch would put the temporary file's name into the archive.
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        torch.save(checkpoint, file)


def export_ctranslate2(checkpoint: Path, dictionaries: Path, target: Path) -> str:
    """Convert a checkpoint for CTranslate2 into the folder ``target``; return ``"yes"`` or why that is impossible.

    CTranslate2 runs plain transformers only. For another architecture the folder stays empty and fairseq runs the
    model.
    """
    from ctranslate2.converters import FairseqConverter

    converter = FairseqConverter(str(checkpoint), str(dictionaries), user_dir=str(USER_DIR))
    with atomic_folder(target) as folder:
        try:
            converter.convert(str(folder), force=True)
        except (ValueError, KeyError, AttributeError, NotImplementedError) as error:
            log.warning("no CTranslate2 form of this model: %s", error)
            return f"no: {error}"
    return "yes"


PARSER = script_parser(__doc__)
add_training_arguments(PARSER)
PARSER.add_argument("--backwards", action="store_true", help="learn to translate the targets into the sources")
PARSER.add_argument("--spm", type=Path, required=True, help="SentencePiece model")
PARSER.add_argument("--dictionary", type=Path, required=True, help="fairseq dictionary")
PARSER.add_argument("--model", type=Path, required=True, help="checkpoint to write")
PARSER.add_argument("--ctranslate2", type=Path, required=True, help="folder of the CTranslate2 model to write")


def run() -> None:
    """Run the script; end the process at once if it fails.

    fairseq's threads that read batches outlive a training that ends early, and would abort Python at its exit.
    """
    try:
        run_script(PARSER, main)
    except SystemExit as end:
        if end.code:
            sys.stdout.flush()
            os._exit(int(end.code))
        raise


if __name__ == "__main__":
    run()
