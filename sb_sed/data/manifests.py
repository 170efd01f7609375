"""The files of a data preparation: manifests, references, durations.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sb_sed.errors import InputError, brief
from sb_sed.formats import (
    TIME_NOISE,
    Event,
    atomic_path,
    events_table,
    write_events,
)
from sb_sed.formats.labels import label_fault, same_label
from sb_sed.formats.tsv import LONGEST, join_row, shortened


def manifest_entry(
    path: str | Path,
    duration: float,
    events: Sequence[Event] = (),
    tags: Sequence[str] = (),
    judged: Sequence[Event] | None = None,
) -> dict:
    """Describe one recording; every entry has the same four keys or five.

    Arguments
    ---------
    path : str | Path
        The audio file.
    duration : float
        Its length in seconds.
    events : sequence of Event
        They are cut at the end of the recording; events that begin after it
        are left out.
    tags : sequence of str
        Classes that occur.
    judged : sequence of Event, optional
        Parts of the recording and a class of which all events in them are
        known; by default all classes are, everywhere.

    Returns
    -------
    dict
        ``wav``, ``duration``, ``events``, ``tags``, and ``judged`` if it is
        given.

    Example
    -------
    >>> manifest_entry(
    ...     "a.wav", 9.5, [(1, 10, "Cat"), (9.6, 10, "Dog")], ["Cat"]
    ... )
    {'wav': 'a.wav', ..., 'events': [[1, 9.5, 'Cat']], 'tags': ['Cat']}
    """
    return {
        # SpeechBrain takes braces for placeholders.
        "wav": str(path).replace("{", "{{").replace("}", "}}"),
        "duration": round(duration, 6),
        "events": [
            [onset, min(offset, round(duration, 6)), label]
            for onset, offset, label in events
            if onset < duration - TIME_NOISE
        ],
        "tags": list(tags),
    } | ({} if judged is None else {"judged": [[*part] for part in judged]})


def write_manifest(entries: Mapping[str, dict], path: str | Path) -> None:
    """Write a manifest for SpeechBrain's ``DynamicItemDataset.from_json``.

    Arguments
    ---------
    entries : mapping of str to dict
        Name of the recording to its :func:`manifest_entry`.
    path : str | Path
        The JSON file, with one recording per line.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.json"
    >>> write_manifest({"a": manifest_entry("a.wav", 10.0)}, path)
    >>> print(path.read_text())
    {
    "a": {"wav": "a.wav", "duration": 10.0, "events": [], "tags": []}
    }
    """
    lines = [
        f"{json.dumps(name)}: {json.dumps(entry)}"
        for name, entry in entries.items()
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def read_manifest(path: str | Path) -> dict[str, dict]:
    """Read a manifest, strictly: it may have been written by hand.

    Arguments
    ---------
    path : str | Path
        Of :func:`write_manifest`.

    Returns
    -------
    dict of str to dict
        Name of the recording to its :func:`manifest_entry`, the braces of
        ``wav`` single again.

    Raises
    ------
    InputError
        If it is not JSON, has no recording or one twice, or an entry is wrong.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.json"
    >>> write_manifest({"a": manifest_entry("{a}.wav", 10.0)}, path)
    >>> read_manifest(path)["a"]["wav"]
    '{a}.wav'
    """
    try:
        entries = json.loads(
            Path(path).read_text("utf-8-sig"), object_pairs_hook=_unique
        )
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): prepare the data again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not a manifest of clips ({brief(error)}): correct it, or "
            "prepare the data again."
        ) from error
    if not isinstance(entries, dict) or not entries:
        raise InputError(
            f"{path} is not a manifest of clips (it names none): prepare the data "
            "again."
        )
    return {name: _checked(path, name, x) for name, x in entries.items()}


def reference_files(
    prepared_folder: str | Path, split: str
) -> tuple[Path, Path]:
    """Return where the events and the durations (TSV) of a split are kept.

    Example
    -------
    >>> [path.as_posix() for path in reference_files("prepared", "test")]
    ['prepared/references/test.tsv', 'prepared/references/test_durations.tsv']
    """
    folder = Path(prepared_folder, "references")
    return folder / f"{split}.tsv", folder / f"{split}_durations.tsv"


def write_references(
    events: Mapping[str, Sequence[Event]],
    durations: Mapping[str, float],
    prepared_folder: str | Path,
    split: str,
) -> None:
    """Write the reference events and the durations for the scoring.

    Arguments
    ---------
    events : mapping of str to sequence of Event
        File name to events, as annotated.
    durations : mapping of str to float
        File name to seconds.
    prepared_folder : str | Path
        Gets them as ``reference_files`` says.
    split : str
        The name of the set of files.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> events = {"a.wav": [(0, 1.5, "Cat")], "b.wav": []}
    >>> write_references(events, {"a.wav": 10, "b.wav": 9.75}, folder, "test")
    >>> reference, durations = reference_files(folder, "test")
    >>> reference.read_text().splitlines()[1:]
    ['a.wav\\t0.000\\t1.500\\tCat', 'b.wav\\t\\t\\t']
    >>> durations.read_text().splitlines()[1:]
    ['a.wav\\t10.000', 'b.wav\\t9.750']
    """
    reference, durations_table = reference_files(prepared_folder, split)
    write_events(events_table(events), reference, list(events))
    lines = ["filename\tduration"]
    lines += [
        join_row([name, f"{seconds:.3f}"])
        for name, seconds in durations.items()
    ]
    with atomic_path(durations_table) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def _unique(pairs: Sequence[tuple[str, object]]) -> dict:
    """The pairs of a JSON object; ``json`` itself keeps the last of two."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shortened(twice)} is there twice")
    return found


def _checked(path: str | Path, name: str, entry: Any) -> dict:
    """An entry reduced to the keys that entries have."""
    is_judged = isinstance(entry, dict) and "judged" in entry
    for key, holds in (_HOLDS | (_MAY_HOLD if is_judged else {})).items():
        value = entry.get(key) if isinstance(entry, dict) else None
        if not holds(value):
            raise InputError(
                f"{path} has {shortened(value)} as the {key} of "
                f"{shortened(name)}: correct it, or prepare the data again."
            )
    # SpeechBrain takes braces for placeholders; they are written twice.
    wav = entry["wav"].replace("{{", "{").replace("}}", "}")
    tags = [_label(path, name, tag) for tag in entry["tags"]]
    events = [
        [*times, _label(path, name, label)] for *times, label in entry["events"]
    ]
    found = {key: entry[key] for key in _HOLDS} | {
        "wav": wav,
        "events": events,
        "tags": tags,
    }
    if is_judged:
        found["judged"] = [
            [*times, _label(path, name, label)]
            for *times, label in entry["judged"]
        ]
    return found


def _label(path: str | Path, name: str, label: str) -> str:
    label = same_label(label)
    if fault := label_fault(label):
        raise InputError(
            f"{path} has the class {shortened(label)} for {shortened(name)}, "
            f"{fault}: correct it, or prepare the data again."
        )
    return label


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < LONGEST


def _is_event(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    onset, offset, label = value
    if not (_is_time(onset) and _is_time(offset) and isinstance(label, str)):
        return False
    return onset < offset


def _is_events(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_event, value))


_HOLDS: dict[str, Callable[[Any], bool]] = {
    "wav": lambda x: isinstance(x, str) and x != "" and "\0" not in x,
    "duration": lambda x: _is_time(x) and x > 0,
    "events": _is_events,
    "tags": lambda x: (
        isinstance(x, list) and all(isinstance(tag, str) for tag in x)
    ),
}
_MAY_HOLD: dict[str, Callable[[Any], bool]] = {"judged": _is_events}
