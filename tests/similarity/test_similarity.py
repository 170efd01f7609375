"""Moments, their index, and the command that searches it."""

import os

import numpy as np
import pytest
import soundfile as sf
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from sb_sed.cli.main import main
from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.errors import InputError
from sb_sed.formats import read_events
from sb_sed.similarity.index import Example, MomentIndex
from sb_sed.similarity.moments import Moments

RATE, SIZE = 1000, 32


class Bands(FrameEncoder):
    """Levels of bands in windows of 200 ms, 100 ms apart."""

    def __init__(self, name="bands", trainable=False):
        super().__init__(
            nn.Identity(),
            size=SIZE,
            frame_shift=0.1,
            first_frame=0.1,
            sample_rate=RATE,
            min_samples=200,
            settings={"name": name},
            trainable=trainable,
        )
        self.n_encoded = 0

    def _encode(self, wavs):
        self.n_encoded += 1
        frames = wavs.unfold(-1, 200, 100)
        return torch.fft.rfft(frames).abs()[..., 1 : SIZE + 1]

    def _n_frames(self, n_samples):
        return (n_samples - 200) // 100 + 1


def tone(hertz, seconds, start=0.0, length=6.0, seed=0):
    """A tone in weak noise."""
    generator = np.random.default_rng(seed)
    samples = 0.01 * generator.standard_normal(round(length * RATE))
    place = slice(round(start * RATE), round((start + seconds) * RATE))
    time = np.arange(len(samples))[place] / RATE
    samples[place] += 0.4 * np.sin(2 * np.pi * hertz * time)
    return samples.astype(np.float32)


@pytest.fixture
def recordings(tmp_path):
    """Two recordings with a tone of 60 Hz, one of 130 Hz, one of noise."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    made = {
        "a.wav": tone(60, 1, 1.0, seed=1),
        "b.wav": tone(60, 1, 4.0, seed=2),
        "c.wav": tone(130, 1, 2.0, seed=3),
        "d.wav": tone(0, 1, seed=4),
    }
    for name, samples in made.items():
        sf.write(folder / name, samples, RATE)
    return {name: folder / name for name in made}


@pytest.mark.parametrize("n_samples", [150, 999, 32_500, 65_300])
def test_long_recordings_are_embedded_as_whole_ones(n_samples):
    samples = np.random.default_rng(0).standard_normal(n_samples)
    samples = samples.astype(np.float32)
    moments = Moments(Bands())
    vectors = moments.of(np.array_split(samples, 7)).astype(np.float32)
    frames = moments.encoder(torch.from_numpy(samples)[None])[0].numpy()
    whole = max(1, len(frames) // 5)
    mean = np.stack([frames[5 * n : 5 * n + 5].mean(0) for n in range(whole)])
    expected = np.sqrt(mean)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(vectors - expected).max() < 1e-3
    assert moments.step == pytest.approx(0.5)
    assert moments.first == pytest.approx(0.3)


def test_what_is_alike_is_found_where_it_is(recordings, tmp_path):
    pytest.importorskip("usearch")
    index = MomentIndex(tmp_path / "index", Moments(Bands()))
    assert index.fill(recordings) == []
    found = index.nearest(
        [Example(recordings["a.wav"], 1.1, 1.9)], recordings, 3
    )
    best = found.iloc[0]
    assert best["filename"] == "b.wav" and best["similarity"] > 0.9
    assert 3.7 < best["onset"] < 4.6
    assert best["offset"] - best["onset"] == pytest.approx(0.8)
    # The example itself is not found, and no two overlap.
    mine = found[found["filename"] == "a.wav"]
    assert not ((mine["onset"] < 1.9) & (mine["offset"] > 1.1)).any()
    only = {"c.wav": recordings["c.wav"]}
    found = index.nearest([Example(recordings["a.wav"], 1, 2)], only, 100)
    assert set(found["filename"]) == {"c.wav"}
    ends = found.sort_values("onset")[["onset", "offset"]].to_numpy()
    assert (ends[1:, 0] >= ends[:-1, 1] - 1e-9).all() and ends.max() <= 6


def test_the_nearest_are_those_of_scikit_learn(recordings, tmp_path):
    pytest.importorskip("usearch")
    moments = Moments(Bands())
    index = MomentIndex(tmp_path / "index", moments)
    index.fill(recordings)
    vectors = [moments.of([sf.read(x)[0]]) for x in recordings.values()]
    every = np.concatenate(vectors).astype(np.float32)
    query = moments.example(sf.read(recordings["a.wav"])[0], 1.0, 2.0)
    nearest = NearestNeighbors(metric="cosine", algorithm="brute").fit(every)
    distance, _ = nearest.kneighbors(query[None], len(every))
    ranked = [*index._ranked(query)]
    assert len({key for key, _ in ranked}) == len(every) == len(index)
    similarity = np.array([value for _, value in ranked])
    assert np.abs(similarity - (1 - distance[0])).max() < 2e-3


def test_an_index_that_was_killed_goes_on(recordings, tmp_path, monkeypatch):
    pytest.importorskip("usearch")
    folder, like = tmp_path / "index", [Example(recordings["a.wav"], 1, 2)]
    whole = MomentIndex(tmp_path / "whole", Moments(Bands()))
    whole.fill(recordings)
    expected = whole.nearest(like, recordings, 9)
    part = MomentIndex(folder, Moments(Bands()))
    add = MomentIndex._add

    def stopped(self, path, stamp):
        if path == recordings["c.wav"]:
            raise KeyboardInterrupt
        add(self, path, stamp)

    monkeypatch.setattr(MomentIndex, "_add", stopped)
    with pytest.raises(KeyboardInterrupt):
        part.fill(recordings)
    monkeypatch.undo()
    encoder = Bands()
    rest = MomentIndex(folder, Moments(encoder))
    rest.fill(recordings)
    assert encoder.n_encoded == 2
    rest.fill(recordings)
    assert encoder.n_encoded == 2
    assert rest.nearest(like, recordings, 9).equals(expected)
    # What changes is embedded again, and what it was is forgotten.
    sf.write(recordings["d.wav"], tone(60, 2, 1.0, length=8.0), RATE)
    again = MomentIndex(folder, Moments(Bands()))
    again.fill(recordings)
    found = again.nearest(like, recordings, 9)
    assert set(found["filename"][:2]) == {"b.wav", "d.wav"}
    assert len([*folder.rglob("*.usearch")]) == 1
    # Other settings have another index.
    assert not len(MomentIndex(folder, Moments(Bands("other"))))


def test_what_is_wrong_is_named(recordings, tmp_path, monkeypatch):
    pytest.importorskip("usearch")
    folder = tmp_path / "index"
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    index = MomentIndex(folder, Moments(Bands()))
    [note] = index.fill({"broken.wav": broken, **recordings})
    assert note.startswith("broken.wav was skipped: ")
    for example, message in (
        (Example(broken), "broken.wav cannot be used"),
        (Example(recordings["a.wav"], 7, 8), "is 6.00 s long and has no part"),
    ):
        with pytest.raises(InputError, match=message):
            index.nearest([example], recordings, 1)
    only = {"a.wav": recordings["a.wav"]}
    with pytest.raises(InputError, match="nothing beside the examples"):
        index.nearest([Example(recordings["a.wav"])], only, 1)
    [vectors] = folder.rglob("*.usearch")
    vectors.write_bytes(vectors.read_bytes()[:100])
    with pytest.raises(InputError, match="no whole index.*delete the folder"):
        MomentIndex(folder, Moments(Bands()))
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(InputError, match=r"sb_sed\[search\]"):
        MomentIndex(folder, Moments(Bands()))


def test_the_command_lists_moments(tmp_path, monkeypatch, capsys):
    pytest.importorskip("usearch")
    monkeypatch.chdir(tmp_path)
    os.mkdir("sounds")
    for number, hertz in enumerate((700, 700, 3000)):
        time = np.arange(32000) / 16000
        samples = 0.3 * np.sin(2 * np.pi * hertz * time) * (time % 0.5 < 0.25)
        sf.write(f"sounds/{number}.wav", samples, 16000)
    command = ["search", "yamnet", "sounds", "--like", "sounds/0.wav:0-1"]
    more = ["--label", "Beep", "--output", "found.tsv", "--device", "cpu"]
    assert main([*command, *more]) == 0
    found = read_events("found.tsv")
    best = found.sort_values("confidence").iloc[-1]
    assert set(found["event_label"]) == {"Beep"}
    assert best["filename"] in ("0.wav", "1.wav")
    assert main([*command, "--count", "1", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].endswith("event_label\tconfidence")
    assert main(["search", "sounds", "--like", "sounds/0.wav:1.2.3-4"]) == 2
    assert "write FILE:START-END" in capsys.readouterr().err
