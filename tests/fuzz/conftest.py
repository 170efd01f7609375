"""Seeded damage, done to the input of the commands, and what may come of it.

A mutator is a function of a random generator (and of what it damages). A test
marked with ``fuzz(mutators, times)`` runs for each mutator that many times;
its id names mutator and number, which are all that its generator depends on.

More of the same, elsewhere: ``FUZZ_TIMES=20`` makes twenty times the cases,
``FUZZ_FROM=1000`` begins with another number.

Authors
 * sb_sed contributors 2026
"""

import json
import os
import re
import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from sb_sed.audio.headers import AudioFile
from sb_sed.cli.main import main

_TIMES = int(os.environ.get("FUZZ_TIMES", 1))
_FROM = int(os.environ.get("FUZZ_FROM", 0))
# Files beside the damaged ones, first and last in the order of names.
WHOLE = ("!.wav", "~.flac")
# What Python shows only to developers.
_FOR_DEVELOPERS = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)
_RUN = """\
name: tiny
seed: 7
dataset:
  classes: [Cat, Dog]
  sample_rate: 1000
  clip_seconds: 2.0
smoothing:
  smoother: !new:sb_sed.smoothing.threshold.ThresholdSmoother
    threshold: 0.5
student: !new:sb_sed.models.detector.Detector
  featurizer: !new:sb_sed.features.Featurizer
    mel: !new:sb_sed.features.MelSpectrogram
      sample_rate: 1000
      n_fft: 64
      hop_length: 20
      n_mels: 8
      f_max: 500.0
    stages:
    - !new:sb_sed.features.AmplitudeToDB
    - !new:sb_sed.features.MinMax
  network: !new:sb_sed.models.crnn.CRNN
    n_classes: 2
    n_mels: 8
    n_channels: 1
    filters: [3, 4]
    pooling: [[2, 2], [1, 2]]
    rnn_hidden: 4
    rnn_layers: 1
"""


@dataclass(frozen=True)
class Case:
    """One case of a fuzzer.

    Arguments
    ---------
    mutate : Callable
        A function of a random generator and more.
    number : int
        Which of its cases.
    """

    mutate: Callable
    number: int

    def __str__(self):
        return f"{self.mutate.__name__}-{self.number}"

    def __call__(self, *arguments):
        """What the mutator makes of the arguments, always the same."""
        name = zlib.crc32(self.mutate.__name__.encode())
        return self.mutate(
            np.random.default_rng([name, self.number]), *arguments
        )


def pytest_generate_tests(metafunc):
    """Gives a test that is marked with ``fuzz`` its cases.

    One by one, or, where it asks for ``cases``, those of a mutator together.
    """
    for mark in metafunc.definition.iter_markers("fuzz"):
        mutators, times = mark.args
        numbers = range(_FROM, _FROM + _TIMES * times)
        cases = [[Case(mutate, n) for n in numbers] for mutate in mutators]
        if "cases" in metafunc.fixturenames:
            names = [mutate.__name__ for mutate in mutators]
            metafunc.parametrize("cases", cases, ids=names)
        else:
            metafunc.parametrize("case", sum(cases, []), ids=str)


@dataclass(frozen=True)
class Outcome:
    """What a command did: its status, and what it wrote where."""

    status: int
    out: str
    err: str

    @property
    def sentences(self):
        """What it said to its user."""
        return self.err.split("\n")[:-1]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a run of random weights: 1 kHz, clips of 2 s."""
    from sb_sed.runs.run import Run
    from sb_sed.training.checkpoints import AtomicCheckpointer

    run = tmp_path_factory.mktemp("trained") / "run"
    run.mkdir()
    (run / "hyperparams.yaml").write_text(_RUN)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        student = Run(run).build(["student"])["student"]
    checkpointer = AtomicCheckpointer(run / "save", {"student": student})
    checkpointer.save_checkpoint({"event_f1": 0.5, "epoch": 1}, name="best")
    return run


@pytest.fixture(scope="session")
def model(trained):
    """The run's detector, exported."""
    from sb_sed.inference.exported import export_run

    assert export_run(trained, trained.parent / "model") == ""
    return trained.parent / "model"


@pytest.fixture
def command(capfd, caplog, tmp_path, monkeypatch):
    """Runs ``sb-sed`` in a folder of its own and checks its manners."""
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def run(*arguments):
        capfd.readouterr()
        caplog.clear()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            status = main([str(argument) for argument in arguments])
        outcome = Outcome(status, *capfd.readouterr())
        assert not [
            f"{w.filename}:{w.lineno} {w.message}"
            for w in warned
            if not issubclass(w.category, _FOR_DEVELOPERS)
        ]
        assert not [r.getMessage() for r in caplog.records if r.levelno >= 30]
        assert outcome.status in (0, 1, 2)
        for line in outcome.sentences:
            assert re.fullmatch(r"sb-sed: [^\x00-\x1f\x7f]{9,}\.", line), line
        if outcome.status == 2:
            assert outcome.out == "" and len(outcome.sentences) == 1
        half_written = tmp_path.rglob(f"*.tmp-{os.getpid()}")
        assert not [*temporary.iterdir(), *half_written]
        return outcome

    return run


@pytest.fixture
def process_files(command, model, tmp_path):
    """Processes damaged files between two whole ones; returns the results.

    Each file has to be among the processed or the skipped, and each reason and
    note on the standard error.
    """
    whole = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)

    def process(files):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        for name in WHOLE:
            sf.write(folder / name, whole, 1000)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        outcome = command(
            *("detect", model, folder, "--format", "json"),
            *("--threads", 2, "--device", "cpu"),
        )
        processed = listed(outcome, {*WHOLE, *files})
        for name, entry in processed.items():
            with AudioFile(folder / name) as file:
                entry["info"] = file
        return processed

    def run(files):
        try:
            processed = process(files)
        except Exception as error:
            if len(files) == 1:
                raise
            culprits = [name for name in files if fails(name, files[name])]
            raise AssertionError(f"fails on {culprits}") from error
        for name, expected in process({}).items():
            assert processed.pop(name)["events"] == expected["events"]
        return processed

    def fails(name, content):
        try:
            process({name: content})
        except Exception:
            return True
        return False

    return run


def listed(outcome, names):
    """The processed files by name; checks that each is there or reported."""
    content = json.loads(outcome.out)
    processed = {file["filename"]: file for file in content["files"]}
    skipped = {file["filename"]: file["reason"] for file in content["skipped"]}
    assert len(processed) + len(skipped) == len(names)
    assert {*processed, *skipped} == names
    said = [f"{name} was skipped: {why}" for name, why in skipped.items()]
    said += [
        f"{n} {note}" for n, file in processed.items() for note in file["notes"]
    ]
    if skipped and len(names) > 1:
        said += [f"{len(skipped)} of {len(names)} files were skipped"]
    # Of more than three, how many there are for each reason.
    counts = [x for x in outcome.sentences if re.match(r"sb-sed: \d+ x ", x)]
    numbers = [int(x.split()[1]) for x in counts]
    assert sum(numbers) == (len(skipped) if len(skipped) > 3 else 0)
    sentences = sorted({*outcome.sentences} - {*counts})
    assert sentences == sorted(f"sb-sed: {x}." for x in said)
    assert outcome.status == (1 if skipped else 0)
    for file in processed.values():
        assert 0 < file["duration"] < 1e6
        for event in file["events"]:
            assert 0 <= event["onset"] < event["offset"]
            assert event["offset"] <= file["duration"] + 1e-3
            assert event["event_label"] in ("Cat", "Dog")
            assert 0 <= event["confidence"] <= 1
    return processed


@pytest.fixture
def detect(command, tmp_path):
    """Detects in a recording; checks that all output is valid."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 5000)
    sf.write(tmp_path / "a.wav", samples, 1000)

    def run(folder, *more):
        outcome = command(
            *("detect", folder, "a.wav", "--format", "json"),
            *("--device", "cpu", "--threads", 1, *more),
        )
        assert len(outcome.err) < 1000
        if outcome.status != 2:
            content = json.loads(outcome.out, parse_constant=pytest.fail)
            (entry,) = content["files"] + content["skipped"]
            for event in entry.get("events", []):
                assert 0 <= event["onset"] < event["offset"] <= 5.001
                assert 0 <= event["confidence"] <= 1
        return outcome

    return run
