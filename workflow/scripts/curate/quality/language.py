"""Natural logarithm of how many times likelier the target language is than the likeliest other one; higher is better.

The range is about -69 to 69, the logarithm of py3langid's smallest probability and its negative.

Source: ours; py3langid, after Lui & Baldwin, langid.py (ACL 2012).
"""

import math

from curate.quality import Context, Instances, QualityMetric, Score
from workbench.cli import progress
from workbench.language_identification import load_identifier
from workbench.languages import base_language
from workbench.words import plain_words

_LEAST = 1e-30  # the smallest probability that py3langid's single precision distinguishes from 0

METRIC = QualityMetric(better="higher")


def score(instances: Instances, context: Context) -> list[Score]:
    """Log-odds of the target language against the likeliest other one, without placeholders and addresses.

    Raises:
        UserError: py3langid does not know the language.
    """
    language = base_language(context.settings["languages"]["target"])
    identifier = load_identifier([language], "languages.target", "leave the metric language out")
    return [
        log_odds(dict(identifier.rank(plain_words(instance.target))), language)
        for instance in progress(instances, len(instances), "targets")
    ]


def log_odds(likelihoods: dict[str, float], language: str) -> float:
    """Log of the likelihood of ``language`` divided by the greatest of another language."""
    other = max(likelihood for name, likelihood in likelihoods.items() if name != language)
    return math.log(max(likelihoods[language], _LEAST)) - math.log(max(other, _LEAST))
