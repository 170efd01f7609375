"""How PyTorch's threads wait: set before it is loaded, unless set already."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRAININGS = ("recipes/DCASE2020", "templates/sound_event_detection")
NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
PRINT = f"import sb_sed, os; print([os.environ.get(x) for x in {NAMES}])"
# Stops at the first module that is not Python's or sb_sed's.
FIRST = """
import os, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "speechbrain", "numpy"):
            print(os.environ["GOMP_SPINCOUNT"]); os._exit(0)
sys.meta_path.insert(0, Stop())
import train
"""


def printed(code, folder=ROOT, **variables):
    """What a fresh process prints."""
    environment = {k: v for k, v in os.environ.items() if k not in NAMES}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_threads_sleep_soon():
    assert printed(PRINT) == "['PASSIVE', '1000', None]"


@pytest.mark.parametrize("name", NAMES)
def test_what_the_user_has_set_stays(name):
    expected = [("5" if name == other else None) for other in NAMES]
    assert printed(PRINT, **{name: "5"}) == str(expected)


@pytest.mark.parametrize("folder", TRAININGS)
def test_trainings_say_so_before_pytorch_is_loaded(folder):
    assert printed(FIRST, ROOT / folder) == "1000"
