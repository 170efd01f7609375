"""MiniRealDESED: a procedural miniature of RealDESED in its layout.

Every recording is of a home (a room and a device of its own), 5 to 30 s long,
at the rate of its device. The training set is annotated by simulated annotators
of known faults, three a recording; the other sets by a perfect one. What is
really in the training set, and the faults, are in ``truth/``, which the real
data set has not: to judge aggregations by.

    python -m sb_sed.minidesed --layout realdesed --folder data/minirealdesed

Authors
 * sb_sed contributors 2026
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import resample_poly
from tqdm import tqdm

from sb_sed.formats import Event, atomic_path, events_table, write_events
from sb_sed.minidesed.annotators import Annotator, draw_annotators
from sb_sed.minidesed.dataset import RECORDED
from sb_sed.minidesed.home_sounds import REALDESED
from sb_sed.minidesed.making import (
    Maker,
    call,
    check_size,
    generator,
    make_once,
)
from sb_sed.minidesed.scenes import recorded_scene
from sb_sed.minidesed.synthesis import RATE

VERSION = 1  # raise it with every change that changes the audio or the labels
SPLITS = {"train": 240, "validation": 60, "test": 80}  # recordings
SECONDS = (5.0, 30.0)
ANNOTATORS, PER_RECORDING = 12, 3
ACCEPTED, REJECTED = 0.1, 0.03  # shares of what is reviewed
MAKER = Maker("MiniRealDESED", "minirealdesed", (*SPLITS, "truth"))
CLASSES = tuple(REALDESED.generators)
# Rate, channels and placement of the devices.
_DEVICES = {
    "iPhone 12": (48000, 1),
    "Galaxy S21": (44100, 2),
    "Pixel 6": (48000, 2),
    "Zoom H1n": (44100, 2),
}
_ROOMS = ("kitchen", "bathroom", "living room", "hallway", "office")
_RAW = ["filename", "onset", "offset", "class", "annotator_id"]
_RAW += ["annotator_is_creator", "review_status", "reviewer_id"]
_METADATA = ["filename", "target_classes", "non_target_classes"]
_METADATA += ["recording_device", "device_placement", "recording_environment"]
_METADATA += ["scene_description", "license"]


def make_minirealdesed(
    folder: str | Path,
    seed: int = 0,
    scale: float = 1.0,
    n_jobs: int = 2,
    progress: bool = True,
) -> Path:
    """Make the miniature RealDESED, unless it exists.

    The same seed and scale give the same files to the bit, with any number of
    processes.

    Arguments
    ---------
    folder : str | Path
        Where ``train/``, ``validation/``, ``test/`` and ``truth/`` go.
    seed : int
        0 or more.
    scale : float
        Factor on the number of recordings (1: 380, 0.3 GB).
    n_jobs : int
        Processes; see ``make_minidesed``.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Path
        The given folder.

    Raises
    ------
    InputError
        As ``make_minidesed``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> root = make_minirealdesed(folder, 0, 0.01, n_jobs=1, progress=False)
    >>> sorted(path.name for path in (root / "train").iterdir())
    ['annotations_raw.csv', 'audio', 'metadata.csv']
    """
    folder = Path(folder)
    check_size(seed, scale)
    stamp = {
        "version": VERSION,
        "seed": int(seed),
        "scale": float(scale),
        "recorded": asdict(RECORDED),
    }
    return make_once(
        folder,
        MAKER,
        stamp,
        lambda run: _make_all(folder, int(seed), scale, run, progress),
        n_jobs,
    )


def _make_all(folder, seed, scale, run, progress):
    """First the recordings, then the tables of each split."""
    jobs = [
        (_make_recording, folder, seed, name, index)
        for name, count in SPLITS.items()
        for index in range(max(3, round(count * scale)))
    ]
    made = {name: {} for name in SPLITS}
    title = f"{MAKER.title} in {folder}"
    bar = tqdm(run(call, jobs), title, len(jobs), disable=not progress)
    for (*_, name, _), (filename, home, events, seconds) in zip(
        jobs, bar, strict=True
    ):
        made[name][filename] = home, events, seconds
    for name, recordings in made.items():
        _write_metadata(folder / name / "metadata.csv", recordings)
        if name == "train":
            _write_annotators(folder, seed, recordings)
        else:
            rows = [
                (filename, *event)
                for filename, (_, events, _) in recordings.items()
                for event in events
            ]
            _write_csv(folder / name / "annotations.csv", _RAW[:4], rows)


def _make_recording(folder, seed, name, index):
    """One recording; its name, home, true events and length."""
    rng = generator(seed, "realdesed", name, index)
    device = [*_DEVICES][rng.integers(len(_DEVICES))]
    home = {
        "recording_device": device,
        "device_placement": ["static", "mobile"][int(rng.random() < 0.3)],
        "recording_environment": _ROOMS[rng.integers(len(_ROOMS))],
    }
    # Who carries the device is further from what sounds.
    mobile = home["device_placement"] == "mobile"
    domain = replace(RECORDED, snr=(5, 22)) if mobile else RECORDED
    seconds = round(float(rng.uniform(*SECONDS)), 2)
    sound, events = recorded_scene(rng, seconds, domain, repertoire=REALDESED)
    rate, channels = _DEVICES[device]
    by = np.gcd(rate, RATE)
    sound = resample_poly(sound, rate // by, RATE // by)
    filename = f"{name}_{index:05d}.flac"
    path = folder / name / "audio" / filename
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.tile(sound[:, None], (1, channels)).clip(-1, 1), rate)
    return filename, home, events, seconds


def _write_metadata(path, recordings):
    rows = [
        [
            filename,
            ";".join(sorted({label for *_, label in events})),
            "",
            *home.values(),
            f"somebody at home, {seconds:g} s",
            "CC0",
        ]
        for filename, (home, events, seconds) in recordings.items()
    ]
    _write_csv(path, _METADATA, rows)


def _write_annotators(folder, seed, recordings):
    """Who marked what in the training set, and the truth about them."""
    team = draw_annotators(generator(seed, "annotators"), ANNOTATORS)
    rows = []
    for filename, (_, events, seconds) in recordings.items():
        rng = generator(seed, "annotation", filename)
        who = rng.choice(len(team), PER_RECORDING, replace=False)
        accepted = rng.random() < ACCEPTED
        for place, number in enumerate(who):
            rows += _marked(rng, team[number], filename, events, seconds, place)
        if accepted:
            rows += [
                _row(filename, x, "reviewer", 0, "accepted") for x in events
            ]
    rows.insert(len(rows) // 2, rows[len(rows) // 3])  # a duplicate, as there
    _write_csv(folder / "train" / "annotations_raw.csv", _RAW, rows)
    truth = {name: events for name, (_, events, _) in recordings.items()}
    write_events(events_table(truth), folder / "truth" / "train.tsv", [*truth])
    _write_csv(
        folder / "truth" / "annotators.csv",
        ["annotator_id", "jitter", "misses", "false", "quality"],
        [[*asdict(x).values(), round(x.quality, 4)] for x in team],
    )


def _marked(
    rng: np.random.Generator,
    annotator: Annotator,
    filename: str,
    events: Sequence[Event],
    seconds: float,
    place: int,
) -> list[list]:
    """The rows of one annotator; the first of a recording made it."""
    marked = annotator.annotate(rng, events, seconds, CLASSES)
    return [
        _row(
            filename,
            event,
            annotator.name,
            place == 0,
            "rejected" if rng.random() < REJECTED else "unreviewed",
        )
        for event in marked
    ]


def _row(filename, event, annotator, is_creator, review) -> list:
    reviewer = "" if review == "unreviewed" else "reviewer"
    return [filename, *event, annotator, bool(is_creator), review, reviewer]


def _write_csv(path: Path, header: list[str], rows: Iterable[Sequence]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
