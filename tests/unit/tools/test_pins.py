"""The lock, the conda environments, what is installed and what scripts import tell one story."""

from __future__ import annotations

import ast
import functools
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from paths import ROOT

from planning.code_digest import CodeDigest

REQUIREMENTS = ROOT / "requirements"
SCRIPTS = ROOT / "workflow" / "scripts"
CODE = CodeDigest(SCRIPTS)
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
CONDA_NAMES = {"pytorch": "torch"}
UNPINNED_IN_CONDA = {"pip", "cxx-compiler"}
# fairseq asks for it, imports it for speech only, and it has to match torch: left out on purpose.
LEFT_OUT = {"torchaudio"}
# Those that the CUDA build of PyTorch asks for come with it, pinned by itself.
GPU_PACKAGE = re.compile(r"(nvidia|cuda)-|triton$")


def requirements(name: str) -> dict[str, Requirement]:
    """The requirements in ``requirements/<name>`` by their normalised names."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pins(*names: str) -> dict[str, str]:
    """Version by package of requirements files in which every line is ``package==version``."""
    pinned = {}
    for name in names:
        for package, requirement in requirements(name).items():
            (specifier,) = requirement.specifier
            assert specifier.operator == "==" and "*" not in specifier.version, f"{name}: {requirement}"
            assert pinned.setdefault(package, specifier.version) == specifier.version, (
                f"{package} is pinned to two versions"
            )
    return pinned


LOCK = pins("main.txt", "torch.txt", "fairseq.txt")
WITH_EXTRA = LOCK | pins("finetune.txt")


def needs(package: str) -> dict[str, Requirement]:
    """What an installed package requires here, without extras, by normalised name."""
    found = [Requirement(line) for line in metadata.requires(package) or []]
    return {
        canonicalize_name(requirement.name): requirement
        for requirement in found
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    }


def environment_pins(stage: str) -> dict[str, str]:
    """Version by package of ``envs/<stage>.yaml`` and of its post-deploy script."""
    content = yaml.safe_load((ROOT / "envs" / f"{stage}.yaml").read_text(encoding="utf-8"))
    found = {}
    for entry in content["dependencies"]:
        if isinstance(entry, dict):
            lines = entry["pip"]
        elif entry in UNPINNED_IN_CONDA:
            continue
        else:
            lines = [entry]
        for line in lines:
            match = re.fullmatch(r"(\S+?) ?={1,2}([^\s=]+)", line)
            assert match, f"envs/{stage}.yaml: {line!r} is not pinned"
            name = canonicalize_name(match[1])
            found[CONDA_NAMES.get(name, name)] = match[2]
    script = ROOT / "envs" / f"{stage}.post-deploy.sh"
    if script.exists():
        found |= dict(re.findall(r"([a-z-]+)==(\S+)", script.read_text(encoding="utf-8")))
    return found


def imported_packages(files: list[Path]) -> set[str]:
    """The packages (normalised names) that ``files``, relative to the scripts, import anywhere."""
    modules = {module for file in files for module in imported_modules(file)}
    project = {path.stem for place in ("*", "*/*") for path in SCRIPTS.glob(place)}
    packages = installed_packages()
    return {
        canonicalize_name(packages[module][0] if module in packages else module)
        for module in modules - project - sys.stdlib_module_names - {"_typeshed"}  # of type checkers
    }


@functools.cache
def imported_modules(file: Path) -> set[str]:
    """The top-level modules that a file imports anywhere."""
    modules = set()
    for node in ast.walk(ast.parse((SCRIPTS / file).read_bytes())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return modules


installed_packages = functools.cache(metadata.packages_distributions)


def rules_with_environment() -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, conda environment and files of code of every rule that runs a script.

    The code is the script and what it loads by name. A ``use rule`` that names neither has the environment and the code
    of the rule it is made from.
    """
    by_name = {
        "generate/providers/{STUDY": "generate/providers/f*.py",  # not local, which its rule names
        "FAIRSEQ_MODULE": "train/fairseq_fast/*.py",
        "asking_code": "llm/providers/*.py",
        "detector.kind": "analyse/detectors/*.py",
        "curate/quality/{STUDY": "curate/quality/*.py",
        "curate/quality/{metric": "curate/quality/*.py",
    }
    bases: dict[str, str | None] = {}
    environments: dict[str, str] = {}
    code: dict[str, list[str]] = {}
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for block in re.split(r"(?m)^(?=rule |checkpoint |use rule )", file.read_text(encoding="utf-8"))[1:]:
            base, name = re.match(r"(?:use rule (\w+) as|rule|checkpoint) (\w+)", block).groups()
            environment = re.search(r"envs/(\w+)\.yaml", block)
            calls = re.findall(r"\b(?:runs_script|script_path)\(([^)]*)\)", block)
            scripts = [script for call in calls for script in re.findall('"([^"{]+)"', call)]
            bases[name] = base
            if environment:
                environments[name] = environment[1]
            for word, pattern in by_name.items():
                if re.search(rf"\b{word}\b", block):
                    scripts += sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.glob(pattern))
            if scripts:
                code[name] = scripts

    def inherited(table: dict[str, Any], name: str | None) -> Any:
        while name and name not in table:
            name = bases[name]
        return table.get(name, ())

    return [
        (name, inherited(environments, name), tuple(inherited(code, name))) for name in bases if inherited(code, name)
    ]


def test_every_direct_requirement_is_in_the_lock_as_asked() -> None:
    locks = {"main.in": LOCK, "kubernetes.in": pins("kubernetes.txt"), "dev.in": pins("dev.txt")}
    locks["finetune.in"] = pins("finetune.txt")
    for source, lock in locks.items():
        for name, requirement in requirements(source).items():
            assert name in lock, f"{name} of {source} is not locked: run `make lock`"
            assert requirement.specifier.contains(lock[name]), f"{requirement}, locked {lock[name]}"


def test_the_locks_agree_where_they_overlap() -> None:
    pins("main.txt", "torch.txt", "fairseq.txt", "kubernetes.txt", "finetune.txt", "dev.txt")


def test_the_hooks_of_a_commit_have_the_versions_of_the_lock() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    found = {Requirement(line) for hook in hooks for line in hook.get("additional_dependencies", [])}
    assert all(re.fullmatch(r"==[\d.]+", str(requirement.specifier)) for requirement in found)
    assert {requirement.name for requirement in found} == {"codespell", "pre-commit-hooks", "ruff", "snakefmt"}
    # pre-commit-hooks is used by nothing else, and so is in no lock.
    locked = {f"{name}=={version}" for name, version in pins("dev.txt").items()}
    assert {str(requirement) for requirement in found if requirement.name != "pre-commit-hooks"} <= locked


def test_the_oldest_snakemake_that_the_workflow_takes_is_the_locked_one() -> None:
    (oldest,) = re.findall(r'(?m)^min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text(encoding="utf-8"))
    assert Version(LOCK["snakemake"]).release[:2] == Version(oldest).release


def test_github_tests_the_python_that_the_set_up_takes() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    taken = re.findall(
        r"sys\.version_info\[:2\] == \((\d), (\d+)\)", (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
    )
    assert workflow["jobs"]["check"]["strategy"]["matrix"]["python"] == [".".join(version) for version in taken]


def test_the_version_to_cite_is_the_newest_in_the_changelog() -> None:
    released = re.findall(r"(?m)^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], str(citation["date-released"])) == released[0]


def test_no_lock_brings_a_gpu_package_or_another_torch() -> None:
    found = pins("main.txt", "finetune.txt", "dev.txt")
    assert not [name for name in found if GPU_PACKAGE.match(name) or name.startswith("torch")]


def test_what_is_installed_is_what_is_locked() -> None:
    locked = LOCK | pins("dev.txt")
    # torch says "2.13.0+cpu" of its CPU build.
    assert {name: Version(metadata.version(name)).public for name in locked} == locked


def test_the_lock_holds_what_its_packages_need() -> None:
    for lock, packages in ((LOCK, LOCK), (WITH_EXTRA, WITH_EXTRA.keys() - LOCK.keys())):
        for package in packages:
            for name, needed in needs(package).items():
                if name in LEFT_OUT or (package == "torch" and GPU_PACKAGE.match(name)):
                    continue
                assert name in lock, f"{package} needs {needed}: run `make lock`"
                fits = needed.specifier.contains(lock[name], prereleases=True)
                assert fits, f"{package} needs {needed}, locked is {lock[name]}: run `make lock`"


@pytest.mark.parametrize("stage", ENVIRONMENTS)
def test_conda_environment_has_the_versions_of_the_lock(stage: str) -> None:
    found = environment_pins(stage)
    assert found.pop("python") == "3.11"
    assert found == {name: WITH_EXTRA.get(name) for name in found}


@pytest.mark.parametrize("stage", ENVIRONMENTS)
def test_conda_environment_with_fairseq_has_what_it_needs(stage: str) -> None:
    found = environment_pins(stage).keys()
    if not (ROOT / "envs" / f"{stage}.post-deploy.sh").exists():
        assert "fairseq-fixed" not in found  # it has to be compiled against the others, afterwards
        return
    built_with = {"cython", "setuptools", "wheel", "fairseq-fixed"}
    assert not (needs("fairseq-fixed").keys() | built_with) - LEFT_OUT - found


def test_rules_are_found_with_what_they_load_by_name() -> None:
    code = {rule: scripts for rule, _, scripts in rules_with_environment()}
    assert len(code) > 15
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    names = set(re.findall(r"(?m)^(?:rule|checkpoint|use rule \w+ as) (\w+)", rules))
    assert code.keys() == names
    assert {"train/train_model.py", "train/fairseq_fast/optimizer.py"} <= {*code["train_generator"]}
    assert {"generate/generate_targets.py", "generate/providers/fairseq.py"} <= {*code["generate_targets"]}


@pytest.mark.parametrize(
    ("rule", "stage", "scripts"),
    [pytest.param(*row, id=row[0]) for row in rules_with_environment()],
)
def test_conda_environment_of_a_rule_has_what_its_scripts_import(
    rule: str, stage: str, scripts: tuple[str, ...]
) -> None:
    assert stage in ENVIRONMENTS, f"rule {rule}: no envs/{stage}.yaml"
    imported = imported_packages(CODE.files(*scripts))
    missing = imported - environment_pins(stage).keys()
    assert not missing, f"rule {rule}: envs/{stage}.yaml lacks {', '.join(sorted(missing))}"


def test_every_import_of_the_workflow_is_a_direct_requirement() -> None:
    files = [path.relative_to(SCRIPTS) for path in SCRIPTS.rglob("*.py")]
    direct = requirements("main.in").keys() | requirements("finetune.in").keys() | {"torch", "fairseq-fixed"}
    missing = imported_packages(files) - direct
    assert not missing, f"imported, but in none of requirements/*.in: {', '.join(sorted(missing))}"
