"""What changes a batch and its labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.augment.batch import Clips, Frames, FrameShift, Mixup, TimeMask
from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe

LABEL = 0.06375  # seconds
MEL, EMBEDDED, FIRST = LABEL / 4, 0.16, 0.08
N_FRAMES, N_CLASSES = 40, 3
TOTAL = N_FRAMES * LABEL
KINDS = {
    "strong": torch.tensor([0, 1, 2, 3]),
    "weak": torch.tensor([4, 5]),
    "unlabelled": torch.tensor([6]),
}
HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def make_clips(seconds=None, device="cpu", kinds=None, n_clips=7):
    """Seven clips; the padding has negative values that tell where it was."""
    seconds = torch.full((n_clips,), TOTAL) if seconds is None else seconds
    length = (seconds / LABEL - 1e-3).ceil() * LABEL

    def frames(n_values, shift, first, n_frames):
        values = torch.rand(n_clips, n_frames, n_values) + 0.1
        times = first + shift * torch.arange(n_frames)
        padding = times[None] >= length[:, None] - 1e-3
        values = torch.where(padding[..., None], -values, values)
        return Frames(values.to(device), shift, first)

    strong = frames(N_CLASSES, LABEL, 0.0, N_FRAMES)
    labels = (strong.values > 0.6).float()
    return Clips(
        {
            "mel": frames(5, MEL, 0.0, 4 * N_FRAMES),
            "encoded": frames(2, EMBEDDED, FIRST, round(TOTAL / EMBEDDED)),
        },
        replace(strong, values=labels),
        labels.amax(1),
        seconds,
        KINDS if kinds is None else kinds,
    )


def tensors(clips):
    return [
        *(frames.values for frames in clips.inputs.values()),
        clips.strong.values,
        clips.weak,
        clips.seconds,
    ]


def drawn_shifts(deviation, n_clips=7):
    """What ``FrameShift`` draws, in label frames."""
    return (deviation * torch.randn(n_clips) / LABEL).round().int().tolist()


# Shift


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("deviation", [0.0, 0.3, 1.44, 50.0])
def test_shift_is_numpys_roll_of_each_clip(deviation, device):
    clips = make_clips(device=device)
    torch.manual_seed(3)
    by = drawn_shifts(deviation)
    torch.manual_seed(3)
    shifted = FrameShift(deviation)(clips)
    pairs = [
        (shifted.strong, clips.strong, 1),
        (shifted.inputs["mel"], clips.inputs["mel"], 4),
    ]
    for new, old, factor in pairs:
        expected = [
            np.roll(clip.cpu().numpy(), factor * n, axis=0)
            for clip, n in zip(old.values, by, strict=True)
        ]
        assert np.array_equal(new.values.cpu().numpy(), np.stack(expected))
    assert torch.equal(shifted.weak, clips.weak)
    assert torch.equal(shifted.seconds, clips.seconds)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_shift_keeps_padding_and_alignment(data):
    """Frames of all tensors that come from one time go to one time."""
    seconds = torch.tensor(
        [data.draw(st.floats(0.01, TOTAL * 1.5)) for _ in range(7)]
    )
    clips = make_clips(seconds.clamp(max=TOTAL))
    length = clips.n_frames * LABEL
    # Each frame holds its own time.
    clocks = clips.changed(
        lambda frames: frames.times[None, :, None].expand_as(frames.values)
    )
    torch.manual_seed(data.draw(st.integers(0, 1000)))
    state = torch.get_rng_state()
    by = np.array(drawn_shifts(1.44)) * LABEL
    torch.set_rng_state(state)
    shifted = FrameShift(1.44)(clocks)
    for frames in [shifted.strong, *shifted.inputs.values()]:
        times = frames.times.numpy()
        for clip in range(7):
            came_from = frames.values[clip, :, 0].numpy()
            end = float(length[clip])
            padding = times >= end - 1e-3
            assert np.array_equal(came_from[padding], times[padding])
            wanted = np.mod(times[~padding] - by[clip] + 1e-5, end)
            gap = np.abs(came_from[~padding] - wanted)
            assert (gap <= frames.shift / 2 + frames.first + 1e-3).all()


def test_shift_has_the_deviation():
    clips = make_clips(n_clips=2000, kinds={})
    strong = torch.zeros(2000, N_FRAMES, N_CLASSES)
    strong[:, N_FRAMES // 2] = 1
    clips = replace(clips, strong=replace(clips.strong, values=strong))
    shifted = FrameShift(0.2)(clips).strong.values[..., 0].argmax(1)
    assert shifted.float().std() * LABEL == pytest.approx(0.2, rel=0.06)
    assert shifted.float().mean() == pytest.approx(N_FRAMES / 2, abs=0.3)


def test_waveforms_are_shifted_with_their_labels():
    clips = make_clips()
    n_samples = round(TOTAL * 16000)
    wavs = torch.arange(n_samples) / 16000
    clocks = replace(
        clips, inputs={"wav": Frames(wavs.expand(7, -1), 1 / 16000)}
    )
    state = torch.get_rng_state()
    by = np.array(drawn_shifts(1.44)) * LABEL
    torch.set_rng_state(state)
    shifted = FrameShift(1.44)(clocks).inputs["wav"].values.numpy()
    wanted = np.mod(wavs.numpy() - by[:, None], TOTAL)
    gap = np.abs(shifted - wanted)
    gap = np.minimum(gap, TOTAL - gap)
    assert gap.max() < 2e-4


# Mixture


def test_mixture_of_a_batch_made_by_hand():
    frames = Frames(torch.tensor([[[2.0]], [[10.0]], [[50.0]]]), shift=1.0)
    strong = Frames(torch.tensor([[[0.0]], [[1.0]], [[1.0]]]), shift=1.0)
    kinds = {"weak": torch.tensor([0, 1]), "strong": torch.tensor([2])}
    weak = torch.tensor([[0.0], [1.0], [1.0]])
    seconds = torch.tensor([0.5, 1.0, 0.7])
    clips = Clips({"mel": frames}, strong, weak, seconds, kinds)
    for _ in range(20):
        mixed = Mixup(alpha=1.0)(clips)
        # The share of clip 1 can be read off the weak labels.
        of_first, of_second = mixed.weak[:2, 0].tolist()
        mel = mixed.inputs["mel"].values.flatten().tolist()
        assert mel == pytest.approx(
            [2 + 8 * of_first, 2 + 8 * of_second, 50.0], rel=1e-5
        )
        assert mixed.strong.values.flatten().tolist() == pytest.approx(
            [of_first, of_second, 1.0], rel=1e-5
        )
        longest = 1.0 if of_first > 0 else 0.5
        assert mixed.seconds.tolist() == pytest.approx([longest, 1.0, 0.7])


def test_mixtures_are_a_naive_loops():
    clips = make_clips()
    mixup = Mixup(alpha=0.7, probability=0.6)
    torch.manual_seed(5)
    partners, shares = mixup._draw(clips)
    torch.manual_seed(5)
    mixed = mixup(clips)
    assert 0 < (shares > 0).sum() < 7
    for new, old in zip(tensors(mixed)[:-1], tensors(clips)[:-1], strict=True):
        for i in range(7):
            j, share = partners[i], shares[i]
            expected = (1 - share) * old[i] + share * old[j]
            assert torch.allclose(new[i], expected, atol=1e-6)


def test_mixtures_stay_within_their_kind():
    clips = make_clips()
    # Clips of a kind hold its number alone, weak labels too.
    for number, kind in enumerate(KINDS.values()):
        for tensor in tensors(clips)[:-1]:
            tensor[kind] = number
    for _ in range(10):
        mixed = Mixup()(clips)
        for new, old in zip(tensors(mixed), tensors(clips), strict=True):
            assert torch.allclose(new, old)


@pytest.mark.parametrize("kinds", [[], ["strong"], ["weak", "unlabelled"]])
def test_only_the_kinds_that_are_named_are_mixed(kinds):
    clips = make_clips()
    changed = torch.zeros(7, dtype=torch.bool)
    for _ in range(30):
        mixed = Mixup(kinds=kinds)(clips).inputs["mel"].values
        changed |= (mixed != clips.inputs["mel"].values).any(2).any(1)
    expected = torch.zeros(7, dtype=torch.bool)
    for kind in kinds:
        expected[KINDS[kind]] = len(KINDS[kind]) > 1
    assert torch.equal(changed, expected)


def test_shares_follow_the_beta_distribution():
    n_clips = 20_000
    clips = make_clips(n_clips=n_clips, kinds={"weak": torch.arange(n_clips)})
    _, shares = Mixup(alpha=0.2)._draw(clips)
    # Mean and variance of Beta(a, a): 1/2 and 1 / (4 (2 a + 1)).
    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / 5.6, rel=0.02)
    _, shares = Mixup(probability=0.3)._draw(clips)
    assert (shares > 0).float().mean() == pytest.approx(0.3, abs=0.015)


# Mask


@pytest.mark.parametrize("device", DEVICES)
def test_mask_silences_inputs_and_labels_together(device):
    clips = make_clips(device=device)
    silence = torch.tensor([3.0, -1.0], device=device)
    encoded = replace(clips.inputs["encoded"], silence=silence)
    ones = Frames(torch.ones(7, N_FRAMES, 1, device=device), LABEL)
    clips = replace(
        clips, inputs={**clips.inputs, "encoded": encoded, "ones": ones}
    )
    masked = TimeMask()(clips)
    stripe = masked.inputs["ones"].values[..., 0] == 0
    widths = stripe.sum(1)
    assert (widths[:4] >= 0.05 * N_FRAMES).all()
    assert (widths[:4] <= 0.2 * N_FRAMES).all()
    assert not widths[4:].any()
    edges = stripe.int().diff(dim=1).abs().sum(1)
    assert (edges[:4] <= 2).all()  # one stripe
    strong, mel = clips.strong.values, clips.inputs["mel"].values
    assert torch.equal(masked.strong.values, strong * ~stripe[..., None])
    in_mels = stripe.repeat_interleave(4, dim=1)
    assert torch.equal(masked.inputs["mel"].values, mel * ~in_mels[..., None])
    centres = (encoded.times / LABEL).long().clamp(max=N_FRAMES - 1)
    wanted = torch.where(stripe[:, centres][..., None], silence, encoded.values)
    assert torch.equal(masked.inputs["encoded"].values, wanted)


def test_mask_lies_within_the_clip():
    seconds = torch.full((7,), TOTAL / 2)
    clips = make_clips(seconds, kinds={"strong": torch.arange(7)})
    n_frames = int(clips.n_frames[0])
    ones = Frames(torch.ones(7, N_FRAMES, 1), LABEL)
    clips = replace(clips, inputs={"ones": ones})
    hits = torch.zeros(N_FRAMES)
    for _ in range(200):
        masked = TimeMask((0.1, 0.4))(clips).inputs["ones"].values[..., 0] == 0
        assert not masked[:, n_frames:].any()
        assert (masked.sum(1) <= round(0.4 * n_frames)).all()
        hits += masked.sum(0)
    assert (hits[:n_frames] > 0).all()


def test_a_class_that_is_masked_leaves_the_weak_labels():
    strong = torch.zeros(2, N_FRAMES, 3)
    strong[:, 5, 0] = 1  # one frame
    strong[:, :, 1] = 1
    weak = torch.ones(2, 3)  # the third class has no frame at all
    clips = Clips(
        {},
        Frames(strong, LABEL),
        weak,
        torch.full((2,), TOTAL),
        {"strong": torch.tensor([0, 1])},
    )
    seen = set()
    for _ in range(100):
        masked = TimeMask((0.3, 0.3))(clips)
        hidden = masked.strong.values[:, 5, 0] == 0
        assert torch.equal(masked.weak[:, 0] == 0, hidden)
        assert masked.weak[:, 1:].all()
        seen |= set(hidden.tolist())
    assert seen == {False, True}


@pytest.mark.parametrize("probability", [0.0, 0.4])
def test_share_of_clips_that_are_masked(probability):
    n_clips = 3000
    clips = make_clips(n_clips=n_clips, kinds={"strong": torch.arange(n_clips)})
    masked = TimeMask(probability=probability)(clips)
    changed = masked.inputs["mel"].values != clips.inputs["mel"].values
    share = changed.any(2).any(1).float().mean()
    assert share == pytest.approx(probability, abs=0.035)


# All


ALL = [FrameShift(), Mixup(), TimeMask()]


@pytest.mark.parametrize("augment", ALL, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("device", DEVICES)
def test_a_draw_is_repeated_by_the_seed_and_leaves_the_clips(augment, device):
    clips = make_clips(device=device)
    before = [tensor.clone() for tensor in tensors(clips)]
    results = []
    for number in (1, 1, 2):
        torch.manual_seed(number)
        results.append(tensors(augment(clips)))
    for old, now in zip(before, tensors(clips), strict=True):
        assert torch.equal(old, now)
    first, again, other = results
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))


@pytest.mark.parametrize("augment", ALL, ids=lambda x: type(x).__name__)
def test_a_clip_of_padding_alone_is_no_error(augment):
    clips = make_clips(torch.zeros(7))
    for new in tensors(augment(clips)):
        assert new.isfinite().all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: FrameShift(-1.0),
        lambda: Mixup(alpha=0.0),
        lambda: Mixup(probability=1.1),
        lambda: TimeMask(width=(0.3, 0.2)),
        lambda: TimeMask(width=(0.1, 1.2)),
        lambda: TimeMask(probability=float("nan")),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(InputError, match="give"):
        make()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("none", []),
        ("shift", [FrameShift]),
        ("mixup", [Mixup]),
        ("mask", [TimeMask]),
        ("shift_mixup", [FrameShift, Mixup]),
        ("all", [FrameShift, Mixup, TimeMask]),
    ],
)
def test_fragments(name, kinds):
    recipe = Recipe(
        HPARAMS / "baseline.yaml",
        f"data_folder: DATA\nbatch_augment: !include:augment/batch_{name}.yaml",
    )
    text = recipe.stream(["batch_augment"]).getvalue()
    augmentations = load_hyperpyyaml(text)["batch_augment"]["augmentations"]
    assert [type(x) for x in augmentations] == kinds
    for augment in augmentations:
        assert len(augment(make_clips()).seconds) == 7
