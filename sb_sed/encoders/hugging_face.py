"""Transformers of Hugging Face: wav2vec 2.0, HuBERT, WavLM.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.weights import digest
from sb_sed.errors import UNBUILDABLE, InputError, brief


class HuggingFaceEncoder(FrameEncoder):
    """A model of Hugging Face's transformers on waveforms, by SpeechBrain.

    Any model with convolutions on the waveform and a transformer after them,
    as SpeechBrain's ``Wav2Vec2`` loads it; frames are usually 0.02 s apart.

    Arguments
    ---------
    source : str | Path
        Name on the hub (``microsoft/wavlm-base-plus``), or a folder.
    layer : int, optional
        Transformer layer whose output is taken; 0 is its input. The last by
        default.
    save_path : str | Path
        Folder for what is fetched.
    trainable : bool
        Whether the weights are trained with the rest; its convolutions on the
        waveform are not.

    Raises
    ------
    InputError
        If transformers is not installed, the model cannot be had, or it has no
        such layer or no convolutions on the waveform.

    Example
    -------
    >>> encoder = HuggingFaceEncoder(
    ...     "microsoft/wavlm-base-plus"
    ... )  # doctest: +SKIP
    >>> encoder.size, encoder.frame_shift  # doctest: +SKIP
    (768, 0.02)
    """

    def __init__(
        self,
        source: str | Path,
        layer: int | None = None,
        save_path: str | Path = "pretrained_models",
        trainable: bool = False,
    ):
        lobe = _load(source, save_path, trainable)
        config = lobe.model.config
        try:
            kernels, strides = config.conv_kernel, config.conv_stride
            n_layers, size = config.num_hidden_layers, config.hidden_size
            rate = lobe.feature_extractor.sampling_rate
        except AttributeError as error:
            raise InputError(
                f"{source} has no convolutions on the waveform "
                f"({brief(error)}): take a model like wav2vec 2.0 or WavLM."
            ) from error
        layer = n_layers if layer is None else layer
        if not 0 <= layer <= n_layers:
            raise InputError(
                f"{source} has no layer {layer}: take one from 0 to {n_layers}."
            )
        self._convolutions = [*zip(kernels, strides, strict=True)]
        self._layer = layer
        stride, window = math.prod(strides), 1
        for kernel, step in reversed(self._convolutions):
            window = (window - 1) * step + kernel
        super().__init__(
            lobe,
            size=size,
            frame_shift=stride / rate,
            first_frame=window / 2 / rate,
            sample_rate=rate,
            min_samples=window,
            settings={
                "layer": layer,
                "weights": digest(lobe.model.state_dict()),
            },
            trainable=trainable,
        )
        lobe.model.feature_extractor.requires_grad_(False)

    def _encode(self, wavs: Tensor) -> Tensor:
        return self.net(wavs)[self._layer]

    def _n_frames(self, n_samples: int) -> int:
        for kernel, stride in self._convolutions:
            n_samples = (n_samples - kernel) // stride + 1
        return n_samples

    def _layers(self) -> Sequence[Sequence[nn.Module]]:
        layers = self.net.model.encoder.layers[: max(self._layer, 1)]
        return [[layer] for layer in layers]


def _load(
    source: str | Path, save_path: str | Path, trainable: bool
) -> nn.Module:
    if find_spec("transformers") is None:
        raise InputError(
            f"{source} needs Hugging Face's transformers, which is not "
            "installed: pip install transformers."
        )
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2

    try:
        lobe = Wav2Vec2(
            str(source),
            str(save_path),
            freeze=not trainable,
            output_all_hiddens=True,
        )
        # Some are saved in half precision.
        return lobe.float()
    except UNBUILDABLE as error:
        raise InputError(
            f"{source} cannot be loaded ({brief(error)}): give a folder or a "
            "name of the Hugging Face hub, huggingface.co/models, and check "
            "the connection."
        ) from error
