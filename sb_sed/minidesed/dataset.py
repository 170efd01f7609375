"""MiniDESED: a procedural miniature of DESED, made from a seed in seconds.

Every recipe and test can run on it without DESED. The layout is the official
one of 2020 (``dataset/``, ``synthetic/`` and ``rir_data/``). As there, the
strongly labelled clips are synthetic while the weakly labelled, unlabelled and
validation clips are "recorded": drawn from wider ranges, set in rooms with
louder backgrounds and other sounds, each recorded by another device.

    python -m sb_sed.minidesed --folder data/minidesed

The two constants below set how difficult it is. The sounds are in ``sounds.py``
(made of ``synthesis.py``), backgrounds, rooms and devices in ``world.py``, the
scenes in ``scenes.py``.

Authors
 * sb_sed contributors 2026
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.audio.store import write_wav
from sb_sed.data.jams import strip_suffixes, tidy_events
from sb_sed.formats import (
    EVENT_COLUMNS,
    Event,
    atomic_path,
    events_table,
    write_events,
)
from sb_sed.minidesed.making import (
    Maker,
    call,
    check_size,
    generator,
    make_once,
)
from sb_sed.minidesed.scenes import (
    CLIP,
    Recorded,
    Synthetic,
    event_seconds,
    recorded_scene,
    synthetic_scene,
    to_jams,
)
from sb_sed.minidesed.sounds import GENERATORS
from sb_sed.minidesed.synthesis import RATE
from sb_sed.minidesed.world import Room, background

# How difficult the set is. Lower `snr`, higher `device`, more `distractors`
# matter most, wider `shift`, higher `busy`, more reverberation less.
SYNTHETIC = Synthetic(snr=(6, 30), busy=(0.0, 0.3), background=-50)
RECORDED = Recorded(
    snr=(8, 26),
    busy=(0.2, 0.8),
    shift=0.15,
    distractors=0.25,
    reverberation=(0.15, 0.6),
    direct_ratio=(0, 12),
    device=0.5,
)

VERSION = 1  # raise it with every change that changes the audio or the labels
SOUNDSCAPES = 360
SOUNDS_PER_CLASS = 20
BACKGROUNDS = 30
ROOMS = 10
_SUFFIXES = {  # as in DESED: no onset, no offset in the file
    "Frying": ("", "_nOff", "_nOn_nOff"),
    "Vacuum_cleaner": ("", "_nOn", "_nOn_nOff"),
}
MAKER = Maker("MiniDESED", "minidesed", ("dataset", "synthetic", "rir_data"))
_BANK = Path("synthetic/audio/train/soundbank")
_SCAPES = Path("dataset/audio/train/synthetic20/soundscapes")


@dataclass(frozen=True)
class Split:
    """A set of recorded clips: its number of clips, its folders, its names."""

    count: int
    audio: str
    table: str
    columns: tuple[str, ...]
    name: str


_STRONG = tuple(EVENT_COLUMNS)
SPLITS = {
    "weak": Split(
        180,
        "train/weak",
        "train/weak.tsv",
        ("filename", "event_labels"),
        "Yminiw{:06d}_{:.3f}_{:.3f}.wav",
    ),
    "unlabelled": Split(
        360,
        "train/unlabel_in_domain",
        "train/unlabel_in_domain.tsv",
        ("filename",),
        "Yminiu{:06d}_{:.3f}_{:.3f}.wav",
    ),
    "validation": Split(
        160,
        "validation",
        "validation/validation.tsv",
        _STRONG,
        "Yminiv{:06d}_{:.3f}_{:.3f}.wav",
    ),
    "public": Split(
        100,
        "eval/public",
        "eval/public.tsv",
        _STRONG,
        "minip{:06d}_{:.0f}_{:.0f}.wav",
    ),
}


def make_minidesed(
    folder: str | Path,
    seed: int = 0,
    scale: float = 1.0,
    n_jobs: int = 2,
    progress: bool = True,
) -> Path:
    """Make the miniature DESED, unless it exists.

    The same seed and scale give the same files to the bit, with any number of
    processes. A set with another seed, scale or version, or an unfinished one,
    in the folder is deleted and made again.

    Arguments
    ---------
    folder : str | Path
        Where ``dataset/``, ``synthetic/`` and ``rir_data/`` go.
    seed : int
        0 or more.
    scale : float
        Factor on the number of clips and sounds (1: 1160 clips, 0.8 GB).
    n_jobs : int
        Processes. With more than 1, a script that calls this needs the usual
        ``if __name__ == "__main__":``, since its processes are spawned.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    folder : Path
        The given folder.

    Raises
    ------
    InputError
        If the seed is negative, the scale is not positive, or the folder holds
        a data set that is not a MiniDESED.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> root = make_minidesed(folder, scale=0.01, n_jobs=1, progress=False)
    >>> sorted(path.name for path in root.iterdir())
    ['dataset', 'minidesed.json', 'rir_data', 'synthetic']
    """
    folder = Path(folder)
    check_size(seed, scale)
    stamp = {
        "version": VERSION,
        "seed": int(seed),
        "scale": float(scale),
        "synthetic": asdict(SYNTHETIC),
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
    """First the sound bank and the rooms, then the clips, then the tables."""

    def _count(full, least=2):
        return max(least, round(full * scale))

    sounds: list[tuple] = [
        (_make_foreground, folder, seed, label, index)
        for label in GENERATORS
        for index in range(_count(SOUNDS_PER_CLASS, 3))
    ]
    sounds += [
        (_make_background, folder, seed, i) for i in range(_count(BACKGROUNDS))
    ]
    sounds += [(_make_rirs, folder, seed, i) for i in range(_count(ROOMS))]
    clips: list[tuple] = [
        (_make_soundscape, folder, seed, i) for i in range(_count(SOUNDSCAPES))
    ]
    for name, split in SPLITS.items():
        clips += [
            (_make_recording, folder, seed, name, i)
            for i in range(_count(split.count, 3))
        ]
    with tqdm(
        total=len(sounds) + len(clips),
        desc=f"MiniDESED in {folder}",
        disable=not progress,
    ) as bar:
        for _ in run(call, sounds):
            bar.update()
        made = {}
        for (_, _, _, *split, _), clip in zip(
            clips, run(call, clips), strict=True
        ):
            made.setdefault(split[0] if split else "synthetic", []).append(clip)
            bar.update()
    _write_tables(folder / "dataset/metadata", made)


def _write_peak(path, sound):
    write_wav(path, 0.9 * sound / np.abs(sound).max(), RATE)


def _make_foreground(folder, seed, label, index):
    rng = generator(seed, "foreground", label, index)
    suffixes = _SUFFIXES.get(label, ("",))
    suffix = suffixes[index % len(suffixes)]
    whole = suffix == "_nOn_nOff"
    length = 1.2 * CLIP if whole else event_seconds(rng, label)
    before, after = float("_nOn" in suffix), float("_nOff" in suffix)
    sound = GENERATORS[label](rng, before + length + after)
    start = round(before * RATE)
    sound = sound[start : start + round(length * RATE)]
    name = f"{label}_{index:03d}.wav"
    _write_peak(folder / _BANK / "foreground" / (label + suffix) / name, sound)


def _make_background(folder, seed, index):
    rng = generator(seed, "background", index)
    sound = background(rng, CLIP, rng.uniform(*SYNTHETIC.busy))
    name = f"DevNode1_ex{index:03d}_1.wav"
    _write_peak(folder / _BANK / "background/sins" / name, sound)


def _make_rirs(folder, seed, index):
    rng = generator(seed, "room", index)
    room = Room(rng, RECORDED.reverberation, RECORDED.direct_ratio)
    place = folder / "rir_data/train" / f"rirs_{index:02d}"
    for name in ("foreground0", "foreground1", "background0"):
        _write_peak(place / f"{name}.wav", room.response())


def _make_soundscape(folder, seed, index):
    """One synthetic clip with its JAMS and isolated sounds; name and events."""
    rng = generator(seed, "soundscape", index)
    sources = synthetic_scene(rng, folder / _BANK, SYNTHETIC)
    place = folder / _SCAPES
    mixture = sum((x.sound for x in sources), np.zeros(1, np.float32))
    write_wav(place / f"{index}.wav", mixture, RATE)
    isolated = []
    for k, source in enumerate(sources):
        role = f"foreground{k - 1}" if k else "background0"
        isolated.append(f"{index}_events/{role}_{source.label}.wav")
        write_wav(place / isolated[-1], source.sound, RATE)
    with atomic_path(place / f"{index}.jams") as temporary:
        jams = to_jams(sources, isolated, folder, CLIP)
        temporary.write_text(json.dumps(jams, indent=1) + "\n")
    events = [
        Event(s.time, s.time + s.duration, strip_suffixes(s.label))
        for s in sources[1:]
    ]
    return f"{index}.wav", tidy_events(events, CLIP)


def _make_recording(folder, seed, name, index):
    """One clip of the recorded domain; name and events."""
    rng = generator(seed, name, index)
    split = SPLITS[name]
    # As in DESED, some validation clips have no event, some are short.
    empty = name == "validation" and index % 50 == 0
    short = name in ("validation", "public") and index % 80 == 1
    seconds = round(rng.uniform(4, 9), 3) if short else CLIP
    sound, events = recorded_scene(rng, seconds, RECORDED, empty)
    start = 10 * int(rng.integers(0, 30))
    filename = split.name.format(index, start, start + seconds)
    write_wav(folder / "dataset/audio" / split.audio / filename, sound, RATE)
    return filename, events


def _write_tables(metadata, made):
    _write_strong(
        metadata / "train/synthetic20/soundscapes.tsv", made.pop("synthetic")
    )
    for name, clips in made.items():
        split = SPLITS[name]
        path = metadata / split.table
        if split.columns == _STRONG:
            _write_strong(path, clips)
            continue
        table = pd.DataFrame(
            [
                (filename, ",".join(sorted({label for *_, label in events})))
                for filename, events in clips
            ],
            columns=["filename", "event_labels"],
        )
        with atomic_path(path) as temporary:
            table[list(split.columns)].to_csv(temporary, sep="\t", index=False)


def _write_strong(path, clips):
    events = dict(clips)
    write_events(events_table(events), path, list(events))
