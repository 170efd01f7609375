"""Tiny DESED copies and soundscapes for the tests of the preparation."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.data.desed import prepare_desed

STRONG = ("filename", "onset", "offset", "event_label")


def write_table(path, header, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(row) for row in [header, *rows]]
    path.write_text("\n".join(lines) + "\n")


def write_audio(path, seconds=0.5, rate=16000, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(size=(round(seconds * rate), 1))
    sf.write(path, 0.1 * np.repeat(samples, channels, axis=1), rate)


class Tree:
    """A tiny DESED copy; the tests damage it before they prepare it."""

    header = STRONG
    write_table = staticmethod(write_table)
    write_audio = staticmethod(write_audio)

    def __init__(self, folder, newer=False):
        self.folder = folder
        self.metadata = folder / "dataset" / "metadata"
        self.audio = folder / "dataset" / "audio"
        name = "synthetic20_train" if newer else "synthetic20"
        self.soundscapes = self.audio / "train" / name / "soundscapes"
        self.soundscapes_table = (
            self.metadata / "train" / name / "soundscapes.tsv"
        )
        rows = [(f"{i}.wav", "0.1", "0.4", "Dog") for i in range(10)]
        write_table(self.soundscapes_table, STRONG, *rows)
        for filename, *_ in rows:
            write_audio(self.soundscapes / filename)
        self.weak = self.audio / "train" / "weak"
        self.weak_table = self.metadata / "train" / "weak.tsv"
        write_table(
            self.weak_table,
            ("filename", "event_labels"),
            ("Yw-1_0.000_10.000.wav", "Speech,Cat"),
            ("Yw_2_30.000_40.000.wav", "Frying_nOn_nOff"),
        )
        write_audio(self.weak / "Yw-1_0.000_10.000.wav", 11.0, 44100, 2)
        write_audio(self.weak / "Yw_2_30.000_40.000.wav", 3.0, 22050)
        self.unlabelled = self.audio / "train" / "unlabel_in_domain"
        self.unlabelled_table = self.metadata / "train/unlabel_in_domain.tsv"
        names = [f"Yu{i}_0.000_10.000.wav" for i in range(3)]
        write_table(self.unlabelled_table, ["filename"], *[[n] for n in names])
        for filename in names:
            write_audio(self.unlabelled / filename, rate=44100)
        self.validation = self.audio / "validation"
        if newer:
            self.validation /= "validation"
        self.validation_table = self.metadata / "validation" / "validation.tsv"
        # The real table has same-class pieces beside their merged event.
        write_table(
            self.validation_table,
            STRONG,
            ("Yv1_0.000_10.000.wav", "0.000", "0.400", "Dishes"),
            ("Yv1_0.000_10.000.wav", "0.100", "0.300", "Dishes"),
            ("Yv1_0.000_10.000.wav", "0.200", "0.615", "Vacuum_cleaner"),
            ("Yv2_0.000_10.000.wav", "", "", ""),
        )
        write_audio(self.validation / "Yv1_0.000_10.000.wav")
        write_audio(self.validation / "Yv2_0.000_10.000.wav")
        self.public = self.audio / "eval" / "public"
        self.public_table = self.metadata / "eval" / "public.tsv"
        write_table(
            self.public_table, STRONG, ("1Ro_1_11.wav", "0.0", "0.3", "Speech")
        )
        write_audio(self.public / "1Ro_1_11.wav")
        if newer:
            name = "validation/synthetic20_validation"
            write_table(
                self.metadata / name / "soundscapes.tsv",
                STRONG,
                ("v.wav", "0.1", "0.4", "Blender_nOff"),
            )
            write_audio(self.audio / name / "soundscapes" / "v.wav")

    def prepare(self, **options):
        return prepare_desed(self.folder, self.out, n_jobs=1, **options)

    @property
    def out(self):
        return self.folder / "prepared"

    def manifest(self, split):
        return json.loads((self.out / f"{split}.json").read_text())

    def missing(self):
        return pd.read_csv(self.out / "missing.tsv", sep="\t")

    def contents(self):
        return {
            path: path.read_bytes()
            for path in self.out.rglob("*")
            if path.is_file()
        }


def jams(*events, length=10.0):
    """A Scaper soundscape: a background, then the foreground events."""
    rows = [(0.0, length, "sins", "background")]
    rows += [(*event, "foreground") for event in events]
    data = [
        {
            "time": time,
            "duration": duration,
            "confidence": 1.0,
            "value": {"label": label, "role": role, "event_duration": 99.0},
        }
        for time, duration, label, role in rows
    ]
    annotation = {"namespace": "scaper", "data": data, "duration": length}
    return json.dumps({"annotations": [annotation]})


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.fixture
def make_tree():
    return Tree


@pytest.fixture
def jams_text():
    return jams


SOUNDS = {
    "foreground/Cat": [0.5, 1.2],
    "foreground/Dog": [0.8],
    "foreground/Frying_nOff": [4.0],
    "foreground/Frying_nOn": [4.0],
    "foreground/Frying_nOn_nOff": [13.0],
    "background/sins": [12.0, 4.0, 10.0],
}


@pytest.fixture(scope="session")
def soundbank_folder(tmp_path_factory):
    """A sound bank as DESED's, and rooms as FUSS's; all is noise."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("bank")
    for place, lengths in SOUNDS.items():
        (folder / place).mkdir(parents=True)
        for number, seconds in enumerate(lengths):
            samples = rng.uniform(-0.1, 0.1, round(seconds * 16000))
            sf.write(folder / place / f"{number}.wav", samples, 16000)
    for room in range(3):
        (folder / f"rirs/rirs_{room}").mkdir(parents=True)
        rir = rng.normal(0, 0.05, 4000) * 10 ** (-3 * np.arange(4000) / 4000)
        rir[:50] = 0
        rir[50] = 1
        sf.write(folder / f"rirs/rirs_{room}/foreground0.wav", rir, 16000)
    return folder
