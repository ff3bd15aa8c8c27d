"""What is usual in human pairs: the file that ``learn_norms`` writes and every text is compared with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from analyse.errors.detachment import Lexicon
from analyse.errors.lengths import LengthBand
from workbench.cli import UserError
from workbench.files import write_json


@dataclass(frozen=True)
class Norms:
    """Usual lengths, and words that occur together."""

    band: LengthBand
    lexicon: Lexicon


def write_norms(path: Path, norms: Norms, pairs: int) -> None:
    """Write the norms, learned from ``pairs`` pairs, as JSON."""
    partners = {word: sorted(partners) for word, partners in norms.lexicon.partners.items()}
    lexicon = {"beginning": norms.lexicon.beginning, "cognate": norms.lexicon.cognate, "partners": partners}
    write_json(path, {"pairs": pairs, "lengths": asdict(norms.band), "lexicon": lexicon})


def read_norms(path: Path) -> Norms:
    """Read what :func:`write_norms` wrote.

    Raises:
        UserError: the file holds something else.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        lexicon = record["lexicon"]
        partners = {word: frozenset(others) for word, others in lexicon["partners"].items()}
        return Norms(LengthBand(**record["lengths"]), Lexicon(partners, lexicon["beginning"], lexicon["cognate"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: holds no norms of lengths and words; delete it and run again") from error
