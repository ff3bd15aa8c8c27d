"""A broken configuration ends in one line that names file, line, key, value and what is allowed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_reference import PAGE, reference, updated
from paths import ROOT
from study_file import SCHEMA, read_study, replaced, write_lines

from planning.configuration.errors import ConfigurationError
from planning.configuration.schema import load_schema
from planning.load_study import load_study

BASE = """\
languages: {source: de, target: en}
corpus:
  kind: files
  files: {train: {source: src.txt, target: tgt.txt}}
splits: {pretrain: 40, pool: 30, valid: 5, test: 5}
vocab: {size: 100}
generators:
  strong: {provider: fairseq, pairs: 40}
  old: {provider: files, targets: old.txt}
conditions:
  human: {mixture: {human: 1}}
  strong: {mixture: {strong: 1}}
  half: {mixture: {human: 0.5, strong: 0.5}}
sizes: [10, 30]
seeds: [1, 2]
learners:
  transformer:
    kind: fairseq
    options: {arch: transformer, optimizer: adam, lr: 0.1, max-tokens: 900, max-update: 9}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the text files that the configuration names, 80 lines each."""
    monkeypatch.chdir(tmp_path)
    write_lines("src.txt", "tgt.txt", "old.txt")
    return tmp_path


def edit(*changes: tuple[str, str]) -> str:
    """The base configuration with parts of its text replaced."""
    return replaced(BASE, *changes)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("old.txt", "'{x}.txt'", "line 9: generators.old.targets: '{x}.txt': Snakemake takes {}"),
        ("languages:", "results: 'a{b}'\nlanguages:", "line 1: results: 'a{b}': Snakemake takes {}"),
        ("languages:", "results: a<b>\nlanguages:", "line 1: results: 'a<b>': not fit for a folder"),
        ("languages:", "downloads: -x\nlanguages:", "line 1: downloads: '-x': not fit for a folder"),
    ],
)
def test_paths_that_snakemake_or_a_command_would_misread_are_refused(
    folder: Path, old: str, new: str, where: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(where)):
        read_study(edit((old, new)))


@pytest.mark.parametrize("value", ["no", "yes", "12"])
def test_a_text_that_yaml_reads_as_something_else_is_to_be_quoted(folder: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"line 1: languages\.source: .* quote a text"):
        read_study(edit(("source: de", f"source: {value}")))


def test_inputs_that_lie_in_storage_are_not_looked_for(folder: Path) -> None:
    text = edit(("src.txt", "there.txt"), ("old.txt", "there too.txt"))
    with pytest.raises(ConfigurationError, match="not a file"):
        read_study(text)
    assert (
        load_study(yaml.safe_load(text), [], {}, SCHEMA, inputs_in_storage=True).corpus.file_lists["train"][0]
        == "there.txt"
    )
    text = edit(("sizes: [10, 30]", "sizes: [0]"))
    with pytest.raises(ConfigurationError, match="sizes"):
        load_study(yaml.safe_load(text), [], {}, SCHEMA, inputs_in_storage=True)


_OPTIONS = "evaluation: {{metric_options: {{{}}}}}\nlanguages:"


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ([("seeds: [1, 2]", "seedz: [1, 2]")], 15, ["seedz", "unknown key", "did you mean 'seeds'?"]),
        ([("g: {provider: fairseq", "g: {provider: fairsek")], 8, ["provider", "'fairsek'", "fairseq, files"]),
        ([("{strong: 1}", "{stronk: 1}")], 12, ["mixture.stronk", "unknown origin", "human, strong, old"]),
        ([("human: 0.5, strong: 0.5", "human: 0.5, strong: 0.4")], 13, ["half.mixture", "0.9", "allowed: 1"]),
        ([("sizes: [10, 30]", "sizes: [10, 31]")], 14, ["sizes.1", "31", "30 or less"]),
        ([("pretrain: 40", "pretrain: 41")], 5, ["splits", "pretrain 41", "= 81 pairs", "80 lines"]),
        ([("  half:", "  ../x:")], 13, ["../x", "not fit for a name", "letters and digits"]),
        ([("  half:", "  a b:")], 13, ["a b", "not fit for a name"]),
        ([("  half:", "  '{x}':")], 13, ["{x}", "not fit for a name"]),
        ([("  half:", "  human:")], 13, ["conditions.human", "there twice"]),
        ([("  half:", "  Human:")], 13, ["Human", "in case only"]),
        ([("  old:", "  human:")], 9, ["generators.human", "choose another"]),
        ([("seeds: [1, 2]", "seeds: []")], 15, ["seeds", "empty", "at least one"]),
        ([("seeds: [1, 2]", "seeds: [1, 1]")], 15, ["seeds", "1 is there twice"]),
        ([("vocab: {size: 100}", "vocab: {size: 3}")], 6, ["vocab.size", "3 is too small", "64 or more"]),
        ([("vocab: {size: 100}", "vocab: {size: 99999999}")], 6, ["vocab.size", "262144 or less"]),
        ([("pairs: 40", "pairs: 50")], 8, ["strong.pairs", "50", "40 or less"]),
        ([("pairs: 40", "options: {}")], 8, ["generators.strong", "either pairs", "from_run"]),
        ([("targets: old.txt", "targets: new.txt")], 9, ["old.targets", "'new.txt' is not a file"]),
        ([("target: tgt.txt", "tsv: tgt.txt")], 4, ["files.train", "either source and target, or tsv"]),
        ([("target: en", "target: de")], 1, ["languages.target", "'de' is the source language too"]),
        (
            [("arch: transformer", "save-dir: x, arch: transformer")],
            19,
            ["options.save-dir", "the workflow sets this; use results"],
        ),
        ([("arch: transformer, optimizer: adam", "arch: transformer")], 19, ["needs optimizer"]),
        ([("  files: {train: {source: src.txt, target: tgt.txt}}\n", "")], 2, ["the key 'files' is missing"]),
        ([("human: 0.5, strong: 0.5", "human: 0.5, strong: .nan")], 13, ["half.mixture", "nan", "allowed: 1"]),
        ([("target: en", "target: ja")], None, ["metric_options.bleu.tokenize", "char serves"]),
        ([("target: en", "target: jpn_Jpan")], None, ["metric_options.bleu.tokenize", "char serves"]),
        (
            [("target: en", "target: th"), ("languages:", _OPTIONS.format("bleu: {tokenize: 13a}"))],
            None,
            ["metric_options.bleu.tokenize", "'13a' needs blanks between words", "write char"],
        ),
        (
            [("target: en", "target: lao"), ("languages:", _OPTIONS.format("chrf: {word_order: 2}"))],
            None,
            ["metric_options.chrf.word_order", "write 0"],
        ),
        ([("languages:", _OPTIONS.format("bleu: {tokenize: zh}"))], None, ["'zh' divides Chinese", "write 13a"]),
        ([("target: en", "target: German")], 1, ["languages.target", "did you mean de?"]),
        ([("target: en", "target: deu")], 1, ["languages.target", "'deu' is the source language too"]),
        (
            [("target: en", "target: hsb")],
            None,
            ["cleaning.language_margin", "cannot identify Upper Sorbian: write null"],
        ),
        ([("max-update: 9", "max-update: 0")], 19, ["options.max-update", "0 sets no limit"]),
        (
            [("max-tokens: 900", "max-tokens: 200")],
            19,
            ["options.max-tokens", "200 leaves room", "training.max_pieces (256)"],
        ),
        (
            [("languages:", "training: {device: gpu, gpus: 4}\nlanguages:")],
            20,
            ["options.max-tokens", "900 leaves room for 225 pieces on each of 4 GPUs"],
        ),
        (
            [
                ("max-tokens: 900", "max-tokens: 900, update-freq: '1,2'"),
                ("languages:", "training: {device: gpu, gpus: 2}\nlanguages:"),
            ],
            20,
            ["options.update-freq", "1,2 cannot be shared by 2 GPUs"],
        ),
        ([("max-tokens: 900", "max-tokens: many")], 19, ["transformer.options", "whole numbers"]),
        ([("max-tokens: 900", "max-tokens: 900, bf16: true")], 19, ["options.bf16", "on a GPU only"]),
        (
            [("max-tokens: 900", "max-tokens: 900, wandb-project: x")],
            19,
            ["the workflow sets this; use training.wandb"],
        ),
        ([("languages:", "results: workflow/out\nlanguages:")], 1, ["results", "holds the workflow itself"]),
        ([("valid: 5, ", "")], 5, ["splits.valid", "a number of pairs is needed"]),
        ([("sizes: [10, 30]\n", "")], None, ["the key 'sizes' is missing"]),
        ([("human: {mixture: {human: 1}}", "human: {mixture: {strong: 1}}")], None, ["baseline", "none yet"]),
        ([("pairs: 40", "from_run: {condition: half, size: 10}")], 8, ["from_run", "trained on its own output"]),
        ([("languages:", "detector: {least: 31}\nlanguages:")], 6, ["splits.pool", "30 sources", "needs 31"]),
        ([("languages:", "detector: {pairs: 9}\nlanguages:")], 1, ["detector.pairs", "9 sources", "20 or more"]),
        ([("languages:", "detector: {word_ngrams: [3, 2]}\nlanguages:")], 1, ["word_ngrams", "3 is longer than 2"]),
        ([("pairs: 40", "from_run: {condition: half, size: 11}")], 8, ["from_run.size", "11 is not in", "10, 30"]),
    ],
)
def test_a_mistake_is_one_line_for_people(
    folder: Path, changes: list[tuple[str, str]], line: int | None, words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_study(edit(*changes))
    message = caught.value.problems[0]
    assert "\n" not in message
    if line is not None:
        assert message.startswith(f"study.yaml, line {line}: ")
    for word in words:
        assert word in message


def test_lines_of_a_generator_beside_the_corpus_are_counted_before_anything_runs(folder: Path) -> None:
    Path("old.txt").write_text("zu kurz\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"old\.txt has 1 lines, but it is aligned with src\.txt, which has 80"
    ):
        read_study(BASE)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("names", "row"),
    [("", "eins\tone\n"), ("target\tsource\n", "one\teins\n"), ("\ufeffSource\tid\tTarget\r\n", "eins\t7\tone\r\n")],
)
def test_the_line_that_names_a_tables_columns_is_no_row_to_stand_beside(
    folder: Path, names: str, row: str, packed: bool
) -> None:
    content = (names + row * 80).encode()
    Path("train.tsv").write_bytes(gzip.compress(content) if packed else content)
    text = edit(("source: src.txt, target: tgt.txt", "tsv: train.tsv"))
    read_study(text)
    Path("old.txt").write_text("eine Zeile\n" * 81, encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"old\.txt has 81 lines, but it is aligned with train\.tsv, which has 80 rows"
    ):
        read_study(text)
    Path("old.txt").write_text("eine Zeile\n" * 80, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"= 81 pairs are more than the 80 rows of train\.tsv"):
        read_study(text.replace("pretrain: 40", "pretrain: 41"))


def test_a_first_line_of_plain_text_names_no_columns(folder: Path) -> None:
    Path("src.txt").write_text("source\ttarget\n" * 80, encoding="utf-8")
    read_study(BASE)


@pytest.mark.parametrize("files", ["", "  files: {test: {tsv: src.txt}}\n"])
def test_a_corpus_of_files_without_its_files(folder: Path, files: str) -> None:
    text = edit(("  files: {train: {source: src.txt, target: tgt.txt}}\n", files))
    with pytest.raises(ConfigurationError, match=r"files|train"):
        read_study(text)


def test_defaults_are_filled_in_and_generators_inherit(folder: Path) -> None:
    config = read_study(edit(("pairs: 40", "pairs: 40, options: {dropout: 0.3}, decoding: {beam: 2}"))).config
    assert config["evaluation"]["metrics"] == ["bleu", "chrf", "ter"]
    assert config["generators"]["strong"]["options"] == {**config["learners"]["transformer"]["options"], "dropout": 0.3}
    assert config["generators"]["strong"]["decoding"] == {**config["decoding"], "beam": 2}


def test_every_configuration_that_is_shipped_is_valid(folder: Path) -> None:
    (folder / "resources").symlink_to(ROOT / "resources")
    files = sorted((ROOT / "config").glob("*.yaml"))
    assert len(files) >= 2
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"data/[^\s,}]+", re.sub("(?m)^ *#.*$", "", text)):  # text that a user has to put there
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("eine Zeile\n" * 20000 if "multi30k" in name else "eine Zeile\n" * 1984)
        load_study(yaml.safe_load(text), [str(file)], {}, SCHEMA)


def test_runs_are_canonical(folder: Path) -> None:
    text = edit(
        ("  half: {mixture: {human: 0.5, strong: 0.5}}", "  half: {mixture: {strong: 0.5, human: 0.5}}"),
        ("conditions:\n", "conditions:\n  same: {mixture: {human: 0.50, strong: 0.5, old: 0}}\n"),
    )
    runs = read_study(text).runs
    recipes = {run.condition: run.recipe for run in runs.table}
    assert recipes["same"] == recipes["half"] == "human=0.5+strong=0.5.random"
    assert recipes["human"] == "human.random"
    assert len(runs.table) == 4 * 2 * 2


def test_a_new_condition_changes_no_settings_of_others(folder: Path) -> None:
    before = read_study(BASE)
    after = read_study(edit(("conditions:\n", "conditions:\n  new: {mixture: {old: 1}}\n")))
    assert before.generators["strong"].training_settings == after.generators["strong"].training_settings
    assert before.runs.recipes.keys() < after.runs.recipes.keys()


def walk(schema: dict[str, Any], key: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property of a schema with the path of its key."""
    found = []
    for name, child in schema.get("properties", {}).items():
        found.append((f"{key}{name}", child))
        found += walk(child, f"{key}{name}.")
    for part in ("additionalProperties", "items"):
        if isinstance(schema.get(part), dict):
            found += walk(schema[part], f"{key}*.")
    for branch in schema.get("allOf", []):
        found += walk(branch["then"], key)
    return found


def test_every_key_is_described_and_no_level_lets_a_typo_pass() -> None:
    schema = load_schema(SCHEMA)
    levels = [("", schema), *walk(schema)]
    for name, definition in schema["$defs"].items():
        levels += [(f"$defs.{name}", definition), *walk(definition, f"$defs.{name}.")]
    for key, level in levels:
        if "properties" in level and key not in ("$defs.generator", "$defs.learner", "$defs.quality"):
            assert level.get("additionalProperties") is False, key
        if key and not key.startswith("$defs.") and "const" not in level:
            assert level.get("description"), key


def test_the_reference_of_keys_is_the_schemas() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert updated(page, load_schema(SCHEMA)) == page, "run `make docs`"


def test_the_reference_ascribes_each_key_to_the_kinds_that_have_it() -> None:
    keys = reference_rows("generators")
    assert keys["model"][1:] == [
        "**required** `openai`, `anthropic`: Model name used by the provider. A dated name always means the same model."
    ]
    assert keys["price.input"] == ["**required** `openai`, `anthropic`: Prompt tokens."]
    assert [meaning.partition(":")[0] for meaning in keys["api_key_env"]] == ["– `openai`", "– `anthropic`"]
    keys = reference_rows("quality")
    assert keys["generators"][0].startswith("`null` Generators whose")
    assert keys["program"][0].startswith('`"comet-score"` `comet_qe`: COMET program')
    assert keys["weights"][0].startswith("**required** `comet_qe`, `labse`: ")
    assert keys["outcomes.malformed"][0].startswith('`["repair", "retry", "drop"]` `llm_judge`: ')
    assert "`None`" not in reference(load_schema(SCHEMA))


def test_the_reference_describes_keys_that_sections_share_once() -> None:
    assert not {"model", "api_key_env", "price.input", "outcomes.refusal"} & reference_rows("quality").keys()
    assert "precision" in reference_rows("generators") and "precision" not in reference_rows("learners")
    _, quality, learners = reference(load_schema(SCHEMA)).split("are described under [`generators`](#generators):")
    shared = [re.findall(r"^\| (.*) \| (.*) \|$", part, re.MULTILINE)[:5] for part in (quality, learners)]
    assert [kinds for kinds, _ in shared[0]][1:4] == [
        "`llm_judge` with `openai`",
        "`llm_judge`",
        "`llm_judge` with `anthropic`",
    ]
    assert "`api_key_env`, `temperature`" in shared[0][1][1] and "`api_key_env`, `effort`" in shared[0][3][1]
    assert dict(shared[1])["`local`, `openai`"] == "`prompt`, `system_prompt`"


def reference_rows(section: str) -> dict[str, list[str]]:
    """Default and meaning of the keys of a section's entries, as the reference has them."""
    keys: dict[str, list[str]] = {}
    for row in reference(load_schema(SCHEMA)).splitlines():
        if row.startswith(f"| `{section}.NAME."):
            _, key, *_, default, meaning, _ = re.split(r" ?\| ?", row)
            keys.setdefault(key.strip("`").removeprefix(f"{section}.NAME."), []).append(f"{default} {meaning}")
    return keys


def test_the_default_learner_is_the_default_studys(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    learners = BASE[BASE.index("learners:") :]
    default = read_study(BASE.replace(learners, "")).config["learners"]["transformer"]["options"]
    monkeypatch.chdir(ROOT)
    text = Path("config/config.yaml").read_text(encoding="utf-8")
    written = load_study(yaml.safe_load(text), ["config/config.yaml"], {}, SCHEMA).config["learners"]["transformer"][
        "options"
    ]
    assert written == default


def test_whole_numbers_may_be_written_as_floats(folder: Path) -> None:
    assert read_study(edit(("sizes: [10, 30]", "sizes: [1.0e+1, 30.0]"))).runs.sizes == [10, 30]
    written = read_study(edit(("{strong: 1}", "{strong: 1.0, human: 0}")))
    assert written.runs.recipes["strong.random"] == read_study(BASE).runs.recipes["strong.random"]


def test_values_of_the_command_line_are_read_as_yaml_and_named_as_such(folder: Path) -> None:
    config = yaml.safe_load(BASE)
    Path("study.yaml").write_text(BASE, encoding="utf-8")
    # This is how Snakemake hands over `--config seeds='[3,4]' vocab='{size: 90}'`.
    overrides: dict[str, Any] = {"seeds": ["3", "4"], "vocab": {"size": "90"}}
    merged = {**config, **overrides}
    chosen = load_study(merged, ["study.yaml"], overrides, SCHEMA)
    assert (chosen.runs.seeds, chosen.vocab["size"]) == ([3, 4], 90)
    with pytest.raises(ConfigurationError, match=r"--config.*seeds\.0: 'x' is not of type integer"):
        load_study(merged, ["study.yaml"], {"seeds": ["x"]}, SCHEMA)
