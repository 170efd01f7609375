"""The sound bank: events, backgrounds and rooms from which to mix soundscapes.

Authors
 * sb_sed contributors 2026
"""

import json
import logging
import os
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sb_sed.audio.search import find_audio
from sb_sed.audio.store import AudioStore
from sb_sed.data.held_out import read_held_out_sounds
from sb_sed.data.jams import strip_suffixes
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.formats.labels import label_fault, same_label
from sb_sed.formats.tsv import shortened
from sb_sed.mixing.cache import AudioCache

logger = logging.getLogger(__name__)

_ISOLATED, _FOREGROUND = "_events", "foreground"
_SILENT = "holds only silence"
_REMEDIES = {
    "foregrounds": "name a folder with one folder of audio per class",
    "backgrounds": "name a folder with audio",
    "rirs": "name a folder with audio, or none for dry events",
}


@dataclass(frozen=True)
class Foreground:
    """A file with one event.

    Arguments
    ---------
    path : str
        Mono audio.
    label : str
        The class, or a folder of the DESED sound bank: ``Frying_nOff`` is a
        class and the mark of an event that was cut off.
    soundscape : str, optional
        The soundscape of which this is an isolated event, padded with silence
        so that it lies where it lies there.

    Example
    -------
    >>> source = Foreground("a.wav", "Frying_nOff")
    >>> source.event_label, source.has_onset, source.has_offset
    ('Frying', True, False)
    """

    path: str
    label: str
    soundscape: str | None = None

    @property
    def event_label(self) -> str:
        """The class without the mark."""
        return strip_suffixes(self.label)

    @property
    def has_onset(self) -> bool:
        """Whether the file has the event's start."""
        return "_nOn" not in self._marks

    @property
    def has_offset(self) -> bool:
        """Whether the file has the event's end."""
        return "_nOff" not in self._marks

    def is_among(self, sounds: Collection[str]) -> bool:
        """Whether this is one of the sounds that soundscapes name.

        Arguments
        ---------
        sounds : collection of str
            ``<label>/<file>`` of a sound bank, or
            ``<soundscape>_events/<file>`` of isolated events.
        """
        path = Path(self.path)
        above = path.parent.name if self.soundscape else self.label
        # Converted audio has one more extension.
        names = (path.name, path.stem)
        return any(f"{above}/{name}" in sounds for name in names)

    @property
    def _marks(self) -> str:
        return self.label[len(self.event_label) :]


@dataclass(frozen=True)
class Sources:
    """The files of a sound bank, mono and at one rate.

    Arguments
    ---------
    foregrounds : Sequence[Foreground]
        Events to train on.
    backgrounds : Sequence[str]
        Recordings of places.
    rirs : Sequence[str]
        Room impulse responses.
    cache : AudioCache
        Reads them.
    held_out : Sequence[Foreground]
        Events to measure on; the same as to train on, where none are held out.
    """

    foregrounds: Sequence[Foreground] = ()
    backgrounds: Sequence[str] = ()
    rirs: Sequence[str] = ()
    cache: AudioCache = field(default_factory=AudioCache)
    held_out: Sequence[Foreground] = ()


class Soundbank:
    """The folders of a sound bank.

    They are read when the data is prepared: like the recordings of a data set,
    their files are checked and made mono at one rate.

    Arguments
    ---------
    foregrounds : str, optional
        Events: see ``find_foregrounds``. Relative to the data folder, as the
        others.
    backgrounds : str, optional
        Recordings of places: all audio below this folder.
    rirs : str, optional
        Room impulse responses, likewise.
    cache_megabytes : float
        Most memory of each process for decoded audio.

    Example
    -------
    >>> import numpy as np, soundfile
    >>> folder = getfixture("tmp_path")
    >>> (folder / "bank" / "Cat").mkdir(parents=True)
    >>> soundfile.write(folder / "bank/Cat/a.wav", np.ones(44100), 44100)
    >>> soundbank = Soundbank(foregrounds="bank")
    >>> soundbank.prepare(folder, folder / "prepared", 16000)
    []
    >>> sources = soundbank.load(folder / "prepared", 16000)
    >>> [(source.label, source.has_onset) for source in sources.foregrounds]
    [('Cat', True)]
    >>> len(sources.cache.read(sources.foregrounds[0].path))
    16000
    """

    def __init__(
        self,
        foregrounds: str | None = None,
        backgrounds: str | None = None,
        rirs: str | None = None,
        cache_megabytes: float = 256,
    ):
        folders = {
            "foregrounds": foregrounds,
            "backgrounds": backgrounds,
            "rirs": rirs,
        }
        self.folders = {
            role: folder for role, folder in folders.items() if folder
        }
        self.cache_megabytes = cache_megabytes

    def prepare(
        self,
        data_folder: str | Path,
        prepared_folder: str | Path,
        sample_rate: int,
        n_jobs: int | None = None,
        note: Callable[[str, str], None] | None = None,
    ) -> list[tuple[str, str, str]]:
        """List the files; check and convert those that are new.

        Below ``prepared_folder`` it writes ``soundbank/<key>.json`` (the files
        of these folders), ``<key>_missing.tsv`` (files that cannot be used, and
        the reasons) and converted audio. Events and responses that are silent
        cannot be used: there would be labels of nothing.

        Arguments
        ---------
        data_folder : str | Path
            Where relative folders begin.
        prepared_folder : str | Path
            Where to write.
        sample_rate : int
            Samples per second.
        n_jobs : int, optional
            Processes; default: one for each processor allowed.
        note : Callable[[str, str], None], optional
            Called with the path of a file that is used, and with what its user
            should know of it: a phrase to follow the name.

        Returns
        -------
        list[tuple[str, str, str]]
            Role, path and reason of each file that cannot be used.

        Raises
        ------
        InputError
            If a folder is missing or has no usable audio.
        """
        if not self.folders:
            return []
        found, missing = {}, []
        store = AudioStore(Path(prepared_folder) / "audio", sample_rate)
        for role, folder in self.folders.items():
            folder = Path(os.path.abspath(Path(data_folder) / folder))
            sources = _find(role, folder)
            ready = store.prepare(
                [
                    (source.path, _name(source.path, folder))
                    for source in sources
                ],
                n_jobs,
            )
            reasons = {
                path: audio.reason or _SILENT * audio.is_silent
                for path, audio in ready.items()
                if audio.reason or (audio.is_silent and role != "backgrounds")
            }
            missing += [(role, *entry) for entry in reasons.items()]
            found[role] = [
                (ready[source.path].path, source.label, source.soundscape)
                for source in sources
                if source.path not in reasons
            ]
            for path, audio in ready.items() if note else ():
                if audio.note and path not in reasons:
                    note(path, audio.note)
            if not found[role]:
                raise _no_audio(role, f"{folder} ({missing[-1][2]})")
        listing = self._listing(prepared_folder, sample_rate)
        table = listing.with_name(f"{listing.stem}_missing.tsv")
        with atomic_path(table) as temporary:
            pd.DataFrame(missing, columns=["role", "file", "reason"]).to_csv(
                temporary, sep="\t", index=False, errors="backslashreplace"
            )
        with atomic_path(listing) as temporary:
            temporary.write_text(json.dumps(found), "utf-8")
        counts = ", ".join(f"{len(files)} {r}" for r, files in found.items())
        logger.info("sound bank: %s; %d unusable", counts, len(missing))
        if missing:
            logger.warning("unusable sounds and the reasons: %s", table)
        return missing

    def load(self, prepared_folder: str | Path, sample_rate: int) -> Sources:
        """Return the files that ``prepare`` has listed.

        Events that are in soundscapes held out for validation (see
        :mod:`sb_sed.data.held_out`) are held out here, too; a class of which
        all are in such soundscapes keeps them, with a warning.
        """
        cache = AudioCache(self.cache_megabytes, sample_rate)
        if not self.folders:
            return Sources(cache=cache)
        listing = self._listing(prepared_folder, sample_rate)
        try:
            found = json.loads(listing.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{listing} is missing or damaged: prepare the data again "
                "(skip_prep: False)."
            ) from error
        events = [Foreground(*entry) for entry in found.get("foregrounds", [])]
        backgrounds, rirs = (
            [path for path, *_ in found.get(role, [])]
            for role in ("backgrounds", "rirs")
        )
        events, held_out = _divide(
            events, read_held_out_sounds(prepared_folder)
        )
        return Sources(events, backgrounds, rirs, cache, held_out)

    def _listing(self, prepared_folder: str | Path, sample_rate: int) -> Path:
        """The list of these very folders: other recipes may use others."""
        settings = json.dumps([self.folders, sample_rate], sort_keys=True)
        name = f"{zlib.crc32(settings.encode()):08x}.json"
        return Path(prepared_folder) / "soundbank" / name


def find_foregrounds(folder: str | Path) -> list[Foreground]:
    """Find the events of a sound bank, or those beside soundscapes.

    Arguments
    ---------
    folder : str | Path
        One folder per class (``Dog/…``, ``Frying_nOff/…``) with audio at any
        depth, or soundscapes with their isolated events
        (``<soundscape>_events/foreground<k>_<label>.wav``).

    Returns
    -------
    list[Foreground]
        Sorted by path.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("Cat/a.wav", "Dog_nOn/b.flac", "Dog_nOn/notes.txt"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     (folder / name).touch()
    >>> [(Path(f.path).name, f.label) for f in find_foregrounds(folder)]
    [('a.wav', 'Cat'), ('b.flac', 'Dog_nOn')]
    """
    found = []
    for above in sorted(Path(folder).glob("[!.]*/")):
        for path in find_audio(above):
            if not above.name.endswith(_ISOLATED):
                found.append(Foreground(path, same_label(above.name)))
            elif Path(path).relative_to(above).parts[0].startswith(_FOREGROUND):
                label = same_label(Path(path).stem.partition("_")[2])
                soundscape = above.name.removesuffix(_ISOLATED)
                found.append(Foreground(path, label, soundscape))
    return sorted(found, key=lambda source: source.path)


def _divide(
    events: list[Foreground], sounds: Collection[str]
) -> tuple[list[Foreground], list[Foreground]]:
    """Events to train on, and those among the sounds; each has all classes."""
    flags = [event.is_among(sounds) for event in events]
    classes = {
        flag: {
            e.event_label
            for e, x in zip(events, flags, strict=True)
            if x == flag
        }
        for flag in (False, True)
    }
    if used_up := sorted(classes[True] - classes[False]):
        logger.warning(
            "sound bank: all sounds of %s are in soundscapes held out for "
            "validation; they are mixed all the same",
            ", ".join(used_up),
        )
    train, measure = (
        [
            event
            for event, flag in zip(events, flags, strict=True)
            if flag == wanted or event.event_label not in classes[wanted]
        ]
        for wanted in (False, True)
    )
    if len(train) < len(events):
        logger.info(
            "sound bank: %d of %d sounds are in soundscapes held out for "
            "validation, and not mixed",
            len(events) - len(train),
            len(events),
        )
    return train, measure


def _find(role: str, folder: Path) -> list[Foreground]:
    """The files of a role; those that are no events have an empty label."""
    if role == "foregrounds":
        sources = find_foregrounds(folder)
        for source in sources:
            if fault := label_fault(source.event_label):
                raise InputError(
                    f"mixing: foregrounds: {source.path} is of the class "
                    f"{shortened(source.event_label)}, {fault}: rename its "
                    "folder."
                )
    else:
        sources = [Foreground(path, "") for path in find_audio(folder)]
    if not sources:
        raise _no_audio(role, folder)
    return sources


def _no_audio(role: str, folder: str | Path) -> InputError:
    return InputError(
        f"mixing: {role}: there is no usable audio in {folder}: "
        f"fetch it, or {_REMEDIES[role]}."
    )


def _name(path: str, folder: Path) -> str:
    """Where the converted form of a file goes; no two are the same.

    It lies in folders of the same names, which are labels.
    """
    key = zlib.crc32(os.fsencode(folder))
    place = Path(path).relative_to(folder.parent)
    return f"soundbank/{key:08x}/{place}.wav"
