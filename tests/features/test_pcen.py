"""PCEN against librosa, SpeechBrain, SciPy, float64 and finite differences."""

import copy
from functools import partial

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import filtfilt
from speechbrain.nnet.normalization import PCEN as SpeechBrainPCEN
from torch.func import functional_call

from sb_sed.errors import InputError
from sb_sed.features import pcen_kernel as compression
from sb_sed.features.ema import causal, forward_backward
from sb_sed.features.pcen import PCEN, ParallelPCEN, StreamingPCEN

EVERYTHING = {"trainable": True}


def energies(*shape, seed=0):
    """Like a recording's: most of them far below the loudest."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator) ** 6


def perturbed(module, seed=0):
    """The module with random offsets to its parameters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.5 * noise)
    return module


def by_recursion(module, energy):
    """The paper's equations, frame by frame in float64."""
    alpha, delta, r = (
        x.detach().double().numpy()
        for x in (module.alpha, module.delta, module.r)
    )
    s = module.s.detach().double().numpy()
    w = module.weights.detach().double().numpy()
    energy = energy.double().numpy()
    output = np.empty((*energy.shape, module.n_channels))
    past = [energy[:, 0]] * len(s)
    for t in range(energy.shape[1]):
        past = [
            (1 - s_k) * m + s_k * energy[:, t]
            for s_k, m in zip(s, past, strict=True)
        ]
        for n in range(module.n_channels):
            m = sum(w[n, k] * past[k] for k in range(len(s)))
            y = energy[:, t] / (module.eps + m) ** alpha[n] + delta[n]
            output[:, t, :, n] = y ** r[n] - delta[n] ** r[n]
    return output


def from_one(energy, s):
    """The filter of librosa's defaults, whose average begins at 1."""
    return causal(energy, s, torch.ones_like(energy[:, 0]))


LIBROSA = {"gain": 0.98, "bias": 2, "power": 0.5, "b": 0.04, "axis": 1}


@pytest.mark.parametrize("level", [1e-3, 1.0, 50.0])
def test_fixed_is_librosas_of_the_same_start(level):
    energy = level * energies(3, 200, 40)
    theirs = partial(librosa.pcen, energy.double().numpy(), **LIBROSA)
    first_frame = (1 - 0.04) * energy[:, :1].double().numpy()
    for ema, expected in (
        (causal, theirs(zi=first_frame)),
        (from_one, theirs()),
    ):
        ours = PCEN(40, 0.98, 2.0, 0.5, s=0.04, ema=ema, trainable=False)
        np.testing.assert_allclose(
            ours(energy), expected, rtol=1e-5, atol=1e-12
        )


def test_librosas_default_start_is_another_one():
    """It begins at 1, and needs a second or so to get to a quiet level."""
    energy = 0.01 * energies(3, 400, 40)
    ours = PCEN(40, 0.98, 2.0, 0.5, s=0.04, trainable=False)(energy)
    theirs = librosa.pcen(energy.double().numpy(), **LIBROSA)
    difference = np.abs(ours.numpy() - theirs)
    assert difference[:, 0].max() > 0.2
    assert difference[:, 350:].max() < 1e-3


def test_one_layer_is_speechbrains_with_its_gradients():
    energy = energies(3, 60, 10, seed=1)
    theirs = SpeechBrainPCEN(10, 0.9, 0.04, delta=2.0, root=2.0, floor=1e-6)
    ours = PCEN(10, 0.9, 2.0, 0.5, 0.04, per_band=True, **EVERYTHING)
    direction = torch.randn(energy.shape)
    by_them, by_us = theirs(energy), ours(energy)
    torch.testing.assert_close(by_us, by_them, rtol=1e-4, atol=1e-6)
    by_them.backward(direction)
    by_us.backward(direction)
    # The chain rule from our parameters to theirs.
    to_alpha = theirs.alpha.grad * 0.9 * 0.1
    to_delta = theirs.delta.grad * 2.0
    to_r = theirs.root.grad * -4.0 * 0.5 * 0.5
    to_s = theirs.ema._weights.grad * 0.04 * 0.96
    for gradient, expected in (
        (ours.alpha_logit.grad, to_alpha),
        (ours.delta_log.grad, to_delta),
        (ours.r_logit.grad, to_r),
        (ours.s_logit.grad, to_s),
    ):
        torch.testing.assert_close(gradient[0], expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("per_band", [False, True])
def test_parallel_is_the_recursion_of_the_paper(per_band):
    energy = energies(2, 80, 12)
    module = perturbed(ParallelPCEN(12, per_band=per_band, **EVERYTHING))
    np.testing.assert_allclose(
        module(energy).detach(),
        by_recursion(module, energy),
        rtol=2e-5,
        atol=1e-8,
    )


def test_the_released_filter_is_scipys_filtfilt():
    energy = energies(2, 100, 5)
    module = PCEN(
        5, 0.98, 2.0, 0.5, s=0.08, ema=forward_backward, trainable=False
    )
    averages = filtfilt(
        [0.08], [1, -0.92], energy.double().numpy(), axis=1, padtype=None
    )
    expected = energy.double().numpy() / (1e-6 + averages) ** 0.98
    np.testing.assert_allclose(
        module(energy),
        np.sqrt(2) * np.expm1(0.5 * np.log1p(expected / 2)),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"per_band": True, **EVERYTHING},
        {"ema": forward_backward, **EVERYTHING},
        {"alpha": [0.9, 0.3, 0.0], "delta": 2.0, "r": [0.5, 1.0, 0.3]},
        {"s": [0.2], **EVERYTHING},
    ],
)
@pytest.mark.parametrize("n_frames", [1, 7])
def test_gradients_of_parameters_and_input(options, n_frames, monkeypatch):
    monkeypatch.setattr(compression, "_BLOCK_ON_CPU", 30)  # several blocks
    module = perturbed(ParallelPCEN(3, **options)).double()
    names, values = zip(*module.named_parameters(), strict=True)
    energy = (energies(2, n_frames, 3).double() + 0.01).requires_grad_()

    def output(energy, *values):
        parameters = dict(zip(names, values, strict=True))
        return functional_call(module, parameters, (energy,))

    assert torch.autograd.gradcheck(output, (energy, *values))
    assert torch.autograd.gradcheck(output, (energy.detach(), *values))


def test_the_layout_of_the_input_does_not_matter():
    module = perturbed(ParallelPCEN(6))
    energy = energies(2, 6, 30)
    gradients = []
    for laid_out in (energy.transpose(1, 2), energy.transpose(1, 2).clone()):
        laid_out = laid_out.detach().requires_grad_()
        output = module(laid_out)
        output.square().sum().backward()
        gradients.append(laid_out.grad)
    energy = energy.transpose(1, 2).contiguous().requires_grad_()
    module(energy).square().sum().backward()
    for gradient in gradients:
        torch.testing.assert_close(gradient, energy.grad)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_stream_in_any_chunks_is_the_whole(lengths):
    module = perturbed(ParallelPCEN(6))
    energy = energies(2, sum(lengths), 6)
    whole = module(energy).detach()
    stream = StreamingPCEN(module)
    for _ in range(2):
        stream.reset()
        chunks = [stream(chunk) for chunk in energy.split(lengths, 1)]
        torch.testing.assert_close(
            torch.cat(chunks, 1), whole, rtol=0, atol=1e-6
        )


def test_a_stream_needs_a_causal_filter():
    stream = StreamingPCEN(PCEN(3, ema=forward_backward))
    with pytest.raises(InputError, match="causal"):
        stream(energies(1, 4, 3))


@pytest.mark.parametrize("value", [-1e4, -50.0, 50.0, 1e4])
@pytest.mark.parametrize(
    "name",
    ["alpha_logit", "delta_log", "r_logit", "s_logit", "weight_logits"],
)
def test_no_value_of_a_parameter_breaks_it(name, value):
    module = ParallelPCEN(4, **EVERYTHING)
    getattr(module, name).data.view(-1)[0] = value
    energy = torch.cat([torch.zeros(1, 9, 4), energies(1, 9, 4)], 1)
    energy.requires_grad_()
    output = module(energy)
    output.sum().backward()
    assert output.isfinite().all()
    assert all(p.grad.isfinite().all() for p in [energy, *module.parameters()])
    assert (0 <= module.alpha).all() and (module.alpha <= 1).all()
    assert (0 < module.delta).all() and (0 < module.r).all()
    assert (0 < module.s).all() and (module.s <= 1).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    module = perturbed(ParallelPCEN(8))
    energy = torch.cat([torch.zeros(2, 20, 8), energies(2, 40, 8)], 1)
    output = module.to(dtype)(energy.to(dtype))
    assert output.dtype == dtype
    expected = by_recursion(module, energy.to(dtype))
    resolution = torch.finfo(dtype).eps
    np.testing.assert_allclose(
        output.detach().double(), expected, rtol=resolution, atol=1e-6
    )


def test_autocast_leaves_the_precision_alone():
    module, energy = perturbed(ParallelPCEN(8)), energies(2, 40, 8)
    with torch.autocast("cpu", torch.bfloat16):
        inside = module(energy)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, module(energy), rtol=0, atol=0)


def test_silence_a_single_frame_and_no_frame():
    module = ParallelPCEN(4)
    assert (module(torch.zeros(2, 50, 4)) == 0).all()
    assert module(energies(1, 1, 4)).shape == (1, 1, 4, 2)
    assert module(energies(1, 0, 4)).shape == (1, 0, 4, 2)


def test_a_nan_stays_in_its_clip_and_band():
    energy = energies(2, 30, 4)
    energy[0, 10, 2] = torch.nan
    broken = ParallelPCEN(4)(energy).isnan()
    assert broken[0, 10:, 2].all()
    broken[0, 10:, 2] = False
    assert not broken.any()


def test_what_is_learned_is_chosen_by_name():
    def learned(**options):
        module = ParallelPCEN(4, **options)
        return {name for name, _ in module.named_parameters()}

    everything = {
        "alpha_logit",
        "delta_log",
        "r_logit",
        "weight_logits",
        "s_logit",
    }
    assert learned() == everything - {"s_logit"}
    assert learned(trainable=True) == everything
    assert learned(trainable=False) == set()
    assert learned(trainable={"r": True, "alpha": False}) == {"r_logit"}
    # A single filter has nothing to be mixed with.
    assert "weight_logits" not in learned(trainable=True, s=[0.1])


def test_a_learned_checkpoint_fits_a_fixed_module():
    learned, fixed = (
        perturbed(ParallelPCEN(4)),
        ParallelPCEN(4, trainable=False),
    )
    fixed.load_state_dict(learned.state_dict())
    energy = energies(1, 9, 4)
    torch.testing.assert_close(fixed(energy), learned(energy).detach())


def test_parameter_counts_are_those_of_the_released_code():
    for n_layers, expected in ((1, 259), (2, 518), (4, 1036)):
        module = ParallelPCEN(128, alpha=[0.8] * n_layers, delta=2.0, r=0.5)
        assert sum(p.numel() for p in module.parameters()) == expected


def test_learns_towards_a_target():
    target, module = PCEN(6, 0.5, 3.0, 0.7, 0.1), PCEN(6, 0.8, 8.0, 0.4, 0.1)
    energy = energies(4, 60, 6)
    wanted = target(energy).detach()
    optimizer = torch.optim.Adam(module.parameters(), 0.05)
    losses = []
    for _ in range(150):
        loss = (module(energy) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 100


def test_a_deep_copy_is_independent():
    module = ParallelPCEN(4)
    twin = copy.deepcopy(module)
    perturbed(module)
    assert (twin.alpha != module.alpha).all()


def test_monitored_names_every_layer():
    shown = ParallelPCEN(4, alpha=[0.9, 0.3]).monitored()
    assert shown["alpha_1"] == pytest.approx(0.9)
    assert shown["alpha_2"] == pytest.approx(0.3)
    assert shown["s2"] == pytest.approx(0.25, rel=1e-5)
    assert shown["weight1_2"] + shown["weight2_2"] == pytest.approx(1)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, [(0.8, 10.0, 0.5), (0.4, 4.0, 0.75)]),
        (
            {"alpha": [0.9, 0.5, 0.1]},
            [(0.9, 10.0, 0.5), (0.5, 4.0, 0.75), (0.1, 4.0, 0.75)],
        ),
        ({"r": 0.3}, [(0.8, 10.0, 0.3), (0.4, 4.0, 0.3)]),
        ({"r": [0.3]}, [(0.8, 10.0, 0.3), (0.4, 4.0, 0.3)]),
        (
            {"alpha": 0.9, "delta": [2.0, 3.0, 5.0, 7.0]},
            [(0.9, 2, 0.5), (0.9, 3, 0.75), (0.9, 5, 0.75), (0.9, 7, 0.75)],
        ),
        ({"alpha": 0.9, "delta": 3.0, "r": 0.3}, [(0.9, 3.0, 0.3)]),
    ],
)
def test_the_lists_give_the_number_of_layers(given, expected):
    module = ParallelPCEN(4, **given)
    found = torch.cat([module.alpha, module.delta, module.r], 1)
    torch.testing.assert_close(found, torch.tensor(expected))
    assert module(energies(1, 5, 4)).shape == (1, 5, 4, len(expected))


def test_one_layer_is_the_first_by_default():
    one, two = PCEN(4), ParallelPCEN(4)
    assert one.n_channels == 1
    for name in ("alpha", "delta", "r"):
        assert torch.equal(getattr(one, name), getattr(two, name)[:1])
    assert torch.equal(one.s, two.s)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"alpha": 1.2}, "alpha is 1.2"),
        ({"delta": 0.0}, "delta is 0"),
        ({"r": 0.0}, "r is 0"),
        ({"s": [0.0]}, "s is 0"),
        ({"s": []}, "no EMA filter"),
        (
            {"alpha": [0.1, 0.2, 0.3], "r": [0.5, 0.5], "delta": 2.0},
            "do not match, {'alpha': 3, 'r': 2}",
        ),
        ({"alpha": []}, "do not match, {'alpha': 0}"),
        ({"trainable": {"gain": True}}, "'gain'"),
    ],
)
def test_wrong_settings_get_one_sentence(options, message):
    with pytest.raises(InputError, match=message):
        ParallelPCEN(4, **options)


@pytest.mark.parametrize(
    "energy, message",
    [
        (-torch.ones(1, 5, 4), "negative"),
        (torch.ones(1, 5, 3), r"\[batch, time, 4\]"),
        (torch.ones(5, 4), r"\[batch, time, 4\]"),
    ],
)
def test_wrong_energies_get_one_sentence(energy, message):
    with pytest.raises(InputError, match=message):
        ParallelPCEN(4)(energy)
