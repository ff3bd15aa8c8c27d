"""The fairseq user module computes what stock fairseq computes."""

import argparse
import copy
import sys

import pytest
from paths import SCRIPTS

torch = pytest.importorskip("torch")
pytest.importorskip("fairseq")

sys.path.insert(0, str(SCRIPTS / "train"))

import fairseq_fast  # noqa: E402
from fairseq import options  # noqa: E402
from fairseq.criterions.label_smoothed_cross_entropy import (  # noqa: E402
    LabelSmoothedCrossEntropyCriterion,
)
from fairseq.data import Dictionary, data_utils  # noqa: E402
from fairseq.models.transformer import TransformerModel, base_architecture  # noqa: E402
from fairseq.modules import FairseqDropout  # noqa: E402
from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig  # noqa: E402
from fairseq_fast import criterion as fast_criterion  # noqa: E402
from fairseq_fast.optimizer import FusedAdamWConfig  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

WORDS = 60


class Task:
    """The few attributes of a translation task that a model and a criterion read."""

    def __init__(self) -> None:
        self.target_dictionary = Dictionary()
        for number in range(WORDS):
            self.target_dictionary.add_symbol(f"w{number}")
        self.source_dictionary = self.target_dictionary


@pytest.fixture
def task() -> Task:
    return Task()


@pytest.fixture
def model(task: Task) -> TransformerModel:
    torch.manual_seed(0)
    args = argparse.Namespace(
        encoder_layers=1,
        decoder_layers=1,
        encoder_embed_dim=32,
        encoder_ffn_embed_dim=48,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        share_all_embeddings=True,
        dropout=0.0,
        max_source_positions=64,
        max_target_positions=64,
    )
    base_architecture(args)
    return TransformerModel.build_model(args, task).train()


@pytest.fixture
def sample(task: Task) -> dict:
    """Eight sentences of unequal length: both sides contain padding."""
    dictionary = task.target_dictionary
    generator = torch.Generator().manual_seed(1)

    def sentences(longest: int) -> list:
        return [
            torch.cat(
                [
                    torch.randint(4, len(dictionary), (longest - i,), generator=generator),
                    torch.tensor([dictionary.eos()]),
                ]
            )
            for i in range(8)
        ]

    source, target = sentences(12), sentences(10)

    def collate(values: list, **kwargs: bool) -> torch.Tensor:
        return data_utils.collate_tokens(values, dictionary.pad(), dictionary.eos(), **kwargs)

    return {
        "target": collate(target),
        "ntokens": sum(len(t) for t in target),
        "net_input": {
            "src_tokens": collate(source, left_pad=True),
            "src_lengths": torch.tensor([len(s) for s in source]),
            "prev_output_tokens": collate(target, move_eos_to_beginning=True),
        },
    }


def step(criterion, model, sample) -> tuple[float, float, dict]:
    """One forward and backward pass: loss, nll and the gradients by name."""
    model.zero_grad()
    loss, _, logged = criterion(model, sample)
    loss.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return loss.item(), float(logged["nll_loss"]), gradients


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("chunk", [7, 512])
def test_loss_and_gradients_equal_the_stock_criterion(task, model, sample, smoothing, chunk, monkeypatch):
    monkeypatch.setattr(fast_criterion, "CHUNK_ROWS", chunk)
    stock = step(LabelSmoothedCrossEntropyCriterion(task, False, smoothing), model, sample)
    fused = step(fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, smoothing), model, sample)
    assert fused[:2] == pytest.approx(stock[:2], rel=1e-5)
    assert fused[2].keys() == stock[2].keys()
    for name, gradient in stock[2].items():
        torch.testing.assert_close(fused[2][name], gradient, rtol=1e-4, atol=1e-4, msg=name)


def test_bf16_autocast_stays_close(task, model, sample):
    exact = step(fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, 0.1), model, sample)
    low = step(
        fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, 0.1, autocast="bf16"),
        model,
        sample,
    )
    assert low[0] == pytest.approx(exact[0], rel=0.01)
    for name, gradient in exact[2].items():
        assert low[2][name].dtype == torch.float32
        if gradient.norm() > 1e-3:
            difference = (low[2][name] - gradient).norm() / gradient.norm()
            assert difference < 0.05, name


def test_validation_is_exact_and_leaves_no_gradient(task, model, sample):
    model.eval()
    fused = fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, 0.1, autocast="bf16").eval()
    stock = LabelSmoothedCrossEntropyCriterion(task, False, 0.1).eval()
    with torch.no_grad():
        loss = fused(model, sample)[0]
        assert loss.item() == pytest.approx(stock(model, sample)[0].item(), rel=1e-5)
    assert not loss.requires_grad


def test_what_cannot_be_fused_goes_to_the_stock_criterion(task, model, sample):
    fused = fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, 0.1, report_accuracy=True)
    assert fused(model, sample)[2]["total"] == sample["ntokens"]
    wrapped = torch.nn.Sequential(model)
    assert not fused._can_fuse(wrapped)


def optimizers(**options: object) -> tuple[FairseqAdam, fairseq_fast.FusedAdamW, list, list]:
    torch.manual_seed(0)
    left = [torch.nn.Parameter(torch.randn(5, 3)), torch.nn.Parameter(torch.randn(4))]
    right = copy.deepcopy(left)
    settings = {"adam_betas": (0.9, 0.98), "adam_eps": 1e-8, "lr": [0.01], **options}
    stock_cfg = OmegaConf.structured(FairseqAdamConfig(tpu=False, **settings))
    stock = FairseqAdam(stock_cfg, left)
    fast = fairseq_fast.FusedAdamW(OmegaConf.structured(FusedAdamWConfig(**settings)), right)
    return stock, fast, left, right


def train(optimizer, params: list, steps: int, seed: int = 3) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.multiply_grads(0.5)
        optimizer.clip_grad_norm(1.0)
        optimizer.step()


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_optimizer_equals_fairseq_adam(weight_decay):
    stock, fast, left, right = optimizers(weight_decay=weight_decay)
    train(stock, left, 20)
    train(fast, right, 20)
    torch.testing.assert_close(right, left, rtol=1e-4, atol=1e-6)


def test_optimizer_resumes_bit_for_bit():
    _, straight, _, params = optimizers()
    train(straight, params, 5)
    state = copy.deepcopy(straight.state_dict())
    resumed_params = copy.deepcopy(params)
    train(straight, params, 5, seed=4)
    resumed = fairseq_fast.FusedAdamW(straight.cfg, resumed_params)
    resumed.load_state_dict(state)
    train(resumed, resumed_params, 5, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(params, resumed_params, strict=True))


def test_dropout_keeps_expectation_and_follows_the_seed():
    dropout = fairseq_fast.ByteDropout(0.1).train()
    x = torch.ones(1000, 301, requires_grad=True)
    torch.manual_seed(5)
    y = dropout(x)
    y.sum().backward()
    assert y.unique().tolist() == [0.0, pytest.approx(256 / 230)]
    assert y.mean().item() == pytest.approx(1, abs=0.005)
    assert torch.equal(x.grad, y.detach())
    torch.manual_seed(5)
    assert torch.equal(dropout(x), y)
    assert dropout.eval()(x) is x


def test_dropout_is_replaced_and_state_dict_kept(task, model, sample):
    keys = set(model.state_dict())
    fairseq_fast.FusedLabelSmoothedCrossEntropy(task, False, 0.1, fast_dropout=True)(model, sample)
    kinds = {type(m) for m in model.modules() if isinstance(m, FairseqDropout)}
    assert kinds == {fairseq_fast.ByteDropout}
    assert set(model.state_dict()) == keys


def test_checkpoint_loads_under_the_allow_list(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"cfg": {"model": argparse.Namespace(arch="transformer")}}, path)
    assert torch.load(path, weights_only=True)["cfg"]["model"].arch == "transformer"


def test_command_line_options_are_known():
    parser = options.get_training_parser()
    args = options.parse_args_and_arch(
        parser,
        [
            *("data", "--task", "translation", "--arch", "transformer", "--optimizer", "fused_adamw"),
            *("--criterion", "fused_label_smoothed_cross_entropy", "--autocast", "bf16"),
            *("--fast-dropout", "--matmul-precision", "medium"),
        ],
    )
    assert (args.autocast, args.matmul_precision, args.fast_dropout) == ("bf16", "medium", True)
