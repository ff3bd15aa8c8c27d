"""Points that an LLM gives the target when asked to judge it with its source: 0 to 100, higher is better.

Source: ours; after Kocmi & Federmann, Large Language Models Are State-of-the-Art Evaluators of Translation Quality
(EAMT 2023).
"""

from curate.quality import Context, Instances, QualityMetric, Score
from workbench.cli import UserError
from workbench.tables import read_rows

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """The points in the table ``judge`` (``id score``); None if a target has none.

    Raises:
        UserError: a score is not a number from 0 to 100.
    """
    path = context.inputs["judge"]
    points = {name: _points(text, f"{path}, id {name}") for name, text in read_rows(path, ["id", "score"])}
    return [points.get(instance.id) for instance in instances]


def _points(text: str, where: str) -> Score:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise UserError(f"{where}: score {text!r}; allowed: 0 to 100, or nothing. Delete the table and run again")
    return value
