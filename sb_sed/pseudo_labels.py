"""Pseudo-labels: the events that trained systems find in training clips.

Self-training: what a system finds in clips without strong labels becomes the
strong labels of a second training.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from sb_sed.audio.store import open_ready
from sb_sed.data.clips import fit_length, in_batches
from sb_sed.data.manifests import (
    manifest_entry,
    read_manifest,
    write_manifest,
)
from sb_sed.errors import InputError
from sb_sed.evaluation import average_scores, average_weak_scores
from sb_sed.formats import (
    Event,
    WeakScores,
    atomic_path,
    audio_names,
    scores_table,
)
from sb_sed.runs.run import Run
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.gate import gated_for

Scores = Mapping[str, pd.DataFrame]
MANIFEST = "train_pseudo.json"
# Clips whose labels are written at once: a minute's work or so.
_PART = 200


class PseudoLabeller:
    """Turns scores into labels, with what is known of the clips.

    The events are those of the smoother. Of a clip whose classes are known
    (weak labels) only those are kept, and none is done without: where the
    smoother finds no event of a class that is there, it decodes the scores of
    this class once more, over their maximum in the clip. Of other clips, events
    below the floor of confidence are dropped.

    Arguments
    ---------
    smoother : Smoother
        With its parameters.
    floor : float | Mapping[str, float]
        The least confidence of an event, of all classes or of each; 0 for
        classes that are not named.

    Example
    -------
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> label = PseudoLabeller(ThresholdSmoother(0.5))
    >>> table = scores_table([[0.1, 0.9], [0.3, 0.2]], 1.0, ["Cat", "Dog"])
    >>> label({"a": table}, {}, {"a": None})
    {'a': [Event(onset=0.0, offset=1.0, event_label='Dog')]}
    >>> label({"a": table}, {}, {"a": ["Cat"]})
    {'a': [Event(onset=1.0, offset=2.0, event_label='Cat')]}
    """

    def __init__(
        self, smoother: Smoother, floor: float | Mapping[str, float] = 0.0
    ):
        self.smoother = smoother
        self.floor = floor

    def __call__(
        self,
        scores: Scores,
        weak: WeakScores | None,
        tags: Mapping[str, Collection[str] | None],
    ) -> dict[str, list[Event]]:
        """Label clips.

        Arguments
        ---------
        scores : Mapping[str, pd.DataFrame]
            Clip to table, as of ``sb_sed.formats.read_scores``.
        weak : Mapping[str, Mapping[str, float]] | None
            Clip to class to score: for smoothers with a clip gate.
        tags : Mapping[str, Collection[str] | None]
            Clip to the classes that occur in it, None where that is not known.

        Returns
        -------
        dict[str, list[Event]]
            Clip to events, by onset. Clips are left out that have none, or
            none of a class that is known to occur.
        """
        free = {clip: x for clip, x in scores.items() if tags[clip] is None}
        tagged = {
            clip: _masked(table, tags[clip])
            for clip, table in scores.items()
            if tags[clip] is not None
        }
        found = self._events(gated_for(self.smoother, free, weak), self.floor)
        known = self._events(tagged, 0.0)
        again = {}
        for clip in tagged:
            there = {event.event_label for event in known.get(clip, ())}
            if missing := set(tags[clip]) - there:
                again[clip] = _stretched(tagged[clip], missing)
        for clip, events in self._events(again, 0.0).items():
            known.setdefault(clip, []).extend(events)
        for clip, events in known.items():
            if {event.event_label for event in events} >= set(tags[clip]):
                found[clip] = sorted(events)
        return {clip: found[clip] for clip in scores if clip in found}

    def _events(
        self, scores: Scores, floor: float | Mapping[str, float]
    ) -> dict[str, list[Event]]:
        """The smoother's events of at least a confidence, clip by clip."""
        found: dict[str, list[Event]] = {}
        if not scores:
            return found
        clips = {name: clip for clip, name in audio_names(scores).items()}
        for row in self.smoother(scores).itertuples():
            least = floor
            if isinstance(floor, Mapping):
                least = floor.get(row.event_label, 0.0)
            if row.confidence >= least:
                event = Event(row.onset, row.offset, row.event_label)
                found.setdefault(clips[row.filename], []).append(event)
        return found


def _masked(table: pd.DataFrame, tags: Collection[str]) -> pd.DataFrame:
    """A table in which classes that are known not to occur have 0."""
    absent = [label for label in table.columns[2:] if label not in tags]
    return table.assign(**dict.fromkeys(absent, 0.0))


def _stretched(table: pd.DataFrame, classes: set[str]) -> pd.DataFrame:
    """A table of some classes, each over its maximum; 0 for the others."""
    highest = table.iloc[:, 2:].max()
    columns = {
        label: table[label] / highest[label]
        if label in classes and highest[label] > 0
        else 0.0
        for label in table.columns[2:]
    }
    return table.assign(**columns)


class TrainedSystems:
    """The students of trainings; one, or several whose scores are averaged.

    Arguments
    ---------
    runs : Sequence[Run]
        Of the same classes, sample rate and length of a clip.
    device : str
        Where to compute, in float32.
    batch_size : int
        Most clips at once.

    Raises
    ------
    InputError
        If they differ, or one cannot be built.
    """

    def __init__(
        self, runs: Sequence[Run], device: str = "cpu", batch_size: int = 24
    ):
        self.runs = runs
        self.device = device
        self.batch_size = batch_size
        self.constants = runs[0].constants
        for run in runs[1:]:
            if run.constants != self.constants:
                raise InputError(
                    f"{run.folder} has other classes, another sample rate or "
                    f"clips of another length than {runs[0].folder}: label "
                    "with systems of one kind."
                )
        self.students = [run.student().to(device) for run in runs]

    @torch.inference_mode()
    def __call__(self, clips: Mapping[str, dict]) -> tuple[Scores, WeakScores]:
        """Score clips.

        Arguments
        ---------
        clips : Mapping[str, dict]
            Entries of a manifest (:func:`sb_sed.data.manifests.read_manifest`).

        Returns
        -------
        tuple
            Clip to table, and clip to class to weak score.
        """
        names, waveforms = list(clips), _Waveforms(clips, self.constants)
        lengths = [
            (waveforms.n_samples(index), index) for index in range(len(names))
        ]
        batches = in_batches(lengths, self.batch_size)
        scores: list[dict] = [{} for _ in self.students]
        weak: list[dict] = [{} for _ in self.students]
        loader = DataLoader(waveforms, batch_sampler=batches)
        for indices, wavs in zip(batches, loader, strict=True):
            of_batch = [names[index] for index in indices]
            for number, student in enumerate(self.students):
                predictions = student.from_waveforms(wavs.to(self.device))
                scores[number] |= self._tables(
                    clips, of_batch, predictions.strong, student.frame_shift
                )
                weak[number] |= {
                    clip: dict(zip(self.constants["classes"], row, strict=True))
                    for clip, row in zip(
                        of_batch, predictions.weak.tolist(), strict=True
                    )
                }
        in_order = [{clip: x[clip] for clip in names} for x in scores]
        return average_scores(in_order), average_weak_scores(weak)

    def _tables(self, clips, names, strong, frame_shift) -> Scores:
        """A table for each clip of a batch, cut at the clip's end."""
        classes = self.constants["classes"]
        return {
            name: scores_table(
                matrix, frame_shift, classes, clips[name]["duration"]
            )
            for name, matrix in zip(names, strong.cpu().numpy(), strict=True)
        }


class _Waveforms(torch.utils.data.Dataset):
    """Clips, padded to the length of a training clip."""

    def __init__(self, clips: Mapping[str, dict], constants: Mapping):
        self.clips = list(clips.values())
        self.rate = constants["sample_rate"]
        self.least = round(constants["clip_seconds"] * self.rate)

    def n_samples(self, index: int) -> int:
        """Return the length of a clip in samples."""
        return max(round(self.clips[index]["duration"] * self.rate), self.least)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> torch.Tensor:
        with open_ready(self.clips[index]["wav"], self.rate) as file:
            samples = torch.from_numpy(file.read(dtype="float32"))
        return fit_length(samples, self.n_samples(index))


def label_clips(
    systems: TrainedSystems,
    labeller: PseudoLabeller,
    prepared_folder: str | Path,
    folder: str | Path,
) -> Path:
    """Label the weak and the unlabelled training clips of a prepared folder.

    What has been labelled is kept, part by part: the same call resumes one that
    was interrupted, and does nothing where all is done.

    Arguments
    ---------
    systems : TrainedSystems
        Scores the clips.
    labeller : PseudoLabeller
        Turns scores into events.
    prepared_folder : str | Path
        Has ``train_weak.json``, ``train_unlabelled.json`` or both.
    folder : str | Path
        Gets the manifest, ``train_pseudo.json``, and ``settings.json``.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    InputError
        If there are no such clips, no event is found in any, or the folder has
        labels of other systems or settings.
    """
    folder = Path(folder)
    todo = _clips_of(prepared_folder)
    _check_settings(folder, systems, labeller, prepared_folder)
    manifest, parts = folder / MANIFEST, folder / "parts"
    if manifest.is_file():
        return manifest
    names, labelled = list(todo), {}
    firsts = range(0, len(names), _PART)
    for first in tqdm(firsts, desc="labelling", unit="part", disable=None):
        file = parts / f"{first}.json"
        if not file.is_file():
            part = {name: todo[name] for name in names[first : first + _PART]}
            _write(file, _label(systems, labeller, part))
        labelled |= json.loads(file.read_text("utf-8"))
    if not labelled:
        raise InputError(
            f"No event was found in the training clips of {prepared_folder}: "
            "lower the floor, or label with a better system."
        )
    entries = {
        name: manifest_entry(
            todo[name]["wav"],
            todo[name]["duration"],
            events,
            sorted({label for *_, label in events}),
        )
        for name, events in labelled.items()
    }
    write_manifest(entries, manifest)
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()
    return manifest


def _clips_of(prepared_folder: str | Path) -> dict[str, dict]:
    """The clips to label; the tags of those whose classes are not known: None.

    Where both sets have a name, that with weak labels is taken.
    """
    clips = {}
    for split in ("unlabelled", "weak"):
        path = Path(prepared_folder, f"train_{split}.json")
        if path.is_file():
            known = {} if split == "weak" else {"tags": None}
            clips |= {k: x | known for k, x in read_manifest(path).items()}
    if not clips:
        raise InputError(
            f"{prepared_folder} has neither train_weak.json nor "
            "train_unlabelled.json: there are no clips to label."
        )
    return clips


def _check_settings(
    folder: Path,
    systems: TrainedSystems,
    labeller: PseudoLabeller,
    prepared_folder: str | Path,
) -> None:
    """Note what the labels depend on; refuse those of anything else."""
    settings = {
        "systems": [str(run.checkpoint) for run in systems.runs],
        "smoother": labeller.smoother.state(),
        "floor": labeller.floor,
        "prepared_folder": str(prepared_folder),
    }
    file = folder / "settings.json"
    if not file.is_file():
        _write(file, settings)
    elif json.loads(file.read_text("utf-8")) != json.loads(
        json.dumps(settings)
    ):
        raise InputError(
            f"{folder} has labels of other systems or settings (see {file}): "
            "name another folder, or delete it."
        )


def _label(
    systems: TrainedSystems, labeller: PseudoLabeller, clips: Mapping
) -> dict[str, list[Event]]:
    scores, weak = systems(clips)
    tags = {name: clip["tags"] for name, clip in clips.items()}
    return labeller(scores, weak, tags)


def _write(file: Path, content: object) -> None:
    """Write JSON, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
