"""Mean natural log-probability of the target's tokens, as reported by the generator: at most 0, higher is better.

Source: ours; sequence probability as in Fomicheva et al., Unsupervised Quality Estimation for NMT (TACL 2020).
"""

from curate.quality import Context, Instances, QualityMetric, Score
from workbench.cli import UserError

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """The column ``logprob``.

    Raises:
        UserError: the generator reports none.
    """
    scores = [instance.logprob for instance in instances]
    if all(value is None for value in scores):
        raise UserError(
            f"{context.generated}: the column logprob is empty, so there is nothing to rank by: text from files has no "
            "log-probabilities, an LLM reports them with `log_probabilities: true`; leave this generator out of the "
            "metric's `generators`, or take another metric"
        )
    return scores
