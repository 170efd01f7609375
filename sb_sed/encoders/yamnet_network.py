"""The network of YAMNet: log-mel spectrogram, MobileNet v1, classes.

Every window of 96 spectrogram frames (0.96 s) is a picture of its own, padded
with zeros at its edges, as in training. Windows that overlap repeat one
another, but for what the padding changes: per window and layer, a few rows at
both ends. ``YAMNetNetwork.windows`` computes the first layers once for the
whole recording, and again only those rows: the result is that of each window
alone, in half the time.

Without such rows, the network's twelve first layers could run over the whole
recording, in half the time again. But it is not itself without its padding:
embeddings have a cosine of 0.85 to the right ones, a third of the frames
another best class, and a linear classifier of clips 0.84 mAP instead of 0.94.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

N_SAMPLES, HOP, N_FFT = 400, 160, 512
N_CLASSES = 521
ROWS = 96  # spectrogram frames of a window
STRIDED = (1, 3, 5, 7, 13)  # layers that halve time and frequency
CHANNELS = (32, 64, *2 * [128], *2 * [256], *6 * [512], *2 * [1024])
# In deeper layers, all but one of the 6 rows feel the padding.
_DEEPEST_SHARED = 7
_EPSILON = 1e-4


class YAMNetNetwork(nn.Module):
    """YAMNet's layers, batch norms folded into the convolutions.

    Arguments
    ---------
    weights : Mapping
        The tensors of the published model, named by layer, in TensorFlow's
        layout.

    Raises
    ------
    KeyError
        If a tensor is missing.
    ValueError
        If one has another shape.

    Example
    -------
    >>> from sb_sed.encoders import YAMNet
    >>> net = YAMNet().net
    >>> mel = net.log_mel(torch.zeros(1, 31200))
    >>> mel.shape
    torch.Size([1, 193, 64])
    >>> embeddings, maps = net.windows(mel, step=48, taps={12})
    >>> embeddings.shape, maps[12].shape
    (torch.Size([1, 3, 1024]), torch.Size([1, 12, 512]))
    """

    def __init__(self, weights: Mapping[str, Tensor]):
        super().__init__()
        mel = _get(weights, "mel/matrix", (N_FFT // 2 + 1, 64))
        self.register_buffer("mel", mel, persistent=False)
        window = torch.hann_window(N_SAMPLES)
        self.register_buffer("window", window, persistent=False)
        channels = (1, *CHANNELS)
        self.layers = nn.ModuleList(
            _Layer(weights, number, *channels[number - 1 : number + 1])
            for number in range(1, len(channels))
        )
        self.logits = nn.Linear(CHANNELS[-1], N_CLASSES)
        kernel = _get(weights, "logits/kernel", (CHANNELS[-1], N_CLASSES))
        self.logits.weight.data = kernel.T.contiguous()
        self.logits.bias.data = _get(weights, "logits/bias", (N_CLASSES,))

    def log_mel(self, wavs: Tensor) -> Tensor:
        """Waveforms [B, N] -> log-mel spectrogram [B, T, 64], in float32.

        Bands 85 dB and more below the loudest one of their frame are in part
        the rounding of a single-precision FFT, here as in the original: the
        two differ there by up to 0.003, and each as much from double precision.
        """
        with torch.autocast(wavs.device.type, enabled=False):
            frames = wavs.float().unfold(-1, N_SAMPLES, HOP) * self.window
            if torch.compiler.is_compiling():
                power = (frames @ self._transform()).square()
                n_bins = N_FFT // 2 + 1
                power = power[..., :n_bins] + power[..., n_bins:]
                magnitudes = (power + 1e-30).sqrt()
            else:
                magnitudes = torch.fft.rfft(frames, N_FFT).abs()
            return torch.log(magnitudes @ self.mel + 0.001)

    def _transform(self) -> Tensor:
        """The transform as a matrix, which is what other runtimes have."""
        bins = torch.arange(N_FFT // 2 + 1, dtype=torch.float64)
        steps = torch.arange(N_SAMPLES, dtype=torch.float64)[:, None] * bins
        angles = 2 * torch.pi * (steps % N_FFT) / N_FFT
        # Before 1.24, onnxruntime has no cosine in double precision.
        cosines = (angles + torch.pi / 2).sin()
        return torch.cat([cosines, -angles.sin()], 1).to(self.mel)

    def windows(
        self, mel: Tensor, step: int, taps: Collection[int] = ()
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """Return the embeddings of all windows, and maps of inner layers.

        Arguments
        ---------
        mel : Tensor
            [B, T, 64], T = 96 + step (W - 1).
        step : int
            From a window to the next, in spectrogram frames.
        taps : collection of int
            Layers whose maps are returned. For those ``step`` is 16, 32 or 48.

        Returns
        -------
        embeddings : Tensor
            [B, W, 1024].
        maps : dict
            Layer to its map over the recording, averaged over frequency:
            [B, rows, channels]. Each row comes from the window whose middle it
            is nearest to.
        """
        n_clips, n_windows = mel.shape[0], (mel.shape[1] - ROWS) // step + 1
        shared, maps = _Shared(mel[..., None], step, n_windows), {}
        depth = _depth(step)
        for number, layer in enumerate(self.layers[:depth], 1):
            shared.through(layer)
            if number in taps:
                maps[number] = shared.whole.mean(2)
        x = shared.windows()
        for number, layer in enumerate(self.layers[depth:], depth + 1):
            x = layer(x)
            if number in taps:
                rows = x.mean(2).unflatten(0, (n_clips, n_windows))
                maps[number] = _middles(rows, step * rows.shape[2] // ROWS)
        return x.mean((1, 2)).unflatten(0, (n_clips, n_windows)), maps


class _Layer(nn.Module):
    """A convolution, from the second layer on depthwise and pointwise."""

    def __init__(self, weights, number: int, n_in: int, n_out: int):
        super().__init__()
        self.stride = 2 if number in STRIDED else 1
        name = f"layer{number}"
        if number == 1:
            kernel, bias = _folded(
                weights, name, "conv", "bn", (3, 3, 1, n_out)
            )
            self.depthwise = None
        else:
            kernel, bias = _folded(
                weights, name, "depthwise", "depthwise_bn", (3, 3, n_in, 1)
            )
            self.depthwise = nn.Parameter(kernel.permute(2, 3, 0, 1).clone())
            self.depthwise_bias = nn.Parameter(bias)
            kernel, bias = _folded(
                weights, name, "pointwise", "pointwise_bn", (1, 1, n_in, n_out)
            )
        kernel = kernel.permute(3, 2, 0, 1)
        if number > 1:
            kernel = kernel.flatten(1)
        self.kernel = nn.Parameter(kernel.contiguous())
        self.bias = nn.Parameter(bias)

    def forward(self, x: Tensor, front: bool = True, back: bool = True):
        """[B, T, F, C] -> [B, T', F', C'], padded as TensorFlow's SAME.

        ``front`` and ``back``: whether this is an end of the picture in time.
        """
        x = x.permute(0, 3, 1, 2)
        if self.stride == 2:
            # Over an even size, padded behind only.
            x, padding = functional.pad(x, (0, 1, 0, int(back))), 0
        elif front and back:
            padding = 1
        else:
            padding = (0, 1)
            x = functional.pad(x, (0, 0, int(front), int(back)))
        if self.depthwise is None:
            x = functional.conv2d(x, self.kernel, self.bias, self.stride)
            return x.relu_().permute(0, 2, 3, 1)
        x = functional.conv2d(
            x,
            self.depthwise,
            self.depthwise_bias,
            self.stride,
            padding,
            groups=x.shape[1],
        )
        x = x.relu_().permute(0, 2, 3, 1)
        return functional.linear(x, self.kernel, self.bias).relu_()


class _Shared:
    """A layer's map of the whole recording, and the rows where windows differ.

    A window's own rows are ``front``, rows of ``whole``, ``back``.
    """

    def __init__(self, x: Tensor, step: int, n_windows: int):
        self.whole, self.step, self.n_windows = x, step, n_windows
        self.n_rows, self.front, self.back = ROWS, None, None

    def through(self, layer: _Layer) -> None:
        """Take the layer's map in place of this one."""
        n_front, n_back = _length(self.front), _length(self.back)
        first_back = self.n_rows - n_back
        if layer.stride == 1:
            # All rows that see one that differs, or the padding.
            front = self._joined(0, n_front + 2)
            back = self._joined(first_back - 2, self.n_rows)
        else:
            n_front = -(-n_front // 2)
            front = self._joined(0, 2 * n_front + 1) if n_front else None
            back = self._joined(-(-(first_back - 2) // 2) * 2, self.n_rows)
        if front is not None:
            front = layer(front, back=False)
        back = layer(back, front=False)
        self.whole = layer(self.whole)
        self.front, self.back = front, back
        self.step //= layer.stride
        self.n_rows //= layer.stride

    def windows(self) -> Tensor:
        """Return each window's map, [B W, rows, F, C]."""
        return self._joined(0, self.n_rows)

    def _joined(self, first: int, last: int) -> Tensor:
        """Rows ``first`` to ``last`` of every window."""
        n_front, n_back = _length(self.front), _length(self.back)
        parts = []
        if self.front is not None and first == 0:
            parts.append(self.front)
        begin = max(first, n_front) if first == 0 else first
        end = min(last, self.n_rows - n_back)
        span = (self.n_windows - 1) * self.step + end - begin
        rows = self.whole[:, begin : begin + span]
        rows = rows.unfold(1, end - begin, self.step)
        parts.append(rows.permute(0, 1, 4, 2, 3).flatten(0, 1))
        if self.back is not None and last == self.n_rows:
            parts.append(self.back)
        return torch.cat(parts, 1)


def _length(rows: Tensor | None) -> int:
    return 0 if rows is None else rows.shape[1]


def _depth(step: int) -> int:
    """Return how many layers windows at this step can share."""
    if step >= ROWS:
        return 0
    numbers = range(_DEEPEST_SHARED, 0, -1)
    return next((n for n in numbers if step % stride_of(n) == 0), 0)


def stride_of(layer: int) -> int:
    """Return the distance between a layer's rows, in spectrogram frames."""
    return 2 ** sum(number <= layer for number in STRIDED)


def _middles(rows: Tensor, n: int) -> Tensor:
    """Join the middle ``n`` rows of windows [B, W, R, C], and both ends."""
    first = (rows.shape[2] - n) // 2
    middles = rows[:, :, first : first + n].flatten(1, 2)
    ends = rows[:, 0, :first], rows[:, -1, first + n :]
    return torch.cat([ends[0], middles, ends[1]], 1)


def _get(weights: Mapping[str, Tensor], name: str, shape: tuple) -> Tensor:
    tensor = weights[name]
    if tensor.shape != shape or not tensor.is_floating_point():
        raise ValueError(
            f"{name} is {tensor.dtype} of {[*tensor.shape]}, not {[*shape]}"
        )
    if not tensor.isfinite().all():
        raise ValueError(f"{name} is not finite")
    return tensor.float()


def _folded(weights, layer: str, kind: str, norm: str, shape: tuple):
    """Return kernel and bias of a convolution and its batch norm."""
    kernel = _get(weights, f"{layer}/{kind}/kernel", shape)
    n_channels = shape[2] if kind == "depthwise" else shape[3]
    beta, mean, variance = (
        _get(weights, f"{layer}/{norm}/{name}", (n_channels,))
        for name in ("beta", "moving_mean", "moving_variance")
    )
    scale = (variance.double() + _EPSILON).rsqrt()
    axis = (n_channels, 1) if kind == "depthwise" else (n_channels,)
    bias = beta - mean * scale
    return (kernel * scale.reshape(axis)).float(), bias.float()
