"""Mixed soundscapes as files: audio, JAMS, isolated events and a table.

Authors
 * sb_sed contributors 2026
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.audio.store import write_wav
from sb_sed.data.jams import JamsSource, read_jams, soundscape_jams
from sb_sed.errors import UNREADABLE, InputError
from sb_sed.formats import atomic_path, events_table, write_events
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.scene import Scene, SceneSource, Sound, Soundscape


def draw_scene(mixer: Mixer, seed: int, index: int) -> Scene:
    """Draw soundscape ``index`` of the set with this seed."""
    return mixer.draw(np.random.default_rng([seed, index]))


def write_soundscapes(
    mixer: Mixer,
    folder: str | Path,
    n_clips: int,
    seed: int = 0,
    isolated: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Mix soundscapes and write them as Scaper would.

    ``soundscapes/<n>.wav`` (mono, 16 bit), ``soundscapes/<n>.jams`` with all
    that was drawn, on demand ``soundscapes/<n>_events/`` with the audio of each
    source, which add up to the mixture, and ``soundscapes.tsv``, the labels.
    As ``…/audio/train/synthetic20`` of a DESED copy the folder is its synthetic
    set. Existing soundscapes are kept.

    Arguments
    ---------
    mixer : Mixer
        Draws and mixes.
    folder : str | Path
        Where to write.
    n_clips : int
        Number of soundscapes.
    seed : int
        Determines each soundscape, whatever ``n_clips``.
    isolated : bool
        Whether to write the audio of each source.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    pd.DataFrame
        The events of all soundscapes.

    Raises
    ------
    InputError
        If the folder holds soundscapes of another seed or of other settings,
        or more than ``n_clips``.

    Example
    -------
    >>> import soundfile
    >>> from sb_sed.mixing.soundbank import Foreground
    >>> folder = getfixture("tmp_path")
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    >>> for name in ("dog.wav", "kitchen.wav"):
    ...     soundfile.write(folder / name, noise, 16000)
    >>> mixer = Mixer(
    ...     [Foreground(str(folder / "dog.wav"), "Dog")],
    ...     [str(folder / "kitchen.wav")],
    ... )
    >>> events = write_soundscapes(mixer, folder / "new", 2, progress=False)
    >>> sorted(path.name for path in (folder / "new/soundscapes").iterdir())
    ['0.jams', '0.wav', '1.jams', '1.wav']
    >>> list(events["filename"].unique()), list(events["event_label"].unique())
    (['0.wav', '1.wav'], ['Dog'])
    """
    if n_clips < 1:
        raise InputError(f"{n_clips} soundscapes cannot be written: ask for 1.")
    folder = Path(folder)
    place = folder / "soundscapes"
    names = [str(index) for index in range(n_clips)]
    _check_only(place, names)
    events = {}
    for index, name in enumerate(
        tqdm(names, desc=f"{place}", unit="clip", disable=not progress)
    ):
        scene = draw_scene(mixer, seed, index)
        origin = {
            "seed": seed,
            "index": index,
            "sample_rate": mixer.sample_rate,
            "audible": mixer.audible,
            "scene": scene.to_dict(),
        }
        jams = place / f"{name}.jams"
        if not _is_complete(jams, origin, isolated):
            _write(mixer, scene, origin, place / name, isolated)
        events[f"{name}.wav"] = read_jams(jams, list(mixer.by_class))
    table = events_table(events)
    write_events(table, folder / "soundscapes.tsv", list(events))
    return table


def _check_only(place: Path, names: list[str]) -> None:
    """Refuse soundscapes that would not be in the table."""
    others = sorted(
        path
        for kind in ("jams", "wav")
        for path in place.glob(f"*.{kind}")
        if path.stem not in names
    )
    if others:
        raise InputError(
            f"{others[0]} is not one of the {len(names)} soundscapes to write: "
            "ask for more, or give another folder."
        )


def _is_complete(jams: Path, origin: dict, isolated: bool) -> bool:
    """Whether an earlier call has written all of a soundscape."""
    if not jams.exists() and not jams.with_suffix(".wav").exists():
        return False
    try:
        document = json.loads(jams.read_text("utf-8"))
        sandbox = document["annotations"][0]["sandbox"]
        found = sandbox["sb_sed"]
        parts = sandbox["scaper"]["isolated_events_audio_path"]
    except UNREADABLE:
        found = None
    if found != json.loads(json.dumps(origin)):
        raise InputError(
            f"{jams} is missing or has another seed or other settings: give "
            "another folder, or delete the soundscape."
        )
    files = [jams.with_suffix(".wav"), *(jams.parent / part for part in parts)]
    return (bool(parts) or not isolated) and all(
        file.exists() for file in files
    )


def _write(
    mixer: Mixer, scene: Scene, origin: dict, path: Path, isolated: bool
) -> None:
    """Write ``path`` with the suffix of each file.

    The JAMS is written first: audio without it is not from here.
    """
    soundscape = mixer.render(scene)
    rate = mixer.sample_rate
    foregrounds = _foregrounds(scene, soundscape)
    parts = {}
    if isolated:
        folder = f"{path.name}_events"
        name = f"{folder}/background0_{scene.background.label}.wav"
        parts[name] = soundscape.background
        for number, (source, sound) in enumerate(foregrounds):
            parts[f"{folder}/foreground{number}_{source.label}.wav"] = sound
    document = _to_jams(scene, foregrounds, list(parts), origin, rate)
    with atomic_path(path.with_suffix(".jams")) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    for name, sound in parts.items():
        stem = np.zeros_like(soundscape.samples)
        stem[sound.first :][: len(sound.samples)] = sound.samples
        write_wav(path.parent / name, stem, rate)
    write_wav(path.with_suffix(".wav"), soundscape.samples, rate)


def _foregrounds(
    scene: Scene, soundscape: Soundscape
) -> list[tuple[SceneSource, Sound]]:
    """Those in the mixture, by onset: readers of JAMS sort them so."""
    pairs = zip(scene.foregrounds, soundscape.foregrounds, strict=True)
    mixed = [(source, sound) for source, sound in pairs if sound]
    return sorted(mixed, key=lambda pair: round(pair[1].onset, 3))


def _to_jams(
    scene: Scene,
    foregrounds: list[tuple[SceneSource, Sound]],
    parts: list[str],
    origin: dict,
    sample_rate: int,
) -> dict:
    background = scene.background
    return soundscape_jams(
        JamsSource(
            label=background.label,
            source_file=background.path,
            time=0.0,
            duration=scene.seconds,
            snr=0.0,
            source_time=background.start,
            event_duration=scene.seconds,  # a shorter file is looped
        ),
        [_jams_source(source, sound, scene) for source, sound in foregrounds],
        scene.seconds,
        corpus="",
        isolated=parts,
        # With these Scaper mixes something similar: the dry sources at the same
        # places, but at levels of loudness where these are of peaks.
        scaper={
            "original_duration": scene.seconds,
            "fg_path": _bank(scene.foregrounds[0].path),
            "bg_path": _bank(background.path),
            "protected_labels": [],
            "sr": sample_rate,
            "ref_db": background.level,
            "n_channels": 1,
            "fade_in_len": 0.01,
            "fade_out_len": 0.01,
            "reverb": None,
        },
        sandbox={"sb_sed": origin},
    )


def _jams_source(source: SceneSource, sound: Sound, scene: Scene) -> JamsSource:
    skipped = max(0.0, -source.onset)
    event_time = max(0.0, source.onset)
    # In milliseconds, as the table: their sum must not be rounded otherwise.
    onset = round(sound.onset, 3)
    offset = max(round(sound.offset, 3), round(onset + 0.001, 3))
    shifts = [
        effect["semitones"]
        for effect in source.effects
        if effect["effect"] == "PitchShift"
    ]
    return JamsSource(
        label=source.label,
        source_file=source.path,
        time=onset,
        duration=round(offset - onset, 3),
        snr=source.level - scene.background.level,
        source_time=source.start + skipped,
        event_duration=min(
            source.seconds - skipped, scene.seconds - event_time
        ),
        event_time=event_time,
        pitch_shift=shifts[0] if shifts else None,
    )


def _bank(path: str) -> str:
    """The folder with the folders of the classes."""
    return str(Path(path).parent.parent)
