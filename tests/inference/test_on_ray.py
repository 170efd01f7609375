"""A Ray cluster of several processes, of which one is lost."""

import os
import signal
from pathlib import Path

import deadly
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from deadly import Deadly

import sb_sed
from sb_sed.errors import InputError
from sb_sed.inference.batch import detect_files
from sb_sed.inference.on_ray import detect_on_ray
from sb_sed.inference.processes import LOST
from sb_sed.inference.source import Source

ray = pytest.importorskip("ray")
# And how far above them the folder is in which they are found.
_MODULES = [(sb_sed, 1), (deadly, 0)]


@pytest.fixture
def files(tmp_path):
    """Recordings by their names."""
    random = np.random.default_rng(0)
    for number in range(24):
        noise = random.uniform(-0.3, 0.3, random.integers(500, 5000))
        sf.write(tmp_path / f"{number:02}.wav", noise, 1000)
    return {f"{n:02}.wav": tmp_path / f"{n:02}.wav" for n in range(24)}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster of three processes, which find the modules of the tests."""
    roots = [str(Path(x.__file__).parents[n]) for x, n in _MODULES]
    paths = os.pathsep.join([*roots, os.environ.get("PYTHONPATH", "")])
    ray.init(
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
        address="local",
        num_cpus=3,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
        object_store_memory=2**27,
    )
    yield
    ray.shutdown()


def test_a_killed_worker_changes_nothing(small_onnx, files, tmp_path):
    source = Source(str(small_onnx))
    expected = list(detect_files(source.load(), files))
    pids = tmp_path / "pids"
    pids.mkdir()
    slow = Deadly(pids, [], seconds=0.3)
    found, coming = [], detect_on_ray(source, files, outputs=[slow])
    for result in coming:
        found.append(result)
        if len(found) == 1:
            workers = {int(path.name) for path in pids.iterdir()}
            os.kill(min(workers), signal.SIGKILL)
    assert {int(path.name) for path in pids.iterdir()} > workers
    assert [x.filename for x in found] == [*files]
    for one, other in zip(found, expected, strict=True):
        assert one.reason == "" and one.duration == other.duration
        pd.testing.assert_frame_equal(one.events, other.events)


def test_a_file_that_ends_each_process(small_onnx, files, tmp_path):
    few = dict(list(files.items())[:5])
    deadly = Deadly(tmp_path, ["02.wav"])
    found = list(detect_on_ray(Source(str(small_onnx)), few, 1, [deadly]))
    assert [x.filename for x in found] == [*few]
    assert LOST in [x.reason for x in found if x.filename == "02.wav"]


def test_what_the_cluster_cannot_do(small_onnx, files):
    with pytest.raises(InputError, match="has no processor for 99 threads"):
        list(detect_on_ray(Source(str(small_onnx)), files, 99))
    with pytest.raises(InputError, match="cannot be loaded by Ray's workers"):
        list(detect_on_ray(Source("nowhere.onnx"), files))
