"""Each metric finds the faults that it claims to find, planted here, and says plainly what it lacks."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import pytest
from paths import ROOT
from sacrebleu.metrics import CHRF
from toy_corpus import toy_corpus

from curate import quality
from curate.quality import Context, QualityMetric, Score, TargetInstance, load_metric
from workbench.cli import UserError
from workbench.generated import Generated, write_generated
from workbench.tables import write_rows

METRICS = sorted(module.name for module in pkgutil.iter_modules(quality.__path__) if not module.name.startswith("_"))
PAIRS = toy_corpus(300)
DAMAGED = set(range(0, 100, 2))


def shortened(text: str) -> str:
    """``text`` without its last three words."""
    return " ".join(text.split()[:-3]) + "."


def instances(targets: Sequence[str], **fields: object) -> list[TargetInstance]:
    """The first pairs of the toy corpus with ``targets``."""
    return [
        TargetInstance(f"train:{n}", PAIRS[n][0], text, None, {}, PAIRS[n][1])._replace(**fields)
        for n, text in enumerate(targets)
    ]


def planted() -> list[TargetInstance]:
    """A generator that is right, but drops words on every second sentence."""
    return instances([shortened(PAIRS[n][1]) if n in DAMAGED else PAIRS[n][1] for n in range(100)])


def scores(
    metric: str, found: Sequence[TargetInstance], settings: Mapping[str, object] | None = None, **inputs: Path
) -> Sequence[Score]:
    context = Context(settings or {}, Path("generated.tsv"), {k.replace("__", ":"): v for k, v in inputs.items()})
    return load_metric(metric).score(found, context)


def table_of(path: Path, texts: Mapping[int, str]) -> Path:
    write_generated(path, (Generated(f"train:{n}", text) for n, text in texts.items()))
    return path


def pretrain(folder: Path, pairs: Sequence[tuple[str, str]] = PAIRS[100:]) -> Path:
    write_rows(folder / "pretrain.tsv", ["id", "source", "target"], ((f"p:{n}", *p) for n, p in enumerate(pairs)))
    return folder / "pretrain.tsv"


def assert_damaged_are_worst(values: Sequence[Score], share: float = 1) -> None:
    """The damaged targets, half of all, make up at least this ``share`` of the worse half of the scores."""
    worst = sorted(range(len(values)), key=lambda place: values[place])[: len(DAMAGED)]
    assert len(DAMAGED.intersection(worst)) >= share * len(DAMAGED)


def test_length_finds_the_targets_that_lack_words(tmp_path: Path) -> None:
    assert_damaged_are_worst(scores("length", planted(), pretrain=pretrain(tmp_path)), share=0.9)


def test_length_is_the_distance_from_the_usual_in_deviations(tmp_path: Path) -> None:
    pairs = [("x" * 10, "x" * n) for n in (8, 9, 10, 11, 12)]
    found = scores("length", instances(["", "a" * 40], source="x" * 40), pretrain=pretrain(tmp_path, pairs))
    assert found[0] is None
    assert found[1] == pytest.approx(0)
    too_long = scores("length", instances(["a" * 80], source="x" * 40), pretrain=pretrain(tmp_path, pairs))
    assert too_long[0] == pytest.approx(-0.6931 / (1.4826 * 0.1054), rel=1e-3)


def test_length_refuses_text_without_spread(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no usual spread of lengths in its 3 pairs"):
        scores("length", planted(), pretrain=pretrain(tmp_path, [("abc", "abcd")] * 3))


def test_oracle_finds_the_targets_that_lack_words_and_is_sacrebleus_chrf() -> None:
    found = scores("oracle", planted())
    assert_damaged_are_worst(found)
    assert found[1] == 100
    assert found[0] == CHRF().sentence_score(shortened(PAIRS[0][1]), [PAIRS[0][1]]).score < 90


def test_consensus_with_an_intact_generator_finds_the_targets_that_lack_words(tmp_path: Path) -> None:
    intact = table_of(tmp_path / "a.tsv", {n: PAIRS[n][1].replace("The", "That") for n in range(100)})
    assert_damaged_are_worst(scores("consensus", planted(), other__intact=intact))


def test_consensus_is_the_mean_over_all_other_texts(tmp_path: Path) -> None:
    texts = ["one two three four", "one two"]
    others = [["one two three five", "one six"], ["one two three four"]]
    first = table_of(tmp_path / "a.tsv", {0: others[0][0], 1: others[1][0]})
    second = table_of(tmp_path / "b.tsv", {0: others[0][1], 1: ""})
    expected = [
        sum(CHRF().sentence_score(text, [other]).score for other in compared) / len(compared)
        for text, compared in zip(texts, others, strict=True)
    ]
    assert scores("consensus", instances(texts), other__a=first, other__b=second) == pytest.approx(expected)


def test_consensus_compares_with_the_generators_own_other_samples(tmp_path: Path) -> None:
    rows = [
        ("train:0", 0, ""),
        ("train:0", 1, "the one that is the target"),
        ("train:0", 2, "another one"),
        ("train:1", 0, "the only one"),
    ]
    write_rows(tmp_path / "answers.tsv", ["id", "sample", "text"], rows)
    found = instances(["the one that is the target", "the only one"])
    found = [found[0]._replace(metadata={"sample": 1}), found[1]._replace(metadata={"sample": 0})]
    values = scores("consensus", found, answers=tmp_path / "answers.tsv")
    assert values == [CHRF().sentence_score(found[0].target, ["another one"]).score, None]


def test_consensus_needs_another_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs a second generator .* or an LLM with `samples`"):
        scores("consensus", planted())
    with pytest.raises(UserError, match="no other text to compare"):
        scores("consensus", planted(), other__late=table_of(tmp_path / "a.tsv", {299: "elsewhere"}))


def test_language_finds_the_targets_in_another_language() -> None:
    mixed = [PAIRS[n][0] if n in DAMAGED else PAIRS[n][1] for n in range(100)]
    found = scores("language", instances(mixed), {"languages": {"source": "de", "target": "en_GB"}})
    assert_damaged_are_worst(found)
    assert median(found[n] for n in DAMAGED) < 0 < median(value for n, value in enumerate(found) if n not in DAMAGED)


def test_language_is_symmetrical_in_two_languages_and_looks_at_words_alone() -> None:
    texts = instances(["", "https://www.example.org/index", PAIRS[1][1], PAIRS[1][1] + " %(name)s {value}"])
    found = scores("language", texts, {"languages": {"target": "en"}})
    assert found[0] == found[1]
    assert found[2] == pytest.approx(found[3], rel=0.2)


def test_language_names_a_language_that_is_not_known() -> None:
    with pytest.raises(UserError, match=r"languages\.target: no language 'tlh' in py3langid"):
        scores("language", planted(), {"languages": {"target": "tlh"}})


def test_logprob_is_the_generators_own() -> None:
    found = [*instances(["a", "b"], logprob=-0.25), *instances(["c"])]
    assert scores("logprob", found) == [-0.25, -0.25, None]


def test_logprob_refuses_a_generator_that_reports_none() -> None:
    with pytest.raises(UserError, match=r"generated\.tsv: the column logprob is empty.*log_probabilities: true"):
        scores("logprob", planted())


def test_judge_takes_the_points_of_the_table(tmp_path: Path) -> None:
    write_rows(tmp_path / "judge.tsv", ["id", "score"], [("train:1", "87.5"), ("train:2", "")])
    assert scores("llm_judge", instances(["a", "b", "c"]), judge=tmp_path / "judge.tsv") == [None, 87.5, None]


@pytest.mark.parametrize("points", ["good", "101", "-1", "nan"])
def test_judge_refuses_what_is_no_score(tmp_path: Path, points: str) -> None:
    write_rows(tmp_path / "judge.tsv", ["id", "score"], [("train:1", points)])
    with pytest.raises(UserError, match=rf"judge\.tsv, id train:1: score '{points}'; allowed: 0 to 100"):
        scores("llm_judge", planted(), judge=tmp_path / "judge.tsv")


def ranking(path: Path, *ranks: int) -> Path:
    write_rows(path, ["id", "score", "rank"], ((f"train:{n}", f"{rank}.0000", rank) for n, rank in enumerate(ranks)))
    return path


def test_rank_average_is_lowest_for_what_all_find_best(tmp_path: Path) -> None:
    tables = {"scores__a": ranking(tmp_path / "a.tsv", 3, 1, 2), "scores__b": ranking(tmp_path / "b.tsv", 3, 2, 1)}
    assert scores("rank_average", instances(["x", "y", "z"]), **tables) == [3, 1.5, 1.5]
    assert load_metric("rank_average").METRIC.better == "lower"


def test_rank_average_shares_the_ranks_of_what_is_tied(tmp_path: Path) -> None:
    table = [("90.0000", 3), ("95.0000", 1), ("", 5), ("90.0000", 2), ("", 6), ("80.0000", 4)]
    rows = ((f"train:{n}", *row) for n, row in enumerate(table))
    write_rows(tmp_path / "a.tsv", ["id", "score", "rank"], rows)
    tables = {"scores__a": tmp_path / "a.tsv", "scores__b": ranking(tmp_path / "b.tsv", 1, 2, 3, 4, 5, 6)}
    alone = [2.5, 1, 5.5, 2.5, 5.5, 4]
    found = scores("rank_average", instances(["x"] * 6), **tables)
    assert found == [(rank + n) / 2 for n, rank in enumerate(alone, start=1)]


def test_rank_average_refuses_a_table_that_lacks_a_target(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.tsv: no rank for train:2"):
        scores("rank_average", instances(["x", "y", "z"]), scores__a=ranking(tmp_path / "a.tsv", 1, 2))
    with pytest.raises(UserError, match="no scores to average"):
        scores("rank_average", planted())


def test_every_module_says_what_it_is() -> None:
    assert {"logprob", "round_trip", "learner_fit", "consensus", "length", "language", "oracle"} <= {*METRICS}
    assert {"llm_judge", "rank_average", "comet_qe", "labse"} <= {*METRICS}
    for name in METRICS:
        metric = load_metric(name).METRIC
        assert isinstance(metric, QualityMetric)
        assert f"{metric.better} is better" in (load_metric(name).__doc__ or "")
        assert "\n\nSource: " in (load_metric(name).__doc__ or "")
    assert [name for name in METRICS if load_metric(name).METRIC.needs_human] == ["oracle"]


def test_documentation_has_every_metric() -> None:
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert [name for name in METRICS if f"`{name}`" not in page] == []
