"""The tables of RealDESED: annotations of several annotators, and metadata.

Rows that cannot be used are faults of one annotator, not of the data set: they
are left out and listed, each with its file, line and fault.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sb_sed.data.annotations import REVIEWS, AnnotatedEvent
from sb_sed.errors import InputError
from sb_sed.formats import Event
from sb_sed.formats.comma import read_comma_rows
from sb_sed.formats.labels import same_label
from sb_sed.formats.tsv import LONGEST, TIME_NOISE, shortened, to_number

REALDESED_CLASSES = (
    "bell_ringing",
    "coffee_machine",
    "cutlery_dishes",
    "door_open_close",
    "footsteps",
    "keyboard_typing",
    "keychain",
    "light_switch",
    "microwave",
    "phone_ringing",
    "running_water",
    "toilet_flushing",
    "vacuum_cleaner",
    "wardrobe_drawer_open_close",
    "window_open_close",
)
EVENT_COLUMNS = ("filename", "onset", "offset", "class")
RAW_COLUMNS = (*EVENT_COLUMNS, "annotator_id", "annotator_is_creator")
RAW_COLUMNS += ("review_status",)
# What scores are broken down by.
METADATA = ("recording_device", "device_placement", "recording_environment")
_APPLE = ("iphone", "ipad")
_ANDROID = ("android", "galaxy", "honor", "huawei", "motorola", "nothing phone")
_ANDROID += ("oneplus", "oppo", "pixel", "poco", "realme", "redmi", "samsung")
_ANDROID += ("sony xperia", "vivo", "xiaomi", "fairphone")


@dataclass
class Table:
    """The usable rows of a table of annotations, and what was left out.

    Arguments
    ---------
    events : dict[str, list[AnnotatedEvent]]
        File name to events, in the order of the rows; of a table without
        annotators, of one annotator ``""`` whose events are accepted.
    faults : list[tuple[str, int, str]]
        Table, line and fault of each row that cannot be used.
    n_duplicates : int
        Rows that equal an earlier one.
    n_rejected : int
        Rows that a reviewer rejected.
    """

    events: dict[str, list[AnnotatedEvent]] = field(default_factory=dict)
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    n_duplicates: int = 0
    n_rejected: int = 0


def find_realdesed(data_folder: str | Path) -> Path:
    """Return the absolute path of the folder with ``train/audio``.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(os.path.abspath(data_folder))
    for root in (folder, folder / "RealDESED", folder / "data"):
        if (root / "train" / "audio").is_dir():
            return root
    raise InputError(
        f"{folder} is not a RealDESED copy: give the folder that contains "
        "train/audio and train/annotations_raw.csv."
    )


def read_realdesed_events(
    path: str | Path,
    classes: Sequence[str] | None = REALDESED_CLASSES,
    raw: bool = False,
) -> Table:
    """Read ``annotations.csv``, or ``annotations_raw.csv`` of many annotators.

    Exact duplicates and rejected rows are left out and counted; rows that name
    no file, class or annotator, or whose times are none, are listed. Who made
    the recording is of those rows whose ``annotator_is_creator`` is True.

    Arguments
    ---------
    path : str | Path
        The CSV.
    classes : Sequence[str], optional
        Rows of other classes are listed and left out; by default RealDESED's.
        None takes all.
    raw : bool
        Whether it has the columns of the annotators.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If it is no CSV with the columns, or no row can be used.

    Example
    -------
    >>> path = getfixture("tmp_path") / "annotations.csv"
    >>> text = "filename,onset,offset,class\\na.wav,0.5,1,keychain\\n"
    >>> _ = path.write_text(
    ...     text + "a.wav,0.5,1,keychain\\nb.wav,x,1,keychain\\n"
    ... )
    >>> table = read_realdesed_events(path)
    >>> table.n_duplicates, table.faults[0][1:]
    (1, (4, "has the onset 'x', which is no time"))
    """
    table, seen = Table(), set()
    columns = RAW_COLUMNS if raw else EVENT_COLUMNS
    for line, row in read_comma_rows(path, columns):
        key = tuple(row.values())
        if key in seen:
            table.n_duplicates += 1
            continue
        seen.add(key)
        if fault := next(_faults(row, classes, raw), None):
            table.faults.append((str(path), line, fault))
            continue
        event = _event(row, raw)
        if event.review == "rejected":
            table.n_rejected += 1
            continue
        table.events.setdefault(row["filename"].strip(), []).append(event)
    if not table.events:
        first = table.faults[0] if table.faults else (path, 1, "has no rows")
        raise InputError(
            f"{path} has no row that can be used (line {first[1]} {first[2]}): "
            "fetch the file again."
        )
    return table


def device_family(device: str) -> str:
    """Return what a device, as its owner has written it, is one of.

    Example
    -------
    >>> [device_family(x) for x in ("iPhone 12", "Google Pixel_6", "Zoom H1n")]
    ['iOS', 'Android', 'other']
    """
    words = " ".join(device.lower().replace("_", " ").split())
    for family, names in {"iOS": _APPLE, "Android": _ANDROID}.items():
        if any(name in words for name in names):
            return family
    return "other"


def _faults(
    row: dict[str, str], classes: Sequence[str] | None, raw: bool
) -> Iterator[str]:
    """What is wrong with a row, as the predicate of a sentence."""
    needed = ["filename", "class", *(["annotator_id"] if raw else [])]
    for column in needed:
        if not row[column].strip():
            yield f"has no {column}"
        if any(mark in row[column] for mark in "\t\r\n"):
            yield f"has a tab or a line break in its {column}"
    times = {name: to_number(row[name]) for name in ("onset", "offset")}
    for column, seconds in times.items():
        if not -TIME_NOISE < seconds < LONGEST:
            yield f"has the {column} {shortened(row[column])}, which is no time"
    if not times["onset"] < times["offset"]:
        yield "ends before it begins"
    label = same_label(row["class"].strip())
    if classes is not None and label not in classes:
        yield f"has the class {shortened(label)}, which is none of the data set"
    if raw and row["review_status"].strip().lower() not in REVIEWS:
        yield f"has the review_status {shortened(row['review_status'])}"


def _event(row: dict[str, str], raw: bool) -> AnnotatedEvent:
    event = Event(
        max(0.0, to_number(row["onset"])),
        to_number(row["offset"]),
        same_label(row["class"].strip()),
    )
    if not raw:
        return AnnotatedEvent(event, "", False, "accepted")
    return AnnotatedEvent(
        event,
        row["annotator_id"].strip(),
        row["annotator_is_creator"].strip().lower() == "true",
        row["review_status"].strip().lower(),
    )
