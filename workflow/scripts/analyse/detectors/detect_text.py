"""Tell the targets of two authors for the same sources apart: a person's from a generator's, or any two authors'.

How well that works says how different the two texts are in style, not that one of them is a machine's: two people
differ, too. What tells them apart is a detector, a module of this folder's package ``detectors`` that is named in the
configuration; see :mod:`analyse.detectors` for what it must offer.

No text is scored by a model that saw it or its source (:mod:`analyse.detectors.cross_fitting`); a target that stands in the pool
again, for another source, may have been seen there. So the ranking does need the first author's targets in the pool,
though never that of the ranked target's own source. Where both authors wrote the same for a source, nobody can tell
them apart: models do not learn from such texts, but they are scored, and calibration and all figures count them. A
source that one of the authors has no target for is left out.

Of a large pool models and calibration curves are learnt from a sample (``pairs`` of the settings), the sources that are
dealt first. All targets are scored; AUC, ROC curve, calibration and Brier score are over all, the jackknife of the
interval over the sample. The report then says how many sources were ``drawn``.

AUC, ROC curve and ranking are of the models' scores, all else is of probabilities. Writes scores (``id origin fold
probability``: the probability that the first author wrote it), the ranking of the second author's targets (``id score
rank``: the score is the models', log-odds before calibration; rank 1 is most like the first author; ties stand in the
study's random order), and a report as JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analyse.detectors import Detector, Feature
from analyse.detectors.cross_fitting import Texts, cross_fit, deal
from analyse.detectors.separation import area_under_curve, brier_score, calibration, jackknife_error, roc_points
from workbench.cli import UserError, run_script, say, script_parser
from workbench.columns import TextColumn, TextsById, read_by_id
from workbench.draws import random_order
from workbench.files import write_json
from workbench.tables import read_rows, write_rows
from workbench.text import match_key

FEATURES = 20


@dataclass(frozen=True)
class Pairs:
    """Targets of two authors for the same sources, in the pool's order.

    Attributes:
        ids: of the sources.
        places: of the sources in the order in which they are dealt into folds, see :func:`analyse.detectors.cross_fitting.deal`;
            those that are equal (:func:`workbench.text.match_key`) share one.
        texts: the first author's targets, then the second's.
    """

    ids: list[str]
    places: np.ndarray
    texts: TextColumn

    @property
    def differ(self) -> np.ndarray:
        """Whether the authors' targets for a source differ, shape (sources,)."""
        count = len(self.ids)
        return np.array([self.texts[place] != self.texts[count + place] for place in range(count)])


def main(arguments: argparse.Namespace) -> None:
    """Score every target of both authors and write what that tells."""
    settings = json.loads(arguments.settings)
    names = (arguments.first, arguments.second)
    pairs = read_pairs(arguments.pool, arguments.first_text, arguments.second_text, arguments.seed)
    check_number(pairs, names, settings)
    differ, fold = pairs.differ, pairs.places % settings["folds"]
    drawn = np.full(len(differ), True) if settings["pairs"] is None else pairs.places < settings["pairs"]
    texts = Texts(np.repeat([True, False], len(differ)), *(np.tile(column, 2) for column in (fold, differ, drawn)))
    module = importlib.import_module(f"analyse.detectors.{settings['kind']}")
    detector: Detector = module.detector(settings, pairs.texts, texts.drawn)
    fitted = cross_fit(detector, texts, arguments.threads)
    # Six digits, as they are written, so that machines agree on ties.
    scores, probabilities = (
        np.array([float(_digits(value)) for value in values]) for values in (fitted.scores, fitted.probabilities)
    )

    write_scores(arguments.scores, names, pairs.ids, fold, probabilities)
    write_ranking(arguments.rank, pairs.ids, scores[len(pairs.ids) :], arguments.seed)
    drawn_fold = texts.fold[texts.drawn]
    others = (np.split(found[drawn_fold != number], 2) for number, found in fitted.without.items())
    area = area_under_curve(*np.split(scores, 2), pairs.places, jackknife_error(others))
    report = {
        "first": names[0],
        "second": names[1],
        "kind": settings["kind"],
        "targets": len(pairs.ids),
        "identical": int((~differ).sum()),
        "folds": settings["folds"],
        "auc": area.value,
        "auc_low": area.low,
        "auc_high": area.high,
        "brier": brier_score(probabilities, texts.first),
        "roc": roc_points(scores, texts.first),
        "calibration": [row._asdict() for row in calibration(probabilities, texts.first)],
        "features": telling_features(detector, texts),
    }
    if not drawn.all():
        report["drawn"] = int(drawn.sum())
    write_json(arguments.report, _rounded(report))
    say(
        f"{names[0]} and {names[1]}: AUC {area.value:.3f} (95 % interval {area.low:.3f} to {area.high:.3f}) on "
        f"{len(pairs.ids):,} targets of each, {report['identical']:,} of them the same"
        + (f"; learnt from {report['drawn']:,} of each" if "drawn" in report else "")
    )


def read_pairs(pool: Path, first: Path, second: Path, seed: int) -> Pairs:
    """The sources of the pool that both authors have a target for; they are dealt by the seed."""
    authors = read_texts(first), read_texts(second)
    ids: list[str] = []

    def groups() -> Iterator[str]:
        for name, source in read_rows(pool, ["id", "source"]):
            if all(name in targets for targets in authors):
                ids.append(name)
                yield match_key(source)

    places = deal(groups(), seed)
    return Pairs(ids, places, TextColumn(targets[name].strip() for targets in authors for name in ids))


def read_texts(path: Path) -> TextsById:
    """Targets by id, from a table of generated text (``id text``) or a part of the corpus (``id target``)."""
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    return read_by_id(path, ["target" if "target" in header else "text"])[0]


def check_number(pairs: Pairs, names: tuple[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse to learn from too little.

    Raises:
        UserError: there are fewer different sources than ``least``, or fewer than folds.
    """
    found, least = len(np.unique(pairs.places)), max(settings["least"], settings["folds"])
    if found < least:
        raise UserError(
            f"detector, {names[0]} and {names[1]}: {found:,} different sources that both have a target for; at least "
            f"{least:,} are needed (detector.least): enlarge splits.pool, or lower detector.least"
        )


def write_scores(
    path: Path, names: tuple[str, str], ids: Sequence[str], fold: np.ndarray, probabilities: np.ndarray
) -> None:
    """Write two rows a source, the first author's first; folds count from 1."""
    both = zip(ids, fold, *np.split(probabilities, 2), strict=True)
    write_rows(
        path,
        ["id", "origin", "fold", "probability"],
        (
            (name, origin, number + 1, _digits(value))
            for name, number, *values in both
            for origin, value in zip(names, values, strict=True)
        ),
    )


def write_ranking(path: Path, ids: list[str], scores: np.ndarray, seed: int) -> None:
    """Write the targets by falling score; ties stand in the study's random order.

    Not by probability: folds have calibrations of their own, so that where style is weak some folds would come first.
    """
    ranked = sorted(random_order(ids, seed), key=lambda place: -scores[place])
    rows = ((ids[place], _digits(scores[place]), rank) for rank, place in enumerate(ranked, start=1))
    write_rows(path, ["id", "score", "rank"], rows)


def telling_features(detector: Detector, texts: Texts) -> dict[str, list[Feature]]:
    """What speaks most for each author, in a model of all drawn texts: to be read, nothing is scored with it."""
    rows = np.flatnonzero(texts.telling & texts.drawn)
    first, second = detector.fit(rows, texts.first[rows]).features(FEATURES)
    return {"first": first, "second": second}


def _digits(value: float) -> str:
    """Six significant digits: small values stay apart, and machines agree."""
    return f"{value:.6g}"


def _rounded(value: Any) -> Any:
    """``value`` for JSON: numbers to six decimals, so that machines agree."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list | tuple) else value


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--first", required=True, help="name of the first author")
    parser.add_argument("--second", required=True, help="name of the second author")
    parser.add_argument("--first-text", type=Path, required=True, help="table with id and text, or id and target")
    parser.add_argument("--second-text", type=Path, required=True, help="the same of the second author")
    parser.add_argument("--pool", type=Path, required=True, help="the split (id source)")
    parser.add_argument("--settings", required=True, help="the configuration section detector, JSON")
    parser.add_argument("--seed", type=int, required=True, help="seed of the folds and of the study's random order")
    parser.add_argument("--threads", type=int, required=True, help="models fitted at once")
    parser.add_argument("--scores", type=Path, required=True, help="output: a probability for every target")
    parser.add_argument("--rank", type=Path, required=True, help="output: ranking of the second author's targets")
    parser.add_argument("--report", type=Path, required=True, help="output: figures, JSON")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
