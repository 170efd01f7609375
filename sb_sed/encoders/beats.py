"""BEATs: embeddings of patches of 0.16 s by a transformer.

Authors
 * sb_sed contributors 2026
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from speechbrain.lobes.models import beats
from torch import Tensor, nn

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.weights import (
    digest,
    find_weights,
    load_state,
    read_checkpoint,
)
from sb_sed.errors import UNBUILDABLE, InputError, brief

_ORIGIN = "BEATs (github.com/microsoft/unilm/tree/master/beats)"
_RATE = 16000
_HOP, _WINDOW, _BANDS = 160, 400, 128


class BEATs(FrameEncoder):
    """SpeechBrain's lobe of BEATs, in step with time.

    The lobe's output is one row of patches: 8 frequency patches of the first
    0.16 s, 8 of the next, and so on. Here those of one time step are brought
    together, before anything is done along time: pooling over the row itself
    would mix a few frequencies of one moment with others of the next.

    The samples after the last whole patch are left out, as by the lobe: less
    than 0.16 s.

    Chen et al., "BEATs: Audio Pre-Training with Acoustic Tokenizers", 2023.

    Arguments
    ---------
    weights : str | Path
        A checkpoint of BEATs, or ``owner/name/file`` of the Hugging Face hub;
        the authors' page has them.
    patches : str
        ``mean`` of the patches of a time step (768 values), or ``concat`` (8
        times as many).
    layer : int, optional
        Transformer layer whose output is taken, from 1; those after it are not
        computed. The last by default.
    trainable : bool
        Whether the weights are trained with the rest.

    Raises
    ------
    InputError
        If a setting is wrong, or the weights cannot be had or are not BEATs'.

    Example
    -------
    >>> BEATs("BEATs_iter3.pt")
    Traceback (most recent call last):
    sb_sed.errors.InputError: BEATs_iter3.pt cannot be found ...
    """

    def __init__(
        self,
        weights: str | Path,
        patches: str = "mean",
        layer: int | None = None,
        trainable: bool = False,
    ):
        if patches not in ("mean", "concat"):
            raise InputError(
                f"BEATs' patches {patches!r} are not known: take mean or "
                "concat."
            )
        path = find_weights(weights, _ORIGIN)
        lobe, weights_digest = _load(path)
        layers = lobe.encoder.layers
        layer = len(layers) if layer is None else layer
        if not 1 <= layer <= len(layers):
            raise InputError(
                f"BEATs' layer {layer} does not exist: take one from 1 to "
                f"{len(layers)}."
            )
        lobe.encoder.layers = layers[:layer]
        # Gradients are this class's matter, in evaluation and in training.
        lobe.freeze = False
        self._patches = patches
        self._side = lobe.input_patch_size
        self._n_bands = _BANDS // self._side
        size = lobe.cfg.encoder_embed_dim
        if patches == "concat":
            size *= self._n_bands
        middle = (self._side - 1) / 2 * _HOP + _WINDOW / 2
        super().__init__(
            lobe,
            size=size,
            frame_shift=self._side * _HOP / _RATE,
            first_frame=middle / _RATE,
            sample_rate=_RATE,
            min_samples=(self._side - 1) * _HOP + _WINDOW,
            settings={
                "patches": patches,
                "layer": layer,
                "weights": weights_digest,
            },
            trainable=trainable,
        )

    def _encode(self, wavs: Tensor) -> Tensor:
        # Without lengths, the lobe uses a mask that it has not made.
        lens = torch.ones(len(wavs), device=wavs.device)
        row = self.net(wavs, lens)[0]
        steps = row.unflatten(1, (-1, self._n_bands))
        return steps.mean(2) if self._patches == "mean" else steps.flatten(2)

    def _n_frames(self, n_samples: int) -> int:
        return ((n_samples - _WINDOW) // _HOP + 1) // self._side

    def _layers(self) -> Sequence[Sequence[nn.Module]]:
        return [[layer] for layer in self.net.encoder.layers]


class _Lobe(beats.BEATs):
    """The lobe, made of a configuration alone."""

    def load_state_dict(self, state: Mapping, *args, **kwargs):
        """Load weights, if there are any."""
        if state:
            return super().load_state_dict(state, *args, **kwargs)


def _load(path: Path) -> tuple[nn.Module, str]:
    """Return the lobe with a checkpoint's weights, and their digest."""
    checkpoint = read_checkpoint(path)
    config, state = checkpoint.get("cfg"), checkpoint.get("model")
    if not isinstance(config, Mapping) or not isinstance(state, Mapping):
        raise InputError(
            f"{path} is not a checkpoint of BEATs, which has 'cfg' and "
            f"'model': take one of {_ORIGIN}."
        )
    # The lobe takes a configuration from a file only, and weights from the
    # device that they were saved on.
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / "configuration.pt"
        torch.save({"cfg": dict(config), "model": {}}, name)
        try:
            lobe = _Lobe(str(name), freeze=False)
        except UNBUILDABLE as error:
            raise InputError(
                f"{path} has a configuration that BEATs cannot be built with "
                f"({brief(error)}): take a checkpoint of {_ORIGIN}."
            ) from error
    load_state(lobe, state, path, _ORIGIN)
    return lobe, digest(lobe.state_dict())
