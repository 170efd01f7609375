"""PPCEN in place of Fbank in a recipe of SpeechBrain.

The YAML has the slots of SpeechBrain's template for speaker identification
(features, normalisation, x-vectors, classifier) and trains on a few tones.

Authors
 * sb_sed contributors 2026
"""

import pytest
import speechbrain as sb
import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.nnet.losses import nll_loss
from torch.utils.data import DataLoader, TensorDataset

RECIPE = """\
n_mels: 24
compute_features: {features}
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: {in_channels}
    tdnn_blocks: 2
    tdnn_channels: [16, 32]
    tdnn_kernel_sizes: [5, 1]
    tdnn_dilations: [1, 1]
    lin_neurons: 16
classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, 16]
    lin_blocks: 1
    lin_neurons: 16
    out_neurons: 3
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
"""
FBANK = """!new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>"""
ONE_LAYER = """!apply:sb_sed.features.get_featurizer
    name: pcen
    n_mels: !ref <n_mels>
    hop_length: 160
    n_fft: 512"""
# Two layers side by side, as the features of one.
PARALLEL = """!new:sb_sed.features.Featurizer
    mel: !new:sb_sed.features.MelSpectrogram
        n_mels: !ref <n_mels>
        hop_length: 160
        n_fft: 512
    stages:
        - !new:sb_sed.features.AmplitudeToDB
        - !new:sb_sed.features.MinMax
        - !new:sb_sed.features.ParallelPCEN
            n_mels: !ref <n_mels>
        - !new:torch.nn.Flatten
            start_dim: 2"""


class SpeakerBrain(sb.Brain):
    """As in the template: the speaker of each clip."""

    def compute_forward(self, batch, stage):
        wavs, _ = batch
        lens = torch.ones(len(wavs))
        feats = self.modules.compute_features(wavs)
        feats = self.modules.mean_var_norm(feats, lens)
        embeddings = self.modules.embedding_model(feats, lens)
        return self.modules.classifier(embeddings), lens

    def compute_objectives(self, predictions, batch, stage):
        predictions, lens = predictions
        return nll_loss(predictions, batch[1], lens)

    def on_stage_end(self, stage, stage_loss, epoch):
        self.losses = [*getattr(self, "losses", []), stage_loss]


def tones():
    """Twelve clips, a tone of one of three pitches in each [12, 8000]."""
    generator = torch.Generator().manual_seed(0)
    speakers = torch.arange(12) % 3
    pitch = 300.0 * 2.0**speakers
    time = torch.arange(8000) / 16000
    clips = 0.1 * torch.sin(2 * torch.pi * pitch[:, None] * time)
    noise = 0.01 * torch.randn(12, 8000, generator=generator)
    return TensorDataset(clips + noise, speakers[:, None])


@pytest.mark.parametrize(
    "features, in_channels, n_learned",
    [(FBANK, 24, 0), (ONE_LAYER, 24, 4), (PARALLEL, 48, 4)],
    ids=["fbank", "pcen", "ppcen"],
)
def test_a_speechbrain_recipe_trains_with_it(features, in_channels, n_learned):
    torch.manual_seed(0)
    hparams = load_hyperpyyaml(
        RECIPE.format(features=features, in_channels=in_channels)
    )
    learned = list(hparams["compute_features"].parameters())
    before = [parameter.detach().clone() for parameter in learned]
    brain = SpeakerBrain(
        hparams["modules"],
        lambda parameters: torch.optim.Adam(parameters, 0.005),
        run_opts={"device": "cpu", "noprogressbar": True},
    )
    brain.fit(range(8), DataLoader(tones(), batch_size=6))
    assert brain.losses[-1] < 0.7 * brain.losses[0]
    assert len(learned) == n_learned
    assert not any(
        torch.equal(parameter, old)
        for parameter, old in zip(learned, before, strict=True)
    )
