"""Preparation of RealDESED: manifests, annotations, references, metadata.

F. Schmid et al., "RealDESED: A Real-World Benchmark Dataset for Domestic Sound
Event Detection", arXiv 2607.16736, 2026.

Authors
 * sb_sed contributors 2026
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from sb_sed.data.annotations import write_annotations
from sb_sed.data.desed_layout import Labels, Source
from sb_sed.data.preparation import (
    Split,
    describe_lists,
    describe_splits,
    list_missing,
    list_notes,
    make_audio_ready,
    refuse_empty_splits,
    remove_splits,
    write_rows,
    write_split,
)
from sb_sed.data.realdesed_layout import (
    METADATA,
    Table,
    device_family,
    find_realdesed,
    read_realdesed_events,
)
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.formats.comma import read_metadata, write_metadata

# Split of the data set to its name in the prepared folder.
SPLITS = {
    "train": "train_annotated",
    "validation": "validation",
    "test": "test",
}
ANNOTATIONS, METADATA_FILE = "annotations.tsv", "metadata.csv"


def prepare_realdesed(
    data_folder: str | Path,
    prepared_folder: str | Path,
    sample_rate: int = 16000,
    n_jobs: int | None = None,
) -> dict:
    """Prepare a copy of RealDESED for training and scoring.

    It can be called again at any time: audio that was converted before is kept,
    and everything else is written again.

    Below ``prepared_folder`` it writes

    - ``train_annotated.json``, ``validation.json``, ``test.json``: for each
      recording the path (``wav``), the ``duration`` in seconds, ``tags``
      (classes that anybody marked) and, but for training, ``events``,
    - ``annotations.tsv``: who marked what in the training recordings
      (:func:`sb_sed.data.annotations.read_annotations`),
    - ``references/`` for the sets that are scored,
    - ``metadata.csv``: device, its family, placement and room of every scored
      recording, by which the scores can be broken down,
    - ``audio/`` with mono copies at the rate,
    - ``missing.tsv``, ``notes.tsv`` (as of ``prepare_desed``),
      ``malformed.tsv`` (table, line and fault of rows that were left out) and
      ``unannotated.tsv`` (recordings of the metadata that no row names: they
      are used for nothing, as it is not known whether they have no event),
    - ``summary.json`` with the returned dict.

    Arguments
    ---------
    data_folder : str | Path
        The folder with ``train/``, ``validation/`` and ``test/``.
    prepared_folder : str | Path
        Where to write.
    sample_rate : int
        Samples per second of the prepared audio.
    n_jobs : int, optional
        Number of processes; default: one for each processor allowed.

    Returns
    -------
    dict
        ``settings``; ``splits`` with counts, hours and paths; ``left_out``:
        splits that the copy does not have; ``duplicates``, ``rejected``,
        ``malformed``: rows that were left out; ``annotators``: their number;
        ``unannotated``: recordings; the paths of the lists.

    Raises
    ------
    InputError
        If there is no copy, a table is no CSV with its columns, or all the
        audio of a split is missing.
    """
    root = find_realdesed(data_folder)
    prepared = Path(os.path.abspath(prepared_folder))
    tables = _read_tables(root)
    splits = {
        SPLITS[name]: _split(root, name, table)
        for name, table in tables.items()
    }
    metadata = {name: _metadata(root, name) for name in tables}
    ready = make_audio_ready(splits, prepared, sample_rate, n_jobs)
    missing = list_missing(splits, ready, prepared / "missing.tsv")
    list_notes(ready, prepared / "notes.tsv")
    refuse_empty_splits(splits, missing)
    summary: dict[str, Any] = {
        "settings": {"data_folder": str(root), "sample_rate": sample_rate},
        "splits": {
            name: write_split(
                name,
                split,
                ready[name],
                prepared,
                name in ("validation", "test"),
            )
            for name, split in splits.items()
        },
        "left_out": [SPLITS[name] for name in SPLITS if name not in tables],
        "missing_file": str(prepared / "missing.tsv"),
        "notes_file": str(prepared / "notes.tsv"),
    }
    summary |= _write_lists(tables, metadata, prepared)
    remove_splits(summary["left_out"], prepared)
    with atomic_path(prepared / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2), "utf-8")
    return summary


def describe_realdesed(summary: Mapping) -> str:
    """Return the result of :func:`prepare_realdesed` as a short table."""
    lines = describe_splits(summary)
    lines.append(f"annotators of the training set: {summary['annotators']}")
    lines.append(
        f"rows left out: {summary['duplicates']} duplicates, "
        f"{summary['rejected']} rejected"
    )
    if summary["malformed"]:
        lines.append(
            f"{summary['malformed']} rows cannot be used: "
            f"{summary['malformed_file']}"
        )
    if summary["unannotated"]:
        lines.append(
            f"{summary['unannotated']} recordings that no annotation names "
            f"are left out: {summary['unannotated_file']}"
        )
    if summary["left_out"]:
        names = ", ".join(summary["left_out"])
        lines.append(f"left out, since the copy does not have it: {names}")
    return "\n".join(lines + describe_lists(summary))


def _read_tables(root: Path) -> dict[str, Table]:
    """The annotations of each split that is there."""
    tables = {}
    for name in SPLITS:
        raw = name == "train"
        if raw or (root / name).is_dir():
            tables[name] = read_realdesed_events(_table(root, name), raw=raw)
    return tables


def _split(root: Path, name: str, table: Table) -> Split:
    """The annotated recordings of a split and where they are."""
    labels = {}
    for filename, marked in table.events.items():
        events = sorted(x.event for x in marked)
        tags = sorted({label for *_, label in events})
        # What is true of a training recording is for the aggregation to say.
        labels[filename] = Labels([] if name == "train" else events, tags)
    places = ((_table(root, name), root / name / "audio"),)
    source = Source(name, places, lambda _: labels, _without_table)
    labels = source.read()
    return Split(source, labels, source.locate(list(labels)))


def _table(root: Path, name: str) -> Path:
    raw = "_raw" if name == "train" else ""
    return root / name / f"annotations{raw}.csv"


def _without_table(source: Source) -> NoReturn:
    raise InputError(f"{source.table} does not exist: fetch it again.")


def _metadata(root: Path, name: str) -> dict[str, dict[str, str]]:
    """The metadata of a split; empty if the copy has none."""
    path = root / name / "metadata.csv"
    return read_metadata(path) if path.exists() else {}


def _write_lists(
    tables: Mapping[str, Table],
    metadata: Mapping[str, Mapping[str, Mapping[str, str]]],
    prepared: Path,
) -> dict:
    """Write annotations, metadata and what was left out; return the counts."""
    train = tables["train"].events
    write_annotations(train, prepared / ANNOTATIONS)
    known = {
        filename: {
            **cells,
            "device_family": device_family(cells.get("recording_device", "")),
        }
        for name in metadata
        if name != "train"
        for filename, cells in metadata[name].items()
    }
    columns = ["device_family", *METADATA]
    write_metadata(known, columns, prepared / METADATA_FILE)
    faults = [fault for table in tables.values() for fault in table.faults]
    write_rows(faults, ["table", "line", "fault"], prepared / "malformed.tsv")
    silent = [
        (SPLITS[name], filename)
        for name, cells in metadata.items()
        for filename in cells
        if filename not in tables[name].events
    ]
    write_rows(silent, ["split", "filename"], prepared / "unannotated.tsv")
    return {
        "annotators": len({x.annotator for y in train.values() for x in y}),
        "duplicates": sum(table.n_duplicates for table in tables.values()),
        "rejected": sum(table.n_rejected for table in tables.values()),
        "malformed": len(faults),
        "malformed_file": str(prepared / "malformed.tsv"),
        "unannotated": len(silent),
        "unannotated_file": str(prepared / "unannotated.tsv"),
    }
