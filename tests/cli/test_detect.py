"""``sb-sed detect`` as its user calls it."""

import argparse
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.cli.detect import add_detect
from sb_sed.errors import InputError
from sb_sed.formats import read_events, read_scores
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

EXAMPLE = Path(__file__).parents[2] / "examples" / "summer_night.ogg"


def main(line):
    """The exit status of a command line."""
    parser = argparse.ArgumentParser()
    add_detect(parser.add_subparsers())
    arguments = parser.parse_args(line.split())
    try:
        return arguments.run(arguments)
    except InputError as error:
        print(f"sb-sed: {error}", file=sys.stderr)
        return 2


@pytest.fixture
def here(exported, make_wav, tmp_path, monkeypatch, detector):
    """A folder with a detector that finds events, and recordings."""
    monkeypatch.chdir(tmp_path)
    make_wav("good/a.wav", 1.5)
    make_wav("good/deep/b.flac", 5, rate=8000, channels=2)
    make_wav("good/deep/c.ogg", 0.5)
    (tmp_path / "good/notes.txt").write_text("not a recording")
    (tmp_path / "good/.hidden.wav").touch()
    scores = detector.scores_file("good/a.wav")
    middle = float(scores[["Cat", "Dog"]].median().median())
    save_smoother(ThresholdSmoother(middle), "smoother.json")
    state = json.loads((exported / "detector.json").read_text())
    state["smoother"] = json.loads((tmp_path / "smoother.json").read_text())
    (exported / "detector.json").write_text(json.dumps(state))
    return tmp_path


@pytest.fixture
def mixed(here):
    """The same with files of each kind that cannot be used."""
    bad = here / "good" / "bad"
    bad.mkdir()
    (bad / "empty.wav").touch()
    (bad / "text.wav").write_text("hello")
    (bad / "film.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    (bad / "gone.wav").symlink_to("nowhere.wav")
    sf.write(bad / "nan.wav", np.full(100, np.nan), 1000, "FLOAT")
    sf.write(bad / "none.wav", np.zeros(0), 1000)
    whole = (here / "good/a.wav").read_bytes()
    (bad / "cut.wav").write_bytes(whole[: len(whole) // 2])
    sf.write(bad / "silent.wav", np.zeros(1000), 1000)
    sf.write(bad / "clipped.wav", np.tile([1.0, -1.0], 500), 1000)
    return here


BAD = {"empty.wav", "text.wav", "film.m4a", "gone.wav", "nan.wav", "none.wav",
       "cut.wav"}  # fmt: skip


def test_a_folder(here, capsys):
    assert main("detect exported good --output out/events.tsv") == 0
    assert capsys.readouterr() == ("", "")
    events = read_events("out/events.tsv")
    names = ["a.wav", "deep/b.flac", "deep/c.ogg"]
    assert list(dict.fromkeys(events["filename"])) == names
    assert events["confidence"].between(0, 1).sum() == len(events.dropna())


def test_broken_files_are_listed_and_nothing_is_lost(mixed, capsys):
    command = "detect exported good --format json --scores scores --threads 2"
    assert main(command) == 1
    out, err = capsys.readouterr()
    content = json.loads(out)
    files = {file["filename"] for file in content["files"]}
    skipped = {file["filename"]: file["reason"] for file in content["skipped"]}
    assert skipped.keys() == {f"bad/{name}" for name in BAD}
    on_disk = {
        path.relative_to("good").as_posix()
        for path in (mixed / "good").rglob("*.*")
        for path in [path.relative_to(mixed)]
    }
    assert files | skipped.keys() == on_disk - {"notes.txt", ".hidden.wav"}
    for name, reason in skipped.items():
        assert f"sb-sed: {name} was skipped: {reason}.\n" in err
    assert "sb-sed: bad/silent.wav is silent.\n" in err
    assert "bad/clipped.wav is clipped (100% of it is at full scale)" in err
    assert "sb-sed: 7 of 12 files were skipped.\n" in err
    assert "Traceback" not in err
    names = {"a", "bad/silent", "bad/clipped", "deep/b", "deep/c"}
    assert read_scores("scores").keys() == names


def test_recordings_that_are_all_skipped_leave_no_table(mixed, capsys):
    for audio in ("good/bad/cut.wav", "good/bad/cut.wav good/bad/text.wav"):
        assert main(f"detect exported {audio} --output e.tsv") == 1
        assert not (mixed / "e.tsv").exists()
        assert main(f"detect exported {audio}") == 1
        assert capsys.readouterr().out == ""
    assert main("detect exported good/bad/cut.wav --format json") == 1
    assert len(json.loads(capsys.readouterr().out)["skipped"]) == 1


def test_figures_of_what_was_processed(mixed, capsys):
    assert main("detect exported good --plot figures --threads 2") == 1
    figures = (mixed / "figures").rglob("*.*")
    names = {x.relative_to(mixed / "figures").as_posix() for x in figures}
    processed = {"a.wav", "deep/b.flac", "deep/c.ogg"}
    processed |= {"bad/silent.wav", "bad/clipped.wav"}
    assert names == {f"{name}.png" for name in processed}
    capsys.readouterr()
    assert main("detect exported - --rate 1000 --plot figures") == 2
    assert "can be read once" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, words",
    [
        ("detect exported good --device nowhere", "--device nowhere cannot"),
        ("detect exported/detector.json good", "is a part of a detector"),
        ("detect exported", "exported is a detector, and no recording"),
        ("detect exported good --classes Dog", "has classes of its own"),
        ("detect good --classes Dogs", "AudioSet has no class 'Dogs'"),
    ],
)
def test_models_and_devices_that_are_none(here, capsys, line, words):
    assert main(line) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.splitlines()) == 1


def test_threads_change_nothing(mixed, capsys):
    texts = []
    for threads in (1, 2, 5):
        main(f"detect exported good --format json --threads {threads}")
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] == texts[2]


def test_formats_of_one_file(here, detector, capsys):
    events = detector_events(here, "a.wav", detector)
    assert main("detect exported good/a.wav --format audacity") == 0
    track = pd.read_csv(
        io.StringIO(capsys.readouterr().out), sep="\t", header=None
    )
    assert track[2].tolist() == events["event_label"].tolist()
    np.testing.assert_allclose(track[[0, 1]], events[["onset", "offset"]])
    assert main("detect exported good/a.wav --format raven") == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    np.testing.assert_allclose(
        table[["Begin Time (s)", "End Time (s)"]], events[["onset", "offset"]]
    )
    assert table["Event"].tolist() == events["event_label"].tolist()
    np.testing.assert_allclose(
        table["Confidence"], events["confidence"], atol=1e-4
    )


def detector_events(here, name, detector):
    from sb_sed.smoothing.saved import load_smoother

    detector.hparams.smoother = load_smoother(here / "smoother.json")
    events = detector.detect_file(here / "good" / name)
    assert len(events)
    return events


@pytest.mark.parametrize("rate", [1000, 1250, 44100, 383999])
@pytest.mark.parametrize("piped", ["", "file", "raw"])
def test_raven_refuses_what_is_above_half_the_rate(
    here, make_wav, capsys, monkeypatch, rate, piped
):
    """Of the recording itself, whatever the detector's is."""
    path = make_wav("k.wav", 1.0, rate)
    content = path.read_bytes()[44 * (piped == "raw") :]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    audio = "k.wav"
    if piped:
        audio = f"- --rate {rate if piped == 'raw' else 2000}"
    line = f"detect exported {audio} --format raven --smoother smoother.json"
    assert main(line) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    assert set(table["High Freq (Hz)"]) == {rate // 2}
    assert set(table["Low Freq (Hz)"]) == {0}


@pytest.mark.parametrize("rate", [1000, 1250, 7999, 8000, 44100])
@pytest.mark.parametrize("form", ["raven", "audacity", "json"])
def test_no_event_ends_behind_the_recording(here, capsys, rate, form):
    """Resampling may round its length up to a whole sample."""
    save_smoother(ThresholdSmoother(0.0), "all.json")  # active to the end
    for n_samples in (rate, rate + 1, rate + rate // 3, 2 * rate - 1):
        sf.write(
            "k.wav", np.random.default_rng(0).normal(0, 0.1, n_samples), rate
        )
        line = f"detect exported k.wav --format {form} --smoother all.json"
        assert main(line) == 0
        text = capsys.readouterr().out
        if form == "json":
            events = json.loads(text)["files"][0]["events"]
            ends = np.array([event["offset"] for event in events])
        else:
            column, start = {"raven": (4, 1), "audacity": (1, 0)}[form]
            lines = text.splitlines()[start:]
            ends = np.array([float(x.split("\t")[column]) for x in lines])
        assert ends.max() <= n_samples / rate + 1e-12
        assert ends.max() > n_samples / rate - 1e-3


def test_formats_of_many_files(mixed, capsys):
    assert main("detect exported good --format audacity --output labels") == 1
    found = {
        path.relative_to("labels").as_posix()
        for path in (mixed / "labels").relative_to(mixed).rglob("*.txt")
    }
    assert found == {
        "a.wav.txt",
        "deep/b.flac.txt",
        "deep/c.ogg.txt",
        "bad/silent.wav.txt",
        "bad/clipped.wav.txt",
    }


def test_raw_samples_from_a_pipe(here, detector, capsys, monkeypatch):
    events = detector_events(here, "a.wav", detector)
    samples, _ = sf.read("good/a.wav", dtype="int16")
    pipe = io.TextIOWrapper(io.BytesIO(samples.astype("<i2").tobytes()))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert main("detect exported - --rate 1000 --output events.tsv") == 0
    found = read_events("events.tsv")
    assert set(found["filename"]) == {"stdin"}
    # The table has milliseconds.
    columns = ["onset", "offset", "confidence"]
    np.testing.assert_allclose(found[columns], events[columns], atol=5e-4)


@pytest.mark.parametrize("options", ["", "--stream"])
def test_channels_that_cancel(here, capsys, monkeypatch, options):
    """The events are those of one channel, and its user is told."""
    one, _ = sf.read("good/a.wav", dtype="int16")
    both = np.stack([one, -one], axis=1)
    sf.write("both.wav", both, 1000)
    texts = []
    for samples, more in [(one, ""), (both, "--channels 2")]:
        pipe = io.TextIOWrapper(io.BytesIO(samples.astype("<i2").tobytes()))
        monkeypatch.setattr(sys, "stdin", pipe)
        line = f"detect exported - --rate 1000 {more} {options}"
        assert main(f"{line} --smoother smoother.json") == 0
        out, err = capsys.readouterr()
        texts.append(out)
        assert err.startswith("sb-sed: stdin has channels that") == bool(more)
        assert err.count("\n") == bool(more)
    assert texts[0] == texts[1] and texts[0].count("\n") > 1
    if not options:
        assert main("detect exported both.wav --smoother smoother.json") == 0
        out, err = capsys.readouterr()
        assert out.replace("both.wav", "stdin") == texts[0]
        assert err.startswith("sb-sed: both.wav has channels that cancel")


@pytest.mark.parametrize("name", ["a.wav", "deep/b.flac", "deep/c.ogg"])
def test_a_file_from_a_pipe(here, capsys, monkeypatch, name):
    """Its header counts, not what the options say."""
    texts = []
    for line in (
        f"detect exported good/{name}",
        "detect exported - --rate 1600",
    ):
        content = (here / "good" / name).read_bytes()
        pipe = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", pipe)
        assert main(f"{line} --smoother smoother.json") == 0
        out, err = capsys.readouterr()
        texts.append(out.replace("stdin", name.rpartition("/")[2]))
    assert texts[0] == texts[1]
    assert "decoded by its own header: --rate" in err and err.count("\n") == 1


def test_a_film_from_a_pipe(here, capsys, monkeypatch):
    pipe = io.TextIOWrapper(io.BytesIO(b"\0\0\0\x20ftypisom" + bytes(999)))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert main("detect exported - --rate 1000") == 1
    err = capsys.readouterr().err
    assert "stdin was skipped: M4A or MP4 cannot be read: convert it" in err
    assert err.count("\n") == 1


def test_an_empty_pipe(here, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert main("detect exported - --rate 1000") == 1
    assert "stdin was skipped: holds no samples" in capsys.readouterr().err


def test_a_run_and_another_smoother(here, run_folder, capsys):
    save_smoother(ThresholdSmoother(1.0), "never.json")
    line = f"detect {run_folder} good/a.wav --smoother never.json"
    assert main(line) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["a.wav\t\t\t\t"]


def test_files_of_one_name(here, make_wav, capsys):
    make_wav("other/a.wav", 0.5)
    line = "detect exported good/a.wav other/a.wav --format json"
    assert main(line) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    names = [file["filename"] for file in files]
    assert names == ["good/a.wav", "other/a.wav"]


@pytest.mark.parametrize(
    "line, words",
    [
        ("detect nowhere good", "nowhere is neither a folder nor"),
        ("detect good good --classes Dogs", "AudioSet has no class 'Dogs'"),
        ("detect exported nowhere.wav", "nowhere.wav does not exist"),
        ("detect exported exported", "exported holds no recording"),
        ("detect exported -", "give their --rate"),
        ("detect exported - good --rate 1000", "give it alone"),
        ("detect exported good --output good", "good is a folder"),
        ("detect exported good --format raven", "give a folder as --output"),
        ("detect exported good --smoother nowhere.json", "does not exist"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(here, capsys, line, words):
    assert main(line) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("sb-sed: ") and err.count("\n") == 1
    assert words in err
    assert not (here / "out").exists()


def test_a_name_that_no_table_can_hold(here, make_wav, capsys):
    make_wav("odd/a\tb.wav")
    assert main("detect exported odd") == 2
    assert "rename it" in capsys.readouterr().err


def test_without_a_detector(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = "--classes Cricket,Bell --scores scores --plot figures"
    assert main(f"detect {EXAMPLE} --output a.tsv {options}") == 0
    out, err = capsys.readouterr()
    # It says what it is, in one line.
    assert out == "" and len(err.splitlines()) == 1
    assert "windows of about a second" in err
    events = read_events("a.tsv")
    assert set(events["event_label"]) == {"Cricket", "Bell"}
    table = read_scores("scores")["summer_night"]
    assert list(table)[2:] == ["Cricket", "Bell"]
    assert (tmp_path / "figures/summer_night.ogg.png").is_file()
    # By its name, it need not say that.
    assert main(f"detect yamnet {EXAMPLE} --output b.tsv {options}") == 0
    assert capsys.readouterr().err == ""
    assert read_events("b.tsv").equals(events)
    for form in ("json", "audacity", "raven"):
        line = f"detect yamnet {EXAMPLE} --classes Bell --format {form}"
        assert main(f"{line} --output out.{form}") == 0
        assert "Bell" in (tmp_path / f"out.{form}").read_text()


def test_a_pipe_and_a_stream_without_a_detector(capsys, monkeypatch):
    samples, rate = sf.read(EXAMPLE, dtype="int16")
    found = []
    for options in ("", " --stream --latency 12.3"):
        pipe = io.TextIOWrapper(io.BytesIO(samples.tobytes()))
        monkeypatch.setattr(sys, "stdin", pipe)
        assert main(f"detect - --rate {rate} --classes Bell{options}") == 0
        rows = capsys.readouterr().out.splitlines()[1:]
        found.append([row.split("\t")[-4:-1] for row in rows])
    assert found[0] and found[0] == found[1]
