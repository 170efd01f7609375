"""``sb-sed detect - --stream``: lines as they come, to the end or Ctrl-C."""

import io
import json
import signal
import sys

import numpy as np
import pytest
import soundfile as sf
import torch

from sb_sed.cli import main as cli
from sb_sed.inference.streaming import EventStream
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

SECONDS = 6


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(4)  # of the tiny network's weights


@pytest.fixture
def here(exported, tmp_path, monkeypatch):
    """A folder with a detector, inside of which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def samples(here, detector):
    """In which the detector finds events, with the smoother ``middle.json``."""
    random = np.random.default_rng(0)
    noise = random.uniform(-0.5, 0.5, SECONDS * 1000).astype(np.float32)
    [scores] = detector.scores.batch([noise])
    middle = {label: float(scores[label].median()) for label in ("Cat", "Dog")}
    detector.hparams.smoother = ThresholdSmoother(middle)
    save_smoother(detector.hparams.smoother, "middle.json")
    return noise


class Pipe(io.BytesIO):
    """Standard input whose samples come a tenth of a second at a time."""

    def __init__(self, samples, at_each=lambda: None, at_end=lambda: None):
        super().__init__(samples.astype("<f4").tobytes())
        self.at_each, self.at_end = at_each, at_end

    def read1(self, size=-1):
        self.at_each()
        data = super().read1(400)
        if not data:
            self.at_end()
        return data


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def run(monkeypatch):
    """Runs the command on a pipe."""

    def run(line, pipe):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        start = "detect exported - --rate 1000 --samples f32 --stream "
        return cli.main((start + line).split())

    return run


def test_a_line_for_each_event(run, detector, samples, capsys):
    expected = list(detector.stream([samples], latency=1.0))
    assert len(expected) > 3
    assert run("--latency 1 --smoother middle.json", Pipe(samples)) == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "filename\tonset\toffset\tevent_label\tconfidence"
    for row, event in zip(rows, expected, strict=True):
        name, onset, offset, label, confidence = row.split("\t")
        assert (name, label) == ("stdin", event.event_label)
        times = [float(onset), float(offset)]
        assert times == pytest.approx([event.onset, event.offset], abs=6e-4)
        assert float(confidence) == pytest.approx(event.confidence)


def test_json_lines(run, detector, samples, capsys):
    expected = list(detector.stream([samples]))
    line = "--format json --smoother middle.json"
    assert run(line, Pipe(samples)) == 0
    found = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert len(found) == len(expected) > 1
    for fields, event in zip(found, expected, strict=True):
        label = fields.pop("event_label")
        assert label == event.event_label
        assert fields == pytest.approx(
            {"onset": event[0], "offset": event[1], "confidence": event[3]},
            abs=1e-6,
        )


def test_events_are_written_while_the_stream_lasts(run, samples, monkeypatch):
    output, n_lines = io.StringIO(), []
    monkeypatch.setattr(sys, "stdout", output)
    pipe = Pipe(samples, lambda: n_lines.append(output.getvalue().count("\n")))
    assert run("--latency 0.5 --smoother middle.json", pipe) == 0
    assert n_lines[0] == 1 < n_lines[30] < n_lines[-1]


@pytest.mark.parametrize("while_it", ["waits", "works"])
def test_control_c_ends_it_with_what_was_processed(
    run, detector, samples, monkeypatch, capsys, while_it
):
    expected = list(detector.stream([samples], latency=0.5))
    pipe = Pipe(samples, at_end=interrupt)
    if while_it == "works":
        pipe = Pipe(np.append(samples, samples))
        left, feed = iter(range(SECONDS * 10 - 1, -1, -1)), EventStream.feed

        def interrupted(self, chunk):
            if next(left) == 0:
                interrupt()
            return feed(self, chunk)

        monkeypatch.setattr(EventStream, "feed", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert run("--latency 0.5 --smoother middle.json", pipe) == 0
    assert signal.getsignal(signal.SIGINT) is before
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(expected)


def test_samples_that_are_none(run, detector, samples, capsys):
    """What was processed before is written, with the reason for the end."""
    expected = list(detector.stream([samples[:5900]]))
    samples[5950] = np.nan
    assert run("--smoother middle.json", Pipe(samples)) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 + len(expected)
    assert (
        "stdin ends here: holds NaN or infinite samples (first at 5.95" in err
    )
    assert run("", Pipe(samples[:0])) == 1
    assert "stdin ends here: holds no samples" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, words",
    [
        ("detect exported a.wav --stream", "--stream reads the standard input"),
        ("detect exported - --rate 9000 --latency 1", "add --stream"),
        ("detect exported - --stream", "--rate"),
        ("detect exported - --rate 9000 --stream --format raven", "raven"),
        ("detect exported - --rate 9000 --stream --output a", "--output"),
        ("detect exported - --rate 9000 --stream --scores a", "--scores"),
        ("detect exported - --rate 9000 --stream --latency 0", "at least"),
    ],
)
def test_bad_options(here, capsys, line, words):
    assert cli.main(line.split()) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.splitlines()) == 1


def test_a_wav_and_what_cannot_be_streamed(run, detector, samples, capsys):
    """A header that says its rate counts more than the options."""
    line = "--smoother middle.json"
    assert run(line, Pipe(samples)) == 0
    expected = capsys.readouterr().out
    for form, status in [("WAV", 0), ("FLAC", 1)]:
        file = io.BytesIO()
        subtype = "FLOAT" if form == "WAV" else "PCM_16"
        sf.write(file, samples, 1000, subtype, format=form)
        pipe = Pipe(samples)
        pipe.write(file.getvalue()), pipe.seek(0)
        assert run(f"--channels 2 {line}", pipe) == status
        out, err = capsys.readouterr()
        assert out == (
            expected if form == "WAV" else out[: out.index("\n") + 1]
        )
        words = "stdin is a file in the format WAV, decoded by its own header"
        assert (words if form == "WAV" else "leave out --stream") in err
