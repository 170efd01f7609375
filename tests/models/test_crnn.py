"""The CRNN against the baseline's figures and a plain reference."""

import math

import pytest
import torch
import torch.nn.functional as F

from sb_sed.models.crnn import CRNN, GatedLinear, attended

TINY = {
    "n_classes": 3,
    "n_mels": 16,
    "filters": (4, 6),
    "pooling": ((2, 2), (1, 4)),
    "rnn_hidden": 5,
}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def scrambled(network):
    """Randomise all parameters and running statistics."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator)
            scale = 1 / max(tensor[0].numel(), 4) ** 0.5
            positive = name.endswith(("running_var", "norm.weight"))
            tensor.copy_(noise.abs() + 0.5 if positive else noise * scale)
    return network


def gru_direction(x, weights):
    """One direction of a GRU layer, [B, T, I] to [B, T, H]."""
    w_ih, w_hh, b_ih, b_hh = weights
    hidden = torch.zeros(len(x), w_hh.shape[1], dtype=x.dtype)
    outputs = []
    for frame in x.unbind(1):
        r_i, z_i, n_i = (frame @ w_ih.T + b_ih).chunk(3, 1)
        r_h, z_h, n_h = (hidden @ w_hh.T + b_hh).chunk(3, 1)
        reset, update = torch.sigmoid(r_i + r_h), torch.sigmoid(z_i + z_h)
        new = torch.tanh(n_i + reset * n_h)
        hidden = (1 - update) * new + update * hidden
        outputs.append(hidden)
    return torch.stack(outputs, 1)


def reference(network, features, poolings):
    """The baseline's forward pass in evaluation, in plain functions."""
    p = {k: v.double() for k, v in network.state_dict().items()}
    x = features.double()
    x = x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2).contiguous()
    for i, pooling in enumerate(poolings):
        block = {
            k.removeprefix(f"cnn.{i}."): v
            for k, v in p.items()
            if k.startswith(f"cnn.{i}.")
        }
        kernel = block["conv.weight"].contiguous()
        x = F.conv2d(x, kernel, block["conv.bias"], padding=1)
        x = F.batch_norm(
            x,
            block["norm.running_mean"],
            block["norm.running_var"],
            block["norm.weight"],
            block["norm.bias"],
            eps=1e-3,
        )
        linear = torch.einsum("bctf,dc->bdtf", x, block["gate.linear.weight"])
        linear = linear + block["gate.linear.bias"][:, None, None]
        x = F.avg_pool2d(linear / (1 + torch.exp(-x)), pooling)
    n_clips, n_filters, n_frames, n_bands = x.shape
    x = torch.stack(
        [x[:, d, :, f] for d in range(n_filters) for f in range(n_bands)], -1
    )
    embedding = x
    for layer in range(network.rnn.num_layers):
        directions = []
        for suffix, flip in (("", False), ("_reverse", True)):
            weights = [
                p[f"rnn.{kind}_l{layer}{suffix}"]
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            y = gru_direction(x.flip(1) if flip else x, weights)
            directions.append(y.flip(1) if flip else y)
        x = torch.cat(directions, -1)
    logits, scores = (
        x @ p[f"{head}.weight"].T + p[f"{head}.bias"]
        for head in ("strong", "attention")
    )
    strong = 1 / (1 + torch.exp(-logits))
    attention = torch.exp(scores) / torch.exp(scores).sum(-1, keepdim=True)
    attention = attention.clamp(min=1e-7, max=1)
    weak = (strong * attention).sum(1) / attention.sum(1)
    return strong, weak, embedding


def test_a_single_class_competes_with_none():
    strong, attention = torch.randn(2, 7, 1), torch.randn(2, 7, 1)
    both = torch.cat([attention, torch.zeros(2, 7, 1)], dim=2)
    expected = attended(strong.expand(-1, -1, 2), both)[1][:, :1]
    torch.testing.assert_close(attended(strong, attention)[1], expected)
    # A short event does not have to fill its clip.
    burst = torch.full((1, 100, 1), -9.0)
    burst[:, 50:55] = 9.0
    assert attended(burst, burst)[1].item() > 0.9


@pytest.mark.parametrize(
    ("n_channels", "n_parameters"),
    [(1, 1_112_420), (2, 1_112_564), (4, 1_112_852)],
)
def test_the_baselines_number_of_parameters(n_channels, n_parameters):
    network = CRNN(n_channels=n_channels)
    assert sum(p.numel() for p in network.parameters()) == n_parameters
    if n_channels == 1:
        blocks = [sum(p.numel() for p in b.parameters()) for b in network.cnn]
        assert blocks == [464, 5760, 22784, 90624, *[164352] * 3]
        parts = (network.rnn, network.strong, network.attention)
        sizes = [sum(p.numel() for p in part.parameters()) for part in parts]
        assert sizes == [494_592, 2570, 2570]


def test_the_baseline_against_plain_functions():
    network = scrambled(CRNN()).eval()
    features = torch.randn(2, 70, 128)
    with torch.no_grad():
        found = network(features)
    expected = reference(network, features, [(2, 2)] * 2 + [(1, 2)] * 5)
    for ours, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), plain, rtol=1e-4, atol=1e-5)
    # The comparison is of something: the scores are spread out.
    assert found.strong.std() > 0.05 and found.weak.std() > 0.02


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("rnn_layers", [1, 3])
def test_other_sizes_against_plain_functions(n_channels, rnn_layers):
    # 13 frames and 19 bands: the last ones fill no window.
    options = TINY | {"n_mels": 19, "rnn_layers": rnn_layers}
    network = scrambled(CRNN(n_channels=n_channels, **options)).eval()
    features = torch.randn(2, 13, 19, n_channels)
    features = features.squeeze(-1) if n_channels == 1 else features
    with torch.no_grad():
        found = network(features)
    expected = reference(network, features, TINY["pooling"])
    for ours, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize(
    ("n_frames", "n_mels", "bands"), [(40, 16, 2), (41, 17, 2), (3, 64, 8)]
)
def test_shapes(n_channels, n_frames, n_mels, bands):
    network = CRNN(n_channels=n_channels, **TINY | {"n_mels": n_mels})
    shape = (2, n_frames, n_mels, n_channels)
    strong, weak, embedding = network(torch.randn(shape))
    assert network.n_output_frames(n_frames) == n_frames // 2
    assert strong.shape == (2, n_frames // 2, 3)
    assert weak.shape == (2, 3)
    assert embedding.shape == (2, n_frames // 2, 6 * bands)
    assert network.embedding_size == 6 * bands
    for scores in (strong, weak):
        assert (scores >= 0).all() and (scores <= 1).all()


@pytest.mark.parametrize(
    ("n_frames", "n_output_frames"), [(628, 157), (627, 156), (4, 1), (3, 0)]
)
def test_frames_of_the_baseline(n_frames, n_output_frames):
    assert CRNN().n_output_frames(n_frames) == n_output_frames


def test_a_channel_axis_of_one_may_be_omitted():
    network = CRNN(**TINY).eval()
    features = torch.randn(2, 20, 16)
    for ours, theirs in zip(
        network(features), network(features[..., None]), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_weak_scores_are_an_average_of_the_strong():
    strong, weak, _ = scrambled(CRNN(**TINY)).eval()(torch.randn(2, 20, 16))
    assert (weak <= strong.amax(1)).all() and (weak >= strong.amin(1)).all()


def test_clips_do_not_influence_one_another():
    network = scrambled(CRNN(**TINY)).eval()
    features = torch.randn(3, 20, 16)
    together = network(features)
    alone = network(features[1:2])
    for batch, clip in zip(together, alone, strict=True):
        torch.testing.assert_close(batch[1:2], clip)


@torch.no_grad()
def test_initial_values():
    network = CRNN()
    for block in network.cnn:
        out, into, *_ = block.conv.weight.shape
        bound = 2**0.5 * (6 / (9 * (into + out))) ** 0.5  # gain sqrt(2)
        weight = block.conv.weight
        deviation, n = bound / 3**0.5, weight.numel()  # uniform
        assert weight.abs().max() <= bound
        assert weight.std() == pytest.approx(deviation, rel=4 / n**0.5)
        assert abs(weight.mean()) < 4 * deviation / n**0.5
        scale = block.norm.weight
        assert abs(scale.mean() - 1) < 4 * 0.02 / len(scale) ** 0.5
        assert 0.01 < scale.std() < 0.04
        assert block.norm.eps == 1e-3 and block.norm.momentum == 0.99
        linear = block.gate.linear.weight
        assert linear.std() == pytest.approx(
            0.01, rel=4 / linear.numel() ** 0.5
        )
        for layer in (block.conv, block.norm, block.gate.linear):
            assert not layer.bias.any()
    for head in (network.strong, network.attention):
        assert head.weight.std() == pytest.approx(0.01, rel=0.1)
        assert not head.bias.any()
    for name, parameter in network.rnn.named_parameters():
        if "weight" in name:
            product = parameter.T @ parameter
            torch.testing.assert_close(
                product, torch.eye(len(product)), atol=1e-4, rtol=0
            )
        else:  # torch's own
            assert 0 < parameter.abs().max() <= 1 / 128**0.5


def test_initial_values_depend_on_the_seed_only():
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(torch.cat([p.flatten() for p in CRNN().parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_the_gate_is_not_torchs():
    gate = GatedLinear(4)
    x = torch.randn(3, 5, 4)
    expected = F.linear(x, gate.linear.weight, gate.linear.bias) * x.sigmoid()
    torch.testing.assert_close(gate(x), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": ((2, 2),)}, "2 filters but 1 pooling"),
        ({"pooling": ((1, 4), (1, 8))}, "leaves nothing of 16 mel bands"),
    ],
)
def test_impossible_pooling(options, message):
    with pytest.raises(ValueError, match=message):
        CRNN(**TINY | options)


def test_pooling_may_come_as_lists_from_yaml():
    options = {"filters": [4, 6], "pooling": [[2, 2], [1, 4]]}
    assert CRNN(**TINY | options)(torch.randn(1, 8, 16)).strong.shape[1] == 4


def test_dropout_works_in_training_only():
    network = CRNN(**TINY)
    features = torch.randn(2, 20, 16)
    first, second = network(features), network(features)
    assert not torch.equal(first.embedding, second.embedding)
    assert (first.embedding == 0).float().mean() > 0.05
    network.eval()
    assert torch.equal(network(features).strong, network(features).strong)


def test_gradients_reach_every_parameter():
    network = CRNN(**TINY)
    strong, weak, _ = network(torch.randn(2, 20, 16))
    (strong.square().mean() + weak.square().mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any() or name.endswith("conv.bias"), name


def test_running_statistics_follow_the_last_batch():
    network = CRNN(dropout=0.0, **TINY)
    features = torch.randn(2, 20, 16)
    network(features)
    block = network.cnn[0]
    x = block.conv(features.unsqueeze(1))
    torch.testing.assert_close(
        block.norm.running_mean, 0.99 * x.mean((0, 2, 3))
    )
    torch.testing.assert_close(
        block.norm.running_var, 0.01 + 0.99 * x.var((0, 2, 3))
    )


def test_bfloat16_is_close_and_gives_float32():
    network = CRNN().eval()
    features = torch.randn(2, 100, 128)
    with torch.no_grad():
        single = network(features)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = network(features)
    for ours, theirs in zip(half, single, strict=True):
        assert ours.dtype == torch.float32
        assert (ours - theirs).abs().max() < 0.02
    assert not torch.equal(half.embedding, single.embedding)


def test_the_state_is_saved_and_loaded(tmp_path):
    network = scrambled(CRNN(**TINY)).eval()
    torch.save(network.state_dict(), tmp_path / "network.pt")
    other = CRNN(**TINY).eval()
    state = torch.load(tmp_path / "network.pt", weights_only=True)
    assert {"attention.weight", "attention.bias"} < set(state)
    other.load_state_dict(state, strict=True)
    features = torch.randn(2, 20, 16)
    for ours, theirs in zip(network(features), other(features), strict=True):
        assert torch.equal(ours, theirs)


def test_silence_is_finite():
    network = CRNN(**TINY)
    predictions = network(torch.zeros(2, 20, 16))
    assert all(x.isfinite().all() for x in predictions)
    assert math.isclose(predictions.strong.mean().item(), 0.5, abs_tol=0.05)
