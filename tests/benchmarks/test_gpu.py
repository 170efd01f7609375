"""The GPU benchmark, whole, at a tiny size on the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sb_sed.minidesed import make_minidesed

GPU = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu"
# Stands for a script that makes a data set from recordings.
BUILD = """
import os, sys
os.rename({!r}, sys.argv[sys.argv.index("--out") + 1])
"""


def call(script, *arguments):
    """A command of the benchmark, in a process of its own."""
    return subprocess.run(
        [sys.executable, str(GPU / script), *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def pack(tmp_path):
    """A bundle without wheels, of recordings and the script that needs them."""
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    made = tmp_path / "minidesed"
    make_minidesed(made, scale=0.05, progress=False)
    (recordings / "build.py").write_text(BUILD.format(str(made)))
    samples = np.sin(np.arange(16000) / 10) / 2
    soundfile.write(recordings / "tone.flac", samples, 16000)
    packed = call(
        "prepare.py",
        *("--recordings", recordings, "--bundle", tmp_path / "bundle"),
        *("--python", "3.12", "--packages"),
    )
    assert packed.returncode == 0, packed.stderr
    return samples, tmp_path / "bundle"


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """The rows that it writes, and the folder."""
    samples, bundle = pack(tmp_path_factory.mktemp("gpu"))
    out = bundle.parent / "out"
    run = call(
        "run.py",
        *("--bundle", bundle, "--out", out, "--device", "cpu", "--small"),
        *("--recipes", "baseline", "--limit", "900"),
    )
    assert run.returncode == 0, run.stderr
    rows = json.loads((out / "results.json").read_text())
    return {(row["section"], row["name"]): row for row in rows}, out, samples


def test_nothing_goes_wrong(benchmark):
    rows, out, _ = benchmark
    assert not [row for row in rows.values() if "error" in row]
    assert not [row for row in rows.values() if "skipped" in row]
    assert len((out / "results.txt").read_text().splitlines()) >= len(rows)


def test_every_module_agrees_with_itself(benchmark):
    rows = benchmark[0]
    agrees = {
        name: row["agrees"]
        for (section, name), row in rows.items()
        if section == "parity"
    }
    assert len(agrees) > 24 and all(agrees.values())
    # In bfloat16 it is not the same arithmetic.
    assert rows["parity", "CRNN, bf16"]["output"] > 0


def test_times_are_those_of_each_part(benchmark):
    rows = benchmark[0]
    for name in (
        *("step, all", "step, plain", "PPCEN, 2 layers", "loader, 0 workers"),
        *("SpeechBrain, 1 layer", "detection, 2 windows"),
    ):
        assert rows["speed", name]["milliseconds"] > 0
    assert rows["speed", "profile"]["kernels"] > 1000


def test_a_training_is_scored(benchmark):
    rows = benchmark[0]
    assert rows["training", "baseline"]["epochs"] == 1
    scores = rows["training", "baseline, validation/student"]
    assert 0 <= scores["event_f1"] <= 1


def test_recordings_keep_their_names_and_sound(benchmark):
    _, out, samples = benchmark
    found, rate = soundfile.read(out / "recordings" / "tone.flac")
    assert rate == 16000 and abs(len(found) - 16000) < 400
    assert np.corrcoef(found[2000:14000], samples[2000:14000])[0, 1] > 0.98
    assert (out / "data" / "minidesed.json").exists()


def test_what_takes_too_long_is_ended(tmp_path):
    """And what is left of the time goes on to the end."""
    run = call(
        "run.py",
        *("--data", tmp_path, "--out", tmp_path / "out", "--device", "cpu"),
        *("--small", "--limit", "1"),
    )
    assert run.returncode == 0
    text = (tmp_path / "out" / "results.txt").read_text()
    assert "ended when its time was over" in text
