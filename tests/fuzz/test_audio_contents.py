"""Odd recordings, odd names and odd pipes: nothing is lost without a word."""

import io
import json
import os
import sys
from pathlib import Path

import audio_bytes as made
import numpy as np
import pytest
import soundfile as sf

from sb_sed.cli.main import main

SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"]
RATES = [1, 999, 1000, 1001, 7999, 8000, 44100, 48000, 192000, 768000, 768001]


def wav(samples, rate=1000, subtype="DOUBLE"):
    file = io.BytesIO()
    with np.errstate(all="ignore"):
        sf.write(file, np.asarray(samples), int(rate), subtype, format="WAV")
    return file.getvalue()


def noise(rng, n_samples=3000, channels=1):
    return rng.uniform(-0.5, 0.5, (n_samples, channels))


def any_shape(rng):
    """Any rate, width, length and number of channels."""
    n_samples = int(rng.choice([0, 1, 2, 10, 999, 5000]))
    samples = noise(rng, n_samples, int(rng.choice([1, 2, 3, 8, 100, 1024])))
    return wav(samples, rng.choice(RATES), str(rng.choice(SUBTYPES)))


def not_finite(rng):
    samples = noise(rng, channels=2)
    for _ in range(rng.integers(1, 4)):
        value = rng.choice([np.nan, np.inf, -np.inf])
        samples[rng.integers(len(samples)), rng.integers(2)] = value
    return wav(samples, 1000, str(rng.choice(["FLOAT", "DOUBLE"])))


def any_level(rng):
    """From denormal numbers to those that overflow in a spectrogram."""
    level = 10.0 ** rng.integers(-320, 308)
    return wav(level * noise(rng, channels=int(rng.integers(1, 3))))


def large_level(rng):
    level = 10.0 ** rng.uniform(0, 39)
    return wav(level * noise(rng, channels=2), 2000, "FLOAT")


def one_spike(rng):
    samples = noise(rng)
    samples[rng.integers(len(samples))] = 10.0 ** rng.uniform(0, 39)
    return wav(samples, 1500, "FLOAT")


def no_sound(rng):
    value = rng.choice([0.0, 1.0, -1.0, 0.5, 1e-30])
    return wav(np.full((int(rng.integers(1, 4000)), 1), value))


def clipped(rng):
    return wav(np.clip(rng.uniform(1, 99) * noise(rng), -1, 1), 1000, "PCM_16")


def cancelling(rng):
    """Channels that cancel each other, nearly or wholly, maybe for a while."""
    channels = int(rng.integers(1, 4)) * 2
    samples = noise(rng, 9000, channels)
    samples[:, 1::2] = -samples[:, ::2] * rng.choice([1, 0.95])
    samples += rng.choice([0, 0, 0.1]) + rng.choice([0, 1e-4]) * noise(
        rng, 9000
    )
    samples[: rng.choice([0, 1000, 3000])] = 0
    return wav(samples, 1000, str(rng.choice(["PCM_16", "FLOAT"])))


CONTENTS = [
    any_shape,
    not_finite,
    any_level,
    large_level,
    one_spike,
    no_sound,
    clipped,
    cancelling,
]


def unreported(content, processed):
    """What is wrong with a recording and was not said."""
    samples, _ = sf.read(io.BytesIO(content), dtype="float32", always_2d=True)
    mono = samples.astype(float).mean(axis=1)
    notes = " ".join(processed["notes"])
    if not np.isfinite(samples).all() or abs(samples).max() > 1e12:
        return "cannot be processed"
    if (abs(mono) > 1).mean() > 0.02 and "is clipped" not in notes:
        return "is clipped"
    powers = samples.astype(float).var(axis=0)
    if mono.var() < 0.01 * powers.mean() / len(powers):
        return "" if "cancel each other" in notes else "cancels"
    if (abs(mono) == 0).all() != ("is silent" in notes):
        return "is silent"
    return ""


@pytest.mark.fuzz(CONTENTS, 10)
def test_odd_recordings(cases, process_files):
    files = {f"{case}.wav": case() for case in cases}
    processed = process_files(files)
    assert not [
        (name, fault)
        for name, entry in processed.items()
        if (fault := unreported(files[name], entry))
    ]


def very_short(rng):
    """A click in nothing."""
    samples = np.zeros((int(rng.integers(1, 3000)), int(rng.integers(1, 3))))
    first = int(rng.integers(len(samples)))
    samples[first : first + int(rng.integers(1, 9))] = rng.uniform(-1, 1)
    return wav(samples, rng.choice([1000, 8000, 44100]), "PCM_16")


def rare_codec(rng):
    form, *subtypes = RARE[rng.integers(len(RARE))]
    file, subtype = io.BytesIO(), str(rng.choice(subtypes))
    sf.write(file, noise(rng), 1000, subtype, format=form)
    return file.getvalue()


def streamed(rng):
    """Without a length in the header, or with the numbers of a longer one."""
    samples = rng.integers(-9000, 9000, (3000, int(rng.integers(1, 3))))
    size = int(rng.choice([0, 2**31 - 1, 2**32 - 1]))
    first, total = int(rng.choice([0, 1, 999])), int(rng.choice([0, 10**6]))
    return [
        made.riff(samples, size, size),
        made.rf64(samples, size),
        made.aiff(samples, size),
        made.au(samples, size),
        made.caf(samples, -1),
        made.w64(samples, size, size),
        made.flac(samples, [256], total * (first > 0), first),
    ][rng.integers(7)]


RARE = [("WAV", "GSM610", "G721_32", "NMS_ADPCM_16", "MS_ADPCM", "ALAW"),
        ("AIFF", "GSM610", "DWVW_16", "IMA_ADPCM"),
        ("AU", "G721_32", "G723_24", "ULAW"), ("VOC", "PCM_U8"),
        ("CAF", "ALAC_16"), ("W64", "GSM610"), ("SDS", "PCM_16")]  # fmt: skip


@pytest.mark.fuzz([*CONTENTS, very_short, rare_codec, streamed], 8)
def test_odd_contents_of_sounds(cases, tmp_path, monkeypatch, capsys):
    """Each is used or named, and what is used is no silence."""
    monkeypatch.chdir(tmp_path)
    one = wav(np.sin(np.arange(900)), 1000, "PCM_16")
    contents = {f"Odd/{case}.wav": case() for case in cases}
    for name, content in (contents | {"Good/one.wav": one}).items():
        for folder in ("bank", "rooms"):
            place = tmp_path / folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if folder == "bank" else one)
    line = "mix out --foregrounds bank --backgrounds rooms --rate 1000"
    for clips in (2, 4):  # it can be continued
        assert main(f"{line} --seconds 2 --clips {clips} --jobs 1".split()) == 0
        err = capsys.readouterr().err
        (listing,) = tmp_path.glob("out/prepared/1000/soundbank/*.json")
        sounds = json.loads(listing.read_text())["foregrounds"]
        used = {Path(path).name.partition(".")[0] for path, *_ in sounds}
        for path, *_ in sounds:
            assert np.any(sf.read(path)[0])
        for name in contents:
            is_used = Path(name).stem in used
            assert is_used != (f"{name} is left out: " in err)


PARTS = ["a", "..", " ", "é", "日本", "\u2028", "\x85", "\x1b[31m", "\x07", "\t",
         "\n", "\r", '"', "'", "\\", "%s", "{}", "$(x)", "\udcff", "\udcfe",
         "\\xff", "-", "tmp-1", ".", "\x7f", "*", "a" * 60]  # fmt: skip


def names(rng):
    """Files of odd names, some of them in folders of odd names."""
    drawn = set()
    for _ in range(rng.integers(1, 6)):
        parts = rng.choice(PARTS, rng.integers(1, 4)).tolist()
        name = "x" + "".join(parts) + str(rng.choice([".wav", ".WAV", ".flac"]))
        folder = "d" + str(rng.choice(PARTS)) + "/"
        drawn.add(folder * bool(rng.integers(2)) + name)
    return sorted(drawn)


@pytest.mark.fuzz([names], 24)
def test_odd_names(case, command, model, tmp_path):
    folder = tmp_path / "in"
    for name in case():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(wav(np.ones(100) / 2, 1000, "PCM_16"))
    outcome = command(
        *("detect", model, "in", "--format", "json", "--device", "cpu"),
        *("--scores", "scores", "--threads", 1),
    )
    if outcome.status == 2:
        stems = {name.rpartition(".")[0] for name in case()}
        odd = any(x in "".join(case()) for x in "\t\n\r")
        assert "rename" in outcome.err and (odd or len(stems) < len(case()))
        return
    files = [file["filename"] for file in json.loads(outcome.out)["files"]]
    assert len(set(files)) == len(case())
    n_scores = sum(len(found) for _, _, found in os.walk(tmp_path / "scores"))
    assert n_scores == len(case())


@pytest.mark.fuzz([names], 24)
def test_odd_names_of_sounds(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in case():
        for folder in ("bank", "rooms"):
            place = tmp_path / folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(wav(np.ones(2000) / 2, 1000, "PCM_16"))
    line = "mix out --foregrounds bank --backgrounds rooms --rate 1000"
    status = main(f"{line} --seconds 2 --clips 1 --jobs 1".split())
    out, err = capsys.readouterr()
    if status == 2:
        said = err.splitlines()[-1]
        assert "rename its folder" in said or "no usable audio" in said
    else:
        assert status == 0 and "1 soundscapes in out" in out


def places(rng):
    """What lies in a folder under the name of a recording."""
    kinds = [os.mkdir, os.mkfifo, lambda x: os.symlink("gone", x),
             lambda x: os.symlink(x, x), lambda x: os.symlink("..", x),
             lambda x: os.symlink("/dev/zero", x), lambda x: open(x, "w").close(),
             lambda x: sf.write(x, np.ones(99) / 2, 1000),
             lambda x: os.symlink(os.path.dirname(x), x)]  # fmt: skip
    return [kinds[number] for number in rng.integers(0, len(kinds), 5)]


@pytest.mark.fuzz([places], 12)
def test_odd_places(case, command, model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    sf.write(folder / "good.wav", np.ones(500) / 2, 1000)
    for number, make in enumerate(case()):
        make(str(folder / f"{number}.wav"))
    outcome = command("detect", model, "in", "--format", "json",
                      "--device", "cpu", "--threads", 2)  # fmt: skip
    content = json.loads(outcome.out)
    named = {x["filename"] for x in content["files"] + content["skipped"]}
    assert named == {x.name for x in folder.iterdir() if not x.is_dir()}


def pipes(rng):
    """Bytes on the standard input, and how they are said to be read."""
    kind = str(rng.choice(["u8", "s16", "s32", "f32"]))
    n_bytes = int(rng.choice([0, 1, 3, 7, 1001, 8000, 40001]))
    content = rng.bytes(n_bytes)
    if kind == "f32" and rng.integers(2):
        samples = 10.0 ** rng.integers(-3, 38) * noise(rng, n_bytes // 4)
        content = samples.astype("<f4").tobytes() + content[: rng.integers(4)]
    channels, rate = rng.choice([1, 2, 3, 64]), rng.choice(RATES)
    return content, kind, int(channels), int(rate)


@pytest.mark.fuzz([pipes], 24)
@pytest.mark.parametrize("form", ["json", "tsv"])
def test_odd_pipes(case, form, command, model, monkeypatch):
    content, kind, channels, rate = case()
    pipe = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", pipe)
    arguments = (
        *("detect", model, "-", "--rate", rate, "--samples", kind),
        *("--channels", channels, "--format", form, "--device", "cpu"),
    )
    if not 1000 <= rate <= 768000:
        with pytest.raises(SystemExit, match="2"):
            command(*arguments)
        return
    outcome = command(*arguments)
    assert outcome.status in (0, 1)
    width = {"u8": 1, "s16": 2, "s32": 4, "f32": 4}[kind] * channels
    if outcome.status == 1:
        assert "stdin was skipped: " in outcome.err
    elif form == "json":
        (file,) = json.loads(outcome.out)["files"]
        seconds = len(content) // width / rate
        assert abs(file["duration"] - seconds) < 2e-3
    else:
        assert outcome.out.split("\n")[1].startswith("stdin\t")


def piped_files(rng):
    """Files of any format, some cut off or with another beginning."""
    forms = ["WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU"]
    file = io.BytesIO()
    sf.write(file, noise(rng, 4000, 2), 8000, format=str(rng.choice(forms)))
    content = file.getvalue()
    if rng.integers(3) == 0:
        content = content[: rng.integers(1, len(content))]
    if rng.integers(3) == 0:
        n_bytes = rng.integers(1, 60)
        content = content[:4] + rng.bytes(n_bytes) + content[4 + n_bytes :]
    return content


@pytest.mark.fuzz([piped_files], 24)
@pytest.mark.parametrize("stream", [False, True])
def test_files_in_pipes(case, stream, command, model, monkeypatch, tmp_path):
    """They give what they give as files, or a sentence; never noise."""
    content = case()
    (tmp_path / "stdin").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    arguments = ["detect", model, "-", "--rate", 8000, "--channels", 2]
    outcome = command(*arguments, *["--stream"] * stream, "--device", "cpu")
    if "decoded by its own header" not in outcome.err:
        named = content.startswith((b"RIFF", b"fLaC", b"OggS", b"FORM"))
        assert outcome.status == 1 or not named
        return
    if stream:
        assert outcome.status == ("stdin ends here: " in outcome.err)
        return
    file = command("detect", model, "stdin", "--device", "cpu")
    assert (file.status, file.out) == (outcome.status, outcome.out)
