"""Arguments that every training script has in common."""

import argparse
from pathlib import Path


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for data, settings, state, report and monitors of a training."""
    parser.add_argument("--dataset", type=Path, required=True, help="table with the columns id, source and target")
    parser.add_argument("--size", type=int, help="train on the first SIZE rows (default: all)")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first SKIP of these: START has seen them")
    parser.add_argument("--start", type=Path, help="model that training continues from (default: none)")
    parser.add_argument("--valid", type=Path, required=True, help="human pairs for the validation loss")
    parser.add_argument("--settings", required=True, help="JSON of what shapes the training besides its data")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; they do not shape the result")
    parser.add_argument("--code", required=True, help="digest of the code, part of the fingerprint")
    parser.add_argument("--state", type=Path, required=True, help="folder from which a killed training resumes")
    parser.add_argument("--report", type=Path, required=True, help="JSON report to write")
    parser.add_argument("--tensorboard", type=Path, help="folder for TensorBoard (default: none)")
    parser.add_argument(
        "--wandb",
        nargs=2,
        metavar=("PROJECT", "FOLDER"),
        help="Weights & Biases project, and the folder for its files (default: none)",
    )
