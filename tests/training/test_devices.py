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

from sb_sed.features import AmplitudeToDB, MinMax
from sb_sed.features.normalise import ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN
from sb_sed.training.logging import RunningMeans


class Copies(TorchDispatchMode):
    """Counts copies from a GPU to the host, which wait for what is copied."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten._to_copy.default:
            self.count += args[0].is_cuda and result.is_cpu
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
            with Copies() as copies:
                loss = run.brain.fit_batch(batch)
            assert copies.count == 1 and loss.device.type == "cpu"
        assert all(x.is_cuda for x in run.brain.terms.sums.values())
        for optimizer in run.brain.optimizers_dict.values():
            for group in optimizer.param_groups:
                assert all(p.grad is None or p.is_cuda for p in group["params"])


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
