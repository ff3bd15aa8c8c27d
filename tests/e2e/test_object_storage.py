"""Studies without a file system: all files in an S3 bucket, jobs on this machine or by the plugin for Kubernetes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_kubernetes import Cluster, fake_kubernetes
from object_storage import Bucket, s3_bucket, why_not
from workspace import Workspace, jobs

RUN = "runs/transformer/human.random/400/1"


RULES = [("finetune_local", "tiny"), ("translate_local", "qwen"), ("finetune_hosted", "gpt"), ("prompt_learner", "gpt")]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty bucket."""
    if reason := why_not():
        pytest.skip(reason)
    with s3_bucket() as found:
        yield found


@pytest.fixture
def study(bucket: Bucket, tmp_path: Path) -> Workspace:
    """The small study with its text in the bucket, as a checkout of git."""
    workspace = Workspace(tmp_path / "checkout")
    bucket.take_inputs(workspace)
    for command in (["git", "init", "--quiet"], ["git", "add", "."]):
        subprocess.run(command, cwd=workspace.folder, check=True)
    return workspace


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that runs the containers of jobs in separate folders."""
    folder = tmp_path / "pods"
    folder.mkdir()
    with fake_kubernetes(folder) as found:
        yield found


def same(found: dict[str, bytes], wanted: dict[str, bytes]) -> bool:
    """Whether results are the same; fairseq notes in ``model.pt`` where its checkpoints were."""
    names = {name for name in wanted if not name.endswith("/model.pt")}
    return names <= found.keys() and all(found[name] == wanted[name] for name in names)


LLMS = """\
learners:
  tiny: {kind: local, model: weights}
  qwen: {kind: local, model: Qwen/Qwen2.5-0.5B}
  gpt: {kind: openai, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 1, output: 2}, training_price: 3}
"""


def test_learners_that_are_llms_are_planned(study: Workspace, bucket: Bucket) -> None:
    text = study.configuration.read_text(encoding="utf-8")
    start, end = text.index("learners:"), text.index("training:")
    changed = text[:start] + LLMS + text[end:]
    changed = changed.replace("  second: {provider: fairseq, from_run: {condition: weak, size: 400}}\n", "")
    changed = changed.replace("  second: {mixture: {second: 1}}", "  own: {mixture: {self: 1}}")
    study.configuration.write_text(changed.replace("sizes: [400]", "sizes: [0, 400]"), encoding="utf-8")
    weights = study.folder / "weights"
    weights.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (weights / name).touch()
    planned = jobs(study.snakemake("--dry-run", *bucket.arguments, "--cores", "1", **bucket.environment).stdout)
    assert {f"{rule}:{learner}/human.random/400/1" for rule, learner in RULES} <= planned
    assert {"fetch_model:Qwen--Qwen2.5-0.5B@main", "generate_local:self-tiny", "prompt_llm:self-gpt"} <= planned


def test_the_profile_plans_the_study(study: Workspace, bucket: Bucket, tmp_path: Path) -> None:
    arguments = ["--dry-run", "--profile", "kubernetes", *bucket.arguments]
    planned = study.snakemake(*arguments, **bucket.environment).stdout
    assert jobs(planned) == Workspace(tmp_path / "here").planned()
    assert "gpu_manufacturer=nvidia" in planned and "s3://bucket/study/results/scores.tsv" in planned


@pytest.mark.slow
def test_a_study_in_a_bucket_has_the_same_results(study: Workspace, bucket: Bucket, copy: Workspace) -> None:
    study.snakemake("--cores", "2", *bucket.arguments, **bucket.environment)
    results, wanted = bucket.results(), copy.results()
    assert results.keys() == wanted.keys() and same(results, wanted)
    plan = ["--dry-run", "--cores", "1", *bucket.arguments]
    elsewhere = study.snakemake(*plan, "--local-storage-prefix", "copies", **bucket.environment)
    assert "Nothing to be done" in elsewhere.stdout
    for workspace in (study, copy):
        workspace.edit("study.yaml", "  mixed: {mixture", "  blended: {mixture")
    stale = copy.planned()
    assert "compare_runs:transformer/400/1" in stale
    assert jobs(study.snakemake(*plan, **bucket.environment).stdout) == stale


@pytest.mark.slow
def test_jobs_on_kubernetes_need_the_bucket_only_and_a_training_goes_on_from_a_volume(
    study: Workspace, bucket: Bucket, cluster: Cluster, tmp_path: Path, finished: Workspace
) -> None:
    volume = tmp_path / "checkpoints"
    study.edit("study.yaml", "training: {", f"training: {{state: {volume}, ")
    arguments = [
        *("--set-resources", "train_model:gpu=1", "--kubernetes-persistent-volumes", f"checkpoints:{volume}"),
        *("--seconds-between-status-checks", "1", *bucket.arguments),
        *("--profile", "kubernetes", f"results/{RUN}/scores.json"),
    ]
    environment = study.environment({**bucket.environment, "KUBECONFIG": str(cluster.kubeconfig)})
    log = tmp_path / "snakemake.log"
    # The real Python: the client of Kubernetes reads KUBECONFIG when it is imported.
    command = [sys.executable, *study.command(*arguments)[1:]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=study.folder, env=environment, stdout=output, stderr=output)
    try:
        kill_training(process, volume, cluster)
        code = process.wait(timeout=600)
    finally:
        process.kill()
        process.wait()
    assert code == 0, f"{log.read_text()[-3000:]}\n{cluster.said()}"
    assert "resuming from" in cluster.said()
    assert not list(volume.rglob("*.pt"))
    wanted = {name: content for name, content in finished.results().items() if name.startswith(RUN)}
    analysed = {f"{RUN}/errors.tsv"}
    assert same(bucket.results(), {name: content for name, content in wanted.items() if name not in analysed})
    containers = [job["spec"]["template"]["spec"]["containers"][0] for job in cluster.specifications]
    assert all(str(study.folder) not in container["args"][1] for container in containers)
    assert [c["resources"]["limits"].get("nvidia.com/gpu") for c in containers].count("1") == 2
    assert {mount["mountPath"] for mount in containers[0]["volumeMounts"]} == {"/workdir", str(volume)}


def kill_training(snakemake: subprocess.Popen[bytes], volume: Path, cluster: Cluster) -> None:
    """Kill the training's container, with all in it, once a checkpoint is in the volume."""
    deadline = time.monotonic() + 400
    while not list(volume.rglob("checkpoint_*_[24]0.pt")):
        assert snakemake.poll() is None and time.monotonic() < deadline, cluster.said()
        time.sleep(0.02)
    container = list(cluster.processes.values())[-1]
    os.killpg(container.pid, signal.SIGKILL)
