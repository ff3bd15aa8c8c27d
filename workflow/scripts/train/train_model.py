"""Train a model on a dataset, a run's or a local generator's, and keep what is needed to translate with it.

What a training needs to go on after it was killed, its checkpoints and encoded text, lies in a state folder under a
fingerprint of everything that shapes the result, and is used again only where the fingerprint is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from train.data import encode_dataset, read_dataset
from train.monitors import add_monitor_arguments, monitor_arguments
from train.state import TrainingState, fingerprint, is_done
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import file_digest, write_json


def main(arguments: argparse.Namespace) -> None:
    """Train, or go on training, and write the model, its CTranslate2 form and a report."""
    settings = json.loads(arguments.settings)
    # How many threads numerical libraries use is settled when they are imported.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    from train.export import export_ctranslate2, slim_checkpoint
    from train.fairseq_training import train

    dataset = read_dataset(arguments.dataset, arguments.size)
    valid = read_dataset(arguments.valid, None)
    if len(dataset) < (arguments.size or 1):
        raise UserError(
            f"{arguments.dataset}: {len(dataset):,} instances, but the run's size is {arguments.size:,}: lower `sizes` "
            "or give generators that left sources out (logs/build_dataset) a `fallback`"
        )
    dataset = dataset[arguments.skip :]
    if arguments.backwards:
        dataset, valid = [(target, source) for source, target in dataset], [(t, s) for s, t in valid]
    start = arguments.start and file_digest(arguments.start)
    shaping = {"code": arguments.code, "settings": settings, "spm": file_digest(arguments.spm), "start": start}
    identity = fingerprint(shaping, dataset, valid)
    with TrainingState(arguments.state, identity) as state:
        if is_done(identity, arguments.report, arguments.model, arguments.ctranslate2):
            state.discard()
            say("trained meanwhile by the process that was waited for")
            return
        data = encode_dataset(dataset, valid, arguments.spm, arguments.dictionary, settings, state.folder / "data")
        watched = monitor_arguments(arguments.tensorboard, arguments.wandb, arguments.label)
        report = train(data, settings, arguments.threads, state, arguments.start, watched)
        slim_checkpoint(state.checkpoint(settings["checkpoint"]), arguments.model)
        report["fingerprint"] = identity
        report["ctranslate2"] = export_ctranslate2(arguments.model, data.folder, arguments.ctranslate2)
        write_json(arguments.report, report)
        state.discard()
    say(
        f"{len(dataset):,} instances, {report['updates']:,} updates in {report['epochs']} epochs, best validation loss "
        f"{report['best_valid_loss']:.3f}, {report['target_tokens_per_second']:,.0f} target tokens/s"
    )


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="table with the columns source and target")
    parser.add_argument("--size", type=int, help="train on the first SIZE rows (default: all)")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first SKIP of these: START has seen them")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights training goes on from (default: none)")
    parser.add_argument("--backwards", action="store_true", help="learn to translate the targets into the sources")
    parser.add_argument("--valid", type=Path, required=True, help="human pairs for early stopping")
    parser.add_argument("--spm", type=Path, required=True, help="SentencePiece model")
    parser.add_argument("--dictionary", type=Path, required=True, help="fairseq dictionary")
    parser.add_argument("--settings", required=True, help="JSON, see planning.training.Training.settings")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; not part of what shapes the result")
    parser.add_argument("--code", required=True, help="digest of the code, part of the fingerprint")
    parser.add_argument("--state", type=Path, required=True, help="folder of what a killed training goes on from")
    parser.add_argument("--model", type=Path, required=True, help="fairseq checkpoint to write")
    parser.add_argument("--ctranslate2", type=Path, required=True, help="folder of the CTranslate2 model to write")
    parser.add_argument("--report", type=Path, required=True, help="JSON report to write")
    add_monitor_arguments(parser)
    return parser


def run() -> None:
    """Run the script. One that fails ends at once.

    fairseq's threads that read batches outlive a training that ends early, and Python would abort in them at its end.
    """
    try:
        run_script(parser(), main)
    except SystemExit as end:
        if end.code:
            sys.stdout.flush()
            os._exit(int(end.code))
        raise


if __name__ == "__main__":
    run()
