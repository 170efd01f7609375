"""EMA filters against SciPy, librosa, SpeechBrain and finite differences."""

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import filtfilt, lfilter
from speechbrain.nnet.normalization import ExponentialMovingAverage

from sb_sed.errors import InputError
from sb_sed.features import ema
from sb_sed.features.ema import causal, coefficients, forward_backward


def energies(*shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator).to(
        dtype
    )


def by_scipy(energy, s, state):
    past = (1 - s) * np.asarray(state)[:, None]
    return lfilter([s], [1, s - 1], energy.numpy(), axis=1, zi=past)[0]


@settings(max_examples=60, deadline=None)
@given(
    n_frames=st.integers(1, 70),
    s=st.floats(1e-3, 1.0),
    seed=st.integers(0, 10**6),
)
def test_causal_is_scipys_filter_for_any_length(n_frames, s, seed):
    energy = energies(2, n_frames, 3, seed=seed)
    state = energies(2, 3, seed=seed + 1)
    averages = causal(energy, torch.tensor([s], dtype=torch.float64), state)
    np.testing.assert_allclose(
        averages, by_scipy(energy, s, state), rtol=1e-10, atol=1e-14
    )


@settings(max_examples=60, deadline=None)
@given(n_frames=st.integers(1, 70), s=st.floats(1e-3, 0.999))
def test_forward_backward_is_scipys_filtfilt_without_padding(n_frames, s):
    energy = energies(2, n_frames, 3)
    averages = forward_backward(energy, torch.tensor([s], dtype=energy.dtype))
    expected = filtfilt(
        [s],
        [1, s - 1],
        energy.numpy(),
        axis=1,
        padtype=None,
    )
    np.testing.assert_allclose(averages, expected, rtol=1e-10, atol=1e-14)


def test_starts_at_the_first_frame_as_speechbrain():
    energy = energies(2, 50, 4, dtype=torch.float32)
    theirs = ExponentialMovingAverage(4, coeff_init=0.1, per_channel=True)
    with torch.no_grad():
        torch.testing.assert_close(
            causal(energy, torch.tensor([0.1])), theirs(energy)
        )


def test_each_band_can_have_its_own_coefficient():
    energy = energies(2, 50, 3)
    s = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    averages = causal(energy, s)
    for band in range(3):
        alone = causal(energy[..., band : band + 1], s[band : band + 1])
        torch.testing.assert_close(averages[..., band : band + 1], alone)
    torch.testing.assert_close(averages[..., 2], energy[..., 2])


def test_single_precision_holds_for_half_an_hour():
    energy = energies(1, 113_000, 1, dtype=torch.float32) ** 8
    averages = causal(energy, torch.tensor([0.015]))
    expected = by_scipy(energy.double(), np.float32(0.015), energy[:, 0])
    np.testing.assert_allclose(averages, expected, rtol=2e-6)


@pytest.mark.parametrize("n_frames", [1, 2, 5, 16, 17])
@pytest.mark.parametrize("bands", [1, 3])
def test_gradients(n_frames, bands):
    energy = energies(2, n_frames, 3).requires_grad_()
    s = torch.tensor([0.3, 0.6, 1.0][:bands]).double().requires_grad_()
    state = energies(2, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(causal, (energy, s, state))
    assert torch.autograd.gradcheck(causal, (energy, s))
    assert torch.autograd.gradcheck(forward_backward, (energy, s))


def test_time_constants_are_those_of_librosa():
    # librosa converts inside pcen: equal outputs mean equal coefficients.
    energy = energies(40, 3).numpy()
    (s,) = coefficients([0.06], 255 / 16000)
    options = {"sr": 16000, "hop_length": 255, "axis": 0}
    np.testing.assert_allclose(
        librosa.pcen(energy, b=s, **options),
        librosa.pcen(energy, time_constant=0.06, **options),
        rtol=1e-12,
    )


def test_time_constants_of_the_paper_give_its_coefficients():
    paper = coefficients([1.0545, 0.055209, 0.19108], 255 / 16000)
    np.testing.assert_allclose(paper, [0.015, 0.25, 0.08], rtol=3e-5)


def test_time_constants_must_be_positive():
    with pytest.raises(InputError, match="above 0"):
        coefficients([0.4, 0.0], 0.016)


@settings(max_examples=60, deadline=None)
@given(
    n_frames=st.integers(1, 70),
    chunk=st.integers(1, 20),
    s=st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=3).filter(
        lambda s: len(s) != 2
    ),
    backwards=st.booleans(),
)
def test_products_for_a_gpu_are_the_steps_for_a_cpu(
    n_frames, chunk, s, backwards
):
    energy, state = energies(2, n_frames, 3), energies(2, 3, seed=1)
    s = torch.tensor(s, dtype=energy.dtype)
    expected = ema._in_steps(energy, s, state, backwards)
    if backwards:
        energy = energy.flip(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ema, "_CHUNK", chunk)
        found = ema._in_products(energy, s, state)
    found = found.flip(1) if backwards else found
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)


def test_products_of_twenty_minutes_are_exact_in_single_precision():
    energy = energies(1, 75_000, 2, dtype=torch.float32)
    s = torch.tensor([0.015])
    found = ema._in_products(energy, s, energy[:, 0])
    np.testing.assert_allclose(
        found, by_scipy(energy.double(), 0.015, energy[:, 0]), rtol=1e-5
    )
