"""Distinguish the targets of two authors for the same sources: a person's from a generator's, or those of any two.

How well that works says how different the two texts are in style, not that one of them is a machine's: two people
differ, too. A detector learns to distinguish them; the configuration names its kind, and :mod:`analyse.detectors` says
what a kind must offer.

No text is scored by a model that saw it or its source (:mod:`analyse.detectors.cross_fitting`). A target that also
occurs with another source in the pool may have been seen there. The ranking therefore needs the first author's targets
in the pool, but never the one of the ranked target's source. If both authors wrote the same for a source, nobody can
distinguish them: models do not learn from such texts, but they are scored and included in calibration and all figures.
Sources without a target of one of the authors are left out.

In a large pool, models and calibration curves learn from a sample (``pairs`` of the settings): the first sources in the
order of the folds' hash. All targets are scored. AUC, ROC curve, calibration and Brier score cover all of them, the
jackknife of the interval only the sample. The report then gives its size as ``drawn``.

AUC, ROC curve and ranking use the models' scores; everything else uses probabilities. The script writes

- scores: ``id origin fold probability``, the probability that the first author wrote the text,
- the ranking of the second author's targets: ``id score rank``. The score is the models', log-odds before calibration;
  rank 1 is most like the first author, and ties follow the study's random order,
- a report as JSON.
"""

import argparse
import importlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from sklearn.metrics import brier_score_loss

from analyse.detectors import Detector
from analyse.detectors.cross_fitting import LabelledTexts, cross_fit, fold_order
from stats.classification import area_under_curve, calibration, jackknife_error, roc_points
from workbench.cli import UserError, run_script, say, script_parser
from workbench.columns import TextColumn
from workbench.draws import random_order
from workbench.files import write_json
from workbench.generated import read_targets
from workbench.tables import read_rows, write_rows
from workbench.text import match_key

FEATURES = 20


@dataclass(frozen=True)
class DetectorSettings:
    """The keys of the configuration section ``detector`` that all kinds share."""

    kind: str  # module of analyse.detectors
    folds: int
    least: int  # different sources that are needed
    pairs: int | None  # sources in the sample to learn from; None learns from all


@dataclass(frozen=True)
class PairedTargets:
    """Targets of two authors for the same sources, in the pool's order."""

    ids: list[str]  # ids of the sources
    # Places of the sources in the order in which they get their folds, see
    # :func:`analyse.detectors.cross_fitting.fold_order`; equal sources (:func:`workbench.text.match_key`) share one
    places: np.ndarray
    texts: TextColumn  # the first author's targets, then the second's

    @property
    def differ(self) -> np.ndarray:
        """Whether the authors' targets for a source differ, shape (sources,)."""
        count = len(self.ids)
        return np.array([self.texts[place] != self.texts[count + place] for place in range(count)])


def main(arguments: argparse.Namespace) -> None:
    """Score every target of both authors and write the results.

    Raises:
        UserError: there are too few different sources to learn from.
    """
    of_kind = json.loads(arguments.settings)
    settings = DetectorSettings(**{field.name: of_kind.pop(field.name) for field in fields(DetectorSettings)})
    names = (arguments.first, arguments.second)
    targets = read_pairs(arguments.pool, arguments.first_text, arguments.second_text, arguments.seed)
    found, least = len(np.unique(targets.places)), max(settings.least, settings.folds)
    if found < least:
        raise UserError(
            f"detector, {names[0]} and {names[1]}: {found:,} different sources that both have a target for; at least "
            f"{least:,} are needed (detector.least): enlarge splits.pool, or lower detector.least"
        )
    differ, fold = targets.differ, targets.places % settings.folds
    drawn = np.full(len(differ), True) if settings.pairs is None else targets.places < settings.pairs
    texts = LabelledTexts(
        np.repeat([True, False], len(differ)), *(np.tile(column, 2) for column in (fold, differ, drawn))
    )
    kind = importlib.import_module(f"analyse.detectors.{settings.kind}")
    detector: Detector = kind.detector(of_kind, targets.texts, texts.drawn)
    fitted = cross_fit(detector, texts, arguments.threads)
    # Six digits, as they are written, so that machines agree on ties.
    scores, probabilities = (
        np.array([float(_digits(value)) for value in values]) for values in (fitted.scores, fitted.probabilities)
    )

    write_scores(arguments.scores, names, targets.ids, fold, probabilities)
    write_ranking(arguments.rank, targets.ids, scores[len(targets.ids) :], arguments.seed)
    drawn_fold = texts.fold[texts.drawn]
    others = (np.split(found[drawn_fold != number], 2) for number, found in fitted.without.items())
    of_first, of_second = np.split(scores, 2)
    area = area_under_curve(of_first, of_second, targets.places, jackknife_error(others))
    # What indicates each author most, in a model of all drawn texts: for people to read, nothing is scored with it.
    rows = np.flatnonzero(texts.differ & texts.drawn)
    of_first_author, of_second_author = detector.fit(rows, texts.first[rows]).features(FEATURES)
    report = {
        "first": names[0],
        "second": names[1],
        "kind": settings.kind,
        "targets": len(targets.ids),
        "identical": int((~differ).sum()),
        "folds": settings.folds,
        "auc": area.value,
        "auc_low": area.low,
        "auc_high": area.high,
        "brier": float(brier_score_loss(texts.first, probabilities)),
        "roc": roc_points(scores, texts.first),
        "calibration": [asdict(row) for row in calibration(probabilities, texts.first)],
        "features": {"first": of_first_author, "second": of_second_author},
    }
    if not drawn.all():
        report["drawn"] = int(drawn.sum())
    # Six decimals, so that machines agree.
    write_json(arguments.report, json.loads(json.dumps(report), parse_float=lambda text: round(float(text), 6)))
    say(
        f"{names[0]} and {names[1]}: AUC {area.value:.3f} (95 % interval {area.low:.3f} to {area.high:.3f}) on "
        f"{len(targets.ids):,} targets of each, {report['identical']:,} of them the same"
        + (f"; learned from {report['drawn']:,} of each" if "drawn" in report else "")
    )


def read_pairs(pool: Path, first: Path, second: Path, seed: int) -> PairedTargets:
    """The sources of the pool that both authors have a target for; the seed decides the order of their folds."""
    authors = read_targets(first), read_targets(second)
    ids: list[str] = []

    def groups() -> Iterator[str]:
        for name, source in read_rows(pool, ["id", "source"]):
            if all(name in targets for targets in authors):
                ids.append(name)
                yield match_key(source)

    places = fold_order(groups(), seed)
    return PairedTargets(ids, places, TextColumn(targets[name].strip() for targets in authors for name in ids))


def write_scores(
    path: Path, names: tuple[str, str], ids: Sequence[str], fold: np.ndarray, probabilities: np.ndarray
) -> None:
    """Write two rows for each source, the first author's first; folds count from 1."""
    both = zip(ids, fold, *np.split(probabilities, 2), strict=True)
    rows = (
        (name, origin, number + 1, _digits(value))
        for name, number, *values in both
        for origin, value in zip(names, values, strict=True)
    )
    write_rows(path, ["id", "origin", "fold", "probability"], rows)


def write_ranking(path: Path, ids: list[str], scores: np.ndarray, seed: int) -> None:
    """Write the targets by falling score; ties follow the study's random order.

    Probabilities would not do: each fold has its own calibration, so weak style would put whole folds before others.
    """
    ranked = sorted(random_order(ids, seed), key=lambda place: -scores[place])
    rows = ((ids[place], _digits(scores[place]), rank) for rank, place in enumerate(ranked, start=1))
    write_rows(path, ["id", "score", "rank"], rows)


def _digits(value: float) -> str:
    """Six significant digits: small values stay distinct, and machines agree."""
    return f"{value:.6g}"


PARSER = script_parser(__doc__)
PARSER.add_argument("--first", required=True, help="name of the first author")
PARSER.add_argument("--second", required=True, help="name of the second author")
PARSER.add_argument("--first-text", type=Path, required=True, help="table with id and text, or id and target")
PARSER.add_argument("--second-text", type=Path, required=True, help="the same of the second author")
PARSER.add_argument("--pool", type=Path, required=True, help="the split (id source)")
PARSER.add_argument("--settings", required=True, help="JSON: the configuration section detector")
PARSER.add_argument("--seed", type=int, required=True, help="seed of the folds and of the study's random order")
PARSER.add_argument("--threads", type=int, required=True, help="number of models fitted at once")
PARSER.add_argument("--scores", type=Path, required=True, help="output: a probability for every target")
PARSER.add_argument("--rank", type=Path, required=True, help="output: ranking of the second author's targets")
PARSER.add_argument("--report", type=Path, required=True, help="output: figures, JSON")


if __name__ == "__main__":
    run_script(PARSER, main)
