"""Checks of what scores texts: quality scores, detectors and metrics."""

from collections.abc import Iterator
from pathlib import Path

from planning.checks.hosted_llms import hosted_llm_problems
from planning.configuration.errors import Key, Problem, not_one_of, too_many
from planning.quality import Judge, QualityScore
from planning.study import Study
from workbench.languages import bleu_tokenizer, tokenizer_without_mecab, unspaced_script


def quality_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with the quality scores."""
    used = study.generators.machines
    for name, score in study.quality.items():
        key: Key = ("quality", name)
        if name == "oracle" and score.metric != "oracle":
            yield Problem(key, "the name of the score that others are compared with; choose another")
        for field, chosen in (("generators", score.chosen), ("among", score.among)):
            for generator in chosen or ():
                if generator not in used:
                    reason = f"{generator!r} is not a generator in use"
                    yield Problem((*key, field), not_one_of(used, generator, reason))
        given = [generator for generator in score.chosen or () if generator in used]
        yield from _average_problems(study, key, score, given)
        yield from _impossible_problems(key, score, given)
        yield from _size_problems(study, key, score)


def _average_problems(study: Study, key: Key, score: QualityScore, given: list[str]) -> Iterator[Problem]:
    plain = [name for name, other in study.quality.items() if other.metric != "rank_average"]
    for part in score.of:
        if part not in plain:
            yield Problem((*key, "of"), not_one_of(plain, part, f"{part!r} is not another score"))
            continue
        lacking = [generator for generator in given if generator not in study.quality[part].scored]
        if lacking:
            yield Problem((*key, "generators"), f"{part} has no scores of {lacking[0]}, so there is no average of it")


def _impossible_problems(key: Key, score: QualityScore, given: list[str]) -> Iterator[Problem]:
    for generator in given:
        if score.metric == "logprob" and not score.authors[generator].has_logprobs:
            yield Problem((*key, "generators"), f"{generator} has no log-probabilities")
        if score.metric == "consensus" and not score.has_others(generator):
            yield Problem(
                (*key, "generators"), f"{generator} has nothing to agree with: another generator in use is needed"
            )


def _size_problems(study: Study, key: Key, score: QualityScore) -> Iterator[Problem]:
    pretrain = study.corpus.pretrain
    if score.pairs is not None and score.pairs > pretrain:
        yield Problem((*key, "pairs"), too_many(score.pairs, pretrain, "splits.pretrain"))
    if score.weights is not None and not Path(score.weights).exists():
        missing = f"{score.weights!r} does not exist (looked for it in {Path.cwd()})"
        yield Problem((*key, "weights"), missing, no_input=True)


def judge_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with the LLMs that judge."""
    for judge in study.quality.of(Judge).values():
        yield from hosted_llm_problems(judge.llm, study.languages)


def detector_problems(study: Study) -> Iterator[Problem]:
    """Everything that is wrong with the detector."""
    detector = study.detector
    spans = {"word_ngrams": detector.word_ngrams, "character_ngrams": detector.character_ngrams}
    if not any(spans.values()):
        yield Problem(("detector", "word_ngrams"), "both are null: no n-grams are left to distinguish texts by")
    for name, span in spans.items():
        if span and span[0] > span[1]:
            yield Problem(("detector", name), f"{span[0]} is longer than {span[1]}; the shortest comes first")
    needed = max(detector.least, detector.folds)
    if detector.pairs is not None and detector.pairs < needed:
        yield Problem(
            ("detector", "pairs"),
            f"{detector.pairs:,} sources are too few to learn from; allowed: {needed:,} or more "
            "(detector.least, detector.folds)",
        )
    if study.generators.machines and study.corpus.pool < needed:
        yield Problem(
            ("splits", "pool"),
            f"{study.corpus.pool:,} sources are too few for the detector, which needs {needed:,}: enlarge splits.pool, "
            "or lower detector.least (at least detector.folds)",
        )


def tokenizer_problems(study: Study) -> Iterator[Problem]:
    """Tokenizers and metrics of words must fit the script; MeCab for Japanese and Korean is not installed."""
    language, evaluation = study.languages["target"], study.evaluation
    script, own = unspaced_script(language), bleu_tokenizer(language)
    options: Key = ("evaluation", "metric_options")
    chosen = evaluation.metric_options.get("bleu", {}).get("tokenize")
    if own.endswith("mecab") and "bleu" in evaluation.metrics and not chosen:
        reason = f"needed for {language}: sacreBLEU's own choice is not installed; char serves"
        yield Problem((*options, "bleu", "tokenize"), reason)
    key: Key
    for key, tokenizer in (
        ((*options, "bleu", "tokenize"), chosen),
        (("analysis", "diversity", "tokenize"), study.config["analysis"]["diversity"]["tokenize"]),
    ):
        if tokenizer and script and tokenizer not in script.tokenizers:
            serves = tokenizer_without_mecab(language)
            yield Problem(key, f"{tokenizer!r} needs blanks between words, which {language!r} has not; write {serves}")
        elif tokenizer == "zh" and not script:
            yield Problem(key, f"'zh' divides Chinese characters only; write {tokenizer_without_mecab(language)}")
    if script and evaluation.metric_options.get("chrf", {}).get("word_order"):
        reason = f"chrF++ counts words between blanks, which {language!r} has not; write 0"
        yield Problem((*options, "chrf", "word_order"), reason)
