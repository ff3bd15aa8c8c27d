"""What a condition means: which runs it shares, what it is compared with, what cannot be meant."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from study_file import read_study, write_lines

from planning.configuration.errors import ConfigurationError
from planning.description import description
from planning.study import Study

STUDY = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: src.txt, target: tgt.txt}}
splits: {pretrain: 40, pool: 30, valid: 5, test: 5}
generators:
  a: {provider: fairseq, pairs: 40}
  b: {provider: fairseq, pairs: 20}
  old: {provider: files, targets: old.txt}
  people: {provider: files, targets: old.txt, human: true}
quality:
  sure: {metric: logprob}
  trip: {metric: round_trip}
  agree: {metric: consensus}
  best: {metric: rank_average, of: [sure, trip]}
sizes: [10, 20, 30]
learners:
  transformer:
    kind: fairseq
    options: {arch: transformer, optimizer: adam, lr: 0.1, max-tokens: 900, max-update: 90, warmup-updates: 30}
conditions:
  human: {mixture: {human: 1}}
  a: {mixture: {a: 1}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with the text files that the configuration names."""
    monkeypatch.chdir(tmp_path)
    write_lines("src.txt", "tgt.txt", "old.txt")


def study(*conditions: str, **changes: str) -> Study:
    """The study with further conditions, one a line, and parts of its text replaced."""
    text = STUDY + "".join(f"  {condition}\n" for condition in conditions)
    for old, new in changes.items():
        text = text.replace(old, new)
    return read_study(text)


def recipes(study: Study, condition: str) -> dict[int, str]:
    """Recipe of a condition's run by size."""
    return {run.size: run.recipe for run in study.runs.table if run.condition == condition}


def test_at_the_whole_pool_all_orders_share_one_run() -> None:
    made = study(
        "best: {mixture: {a: 1}, order: 'quality:best'}",
        "worst: {mixture: {a: 1}, order: 'quality:best', reverse: true}",
        "human-like: {mixture: {a: 1}, order: human_like}",
    )
    assert recipes(made, "best") == {10: "a.quality=best", 20: "a.quality=best", 30: "a.random"}
    assert recipes(made, "worst")[10] == "a.quality=best.reverse"
    assert {recipes(made, name)[30] for name in ("a", "best", "worst", "human-like")} == {"a.random"}


def test_copies_and_all_outputs_depend_on_the_order_at_every_size() -> None:
    made = study(
        "b: {mixture: {b: 1}}",
        "twice: {mixture: {a: 1}, copies: 2, order: 'quality:sure'}",
        "both: {mixture: {a: 0.5, b: 0.5}, combine: all, order: 'quality:sure'}",
    )
    assert set(recipes(made, "twice").values()) == {"a.x2.quality=sure"}
    assert set(recipes(made, "both").values()) == {"a+b.all.quality=sure"}


def test_an_incremental_run_goes_on_with_the_one_before() -> None:
    made = study("steps: {mixture: {a: 1}, order: 'quality:sure', schedule: incremental}")
    steps = recipes(made, "steps")
    assert steps == {10: "a.quality=sure", 20: "a.quality=sure.incremental", 30: "a.quality=sure.incremental"}
    assert made.runs.run_before(steps[10], 10) is None
    assert made.runs.run_before(steps[20], 20) == ("a.quality=sure", 10)
    assert made.runs.run_before(steps[30], 30) == ("a.quality=sure.incremental", 20)


def test_an_order_that_is_a_single_generators_own_is_one_run_however_it_is_written() -> None:
    made = study(
        "best: {mixture: {a: 1}, order: 'quality:best'}",
        "spelt: {mixture: {a: 1}, order: 'quality:best', order_of: a}",
        "picked: {mixture: {human: 1}, order: 'quality:best', order_of: a}",
    )
    assert recipes(made, "spelt") == recipes(made, "best")
    assert recipes(made, "picked")[10] == "human.quality=best.of=a"


def test_equal_epochs_scale_the_schedule_and_equal_updates_do_not() -> None:
    steps = "steps: {mixture: {a: 1}, schedule: incremental}"
    made = study(steps)
    assert '"max-update":90' in made.learners["transformer"].settings("a.random", 10, 1)
    made = study(steps, **{"conditions:": "training: {equal: epochs}\nconditions:"})
    for recipe, size, updates in (
        ("a.random", 10, 30),
        ("a.random", 30, 90),
        ("a.random.incremental", 30, 30),  # ten more instances
    ):
        settings = made.learners["transformer"].settings(recipe, size, 1)
        assert f'"max-update":{updates}' in settings
        assert f'"warmup-updates":{updates // 3}' in settings


def test_equal_epochs_leave_no_limit_alone_and_refuse_what_is_no_number() -> None:
    unlimited = {
        "conditions:": "training: {equal: epochs}\nconditions:",
        "max-update: 90": "max-update: 0, patience: 3",
    }
    assert '"max-update":0' in study(**unlimited).learners["transformer"].settings("a.random", 10, 1)
    with pytest.raises(ConfigurationError, match=r"options\.warmup-updates: 'many' is not a number"):
        study(**{"conditions:": unlimited["conditions:"], "warmup-updates: 30": "warmup-updates: many"})


def test_a_remedy_is_compared_with_the_same_text_in_random_order_and_with_its_reverse() -> None:
    made = study(
        "best: {mixture: {a: 1.0, b: 0}, order: 'quality:best'}",
        "worst: {mixture: {a: 1}, order: 'quality:best', reverse: true}",
        "b: {mixture: {b: 1}}",
        "mix: {mixture: {a: 0.5, b: 0.5}, remedies: b}",
        "steps: {mixture: {a: 1}, schedule: incremental, remedies: null}",
        "picked: {mixture: {human: 1}, order: 'quality:best', order_of: a}",
    )
    assert yaml.safe_load(made.relations) == {
        "remedied": {"best": "a", "worst": "a", "mix": "b"},
        "reverse": {"best": "worst"},
    }


def test_ranks_come_from_the_generators_own_tables_or_from_one_for_all() -> None:
    made = study(
        "b: {mixture: {b: 1}}",
        "best: {mixture: {human: 0.5, a: 0.25, b: 0.25}, order: 'quality:best'}",
        "picked: {mixture: {human: 1}, order: human_like, order_of: a}",
    )
    own = made.runs.recipes[recipes(made, "best")[10]].rank_tables
    assert own == [("a", "<results>/quality/best/a.tsv"), ("b", "<results>/quality/best/b.tsv")]
    assert made.runs.recipes[recipes(made, "picked")[10]].rank_tables == [
        ("human", "<results>/detector/human--a/rank.tsv")
    ]
    assert made.runs.recipes["a.random"].rank_tables == []


def test_scores_are_taken_of_the_generators_that_allow_them() -> None:
    made = study("old: {mixture: {old: 1}}")
    assert made.generators.machines == ["a", "old"]
    assert made.generators.people == ["people"]
    assert made.quality.pairs == [
        *(("sure", "a"), ("trip", "a"), ("trip", "old"), ("agree", "a"), ("agree", "old"), ("best", "a")),
        *(("oracle", "a"), ("oracle", "old")),  # always there, to compare the others with
    ]
    assert set(made.quality["agree"].inputs("a")) == {"other:old"}
    assert list(made.generators.detector_pairs.values()) == [
        *(("human", "a", "human-machine"), ("human", "old", "human-machine")),
        *(("human", "people", "human-human"), ("a", "old", "machine-machine")),
    ]
    assert '"source":"en"' in made.quality["trip"].training_settings


def test_a_score_goes_by_what_changes_it_and_by_nothing_else() -> None:
    changes = {"agree: {metric: consensus}": "agree: {metric: consensus}\n  fit: {metric: learner_fit}"}
    before = study(**changes)
    after = study(**changes, **{"sizes:": "decoding: {beam: 2}\nsizes:"})
    slower = study(**changes, **{"sizes:": "decoding: {engine: fairseq}\nsizes:"})
    assert after.quality["fit"].settings == before.quality["fit"].settings != slower.quality["fit"].settings
    assert after.quality["trip"].settings != before.quality["trip"].settings


def test_weights_are_a_file_that_is_read_and_no_place_of_this_machine_is_told(tmp_path: Path) -> None:
    weights, program = tmp_path / "model.ckpt", tmp_path / "comet" / "comet-score"
    weights.touch()
    made = study(**{"{metric: consensus}": f"{{metric: comet_qe, weights: {weights}, program: {program}}}"})
    assert made.quality["agree"].inputs("a") == {"weights": str(weights)}
    assert "weights" not in json.loads(made.quality["agree"].settings)
    described = json.loads(description(made))["quality"]["agree"]
    assert (described["weights"], described["program"]) == ("model.ckpt", "comet-score")
    assert str(tmp_path) not in description(made)


def second(size: int) -> dict[str, str]:
    """The change that adds a generator ``second``, the model of a run of the condition ``first``."""
    return {"  old:": f"  second: {{provider: fairseq, from_run: {{condition: first, size: {size}}}}}\n  old:"}


@pytest.mark.parametrize(
    ("conditions", "size"),
    [
        (["first: {mixture: {second: 1}}"], 30),
        (["first: {mixture: {a: 1}, order: 'quality:agree'}", "second: {mixture: {second: 1}}"], 20),
        (["first: {mixture: {human: 1}, order: 'quality:agree', order_of: a}", "second: {mixture: {second: 1}}"], 20),
        (["first: {mixture: {a: 1}, order: human_like, order_of: second}"], 20),
        (["first: {mixture: {a: 1}, order: 'quality:sure', order_of: second, schedule: incremental}"], 30),
    ],
)
def test_no_run_needs_the_text_of_its_own_model(conditions: list[str], size: int) -> None:
    with pytest.raises(
        ConfigurationError, match=r"generators\.second\.from_run: its run is trained on its own output, or"
    ):
        study(*conditions, **second(size))


@pytest.mark.parametrize(("size", "parts", "fits"), [(20, "trip", True), (20, "agree", False), (30, "agree", True)])
def test_an_average_reads_what_its_scores_read_and_nothing_at_the_whole_pool(size: int, parts: str, fits: bool) -> None:
    conditions = ["first: {mixture: {a: 1}, order: 'quality:best'}", "second: {mixture: {second: 1}}"]
    with contextlib.nullcontext() if fits else pytest.raises(ConfigurationError, match="its own output"):
        study(*conditions, **{"of: [sure, trip]": f"of: [sure, {parts}]"}, **second(size))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            "x: {mixture: {a: 1}, order: 'quality:bset'}",
            "no such score: 'bset'; allowed: sure, trip, agree, best, oracle; did you",
        ),
        ("x: {mixture: {a: 1}, order: quality}", "allowed: random, human_like, or quality:NAME"),
        ("x: {mixture: {human: 1}, order: human_like}", "human text needs order_of"),
        ("x: {mixture: {old: 1}, order: 'quality:sure'}", "quality:sure has no scores of old; it has those of a"),
        ("x: {mixture: {people: 1}, order: human_like}", "people was written by people and has no scores"),
        ("x: {mixture: {a: 1}, order_of: a}", "no order_of with the order random"),
        (
            "x: {mixture: {a: 1}, order: human_like, order_of: c}",
            "'c' cannot be ordered by; allowed: a, b, old, people",
        ),
        ("x: {mixture: {a: 0.6, b: 0.4}, combine: all}", "combine: all needs equal fractions"),
        ("x: {mixture: {b: 0.5, old: 0.5}}", "several generators need the control of as many instances and sources"),
        ("x: {mixture: {a: 0.5, b: 0.5}, combine: all}", "add a condition {mixture: {a: 1}, copies: 2}"),
        ("x: {mixture: {a: 1}, remedies: aa}", "'aa' is not another condition; allowed: human, a; did you mean 'a'?"),
        ("x: {mixture: {a: 1}, remedies: x}", "'x' is not another condition"),
        ("x: {mixture: {a: 1}, order: human_like, remedies: human}", "x.remedies: 'human' is the baseline"),
        ("x: {mixture: {a: 1}, copies: 4}", "x.copies: size 10 ends within a source, which has 4 instances"),
        ("x: {mixture: {human: 0.5, a: 0.5}, combine: all, copies: 2}", "allowed: sizes that 4 divides"),
        ("x: {mixture: {human: 0.4, a: 0.3, b: 0.3}, combine: all}", "x.combine: size 10 ends within a source"),
    ],
)
def test_what_cannot_be_meant_is_said(condition: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        study(condition)
    assert message in str(error.value)
    assert "study.yaml, line" in str(error.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            ["x: {mixture: {a: 1}, remedies: y}", "y: {mixture: {a: 1}, copies: 2, remedies: x}"],
            "'y' is itself a remedy",
        ),
        (["x: {mixture: {b: 1}, remedies: y}", "y: {mixture: {b: 1}, order: human_like}"], "'y' is itself a remedy"),
        (
            [
                "x: {mixture: {a: 1}, order: human_like, remedies: y}",
                "y: {mixture: {a: 1}, order: human_like, reverse: true}",
            ],
            "x.remedies: 'y' is the same in reverse, and the reverse is the control",
        ),
        (
            ["x: {mixture: {b: 1}}", "y: {mixture: {b: 1}, reverse: true, remedies: x}"],
            "y.remedies: 'x' is the same in",
        ),
        (
            ["x: {mixture: {b: 0.5, old: 0.5}}", "y: {mixture: {b: 1}, order: human_like}"],
            "conditions.x: several generators need the control",
        ),
        (
            ["x: {mixture: {b: 0.5, old: 0.5}}", "y: {mixture: {b: 1}, schedule: incremental}"],
            "conditions.x: several generators need the control",
        ),
    ],
)
def test_conditions_that_do_not_fit_together_are_said(conditions: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        study(*conditions)
    assert message in str(error.value)


def test_the_control_of_several_generators_may_stand_in_their_own_order() -> None:
    assert study(
        "x: {mixture: {b: 0.5, old: 0.5}, order: human_like, schedule: incremental}",
        "y: {mixture: {b: 1}, order: human_like, schedule: incremental}",
    )


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("order: 'quality:best', order_of: a", "order"),
        ("reverse: true, order: human_like, order_of: a", "reverse"),
        ("copies: 2", "copies"),
        ("combine: all", "combine"),
        ("remedies: a", "remedies"),
    ],
)
def test_the_baseline_is_plain(more: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"conditions\.human\.{key}: .* baseline"):
        study(**{"human: {mixture: {human: 1}}": f"human: {{mixture: {{human: 1}}, {more}}}"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("of: [sure, trip]", "of: [sure, best]", "'best' is not another score; allowed: sure, trip, agree, oracle"),
        ("{metric: logprob}", "{metric: logprob, generators: [b]}", "'b' is not a generator in use; allowed: a"),
        ("{metric: consensus}", "{metric: consensus, generators: [a]}", "another generator in use is needed"),
        (
            "of: [sure, trip]}",
            "of: [sure, agree], generators: [a]}",
            "agree has no scores of a, so there is no average",
        ),
        ("{metric: round_trip}", "{metric: round_trip, pairs: 41}", "41 is beyond splits.pretrain"),
        ("{metric: logprob}", "{metric: labse, weights: none}", "'none' does not exist"),
        ("{metric: logprob}", "{metric: comet_qe}", "the key 'weights' is missing"),
        ("{metric: logprob}", "{metric: logprob, pairs: 3}", "unknown key; allowed: generators, metric"),
        ("{metric: logprob}", "{metric: lobprob}", "did you mean 'logprob'?"),
        ("{metric: round_trip}", "{metric: learner_fit, decoding: {beam: 1}}", "trip.decoding: unknown key"),
        ("{metric: logprob}", "{metric: labse, weights: old.txt, program: x}", "sure.program: unknown key"),
        (
            "{metric: round_trip}",
            "{metric: round_trip, options: {save-dir: x}}",
            "quality.trip.options.save-dir: the work",
        ),
        ("  best: {metric", "  Sure: {metric", "quality.Sure: differs from 'sure' in case only"),
    ],
)
def test_a_score_that_cannot_be_taken_is_said(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        study(**{old: new})
    assert message in str(error.value)
