"""YAMNet: embeddings and AudioSet's classes, with weights in the package.

Authors
 * sb_sed contributors 2026
"""

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.weights import digest, find_weights, read_safetensors
from sb_sed.encoders.yamnet_network import (
    CHANNELS,
    HOP,
    N_CLASSES,
    N_SAMPLES,
    ROWS,
    YAMNetNetwork,
    stride_of,
)
from sb_sed.errors import InputError

_DATA = Path(__file__).with_name("yamnet_data")
_ORIGIN = (
    "TensorFlow's model garden (research/audioset/yamnet), converted to "
    "safetensors"
)
_RATE = 16000
_MIN_SAMPLES = (ROWS - 1) * HOP + N_SAMPLES
_LAYERS = {f"layer{number}": number for number in range(1, 13)}
_SIZES = {
    **{tap: CHANNELS[number - 1] for tap, number in _LAYERS.items()},
    "embedding": CHANNELS[-1],
    "scores": N_CLASSES,
}
# Windows that are computed at once. On a CPU, more exceed its cache; elsewhere,
# a whole usual batch, in a few gigabytes.
_ON_CPU, _ELSEWHERE = 64, 4096
# Windows at this step, or twice, or three times it, give all inner rows.
_INNER_STEP = 16


class YAMNet(FrameEncoder):
    """Google's YAMNet (Apache-2.0): 3.7 million weights, 521 classes.

    A network for windows of 0.96 s, trained to tag clips of AudioSet. It is
    computed for windows that begin each ``hop`` seconds, and gives for each
    one what the TensorFlow original gives (within 1e-3).

    Windows of a second know what sounds, and blur when. Inner layers are
    finer: a step of layer 12 is 0.16 s, of layer 6 it is 0.08 s. Where some
    are tapped, frames begin with the finest one's first step, and the other
    taps are interpolated in time to these frames, and held at both ends. The
    windows then begin each 0.16, 0.32 or 0.48 s, as near to ``hop`` as can be.

    Waveforms are padded with zeros at the end to whole windows.

    Arguments
    ---------
    taps : sequence of str
        What an embedding consists of, in this order: ``embedding`` (1024
        values), ``scores`` (521 probabilities), ``layer1`` to ``layer12`` (32
        to 512 values, averaged over frequency).
    hop : float
        Distance between frames, in seconds: a multiple of 0.01, at most 0.96.
    weights : str | Path, optional
        A file of safetensors, or ``owner/name/file`` of the Hugging Face hub;
        those of the package by default.
    trainable : bool
        Whether the weights are trained with the rest; batch norms stay folded
        into the convolutions.

    Raises
    ------
    InputError
        If a tap, the hop or the weights are not those of YAMNet.

    Example
    -------
    >>> encoder = YAMNet(taps=["layer12", "embedding"])
    >>> encoder.size, encoder.frame_shift, encoder.first_frame
    (1536, 0.16, 0.1625)
    >>> encoder(torch.zeros(2, 160000)).shape, encoder.n_frames(160000)
    (torch.Size([2, 63, 1536]), 63)
    >>> scores = encoder.scores(torch.zeros(1, 160000))
    >>> encoder.class_names[scores.mean((0, 1)).argmax()]
    'Silence'
    """

    def __init__(
        self,
        taps: Sequence[str] = ("embedding",),
        hop: float = 0.16,
        weights: str | Path | None = None,
        trainable: bool = False,
    ):
        taps = [taps] if isinstance(taps, str) else [*taps]
        _check(taps, hop)
        tensors, net = _load(weights)
        self._taps = taps
        self._hop = round(hop * 100)
        self._inner = sorted({_LAYERS[tap] for tap in taps if tap in _LAYERS})
        self._step = self._hop
        if self._inner:
            steps = min(max(self._hop // _INNER_STEP, 1), 3)
            self._step = steps * _INNER_STEP
        finest = self._inner[0] if self._inner else None
        self._first = self._clock(finest)[0]
        super().__init__(
            net,
            size=sum(_SIZES[tap] for tap in taps),
            frame_shift=self._hop / 100,
            first_frame=self._first / _RATE,
            sample_rate=_RATE,
            min_samples=_MIN_SAMPLES,
            settings={
                "taps": taps,
                "hop": self._hop / 100,
                "weights": digest(tensors),
            },
            trainable=trainable,
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """AudioSet's names of the 521 classes, in the scores' order."""
        return tuple(name for _, name in audioset_classes())

    @property
    def class_ids(self) -> tuple[str, ...]:
        """AudioSet's identifiers of the classes (``/m/09x0r``)."""
        return tuple(mid for mid, _ in audioset_classes())

    def scores(self, wavs: Tensor) -> Tensor:
        """Return the probabilities of AudioSet's classes.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N].

        Returns
        -------
        Tensor
            [B, T_e, 521], at the times of the embeddings.
        """
        return self._run(lambda wavs: self._tapped(wavs, ["scores"]), wavs)

    def _padded(self, wavs: Tensor) -> Tensor:
        # To whole windows later: padded twice, the sizes in an exported graph
        # would be formulas that take long to simplify.
        return wavs

    def _encode(self, wavs: Tensor) -> Tensor:
        return self._tapped(wavs, self._taps)

    def _n_frames(self, n_samples: int) -> int:
        finest = self._inner[0] if self._inner else None
        first, shift = self._clock(finest)
        n_steps = self._n_windows(n_samples)
        if finest is not None:
            stride = stride_of(finest)
            n_steps = ((n_steps - 1) * self._step + ROWS) // stride
        last = first + (n_steps - 1) * shift
        return (last - self._first) // (self._hop * HOP) + 1

    def _n_windows(self, n_samples: int) -> int:
        step = self._step * HOP
        beyond = n_samples - _MIN_SAMPLES
        return 1 + torch.sym_max((beyond + step - 1) // step, 0)

    def _clock(self, layer: int | None) -> tuple[int, int]:
        """First centre and distance of a layer's steps, or of the windows."""
        if layer is None:
            return _MIN_SAMPLES // 2, self._step * HOP
        # A kernel of 3 at a stride of 2 is centred on its second row.
        stride = stride_of(layer)
        return (stride - 1) * HOP + N_SAMPLES // 2, stride * HOP

    def _tapped(self, wavs: Tensor, taps: Sequence[str]) -> Tensor:
        n_frames = self._n_frames(wavs.shape[-1])
        inner = {_LAYERS[tap] for tap in taps if tap in _LAYERS}
        embeddings, maps = self._windows(wavs, inner)
        outputs = []
        for tap in taps:
            values = maps[_LAYERS[tap]] if tap in _LAYERS else embeddings
            if tap == "scores":
                values = self.net.logits(values).sigmoid()
            clock = self._clock(_LAYERS.get(tap))
            outputs.append(self._in_time(values, clock, n_frames))
        return torch.cat(outputs, -1)

    def _windows(self, wavs: Tensor, inner: set[int]):
        """``YAMNetNetwork.windows`` of whole recordings, piece by piece."""
        n_windows = self._n_windows(wavs.shape[-1])
        step = self._step * HOP
        missing = (n_windows - 1) * step + _MIN_SAMPLES - wavs.shape[-1]
        wavs = nn.functional.pad(wavs, (0, missing))
        if torch.compiler.is_compiling():
            return self.net.windows(self.net.log_mel(wavs), self._step, inner)
        at_once = _ON_CPU if wavs.device.type == "cpu" else _ELSEWHERE
        clips = wavs.split(max(at_once // n_windows, 1))
        found = [
            self._pieces(each, n_windows, inner, at_once) for each in clips
        ]
        return (
            torch.cat([embeddings for embeddings, _ in found]),
            {n: torch.cat([maps[n] for _, maps in found]) for n in inner},
        )

    def _pieces(
        self, wavs: Tensor, n_windows: int, inner: set[int], at_once: int
    ):
        """As ``_windows``, of a few clips."""
        step = self._step * HOP
        embeddings, maps = [], {layer: [] for layer in inner}
        for first in range(0, n_windows, at_once):
            last = min(first + at_once, n_windows)
            piece = wavs[:, first * step : (last - 1) * step + _MIN_SAMPLES]
            mel = self.net.log_mel(piece)
            found, rows = self.net.windows(mel, self._step, inner)
            embeddings.append(found)
            for layer, values in rows.items():
                each = self._step // stride_of(layer)
                begin = (ROWS // stride_of(layer) - each) // 2
                end = begin + (last - first) * each
                begin = begin if first else 0
                end = end if last < n_windows else None
                maps[layer].append(values[:, begin:end])
        joined = {layer: torch.cat(rows, 1) for layer, rows in maps.items()}
        return torch.cat(embeddings, 1), joined

    def _in_time(
        self, values: Tensor, clock: tuple[int, int], n_frames: int
    ) -> Tensor:
        """Interpolate [B, n, D] to the frames, and hold the outermost."""
        first, shift = clock
        if clock == (self._first, self._hop * HOP):
            return values
        frames = torch.arange(n_frames, device=values.device)
        place = (self._first - first + frames * (self._hop * HOP)) / shift
        place = place.clamp(0, values.shape[1] - 1)
        before = place.floor()
        share = (place - before).to(values.dtype)[:, None]
        before = before.long()
        after = (before + 1).clamp_max(values.shape[1] - 1)
        return values[:, before].lerp(values[:, after], share)

    def _layers(self) -> Sequence[Sequence[nn.Module]]:
        return [[layer] for layer in self.net.layers] + [[self.net.logits]]


@lru_cache
def audioset_classes() -> tuple[tuple[str, str], ...]:
    """Return identifier and name of YAMNet's classes.

    Returns
    -------
    tuple
        521 pairs, in the order of the scores.

    Example
    -------
    >>> audioset_classes()[0]
    ('/m/09x0r', 'Speech')
    """
    with open(_DATA / "class_map.csv", encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    return tuple((row["mid"], row["display_name"]) for row in rows)


def _check(taps: Sequence[str], hop: float) -> None:
    for tap in taps:
        if tap not in _SIZES:
            raise InputError(
                f"YAMNet has no tap {tap!r}: take some of embedding, scores, "
                "layer1 to layer12."
            )
    if not taps or len({*taps}) < len(taps):
        raise InputError(
            f"YAMNet's taps {[*taps]} are none, or one twice: name each that "
            "is wanted once."
        )
    frames = hop * 100
    if not 1 <= frames <= ROWS or abs(frames - round(frames)) > 1e-6:
        raise InputError(
            f"YAMNet's hop of {hop} s does not fit: take a multiple of 0.01 s, "
            "from 0.01 to 0.96."
        )


def _load(weights: str | Path | None) -> tuple[dict, YAMNetNetwork]:
    path = _DATA / "weights.safetensors"
    if weights is not None:
        path = find_weights(weights, _ORIGIN)
    tensors = read_safetensors(path)
    try:
        return tensors, YAMNetNetwork(tensors)
    except KeyError as error:
        problem = f"{error.args[0]} is missing"
    except ValueError as error:
        problem = str(error)
    raise InputError(
        f"{path} does not hold the weights of YAMNet ({problem}): leave out "
        f"weights for those of the package, or take those of {_ORIGIN}."
    )
