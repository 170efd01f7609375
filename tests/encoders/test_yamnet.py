"""Tests of YAMNet against the original, and against windows one by one.

Authors
 * sb_sed contributors 2026
"""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from sb_sed.encoders import YAMNet, audioset_classes, yamnet
from sb_sed.encoders.weights import read_safetensors
from sb_sed.errors import InputError

DATA = Path(yamnet.__file__).with_name("yamnet_data")
REFERENCE = Path(__file__).with_name("yamnet_reference.npz")
RATE, WINDOW = 16000, 15600


@pytest.fixture(scope="module")
def reference():
    """A recording, and what the original computes from it."""
    with np.load(REFERENCE) as arrays:
        values = {name: torch.from_numpy(arrays[name]) for name in arrays}
    values["wav"] = values["wav"][None] / 32768
    return values


@pytest.fixture(scope="module")
def weights():
    """The tensors of the package in double precision."""
    tensors = read_safetensors(DATA / "weights.safetensors")
    return {name: tensor.double() for name, tensor in tensors.items()}


def same(x, stride):
    """TensorFlow's padding for a kernel of 3."""
    pads = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + 3 - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads)


def published(weights, wav):
    """One window's embedding, scores and maps, layer by layer."""

    def convolution(x, name, norm, stride=1, depthwise=False):
        kernel = weights[f"{name}/kernel"]
        groups = x.shape[1] if depthwise else 1
        axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        kernel = kernel.permute(*axes)
        if kernel.shape[-1] == 3:
            x = same(x, stride)
        x = functional.conv2d(x, kernel, stride=stride, groups=groups)
        return functional.batch_norm(
            x,
            weights[f"{norm}/moving_mean"],
            weights[f"{norm}/moving_variance"],
            bias=weights[f"{norm}/beta"],
            eps=1e-4,
        ).relu()

    frames = wav.double().unfold(0, 400, 160)
    n = torch.arange(400, dtype=torch.float64)
    frames = frames * (0.5 - 0.5 * torch.cos(2 * torch.pi * n / 400))
    magnitudes = torch.fft.rfft(frames, 512).abs()
    log_mel = torch.log(magnitudes @ weights["mel/matrix"] + 0.001)
    x = convolution(log_mel[None, None], "layer1/conv", "layer1/bn", 2)
    maps = {1: x}
    for layer in range(2, 15):
        name = f"layer{layer}/"
        stride = 2 if layer in (3, 5, 7, 13) else 1
        x = convolution(
            x, name + "depthwise", name + "depthwise_bn", stride, True
        )
        x = convolution(x, name + "pointwise", name + "pointwise_bn")
        maps[layer] = x
    embedding = x.mean((0, 2, 3))
    logits = embedding @ weights["logits/kernel"] + weights["logits/bias"]
    maps = {layer: x[0].mean(2).T for layer, x in maps.items()}
    return log_mel, embedding, logits.sigmoid(), maps


def windows(weights, wav, hop):
    """Of a whole recording, each window alone."""
    hop = round(hop * RATE)
    n_windows = 1 + max(-(-(len(wav) - WINDOW) // hop), 0)
    wav = functional.pad(wav, (0, WINDOW + (n_windows - 1) * hop - len(wav)))
    return [
        published(weights, wav[start : start + WINDOW])
        for start in range(0, n_windows * hop, hop)
    ]


def near(found, expected, atol=1e-4):
    """Whether tensors agree."""
    assert found.shape == expected.shape
    return torch.allclose(found.double(), expected.double(), atol=atol, rtol=0)


@pytest.fixture(scope="module")
def clip(reference):
    """The recording between silence and noise: 3.3 s."""
    noise = 0.02 * torch.randn(8000, generator=torch.Generator().manual_seed(1))
    wav = reference["wav"][0]
    return torch.cat([torch.zeros(7000), wav, noise, 0.1 * wav[:7000]])


def test_the_original_is_met(reference):
    encoder = YAMNet(hop=0.48)
    log_mel = encoder.net.log_mel(reference["wav"])
    assert near(log_mel, reference["log_mel"][None], 1e-3)
    # Of weights in half precision; in single precision it is 4e-5 and 2e-5.
    embeddings = encoder(reference["wav"])
    assert near(embeddings, reference["embeddings"][None], 1.2e-2)
    scores = encoder.scores(reference["wav"])
    assert near(scores, reference["scores"][None], 4e-3)


def test_the_original_is_met_within_the_rounding_of_the_weights(
    reference, weights
):
    """The architecture itself, in double precision, is no nearer."""
    found = windows(weights, reference["wav"][0], 0.48)
    encoder = YAMNet(hop=0.48)
    assert near(
        encoder(reference["wav"])[0], torch.stack([x[1] for x in found]), 1e-4
    )


def test_only_bands_far_below_the_loudest_are_rounded():
    """A tone above next to nothing, against double precision."""
    times = torch.arange(8000, dtype=torch.float64) / RATE
    tone = 0.9 * torch.sin(2 * torch.pi * 1000 * times)
    generator = torch.Generator().manual_seed(0)
    noise = 1e-6 * torch.randn(8000, dtype=torch.float64, generator=generator)
    wav = (tone + noise).float()
    net = YAMNet().net
    frames = wav.double().unfold(0, 400, 160)
    window = torch.hann_window(400, dtype=torch.float64)
    bands = torch.fft.rfft(frames * window, 512).abs() @ net.mel.double()
    error = (net.log_mel(wav[None])[0] - torch.log(bands + 0.001)).abs()
    below = 20 * torch.log10(bands / bands.amax(1, keepdim=True))
    assert (below < -85).any()
    assert error[below > -85].max() < 1e-3 and error.max() < 1e-2


@pytest.mark.parametrize(
    "hop", [0.03, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48, 0.64, 0.96]
)
def test_what_windows_share_changes_nothing(clip, weights, hop):
    encoder = YAMNet(["embedding", "scores"], hop=hop)
    found = encoder(clip[None])
    expected = windows(weights, clip, hop)
    assert found.shape == (1, len(expected), 1545)
    assert near(found[0, :, :1024], torch.stack([x[1] for x in expected]))
    assert near(found[0, :, 1024:], torch.stack([x[2] for x in expected]), 1e-5)
    assert encoder.first_frame == WINDOW / 2 / RATE
    assert encoder.frame_shift == hop


@pytest.mark.parametrize("layer", [2, 4, 6, 7, 8, 10, 12])
def test_rows_of_inner_layers_are_those_of_the_nearest_windows(
    clip, weights, layer
):
    shift = {2: 0.02, 4: 0.04, 6: 0.08}.get(layer, 0.16)
    encoder = YAMNet([f"layer{layer}"], hop=shift)
    found = encoder(clip[None])[0]
    maps = [x[3][layer] for x in windows(weights, clip, 0.16)]
    n_rows, each = len(maps[0]), round(0.16 / shift)
    first = (n_rows - each) // 2
    middle = [rows[first : first + each] for rows in maps]
    expected = [maps[0][:first], *middle, maps[-1][first + each :]]
    assert near(found, torch.cat(expected))
    assert encoder.n_frames(len(clip)) == len(found)


@pytest.mark.parametrize("layer", [1, 3, 5, 6, 8, 12])
def test_a_frame_is_where_its_layer_responds(layer):
    """A click changes the rows around its time most.

    The trained kernels may lean to one side, by up to half a step.
    """
    shift = round(0.01 * 2 ** sum(n <= layer for n in (1, 3, 5, 7)), 2)
    encoder = YAMNet([f"layer{layer}"], hop=shift)
    wavs = 1e-3 * torch.randn(1, 3 * RATE)
    plain = encoder(wavs)
    centres = []
    for place in range(20000, 28000, 500):
        clicked = wavs.clone()
        clicked[0, place : place + 20] += 0.9
        change = (encoder(clicked) - plain).square().sum(-1)[0]
        times = encoder.first_frame + shift * torch.arange(len(change))
        centre = float((change * times).sum() / change.sum())
        centres.append(centre - (place + 10) / RATE)
    assert abs(np.mean(centres)) < 0.6 * shift


def test_taps_come_together_at_one_time(clip):
    alone = {tap: YAMNet([tap]) for tap in ("layer8", "layer12", "embedding")}
    together = YAMNet([*alone])
    found = together(clip[None]).split([512, 512, 1024], -1)
    times = together.first_frame + together.frame_shift * np.arange(
        found[0].shape[1]
    )
    for (_, encoder), values in zip(alone.items(), found, strict=True):
        own = encoder(clip[None])[0].numpy()
        own_times = encoder.first_frame + 0.16 * np.arange(len(own))
        for column in range(0, own.shape[1], 101):
            expected = np.interp(times, own_times, own[:, column])
            assert np.allclose(values[0, :, column], expected, atol=1e-4)


@pytest.mark.parametrize(
    "taps", [["scores"], ["layer4", "layer9", "embedding"]]
)
@pytest.mark.parametrize("hop", [0.08, 0.16, 0.32, 0.48])
def test_long_recordings_are_computed_in_pieces(monkeypatch, clip, taps, hop):
    encoder = YAMNet(taps, hop=hop)
    wavs = torch.stack([clip, clip.flip(0), clip.roll(5000)])
    monkeypatch.setattr(yamnet, "_ON_CPU", 1000)
    whole = encoder(wavs)
    for at_once in (3, 50):
        monkeypatch.setattr(yamnet, "_ON_CPU", at_once)
        assert near(encoder(wavs), whole)


@pytest.mark.parametrize("taps", [["embedding"], ["layer6", "layer12"]])
@pytest.mark.parametrize("hop", [0.05, 0.08, 0.16, 0.4, 0.96])
def test_the_number_of_frames_is_known(taps, hop):
    encoder = YAMNet(taps, hop=hop)
    for n_samples in (1, 15599, 15600, 15601, 18160, 18161, 40000):
        found = encoder(torch.zeros(1, n_samples))
        assert found.shape == (1, encoder.n_frames(n_samples), encoder.size)


def test_clips_of_a_batch_do_not_touch(clip):
    encoder = YAMNet(["layer6", "embedding"])
    batch = torch.stack([clip, clip.flip(0), torch.zeros_like(clip)])
    found = encoder(batch)
    for wav, values in zip(batch, found, strict=True):
        assert near(values, encoder(wav[None])[0])


def test_the_dog_is_found(reference):
    encoder = YAMNet()
    scores = encoder.scores(reference["wav"])
    assert scores.shape == (1, encoder.n_frames(len(reference["wav"][0])), 521)
    best = scores.amax((0, 1)).topk(3).indices
    assert "Animal" in {encoder.class_names[n] for n in best}
    dog = encoder.class_names.index("Dog")
    assert scores[..., dog].max() > 0.9


def test_classes_are_those_of_the_map():
    encoder = YAMNet()
    with open(DATA / "class_map.csv", encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [int(row["index"]) for row in rows] == [*range(521)]
    assert audioset_classes()[0] == ("/m/09x0r", "Speech")
    assert encoder.class_names[0] == "Speech"
    assert encoder.class_ids[0] == "/m/09x0r"
    assert len({*encoder.class_ids}) == len(encoder.class_names) == 521


def test_weights_can_be_trained(reference):
    encoder = YAMNet(["layer6", "embedding"], trainable=True).train()
    frozen = YAMNet(["layer6", "embedding"])
    assert torch.equal(encoder(reference["wav"]), frozen(reference["wav"]))
    encoder(reference["wav"]).square().mean().backward()
    kernels = [layer.kernel for layer in encoder.net.layers]
    assert all(kernel.grad.abs().max() > 0 for kernel in kernels)
    groups = encoder.parameter_groups(1.0, decay=0.9)
    assert len(groups) == 15
    assert groups[0]["lr"] == pytest.approx(0.9**14)


def test_other_weights_have_another_key(tmp_path):
    tensors = read_safetensors(DATA / "weights.safetensors")
    path = tmp_path / "own.safetensors"
    save_file(tensors, path)
    assert YAMNet(weights=path).key == YAMNet().key
    tensors["layer1/bn/beta"] = tensors["layer1/bn/beta"] + 1
    save_file(tensors, path)
    assert YAMNet(weights=str(path)).key != YAMNet().key
    assert YAMNet(hop=0.32).key != YAMNet().key
    assert YAMNet(["scores"]).key != YAMNet().key


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("layer3/pointwise/kernel", None, "layer3/pointwise/kernel is missing"),
        (
            "logits/kernel",
            lambda x: x[:, :10],
            r"\[1024, 10\], not \[1024, 521\]",
        ),
        ("layer1/bn/beta", lambda x: x.int(), "torch.int32"),
        ("layer9/depthwise_bn/beta", lambda x: x * float("nan"), "not finite"),
    ],
)
def test_a_wrong_file_is_named_with_what_it_lacks(
    tmp_path, name, change, problem
):
    tensors = read_safetensors(DATA / "weights.safetensors")
    tensor = tensors.pop(name)
    if change is not None:
        tensors[name] = change(tensor).contiguous()
    path = tmp_path / "own.safetensors"
    save_file(tensors, path)
    with pytest.raises(InputError, match=problem) as error:
        YAMNet(weights=path)
    assert "own.safetensors does not hold the weights of YAMNet" in str(
        error.value
    )


def test_wrong_settings_are_refused(tmp_path):
    with pytest.raises(InputError, match="no tap 'layer13'"):
        YAMNet(["layer13"])
    with pytest.raises(InputError, match="or one twice"):
        YAMNet(["layer12", "layer12"])
    with pytest.raises(InputError, match="or one twice"):
        YAMNet([])
    for hop in (0.0, 0.005, 0.015, 1.0, -0.16):
        with pytest.raises(InputError, match="multiple of 0.01 s"):
            YAMNet(hop=hop)
    with pytest.raises(InputError, match="model garden"):
        YAMNet(weights=tmp_path / "missing.safetensors")


def test_it_can_be_trained_in_bfloat16():
    encoder = YAMNet(["layer12", "embedding"], trainable=True).train()
    wavs = torch.randn(1, 32000, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = encoder(wavs / 10)
    assert embeddings.dtype == torch.float32
    expected = YAMNet(["layer12", "embedding"])(wavs / 10)
    similarity = torch.cosine_similarity(embeddings, expected, dim=-1)
    assert similarity.min() > 0.99
    embeddings.sum().backward()
    assert all(p.grad is not None for p in encoder.net.layers.parameters())
