"""Makes what train.py reads from a folder of audio and plain tables.

Below the prepared folder it writes

- ``train_strong.json``, ``validation.json``, ``test.json`` and, where there are
  such recordings, ``train_weak.json`` and ``train_unlabelled.json``: the clips
  with their labels,
- ``references/``: the true events and the durations of the clips to be scored,
- ``split.tsv``: which recording is in which set, unless you say so yourself,
- ``classes.txt``: the labels,
- ``missing.tsv``: recordings that cannot be used, and why,
- ``notes.tsv``: what there is to know of others, such as that they are silent,
- ``audio/`` and ``clips_<rate>/``: recordings that had to be converted or cut.

Each run calls it again; what is up to date stays as it is.

Authors
 * sb_sed contributors 2026
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import soundfile

from sb_sed.audio.store import AudioStore, ReadyAudio
from sb_sed.data.desed_layout import Labels
from sb_sed.data.manifests import (
    manifest_entry,
    write_manifest,
    write_references,
)
from sb_sed.data.recordings import (
    Recordings,
    clip_name,
    cut_recording,
    draw_split,
)
from sb_sed.data.reviewed import origin
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    atomic_path,
    read_events,
    read_weak_labels,
)
from sb_sed.formats.judged import read_judged
from sb_sed.formats.tsv import bad_row, join_row, read_rows
from sb_sed.runs.description import checked

# What a split calls its sets, and what the files of the sets are called.
SPLITS = {"train": "train_strong", "validation": "validation", "test": "test"}
SCORED = ("validation", "test")


def prepare_my_dataset(
    audio_folder: str,
    events_file: str,
    reviewed_file: str | None,
    weak_file: str | None,
    unlabelled_folder: str | None,
    prepared_folder: str,
    split_file: str | None,
    valid_fraction: float,
    test_fraction: float,
    classes: Sequence[str] | None,
    sample_rate: int,
    clip_seconds: float,
    seed: int,
) -> None:
    """Prepare recordings for training and scoring; print what there is.

    Arguments
    ---------
    audio_folder, events_file, reviewed_file, weak_file : str
        See train.yaml, which explains these keys and all others.
    unlabelled_folder, prepared_folder, split_file : str
        Likewise.
    valid_fraction, test_fraction : float
        Likewise.
    classes, sample_rate, clip_seconds, seed : Sequence[str] | float
        Likewise.

    Raises
    ------
    InputError
        If a table is wrong, or does not fit the others or the audio.
    """
    constants = {"sample_rate": sample_rate, "clip_seconds": clip_seconds}
    constants["classes"] = ["any"] if classes is None else classes
    checked(constants, Path("train.yaml"))
    prepared = Path(os.path.abspath(str(prepared_folder)))
    recordings = Recordings(audio_folder, without=[prepared])
    strong = _read_strong(str(events_file), recordings, classes)
    weak = _read_weak(weak_file, recordings, classes) if weak_file else {}
    reviewed = {}
    if reviewed_file:
        reviewed = _read_strong(str(reviewed_file), recordings, classes)
        reviewed = {x: reviewed[x] for x in reviewed if x not in strong}
    if classes is None:
        both = (*strong.values(), *reviewed.values(), *weak.values())
        classes = sorted({tag for labels in both for tag in labels.tags})
    fractions = valid_fraction, test_fraction
    kept = prepared / "split.tsv"
    split = _split(strong, recordings, split_file, kept, fractions, seed)
    sets = {
        of_set: _Set(
            recordings, {x: strong[x] for x in strong if split[x] == s}
        )
        for s, of_set in SPLITS.items()
    }
    # What is tested on must not be trained on by way of its weak labels, or of
    # parts that were reviewed.
    scored = {clip_name(x) for x in strong if split[x] in SCORED}
    reviewed = {x: reviewed[x] for x in reviewed if origin(x) not in scored}
    sets["train_strong"].labels |= reviewed
    strong |= reviewed
    if weak := {x: weak[x] for x in weak if x not in strong}:
        sets["train_weak"] = _Set(recordings, weak, has_times=False)
    used = [recordings[x] for x in (*strong, *weak) if x in recordings]
    if unlabelled_folder:
        found = Recordings(unlabelled_folder, without=[prepared, *used])
        nothing = dict.fromkeys(found, Labels())
        sets["train_unlabelled"] = _Set(found, nothing, kind="unlabelled")
    ready = AudioStore(prepared / "audio", sample_rate).prepare(
        [source for one in sets.values() for source in one.sources()]
    )
    folder = prepared / f"clips_{sample_rate}"
    for one in sets.values():
        one.cut(ready, round(clip_seconds * sample_rate), folder / one.kind)
    missing = {of_set: one.missing for of_set, one in sets.items()}
    _write_list(missing, "reason", prepared / "missing.tsv")
    notes = {of_set: one.notes for of_set, one in sets.items()}
    _write_list(notes, "note", prepared / "notes.tsv")
    _check(sets, classes)
    if not split_file:
        rows = [join_row([name, split[name]]) for name in sorted(split)]
        _write_lines(["filename\tsplit", *rows], kept)
    _write_lines(classes, prepared / "classes.txt")
    _write_sets(sets, prepared)
    _describe(sets, len(recordings) - len(used), prepared)


def read_classes(prepared_folder: str) -> list[str]:
    """Read the labels that were found, in the order of the outputs."""
    file = Path(prepared_folder, "classes.txt")
    return file.read_text("utf-8").split("\n")[:-1]


@dataclass
class _Set:
    """The recordings of one set, and the clips made of them."""

    recordings: Recordings
    labels: dict[str, Labels]
    has_times: bool = True  # of the labels, so that a part has its own
    kind: str = "labelled"  # not the set's name: another split moves no file
    clips: dict[str, dict] = field(default_factory=dict)  # of the manifest
    missing: dict[str, str] = field(default_factory=dict)  # and why
    notes: dict[str, str] = field(default_factory=dict)
    n_late: int = 0  # events after the end of their recording

    def sources(self) -> Iterator[tuple[str, str]]:
        """Yield each file, and the name of its converted copy."""
        for name in self.labels:
            if name in self.recordings:
                target = f"{self.kind}/{clip_name(name)}.wav"
                yield self.recordings[name], target

    def cut(
        self, ready: Mapping[str, ReadyAudio], n_samples: int, folder: Path
    ) -> None:
        """Make clips; several of a recording of more than ``n_samples``."""
        for name, labels in self.labels.items():
            nothing = ReadyAudio("", 0.0, f"not in {self.recordings.folder}")
            audio = ready.get(self.recordings.get(name), nothing)
            if audio.reason:
                self.missing[name] = audio.reason
                continue
            if audio.note:
                self.notes[name] = audio.note
            self.n_late += sum(x[0] >= audio.duration for x in labels.events)
            clip = clip_name(name)
            if soundfile.info(os.fsencode(audio.path)).frames <= n_samples:
                self.clips[clip] = manifest_entry(
                    audio.path,
                    audio.duration,
                    labels.events,
                    labels.tags,
                    labels.judged,
                )
            elif self.has_times:
                self.clips |= cut_recording(
                    audio.path,
                    labels.events,
                    n_samples,
                    folder,
                    clip,
                    labels.judged,
                )
            else:
                self.missing[name] = (
                    f"{audio.duration:.1f} s is longer than clip_seconds, and "
                    "labels without times belong to no part"
                )


def _read_strong(table, recordings, classes) -> dict[str, Labels]:
    found: dict[str, list] = {}
    rows = read_events(table, classes)[EVENT_COLUMNS]
    for filename, *event in rows.itertuples(index=False):
        events = found.setdefault(recordings.find(filename, table), [])
        if not math.isnan(event[0]):
            events.append(tuple(event))
    judged = {
        recordings.find(filename, table): labels
        for filename, labels in read_judged(table).items()
    }
    return {
        name: Labels(
            events, sorted({label for *_, label in events}), judged.get(name)
        )
        for name, events in found.items()
    }


def _read_weak(table, recordings, classes) -> dict[str, Labels]:
    found: dict[str, Labels] = {}
    rows = read_weak_labels(table, classes).itertuples(index=False)
    for filename, tags in rows:
        name = recordings.find(filename, table)
        if name in found:
            raise InputError(
                f"{table} lists {name} again, as {filename}: keep one row a "
                "file."
            )
        found[name] = Labels(tags=tags)
    return found


def _split(strong, recordings, given, kept, fractions, seed) -> dict[str, str]:
    """Return the set of each recording: as given, or as kept and drawn."""
    table, split = given or kept, {}
    if given or kept.exists():
        for line, (filename, of_set) in read_rows(table, ["filename", "split"]):
            if of_set not in SPLITS:
                remedy = f"write one of {', '.join(SPLITS)}"
                raise bad_row(table, line, f"has the split {of_set!r}", remedy)
            name = recordings.find(filename, table)
            if split.setdefault(name, of_set) != of_set:
                fault = f"gives {name} another split than an earlier line"
                raise bad_row(table, line, fault, "keep one")
    new = {name: strong[name].tags for name in strong if name not in split}
    if new and given:
        raise InputError(
            f"{given} lacks {next(iter(new))}, which has strong labels: give "
            "each such recording a split."
        )
    return split | _draw(new, fractions, seed, least=0 if split else 1)


def _draw(tags: Mapping[str, list], fractions, seed, least) -> dict[str, str]:
    """Divide recordings at random, whether their audio is there or not."""
    if not tags:
        return {}
    in_range = all(isinstance(x, float) and 0 < x < 1 for x in fractions)
    sizes = [max(least, round(x * len(tags))) for x in fractions if in_range]
    if not in_range or sum(sizes) + least > len(tags):
        raise InputError(
            f"{len(tags)} recordings with strong labels cannot be divided by "
            f"valid_fraction {fractions[0]} and test_fraction {fractions[1]}: "
            "label more, or give shares that leave some to the training."
        )
    sizes = [len(tags) - sum(sizes), *sizes]
    return draw_split(tags, dict(zip(SPLITS, sizes, strict=True)), seed)


def _check(sets: Mapping[str, _Set], classes: Sequence[str]) -> None:
    """Refuse sets that cannot be trained on or scored."""
    trained = set()
    for of_set, one in sets.items():
        if not one.clips:
            reasons = [f"{x}: {why}" for x, why in one.missing.items()]
            raise InputError(
                f"The set {of_set} has no recording that can be used "
                f"({(reasons or ['none is in it'])[0]}): add some, or "
                "correct the tables."
            )
        tags = {tag for x in one.clips.values() for tag in x["tags"]}
        if of_set not in SCORED:
            trained |= tags
        elif not tags:
            raise InputError(
                f"The set {of_set} has no event, so that nothing can be "
                "measured: move recordings with events to it in the split."
            )
    if untrained := [label for label in classes if label not in trained]:
        raise InputError(
            f"No training recording has the class {untrained[0]}: label some, "
            "or leave it out of the classes."
        )


def _write_list(
    of_sets: Mapping[str, Mapping[str, str]], what: str, path: Path
) -> None:
    rows = [
        f"{of_set}\t{name}\t{text}"
        for of_set, texts in of_sets.items()
        for name, text in texts.items()
    ]
    _write_lines([f"set\tfilename\t{what}", *rows], path)


def _write_sets(sets: Mapping[str, _Set], prepared: Path) -> None:
    for of_set in {"train_weak", "train_unlabelled"} - sets.keys():
        (prepared / f"{of_set}.json").unlink(missing_ok=True)
    for of_set, one in sets.items():
        write_manifest(one.clips, prepared / f"{of_set}.json")
        if of_set in SCORED:
            write_references(
                {f"{x}.wav": clip["events"] for x, clip in one.clips.items()},
                {f"{x}.wav": clip["duration"] for x, clip in one.clips.items()},
                prepared,
                of_set,
            )


def _write_lines(lines: Sequence[str], path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def _describe(sets: Mapping[str, _Set], n_unused: int, prepared: Path) -> None:
    table = {
        of_set: {
            "recordings": len(one.labels),
            "missing": len(one.missing),
            "clips": len(one.clips),
            "events": sum(len(x["events"]) for x in one.clips.values()),
            "minutes": sum(x["duration"] for x in one.clips.values()) / 60,
        }
        for of_set, one in sets.items()
    }
    table = pd.DataFrame.from_dict(table, orient="index")
    print(table.astype({"minutes": float}).round(1).to_string())
    if table["missing"].any():
        print(f"Recordings that are missing, and why: {prepared}/missing.tsv")
    if n_noted := sum(len(one.notes) for one in sets.values()):
        print(
            f"What there is to know of {n_noted} others: {prepared}/notes.tsv"
        )
    if n_late := sum(one.n_late for one in sets.values()):
        print(f"{n_late} events after the end of their recording are left out.")
    if n_unused:
        print(f"{n_unused} recordings of the audio folder are in no table.")
