"""Properties of every effect, and chains of effects."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from sb_sed.errors import InputError
from sb_sed.mixing.effects import (
    CombFilter,
    Compression,
    EffectChain,
    HighPass,
    LowPass,
    NoiseBurst,
    PitchShift,
    SineBurst,
)

RATE = 16000
EFFECTS = [
    NoiseBurst(),
    SineBurst(),
    CombFilter(),
    Compression(),
    PitchShift(),
    LowPass(),
    HighPass(),
]
each_effect = pytest.mark.parametrize(
    "effect", EFFECTS, ids=lambda effect: type(effect).__name__
)


def sound(n=RATE, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype("float32")


@each_effect
@settings(max_examples=30, deadline=None)
@given(
    n=st.one_of(st.integers(0, 50), st.integers(0, 9000)),
    loudness=st.sampled_from([0.0, 1e-6, 0.1, 1.0, 100.0]),
    sample_rate=st.sampled_from([8000, 16000, 44100]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_sound_keeps_its_length_and_stays_finite(
    effect, n, loudness, sample_rate, dtype, seed
):
    samples = (loudness * 2 * sound(n, seed)).astype(dtype)
    samples.flags.writeable = False
    drawn = effect.draw(np.random.default_rng(seed))
    result = effect.apply(samples, sample_rate, **drawn)
    assert result.shape == (n,) and result.dtype == dtype
    assert np.isfinite(result).all()
    assert abs(result).max(initial=0) <= 4 * loudness
    assert not np.shares_memory(result, samples)
    again = effect.apply(samples, sample_rate, **drawn)
    assert np.array_equal(result, again)


@each_effect
def test_silence_between_sounds(effect):
    samples = np.zeros(3 * RATE, "float32")
    samples[: RATE // 10] = samples[-RATE // 10 :] = sound(RATE // 10)
    for seed in range(5):
        drawn = effect.draw(np.random.default_rng(seed))
        assert np.isfinite(effect.apply(samples, RATE, **drawn)).all()


@each_effect
def test_a_draw_is_json_and_within_its_ranges(effect):
    rng = np.random.default_rng(0)
    draws = [effect.draw(rng) for _ in range(2000)]
    assert json.loads(json.dumps(draws)) == draws
    for name, (low, high) in vars(effect).items():
        values = [drawn[name] for drawn in draws]
        assert low <= min(values) and max(values) <= high
        # The outermost hundredths are reached: e^-20 says that it is not so.
        margin = (
            (high - low) / 100
            if name not in ("cutoff", "delay")
            else (high / low) ** 0.01 * high - high
        )
        assert min(values) <= low + margin and max(values) >= high - margin


@pytest.mark.parametrize("effect", [LowPass(), HighPass()])
def test_every_octave_of_cutoffs_is_as_likely(effect):
    rng = np.random.default_rng(0)
    cutoffs = [effect.draw(rng)["cutoff"] for _ in range(4000)]
    counts, _ = np.histogram(np.log(cutoffs), 4, np.log(effect.cutoff))
    assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("effect", "settings"),
    [
        (NoiseBurst, {"level": (1, 0)}),
        (NoiseBurst, {"length": (0, 2)}),
        (SineBurst, {"frequency": (-1, 100)}),
        (SineBurst, {"level": (0, float("nan"))}),
        (CombFilter, {"delay": (0, 0.01)}),
        (Compression, {"amount": (0, 200)}),
        (PitchShift, {"semitones": 3}),
        (PitchShift, {"semitones": ("low", "high")}),
        (LowPass, {"cutoff": (0, 100)}),
        (HighPass, {"cutoff": (1, 2, 3)}),
    ],
)
def test_an_invalid_range_is_named(effect, settings):
    (name,) = settings
    with pytest.raises(InputError, match=f"{name} of {effect.__name__} is"):
        effect(**settings)


def test_the_number_of_effects_and_the_effects_are_uniform():
    chain = EffectChain(EFFECTS, max_effects=2)
    rng = np.random.default_rng(0)
    draws = [
        tuple(drawn["effect"] for drawn in chain.draw(rng))
        for _ in range(12_000)
    ]
    lengths = Counter(map(len, draws))
    assert chisquare([lengths[n] for n in range(3)]).pvalue > 1e-4
    names = [type(effect).__name__ for effect in EFFECTS]
    alone = Counter(draw[0] for draw in draws if len(draw) == 1)
    assert chisquare([alone[name] for name in names]).pvalue > 1e-4
    pairs = Counter(draw for draw in draws if len(draw) == 2)
    # Each ordered pair of two different effects.
    assert len(pairs) == 7 * 6
    assert chisquare(list(pairs.values())).pvalue > 1e-4


def test_a_logged_draw_replays_to_the_same_samples():
    chain = EffectChain(EFFECTS, max_effects=7)
    samples = sound()
    rng = np.random.default_rng(5)
    for _ in range(20):
        drawn = chain.draw(rng)
        result = chain.apply(samples, RATE, drawn)
        logged = json.loads(json.dumps(drawn))
        assert np.array_equal(chain.apply(samples, RATE, logged), result)
        assert logged == drawn


def test_effects_follow_one_another_in_the_order_drawn():
    chain = EffectChain([Compression(), HighPass()])
    samples = sound()
    squeeze = {"effect": "Compression", "amount": 100.0}
    thin = {"effect": "HighPass", "cutoff": 800.0}
    expected = HighPass().apply(
        Compression().apply(samples, RATE, amount=100.0), RATE, cutoff=800.0
    )
    assert np.array_equal(chain.apply(samples, RATE, [squeeze, thin]), expected)
    other = chain.apply(samples, RATE, [thin, squeeze])
    assert abs(other - expected).max() > 0.01


def test_a_chain_of_nothing_changes_nothing():
    samples = sound()
    assert EffectChain([], 0).draw(np.random.default_rng(0)) == []
    assert np.array_equal(EffectChain([], 0).apply(samples, RATE, []), samples)


def test_wrong_chains_are_explained():
    with pytest.raises(InputError, match="same class"):
        EffectChain([LowPass(), LowPass((10, 20))])
    with pytest.raises(InputError, match="max_effects is 2 where there are 1"):
        EffectChain([LowPass()])
    chain = EffectChain([LowPass()], 1)
    with pytest.raises(InputError, match="HighPass was drawn from another"):
        chain.apply(sound(), RATE, [{"effect": "HighPass", "cutoff": 100.0}])
