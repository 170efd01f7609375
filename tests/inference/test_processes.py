"""Several processes, of which some are lost."""

import signal

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from deadly import Deadly

from sb_sed.inference.batch import detect_files
from sb_sed.inference.processes import LOST, detect_in_processes
from sb_sed.inference.source import Source


@pytest.fixture
def files(tmp_path):
    """Recordings by their names."""
    random = np.random.default_rng(0)
    for number in range(9):
        n_samples = random.integers(500, 5000)
        noise = random.uniform(-0.3, 0.3, n_samples)
        sf.write(tmp_path / f"{number}.wav", noise, 1000)
    return {f"{n}.wav": tmp_path / f"{n}.wav" for n in range(9)}


def check_same(found, expected, but=()):
    """Compare results, in their order."""
    assert [x.filename for x in found] == [x.filename for x in expected]
    for one, other in zip(found, expected, strict=True):
        if one.filename not in but:
            assert one.reason == "" and one.duration == other.duration
            pd.testing.assert_frame_equal(one.events, other.events)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX")
def test_a_lost_process_is_replaced(small_onnx, files, tmp_path):
    source = Source(str(small_onnx))
    expected = list(detect_files(source.load(), files))
    marks = tmp_path / "marks"
    marks.mkdir()
    once = Deadly(marks, ["2.wav"], is_once=True)
    found = list(detect_in_processes(source, files, 2, outputs=[once]))
    assert (marks / "2").exists()
    check_same(found, expected)
    # What ends its process each time is skipped, and nothing else is.
    always = Deadly(marks, ["5.wav"])
    found = list(detect_in_processes(source, files, 2, outputs=[always]))
    check_same(found, expected, but=["5.wav"])
    assert [x.reason for x in found if x.reason] == [LOST]
