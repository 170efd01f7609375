"""Augmentation of batches that changes labels too: shift, mixture, mask.

Each module takes the :class:`Clips` of a batch on their device and returns new
ones. What it draws holds for all that belongs to a clip: the inputs of student
and teacher, an encoder's embeddings, the labels. Their frames have different
distances, so a draw is in seconds, in whole frames of the labels. All random
numbers come from torch's generator on the CPU, so that seeding torch repeats
them on every device, and none makes the host wait for a GPU.

SpeechBrain's ``Augmenter`` does not fit here: it works on waveforms, appends
clips to the batch or replaces them, and leaves the labels as they are.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError

# Times that differ by less are the same, in seconds: a shift of whole frames
# is not exact in single precision.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Frames:
    """A tensor of a batch that runs over time.

    Arguments
    ---------
    values : Tensor
        [B, T, ...]: mel, embeddings, labels, or waveforms [B, N].
    shift : float
        Seconds between frames.
    first : float
        Time of the first frame, in seconds; label frames begin at theirs.
    silence : Tensor | float
        A frame of silence.

    Example
    -------
    >>> Frames(torch.zeros(1, 3, 2), shift=0.5, first=0.25).times
    tensor([0.2500, 0.7500, 1.2500])
    """

    values: Tensor
    shift: float
    first: float = 0.0
    silence: Tensor | float = 0.0

    @property
    def times(self) -> Tensor:
        """Of the frames, in seconds, [T]."""
        device = self.values.device
        numbers = torch.arange(self.values.shape[1], device=device)
        return self.first + self.shift * numbers

    def over(self, mask: Tensor) -> Tensor:
        """Return a mask [B, T] that broadcasts over the values."""
        return mask.reshape(*mask.shape, *(1,) * (self.values.dim() - 2))


@dataclass(frozen=True)
class Clips:
    """A batch of clips with their labels.

    Arguments
    ---------
    inputs : Mapping[str, Frames]
        What the networks process, by any names.
    strong : Frames
        Labels of frames, [B, T, C]: 1 where a class is active.
    weak : Tensor
        Labels of clips, [B, C].
    seconds : Tensor
        Lengths of the clips, [B], on the CPU. What follows is padding.
    kinds : Mapping[str, Tensor]
        Name of each kind of labels to the indices of its clips, [n] each, on
        the CPU.
    """

    inputs: Mapping[str, Frames]
    strong: Frames
    weak: Tensor
    seconds: Tensor
    kinds: Mapping[str, Tensor]

    @property
    def n_frames(self) -> Tensor:
        """Of the labels, without padding, 1 at least, [B], on the CPU."""
        exact = (self.seconds.float() - _ROUNDING) / self.strong.shift
        return exact.ceil().clamp(1, self.strong.values.shape[1])

    def changed(self, change: Callable[[Frames], Tensor], **others) -> "Clips":
        """Return clips with other values, from the old ones of each tensor.

        Arguments
        ---------
        change : Callable
            From ``Frames`` to their new values.
        **others
            What else differs: ``weak``, ``seconds``.

        Returns
        -------
        Clips
        """
        inputs = {
            name: replace(frames, values=change(frames))
            for name, frames in self.inputs.items()
        }
        strong = replace(self.strong, values=change(self.strong))
        return replace(self, inputs=inputs, strong=strong, **others)


class FrameShift(nn.Module):
    """Roll each clip and its labels in time by a normal number of seconds.

    What leaves a clip at one end comes in at the other; padding stays where it
    is. The shift is a whole number of label frames: labels and mels whose
    distances divide move together exactly, others to the nearest frame. Weak
    labels hold as they are. As in the code of FDY-SED (Interspeech 2022), whose
    deviation is 90 frames of 16 ms, clip by clip.

    Arguments
    ---------
    deviation : float
        Of the shift, in seconds.

    Raises
    ------
    InputError
        If it is negative.

    Example
    -------
    >>> strong = Frames(torch.arange(4.0).reshape(1, 4, 1), shift=0.5)
    >>> kinds = {"strong": torch.tensor([0])}
    >>> clips = Clips({}, strong, torch.ones(1, 1), torch.tensor([2.0]), kinds)
    >>> shifted = FrameShift()(clips).strong.values.flatten()
    >>> shifted.sort().values
    tensor([0., 1., 2., 3.])
    """

    def __init__(self, deviation: float = 1.44):
        super().__init__()
        if not deviation >= 0:
            raise InputError(
                f"The deviation of FrameShift is {deviation} s: give 0 or more."
            )
        self.deviation = deviation

    def forward(self, clips: Clips) -> Clips:
        """Return the shifted clips."""
        frame = clips.strong.shift
        drawn = self.deviation * torch.randn(len(clips.seconds))
        by = (drawn / frame).round() * frame
        length = clips.n_frames * frame

        def _rolled(frames: Frames) -> Tensor:
            sources = _sources(frames, by, length)
            rows = torch.arange(len(sources), device=sources.device)
            return frames.values[rows[:, None], sources]

        return clips.changed(_rolled)


def _sources(frames: Frames, by: Tensor, length: Tensor) -> Tensor:
    """Where each frame [B, T] of clips that are rolled comes from."""
    times, slack = frames.times, min(_ROUNDING, frames.shift / 4)
    by, length = (
        seconds.to(times.device, non_blocking=True)[:, None]
        for seconds in (by, length)
    )
    come_from = (times - by + slack).remainder(length) - slack
    sources = ((come_from - frames.first) / frames.shift).round().long()
    last = ((length - slack - frames.first) / frames.shift).long()
    last = last.clamp(0, len(times) - 1)
    here = torch.arange(len(times), device=times.device)
    sources = torch.minimum(sources.clamp(min=0), last)
    return torch.where(times < length - slack, sources, here)


class Mixup(nn.Module):
    """Mix clips with others of the same kind of labels; labels become soft.

    ``c`` of a clip and ``1 - c`` of its partner, of mels, embeddings, strong
    and weak labels alike, with ``c`` of a Beta distribution (Zhang et al.,
    ICLR 2018). Partners are a permutation of the clips of a kind, so that a
    mixture has labels of that kind. Mels are mixed as amplitudes, before
    anything else. A mixture is as long as the longer clip.

    Both networks process the mixture: the target of the consistency is what
    the teacher makes of it, as in the DCASE 2024 Task 4 baseline, and not the
    mixture of its scores (interpolation consistency).

    Arguments
    ---------
    alpha : float
        Both parameters of the Beta distribution.
    probability : float
        Share of the clips that are mixed.
    kinds : sequence of str
        The kinds of clips that are mixed.

    Raises
    ------
    InputError
        If alpha is not positive, or the probability none.

    Example
    -------
    >>> strong = Frames(torch.tensor([[[0.0]], [[1.0]]]), shift=1.0)
    >>> kinds = {"strong": torch.tensor([0, 1])}
    >>> clips = Clips({}, strong, torch.ones(2, 1), torch.ones(2), kinds)
    >>> mixed = Mixup(probability=0.5)(clips).strong.values
    >>> bool(((mixed >= 0) & (mixed <= 1)).all())
    True
    """

    def __init__(
        self,
        alpha: float = 0.2,
        probability: float = 1.0,
        kinds: Sequence[str] = ("strong", "weak", "unlabelled", "pseudo"),
    ):
        super().__init__()
        if not alpha > 0:
            raise InputError(
                f"The alpha of Mixup is {alpha}: give a number above 0."
            )
        self.alpha = alpha
        self.probability = _checked(probability, "Mixup")
        self.kinds = kinds

    def forward(self, clips: Clips) -> Clips:
        """Return the mixed clips."""
        partners, shares = self._draw(clips)
        device = clips.weak.device
        others = partners.to(device, non_blocking=True)
        weights = shares.to(device, non_blocking=True)

        def _mixed(values: Tensor) -> Tensor:
            of_clips = weights.reshape(-1, *(1,) * (values.dim() - 1))
            return values.lerp(values[others], of_clips.to(values.dtype))

        longer = torch.maximum(clips.seconds, clips.seconds[partners])
        return clips.changed(
            lambda frames: _mixed(frames.values),
            weak=_mixed(clips.weak),
            seconds=torch.where(shares > 0, longer, clips.seconds),
        )

    def _draw(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """Each clip's partner, and the partner's share, [B] each."""
        n_clips = len(clips.seconds)
        partners = torch.arange(n_clips)
        for kind in self.kinds:
            of_kind = clips.kinds.get(kind, partners[:0])
            partners[of_kind] = of_kind[torch.randperm(len(of_kind))]
        beta = torch.distributions.Beta(self.alpha, self.alpha)
        shares = beta.sample((n_clips,))
        mixed = torch.rand(n_clips) < self.probability
        mixed &= partners != torch.arange(n_clips)
        return partners, torch.where(mixed, shares, 0.0)


class TimeMask(nn.Module):
    """Silence one stripe of a clip, and its labels with it.

    Of clips with strong labels, true or of a system, as only those say what
    remains: a class whose frames are all masked leaves the weak labels too.
    The stripe is made of whole label frames and lies within the clip, not in
    its padding; of embeddings, those centred in it are masked. As in the code
    of FDY-SED (Interspeech 2022).

    Arguments
    ---------
    width : (float, float)
        Range of the stripe's width, a share of the clip; uniform.
    probability : float
        Share of the clips that are masked.
    kinds : sequence of str
        The kinds of clips that are masked.

    Raises
    ------
    InputError
        If the range is none of shares, or the probability none.

    Example
    -------
    >>> strong = Frames(torch.ones(1, 10, 1), shift=0.1)
    >>> kinds = {"strong": torch.tensor([0])}
    >>> clips = Clips({}, strong, torch.ones(1, 1), torch.ones(1), kinds)
    >>> TimeMask(width=(0.2, 0.2))(clips).strong.values.sum()
    tensor(8.)
    """

    def __init__(
        self,
        width: Sequence[float] = (0.05, 0.2),
        probability: float = 1.0,
        kinds: Sequence[str] = ("strong", "pseudo"),
    ):
        super().__init__()
        if not (len(width) == 2 and 0 <= width[0] <= width[1] <= 1):
            raise InputError(
                f"The width of TimeMask is {width}: give the lower and the "
                "upper end of a range within 0 and 1, shares of a clip."
            )
        self.width = width
        self.probability = _checked(probability, "TimeMask")
        self.kinds = kinds

    def forward(self, clips: Clips) -> Clips:
        """Return the masked clips."""
        device = clips.weak.device
        begin, end = (
            (number * clips.strong.shift).to(device, non_blocking=True)[:, None]
            for number in self._draw(clips)
        )

        def _masked(frames: Frames) -> Tensor:
            times = frames.times + _ROUNDING
            mask = frames.over((times >= begin) & (times < end))
            if isinstance(frames.silence, Tensor):
                return torch.where(mask, frames.silence, frames.values)
            return frames.values.masked_fill(mask, frames.silence)

        masked = clips.changed(_masked)
        before = clips.strong.values.amax(1)
        after = masked.strong.values.amax(1)
        weak = torch.where(
            after < before, torch.minimum(clips.weak, after), clips.weak
        )
        return replace(masked, weak=weak)

    def _draw(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """First label frame of each stripe and the one after it, [B] each."""
        n_clips, n_frames = len(clips.seconds), clips.n_frames
        low, high = self.width
        share = low + (high - low) * torch.rand(n_clips)
        width = (share * n_frames).round()
        free = n_frames - width
        begin = (torch.rand(n_clips) * (free + 1)).floor().minimum(free)
        masked = torch.rand(n_clips) < self.probability
        of_kind = torch.zeros(n_clips, dtype=torch.bool)
        for kind in self.kinds:
            of_kind[clips.kinds.get(kind, [])] = True
        return begin, begin + width * (masked & of_kind)


def _checked(probability: float, of: str) -> float:
    """A probability, or an error that names what it is for."""
    if not 0 <= probability <= 1:
        raise InputError(
            f"The probability of {of} is {probability}: give one within 0 "
            "and 1."
        )
    return probability
