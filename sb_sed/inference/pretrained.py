"""Detection without a training: YAMNet's scores of AudioSet's classes.

YAMNet tags windows of 0.96 s. Here such a window is centred on each frame of
0.16 s, so that a score belongs to its time; but it is that of all of the
second, and onsets and offsets are as coarse. A detector that is trained on the
sounds in question finds them more precisely.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor, nn

from sb_sed.encoders import yamnet as _yamnet
from sb_sed.encoders.yamnet import YAMNet, audioset_classes
from sb_sed.errors import InputError
from sb_sed.formats.labels import label_fault
from sb_sed.formats.tsv import bad_row, read_rows, shortened
from sb_sed.models.crnn import Predictions
from sb_sed.smoothing.median import MedianSmoother

# Frames between windows that YAMNet processes at once: 10.24 s.
_HOP, _FRAMES = 0.16, 64
# Whoever names classes expects them; of all 521, only the certain ones.
_THRESHOLD, _THRESHOLD_OF_ALL = 0.3, 0.5
# Three frames.
_WINDOW = 0.48
_DESED = Path(_yamnet.__file__).parent / "yamnet_data" / "desed.tsv"
_NOT_AN_EVENT = "Silence"

Groups = Mapping[str, Sequence[str]]


class Tagger(nn.Module):
    """YAMNet as a detector of some of AudioSet's classes.

    Arguments
    ---------
    groups : Mapping[str, Sequence[str]]
        Label -> names of the classes of which the highest score is taken.

    Example
    -------
    >>> tagger = Tagger({"Dog": ["Dog", "Bark"], "Speech": ["Speech"]})
    >>> predictions = tagger.from_waveforms(torch.zeros(1, 16000))
    >>> predictions.strong.shape, predictions.weak.shape
    (torch.Size([1, 7, 2]), torch.Size([1, 2]))
    >>> tagger.n_output_frames(16000), tagger.frame_shift
    (7, 0.16)
    """

    def __init__(self, groups: Groups):
        super().__init__()
        self.encoder = YAMNet(taps=["scores"], hop=_HOP)
        place = {name: i for i, name in enumerate(self.encoder.class_names)}
        self.members = [[place[x] for x in names] for names in groups.values()]
        self._hop = round(_HOP * self.sample_rate)
        window = self.encoder.min_samples
        # What a window has before the frame that it is centred on.
        self._before = (window - self._hop) // 2
        self._window = window
        # As far behind the end as the last window goes.
        self._reach = (window + self._hop) // 2

    @property
    def sample_rate(self) -> int:
        """Of the waveforms, in Hz."""
        return self.encoder.sample_rate

    @property
    def frame_shift(self) -> float:
        """Seconds between frames."""
        return self.encoder.frame_shift

    def n_output_frames(self, n_samples: int) -> int:
        """Return how many frames a waveform has; the last may be cut."""
        return -(-n_samples // self._hop)

    def from_waveforms(self, wavs: Tensor) -> Predictions:
        """Score waveforms [B, N].

        The weak scores are the highest of the frames; there is no embedding.
        """
        scores = self.encoder.scores(self._extended(wavs))
        strong = torch.stack(
            [scores[..., some].amax(-1) for some in self.members], -1
        )
        return Predictions(strong, strong.amax(1), strong[..., :0])

    def _extended(self, wavs: Tensor) -> Tensor:
        """Return [B, N'], where each frame has its whole window.

        What the first and last windows lack is reflected at both ends of the
        sound, which may be padded with zeros: to YAMNet, an edge to digital
        silence is a sound of its own.
        """
        n_samples = wavs.shape[1]
        needed = (
            self._window + (self.n_output_frames(n_samples) - 1) * self._hop
        )
        place = torch.arange(needed, device=wavs.device) - self._before
        place = torch.where(place < 0, -1 - place, place).expand(len(wavs), -1)
        counted = torch.arange(1, n_samples + 1, device=wavs.device)
        end = ((wavs != 0) * counted).amax(1, keepdim=True)
        beyond = place - end
        mirrored = end - 1 - beyond
        near = (beyond >= 0) & (beyond < self._reach) & (mirrored >= 0)
        place = torch.where(near, mirrored, place)
        samples = wavs.gather(1, place.clamp_max(n_samples - 1))
        return samples * (place < n_samples)


def yamnet_parts(
    classes: str | Path | Sequence[str] | None = None,
) -> tuple[dict, dict]:
    """Return what a ``SoundEventDetector`` of YAMNet is made of.

    Arguments
    ---------
    classes : str | Path | Sequence[str], optional
        As of :func:`audioset_groups`.

    Returns
    -------
    modules, hparams : dict

    Raises
    ------
    InputError
        If AudioSet lacks a class, or the file is malformed.
    """
    groups = audioset_groups(classes)
    threshold = _THRESHOLD_OF_ALL if classes is None else _THRESHOLD
    tagger = Tagger(groups)
    hparams = {
        "classes": list(groups),
        "sample_rate": tagger.sample_rate,
        "clip_seconds": _FRAMES * _HOP,
        "smoother": MedianSmoother(threshold, _WINDOW),
    }
    return {"detector": tagger}, hparams


def audioset_groups(
    classes: str | Path | Sequence[str] | None = None,
) -> dict[str, list[str]]:
    """Return the classes of AudioSet behind each label.

    Arguments
    ---------
    classes : str | Path | Sequence[str], optional
        Names of AudioSet's classes, as a list or in a text divided by commas,
        in any case; ``desed`` for the ten classes of DESED; or a TSV file with
        the columns ``event_label`` and ``audioset``, which may have several
        rows for one label. By default all but "Silence".

    Returns
    -------
    dict[str, list[str]]

    Raises
    ------
    InputError
        If AudioSet lacks a class, or the file is malformed.

    Example
    -------
    >>> audioset_groups("dog, domestic animals, pets")
    {'Dog': ['Dog'], 'Domestic animals, pets': ['Domestic animals, pets']}
    >>> audioset_groups("desed")["Frying"]
    ['Frying (food)', 'Sizzle']
    >>> audioset_groups(["Dogs"])
    Traceback (most recent call last):
    sb_sed.errors.InputError: AudioSet has no class 'Dogs': take one of its
    names, such as 'Dog'...
    """
    known = {name.casefold(): name for _, name in audioset_classes()}
    if classes is None:
        names = [x for x in known.values() if x != _NOT_AN_EVENT]
    elif str(classes).casefold() == "desed":
        return _read_groups(_DESED, known)
    elif isinstance(classes, Path) or _is_table(classes):
        return _read_groups(classes, known)
    elif isinstance(classes, str):
        names = _divided(classes, known)
    else:
        names = [_known(name, known) for name in classes]
    if not names:
        raise InputError("No class is named: name one of AudioSet's at least.")
    return {name: [name] for name in names}


def _is_table(classes: object) -> TypeGuard[str]:
    return isinstance(classes, str) and classes.endswith((".tsv", ".txt"))


def _divided(text: str, known: Mapping[str, str]) -> list[str]:
    """Return the names in a text; some names have commas themselves."""
    parts, names = [part.strip() for part in text.split(",")], []
    while parts:
        for n_parts in range(len(parts), 0, -1):
            name = known.get(", ".join(parts[:n_parts]).casefold())
            if name:
                break
        names.append(name or _known(parts[0], known))
        parts = parts[n_parts:]
    return names


def _known(name: str, known: Mapping[str, str]) -> str:
    """Return AudioSet's spelling of a class."""
    found = known.get(str(name).casefold())
    if found is None:
        words = [x for x in known if str(name).casefold() in x] if name else []
        close = [*get_close_matches(str(name).casefold(), known), *words]
        close = [known[x] for x in dict.fromkeys(close)][:3] or ["Speech"]
        raise InputError(
            f"AudioSet has no class {shortened(name)}: take one of its names, "
            f"such as {' or '.join(map(repr, close))}."
        )
    return found


def _read_groups(
    path: str | Path, known: Mapping[str, str]
) -> dict[str, list[str]]:
    """Read a table of labels and AudioSet's classes."""
    groups: dict[str, list[str]] = {}
    for line, (label, name) in read_rows(path, ["event_label", "audioset"]):
        if fault := label_fault(label):
            raise bad_row(
                path,
                line,
                f"has a class named {shortened(label)}, {fault}",
                "correct it",
            )
        try:
            name = _known(name, known)
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
        group = groups.setdefault(label, [])
        if name not in group:
            group.append(name)
    return groups
