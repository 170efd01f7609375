"""What the preparations of data sets share: audio, manifests, lists, a table.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sb_sed.audio.store import AudioStore, ReadyAudio
from sb_sed.data.desed_layout import Labels, Source
from sb_sed.data.manifests import (
    manifest_entry,
    reference_files,
    write_manifest,
    write_references,
)
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path, stem


@dataclass(frozen=True)
class Split:
    """The files of one manifest, all of one source.

    Arguments
    ---------
    source : Source
        The set of the data that they belong to.
    labels : dict[str, Labels]
        Of each annotated file.
    paths : dict[str, str]
        Of each file that is there.
    """

    source: Source
    labels: dict[str, Labels]
    paths: dict[str, str]


Ready = Mapping[str, Mapping[str, ReadyAudio]]


def make_audio_ready(
    splits: Mapping[str, Split],
    prepared: Path,
    sample_rate: int,
    n_jobs: int | None,
) -> dict[str, dict[str, ReadyAudio]]:
    """Make the audio of all splits ready, mono at one rate.

    Arguments
    ---------
    splits : Mapping[str, Split]
        By name.
    prepared : Path
        The prepared folder; converted files go to its ``audio/``.
    sample_rate : int
        Samples per second.
    n_jobs : int, optional
        Processes; default: one for each processor allowed.

    Returns
    -------
    dict[str, dict[str, ReadyAudio]]
        For each split file name to audio; missing files are left out.
    """
    store = AudioStore(prepared / "audio", sample_rate)
    located = [
        (split.source.name, filename, split.paths[filename])
        for split in splits.values()
        for filename in split.labels
        if filename in split.paths
    ]
    # The converted audio lies by source: another seed moves no file.
    outcome = store.prepare(
        [(path, f"{name}/{stem(file)}.wav") for name, file, path in located],
        n_jobs,
    )
    return {
        name: {
            filename: outcome[split.paths[filename]]
            for filename in split.labels
            if filename in split.paths
        }
        for name, split in splits.items()
    }


def list_missing(
    splits: Mapping[str, Split], ready: Ready, path: Path
) -> dict[str, list[tuple[str, str]]]:
    """Write ``missing.tsv``; return file and reason by split."""
    missing = {}
    for name, split in splits.items():
        absent = ReadyAudio("", 0.0, f"not in {split.source.folder}")
        missing[name] = [
            (filename, reason)
            for filename in split.labels
            if (reason := ready[name].get(filename, absent).reason)
        ]
    rows = [
        (name, filename, reason)
        for name, files in missing.items()
        for filename, reason in files
    ]
    write_rows(rows, ["split", "filename", "reason"], path)
    return missing


def list_notes(ready: Ready, path: Path) -> None:
    """Write ``notes.tsv``."""
    rows = [
        (name, filename, audio.note)
        for name, files in ready.items()
        for filename, audio in files.items()
        if audio.note
    ]
    write_rows(rows, ["split", "filename", "note"], path)


def write_rows(rows: Iterable[tuple], columns: list[str], path: Path) -> None:
    """Write a list for a reader, as TSV."""
    with atomic_path(path) as temporary:
        pd.DataFrame(rows, columns=columns).to_csv(
            temporary, sep="\t", index=False, errors="backslashreplace"
        )


def refuse_empty_splits(
    splits: Mapping[str, Split],
    missing: Mapping[str, list[tuple[str, str]]],
) -> None:
    """Raise an ``InputError`` if all the audio of a split is missing."""
    for name, split in splits.items():
        if len(missing[name]) == len(split.labels):
            filename, reason = missing[name][0]
            raise InputError(
                f"{split.source.folder}: none of the {len(split.labels)} files "
                f"of the split {name} can be used ({filename}: {reason}); "
                "missing.tsv in the prepared folder lists them, fetch them "
                "again."
            )


def write_split(
    name: str,
    split: Split,
    ready: Mapping[str, ReadyAudio],
    prepared: Path,
    with_reference: bool,
) -> dict:
    """Write one manifest and, for scored splits, the references.

    Arguments
    ---------
    name : str
        Of the split.
    split : Split
        Its annotated files.
    ready : Mapping[str, ReadyAudio]
        File name to audio.
    prepared : Path
        The prepared folder.
    with_reference : bool
        Whether the split is scored.

    Returns
    -------
    dict
        The counts and paths that the summary has of a split.
    """
    usable = {
        filename: ready[filename]
        for filename in split.labels
        if filename in ready and not ready[filename].reason
    }
    entries = {}
    for filename, audio in usable.items():
        labels = split.labels[filename]
        entries[stem(filename)] = manifest_entry(
            audio.path, audio.duration, labels.events, labels.tags
        )
    manifest = prepared / f"{name}.json"
    write_manifest(entries, manifest)
    annotated = {name: split.labels[name].events for name in usable}
    durations = {name: audio.duration for name, audio in usable.items()}
    n_annotated = sum(len(events) for events in annotated.values())
    n_events = sum(len(entry["events"]) for entry in entries.values())
    report = {
        "annotated": len(split.labels),
        "present": len(usable),
        "missing": len(split.labels) - len(usable),
        "noted": sum(bool(audio.note) for audio in usable.values()),
        "converted": sum(
            audio.path != split.paths[filename]
            for filename, audio in usable.items()
        ),
        "events": n_events,
        "events_past_end": n_annotated - n_events,
        "hours": round(sum(durations.values()) / 3600, 4),
        "manifest": str(manifest),
    }
    if with_reference:
        write_references(annotated, durations, prepared, name)
        reference, table = reference_files(prepared, name)
        report |= {"reference": str(reference), "durations": str(table)}
    return report


def remove_splits(names: Collection[str], prepared: Path) -> None:
    """Remove the files of splits that the copy no longer has."""
    for name in names:
        (prepared / f"{name}.json").unlink(missing_ok=True)
        for path in reference_files(prepared, name):
            path.unlink(missing_ok=True)


def describe_splits(summary: Mapping) -> list[str]:
    """Return the lines of a table with the counts of each split."""
    lines = ["split             annotated  present  missing   hours"]
    return lines + [
        f"{name:<17} {split['annotated']:>9} {split['present']:>8} "
        f"{split['missing']:>8} {split['hours']:>7.2f}"
        for name, split in summary["splits"].items()
    ]


def describe_lists(summary: Mapping) -> list[str]:
    """Return lines that say where missing and noted files are listed."""
    lines = []
    splits = summary["splits"].values()
    if any(split["missing"] for split in splits):
        lines.append(
            f"missing files and the reasons: {summary['missing_file']}"
        )
    if n_noted := sum(split["noted"] for split in splits):
        lines.append(
            f"what there is to know of {n_noted} files: {summary['notes_file']}"
        )
    return lines
