"""The interruptible conversion of audio files."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio import store as audio
from sb_sed.audio.reading import UnusableAudio, read_mono
from sb_sed.audio.store import AudioStore, make_ready
from sb_sed.errors import InputError


def noise(seconds, rate, channels=1, seed=0):
    shape = (round(seconds * rate), channels)
    return 0.1 * np.random.default_rng(seed).standard_normal(shape)


def write_unusable(folder):
    """One file for each way in which a download can be broken, by reason."""
    (folder / "empty.wav").touch()
    (folder / "page.wav").write_text("<html>video unavailable</html>")
    sf.write(folder / "header.wav", np.zeros(0), 16000)
    sf.write(folder / "whole.flac", noise(1.0, 16000), 16000)
    flac = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
    for name, value in [("nan.wav", np.nan), ("infinite.wav", np.inf)]:
        samples = noise(0.1, 16000)
        samples[7] = value
        sf.write(folder / name, samples, 16000, "FLOAT")
    return {
        "empty.wav": "empty file",
        "page.wav": "a web page",
        "header.wav": "no samples",
        "cut.flac": "unreadable",
        "nan.wav": "NaN",
        "infinite.wav": "infinite",
        "absent.wav": "no such file",
    }


def test_unusable_files_are_told_apart(tmp_path):
    for name, reason in write_unusable(tmp_path).items():
        with pytest.raises(UnusableAudio, match=reason):
            read_mono(tmp_path / name)
        ready = make_ready(
            str(tmp_path / name), str(tmp_path / "out.wav"), 16000
        )
        assert reason in ready.reason and not ready.path
        assert str(tmp_path) not in ready.reason
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    "name, rate, channels, in_place",
    [
        ("a.wav", 16000, 1, True),
        ("a.flac", 16000, 1, True),
        ("a.mp3", 16000, 1, False),
        ("a.wav", 16000, 2, False),
        ("a.wav", 44100, 1, False),
    ],
)
def test_only_what_must_be_converted_is(
    tmp_path, name, rate, channels, in_place
):
    source, target = tmp_path / name, tmp_path / "ready" / "a.wav"
    sf.write(source, noise(1.0, rate, channels), rate)
    ready = make_ready(str(source), str(target), 16000)
    assert ready.path == str(source if in_place else target)
    assert target.exists() != in_place
    info = sf.info(ready.path)
    assert (info.samplerate, info.channels) == (16000, 1)
    assert ready.duration == info.frames / 16000
    if not in_place:
        assert info.subtype == "PCM_16"
        assert [path.name for path in target.parent.iterdir()] == ["a.wav"]


def test_full_scale_is_clipped_not_wrapped(tmp_path):
    loud = np.full((4410, 1), 1.5)
    sf.write(tmp_path / "a.wav", loud, 44100, "FLOAT")
    make_ready(str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), 16000)
    converted, _ = read_mono(tmp_path / "b.wav")
    assert converted[500:-500].min() > 0.99


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize(
    "samples, note, is_silent",
    [
        (noise(0.5, 16000), "", False),
        (np.zeros((9000, 1)), "is silent", True),
        (np.zeros((9000, 2)), "is silent", True),
        (noise(0.5, 16000) * [1, -1], "has channels that cancel each", False),
    ],
)
def test_what_there_is_to_know_is_noted_and_kept(
    tmp_path, rate, samples, note, is_silent
):
    source = str(tmp_path / "a.wav")
    sf.write(source, samples, rate)
    for _ in range(2):
        store = AudioStore(tmp_path / "out", 16000)
        [ready] = store.prepare([(source, "b.wav")], n_jobs=1).values()
        assert ready.note.startswith(note) and bool(ready.note) == bool(note)
        assert ready.is_silent == is_silent
        written, _ = sf.read(ready.path)
        assert np.any(written) != is_silent
    (tmp_path / "out" / "index.json").unlink()
    before = os.stat(ready.path).st_mtime_ns
    store = AudioStore(tmp_path / "out", 16000)
    assert store.prepare([(source, "b.wav")], n_jobs=1)[source] == ready
    assert os.stat(ready.path).st_mtime_ns == before


def test_a_file_is_written_as_soundfile_does(tmp_path):
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 9999)
    audio.write_wav(tmp_path / "a.wav", samples, 22050)
    sf.write(tmp_path / "b.wav", samples, 22050, "PCM_16")
    ours, theirs = (tmp_path / x for x in ("a.wav", "b.wav"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_hours_need_no_more_memory_than_minutes(tmp_path):
    """A conversion is read and written in blocks."""
    samples = np.zeros(1200 * 8000, "int16")
    samples[::100] = 99
    sf.write(tmp_path / "a.wav", samples, 8000)
    tracemalloc.start()
    ready = make_ready(str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), 16000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ready.duration == 1200 and peak < 30e6


@pytest.fixture
def library(tmp_path):
    """A few files to convert, one that is ready, one that is broken."""
    sources = {}
    for index in range(4):
        path = tmp_path / f"{index}.wav"
        sf.write(path, noise(0.2, 44100, 2, seed=index), 44100)
        sources[str(path)] = f"set/{index}.wav"
    for name, samples in [("ready", noise(0.2, 16000)), ("empty", [])]:
        sf.write(tmp_path / f"{name}.wav", samples, 16000)
        sources[str(tmp_path / f"{name}.wav")] = f"set/{name}.wav"
    return list(sources.items())


def test_second_call_opens_no_file(tmp_path, library, monkeypatch):
    first = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert len(first) == 6
    monkeypatch.setattr(audio, "make_ready", None)
    again = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert again == first


def test_processes_change_nothing(tmp_path, library):
    one = AudioStore(tmp_path / "one", 16000).prepare(library, n_jobs=1)
    two = AudioStore(tmp_path / "two", 16000).prepare(library, n_jobs=2)
    assert one.keys() == two.keys()
    for source, ready in one.items():
        assert ready.duration == two[source].duration
        assert ready.reason == two[source].reason
        if ready.path.startswith(str(tmp_path / "one")):
            other = Path(two[source].path).read_bytes()
            assert Path(ready.path).read_bytes() == other


def test_replaced_source_is_converted_again(tmp_path, library):
    source, _ = library[0]
    AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    sf.write(source, noise(0.5, 44100, 2), 44100)
    ready = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert ready[source].duration == pytest.approx(0.5, abs=1e-4)
    assert sf.info(ready[source].path).duration == ready[source].duration


def test_repaired_source_is_used(tmp_path, library):
    source, _ = library[-1]
    first = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert first[source].reason
    sf.write(source, noise(0.5, 16000), 16000)
    again = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert again[source].path == source and not again[source].reason


def test_deleted_conversion_is_made_again(tmp_path, library):
    first = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    os.remove(first[library[0][0]].path)
    again = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert again == first and os.path.exists(again[library[0][0]].path)


def test_other_rate_replaces_the_conversions(tmp_path, library):
    AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    ready = AudioStore(tmp_path / "out", 8000).prepare(library, n_jobs=1)
    usable = [one for one in ready.values() if not one.reason]
    assert {sf.info(one.path).samplerate for one in usable} == {8000}
    assert len(usable) == 5


@pytest.mark.parametrize("content", ["{", "[]", '{"sample_rate": 16000}'])
def test_damaged_index_costs_time_only(tmp_path, library, content):
    first = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    (tmp_path / "out" / "index.json").write_text(content)
    again = AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)
    assert again == first


def test_unwritable_folder_is_one_sentence(tmp_path, library):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "set").write_text("a file in the way")
    with pytest.raises(InputError, match="cannot write"):
        AudioStore(tmp_path / "out", 16000).prepare(library, n_jobs=1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_conversion_is_resumed(tmp_path):
    sources = [tmp_path / f"{index}.wav" for index in range(150)]
    sf.write(sources[0], noise(10.0, 44100, 2), 44100)
    os.utime(sources[0], (1e9, 1e9))
    for path in sources[1:]:
        os.link(sources[0], path)
    files = [(str(path), f"set/{path.name}") for path in sources]
    script = (
        "from sb_sed.audio.store import AudioStore\n"
        f"AudioStore({str(tmp_path / 'out')!r}, 16000).prepare({files}, 2)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.DEVNULL
    )
    folder = tmp_path / "out" / "set"
    while len(list(folder.glob("*.wav"))) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = children.read_text().split()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)
    done = {path: path.stat().st_ino for path in folder.glob("*.wav")}
    assert 5 <= len(done) < 150
    ready = AudioStore(tmp_path / "out", 16000).prepare(files[:60], n_jobs=1)
    assert {one.duration for one in ready.values()} == {10.0}
    expected = Path(ready[files[0][0]].path).read_bytes()
    for path in folder.glob("*.wav"):
        assert path.read_bytes() == expected
        assert done.get(path, path.stat().st_ino) == path.stat().st_ino
