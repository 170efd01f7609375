"""Parts as plain values: nothing is run, nothing unknown gets in."""

import json

import pytest
import torch
from ruamel.yaml import YAML

from sb_sed.errors import InputError
from sb_sed.features import PCEN, ParallelPCEN
from sb_sed.features.ema import coefficients, forward_backward
from sb_sed.models.crnn import CRNN
from sb_sed.runs.parts import UnknownPart, build, describe

_RECIPE = """\
mel: &mel !new:sb_sed.features.mel.MelSpectrogram {n_mels: 40}
pcen: &pcen !new:sb_sed.features.ParallelPCEN
    n_mels: 40
    alpha: [0.8, 0.4, 0.1]
    delta: 2.0
    r: 0.5
    s: !apply:sb_sed.features.ema.coefficients
        time_constants: [0.4]
        frame_shift: 0.02
    ema: !name:sb_sed.features.ema.forward_backward
    trainable: {alpha: True}
detector: !new:sb_sed.models.detector.Detector
    featurizer: !new:sb_sed.features.Featurizer
        mel: *mel
        stages:
            - !new:sb_sed.features.AmplitudeToDB
            - !new:sb_sed.features.MinMax {}
            - *pcen
    network: !new:sb_sed.models.crnn.CRNN
        n_classes: 3
        n_mels: 40
        n_channels: !apply:getattr [*pcen, n_channels]
        filters: [4]
        pooling: [[2, 4]]
        rnn_hidden: 8
        initialise: !name:sb_sed.models.crnn.initialise_as_swish
"""


_CRNN = """\
!new:sb_sed.models.crnn.CRNN
filters: [4, 4]
pooling: [[2, 4], [1, 4]]
rnn_hidden: 8
width: 2
gate: context
attention: !new:sb_sed.models.attention.ChannelFrequencyAttention {hidden: 3}
dynamic: !new:sb_sed.models.attention.FrequencyDynamic
"""


def described(text):
    return describe(YAML().load(text))


def test_what_a_network_is_made_with():
    network = build(json.loads(json.dumps(described(_CRNN))))
    assert network.rnn.hidden_size == 16
    assert network.cnn[0].attention.squeeze.out_channels == 3
    assert network.cnn[1].conv.kernels.out_channels == 4 * 8


def test_there_and_back_through_json():
    description = described(_RECIPE)["detector"]
    detector = build(json.loads(json.dumps(description, allow_nan=False)))
    pcen = detector.featurizer.stages[2]
    assert pcen.ema is forward_backward
    assert [name for name, _ in pcen.named_parameters()] == ["alpha_logit"]
    [s] = coefficients([0.4], 0.02)
    assert pcen.s.item() == pytest.approx(s)
    assert detector.network.n_channels == 3
    assert detector.from_waveforms(torch.randn(1, 16000)).strong.shape[2] == 3


def test_all_constants_are_named():
    """Another version with other defaults builds the same."""
    arguments = described("!new:sb_sed.features.PCEN {n_mels: 4}")["arguments"]
    assert arguments == {
        "n_mels": 4,
        "alpha": 0.8,
        "delta": 10.0,
        "r": 0.5,
        "s": pytest.approx([0.015, 0.25], rel=1e-4),
        "ema": {"function": "causal"},
        "eps": 1e-6,
        "per_band": False,
        "trainable": {
            "alpha": True,
            "delta": True,
            "r": True,
            "weights": True,
            "s": False,
        },
    }
    pcen = build({"class": "PCEN", "arguments": arguments})
    state = PCEN(4).state_dict()
    assert {k: v.tolist() for k, v in pcen.state_dict().items()} == {
        k: v.tolist() for k, v in state.items()
    }
    network = described("!new:sb_sed.models.crnn.CRNN {n_classes: 2}")
    assert network["arguments"]["bn_eps"] == 1e-3
    build(network).load_state_dict(CRNN(2).state_dict())


@pytest.mark.parametrize(
    "text",
    [
        "!new:os.system {command: 'touch {folder}/run'}",
        "!apply:os.system ['touch {folder}/run']",
        "!apply:getattr [!new:sb_sed.features.PCEN {}, __class__]",
        "!apply:getattr [!apply:os.system ['touch {folder}/run'], n_channels]",
        "!name:os.system",
        "!new:my_package.CRNN {}",
        "!new:evil.sb_sed.features.PCEN {}",
        "!new:sb_sed.features.PCEN [4]",
        "!new:sb_sed.features.ema.causal {}",
        "!name:sb_sed.features.PCEN {}",
        "!new:sb_sed.features.PCEN {eps: !apply:os.getpid []}",
        "!module:os",
        "!ref <other>",
        "!!python/object/apply:os.system ['touch {folder}/run']",
        "{a: .nan}",
        "2020-01-01",
    ],
)
def test_nothing_else_is_described(text, tmp_path):
    with pytest.raises(UnknownPart) as error:
        described(text.replace("{folder}", str(tmp_path)))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "description, words",
    [
        ({"class": "os.system"}, "'os.system' is not among the parts"),
        ({"class": ["PCEN"]}, "not among the parts"),
        ({"class": "causal"}, "not among the parts"),
        ({"function": "eval"}, "'eval' is not among the parts"),
        ({"class": "PCEN", "arguments": [1]}, "PCEN cannot be built"),
        ({"class": "PCEN", "arguments": {"no": 1}}, "cannot be built.*'no'"),
        ({"class": "PCEN", "arguments": {"alpha": 7}}, "alpha is 7"),
        ({"class": "PCEN", "arguments": {"n_mels": -1}}, "cannot be built"),
        ({"class": "PCEN", "arguments": {"n_mels": 10**15}}, "cannot be built"),
        ({"class": "CRNN", "arguments": {"filters": "x"}}, "cannot be built"),
    ],
)
def test_bad_descriptions_get_one_sentence(description, words):
    with pytest.raises(InputError, match=words) as error:
        build(description)
    assert "\n" not in str(error.value)


def test_what_is_in_the_list_has_the_names_of_recipes():
    part = described("!new:sb_sed.features.pcen.ParallelPCEN {n_mels: 4}")
    assert isinstance(build(part), ParallelPCEN)
    flatten = build(described("!new:torch.nn.Flatten {start_dim: 2}"))
    assert flatten(torch.ones(1, 2, 3, 4)).shape == (1, 2, 12)


def test_default_layers_are_described_as_numbers():
    part = "!new:sb_sed.features.ParallelPCEN {n_mels: 4, alpha: [0.9, 0, 1]}"
    arguments = described(part)["arguments"]
    assert arguments["alpha"] == [0.9, 0.0, 1.0]
    assert arguments["delta"] == [10.0, 4.0, 4.0]
    assert arguments["r"] == [0.5, 0.75, 0.75]
    one = described("!new:sb_sed.features.PCEN {alpha: null, r: 0.3}")
    assert (one["arguments"]["alpha"], one["arguments"]["r"]) == (0.8, 0.3)
    for values in ("alpha: [1, 1, 1], r: [1, 1]", "alpha: [a]"):
        with pytest.raises(UnknownPart, match="ParallelPCEN cannot be descr"):
            described(f"!new:sb_sed.features.ParallelPCEN {{{values}}}")
