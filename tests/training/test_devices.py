"""A training step on a GPU: devices and waits, with fake CUDA tensors.

A fake tensor has a device and a shape but no values: where a step looks at one,
the host would have to wait for the GPU, and PyTorch raises.
"""

import pytest
import torch
from speechbrain import Stage
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode

from sb_sed.augment.spectrogram import GaussianNoise, SpecAugment
from sb_sed.features import AmplitudeToDB, MinMax
from sb_sed.features.ema import causal
from sb_sed.features.normalise import ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN
from sb_sed.models.discriminator import TCNDiscriminator
from sb_sed.training.logging import RunningMeans
from sb_sed.training.optimisers import adam


class Waits(TorchDispatchMode):
    """Counts what the host waits for: copies from a GPU, blocking ones to it.

    And all operations, of which each is a kernel or more.
    """

    def __init__(self):
        super().__init__()
        self.count = self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        self.operations += 1
        if function is torch.ops.aten._to_copy.default:
            there, here = args[0].is_cuda, result.is_cuda
            blocking = not kwargs.get("non_blocking")
            self.count += (there and not here) or (
                here and not there and blocking
            )
        return result


@pytest.fixture
def fake():
    """The mode in which all tensors are fake."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


def to_fake_gpu(module):
    """Put fake tensors on the GPU in the place of a module's own."""
    for part in module.modules():
        for own in (part._parameters, part._buffers):
            for name, value in own.items():
                if value is not None:
                    there = torch.empty_like(value, device="cuda")
                    if isinstance(value, torch.nn.Parameter):
                        there = torch.nn.Parameter(there, value.requires_grad)
                    own[name] = there
        if isinstance(part, torch.nn.RNNBase):
            part._flat_weights = [
                getattr(part, name) for name in part._flat_weights_names
            ]
    return module


def on_fake_gpu(brain):
    """Make a Brain believe that it has a GPU."""
    to_fake_gpu(brain.modules)
    brain.device, brain.device_type = "cuda:0", "cuda"
    brain.check_loss_isfinite = lambda loss: loss.device.type == "cpu" or 1 / 0
    brain.init_optimizers()
    # PyTorch's engine needs a real GPU.
    brain.backward = lambda loss: fill_gradients(brain.modules.student)
    brain.on_stage_start(Stage.TRAIN, 1)
    brain.modules.train()
    brain.step = 1


def like_a_gru(gru, x, state=None):
    """Outputs of the right shape and device."""
    size = gru.hidden_size * (2 if gru.bidirectional else 1)
    return x.new_empty(*x.shape[:2], size), None


def fill_gradients(module):
    """What a backward pass leaves."""
    for parameter in module.parameters():
        parameter.grad = torch.empty_like(parameter)


def test_a_value_of_a_fake_tensor_cannot_be_seen(fake):
    """What the other tests rely on."""
    with pytest.raises(DataDependentOutputException):
        bool(torch.ones((), device="cuda") > 0)


def test_a_step_waits_once_at_its_end(make_run, monkeypatch):
    run = make_run()
    batch = run.first_batch()
    # cuDNN's has no fake.
    monkeypatch.setattr(torch.nn.GRU, "forward", like_a_gru)
    with FakeTensorMode(allow_non_fake_inputs=True):
        on_fake_gpu(run.brain)
        for _ in range(2):
            with Waits() as waits:
                loss = run.brain.fit_batch(batch)
            assert waits.count == 1 and loss.device.type == "cpu"
        assert all(x.is_cuda for x in run.brain.terms.sums.values())
        for optimizer in run.brain.optimizers_dict.values():
            for group in optimizer.param_groups:
                assert all(p.grad is None or p.is_cuda for p in group["params"])


def views():
    """Those of the paper, on a few bands."""
    noise, masks = GaussianNoise(), SpecAugment(1, 1, 1, 1)
    augment = torch.nn.Sequential(noise, masks)
    return {"student": augment, "teacher": augment}


def test_an_adversarial_step_waits_once_too(make_dat, monkeypatch):
    """With the paper's views, and clips that are shorter than others."""
    run = make_dat(views=views())
    batch = run.first_batch()
    batch.duration[1], batch.duration[2] = 0.5, 0.7
    monkeypatch.setattr(torch.nn.GRU, "forward", like_a_gru)
    monkeypatch.setattr(
        torch.autograd,
        "grad",
        lambda loss, xs, **_: [*map(torch.empty_like, xs)],
    )
    # The lengths are the host's to see, but here even its tensors are fake.
    monkeypatch.setattr(
        TCNDiscriminator,
        "forward",
        lambda self, x, lens: self.without_padding(
            x, (lens * x.shape[1]).int()
        ),
    )
    with FakeTensorMode(allow_non_fake_inputs=True):
        on_fake_gpu(run.brain)
        fill_gradients(run.brain.modules.discriminator)
        run.brain.backward = lambda loss: [
            fill_gradients(run.brain.modules[name])
            for name in ("student", "discriminator")
        ]
        with Waits() as waits:
            run.brain.fit_batch(batch)
    assert waits.count == 1


def test_a_gpu_filters_in_as_many_kernels_for_any_length(fake):
    counts = set()
    for n_frames in (300, 30_000):
        energy = torch.rand(2, n_frames, 8, device="cuda")
        with Waits() as waits:
            causal(energy, torch.full((1,), 0.1, device="cuda"))
        counts.add(waits.operations)
        assert not waits.count
    assert len(counts) == 1


def test_clips_of_any_lengths_are_told_apart_without_waiting(fake):
    network = to_fake_gpu(TCNDiscriminator(8, n_blocks=2, n_repeats=1))
    embedding = torch.rand(6, 40, 8, device="cuda")
    with Waits() as waits:
        logits = network.without_padding(embedding, torch.full((6,), 20))
    assert logits.is_cuda and not waits.count


def test_the_optimiser_is_one_kernel_on_a_gpu(fake):
    for device in ("cpu", "cuda"):
        group = {"params": [torch.zeros(3, device=device, requires_grad=True)]}
        optimizer = adam([group], lr=0.1)
        assert optimizer.defaults["fused"] is (
            True if device == "cuda" else None
        )
        (parameter,) = group["params"]
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()


@pytest.mark.parametrize("make", [PCEN, ParallelPCEN])
def test_pcen_looks_at_the_first_batch_alone(make, fake):
    with torch.device("cuda"):
        pcen, energy = to_fake_gpu(make(8)), torch.rand(2, 30, 8)
    with pytest.raises(DataDependentOutputException):
        pcen(energy)
    pcen._has_looked = True
    assert pcen(energy).is_cuda


def test_z_scores_look_once():
    features = torch.rand(2, 30, 8)
    fresh, used = ZScore(8), ZScore(8).fit([features])
    used(features)
    with FakeTensorMode(allow_non_fake_inputs=True):
        features = features.to("cuda")
        with pytest.raises(DataDependentOutputException):
            to_fake_gpu(fresh)(features)
        assert to_fake_gpu(used)(features).is_cuda


@pytest.mark.parametrize("make", [AmplitudeToDB, MinMax])
def test_other_parts_look_at_nothing(make, fake):
    assert to_fake_gpu(make())(torch.rand(2, 30, 8, device="cuda")).is_cuda


def test_restored_means_go_on_where_the_values_are(tmp_path, fake):
    (tmp_path / "means").write_text(
        '{"sums": {"loss": 3.0}, "counts": {"loss": 2}}'
    )
    means = RunningMeans()
    means.load(tmp_path / "means", end_of_epoch=False)
    means.add({"loss": torch.ones((), device="cuda")})
    assert means.sums["loss"].is_cuda
    assert means.sums["loss"].dtype == torch.float64
