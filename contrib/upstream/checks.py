"""SpeechBrain's own checks, run on the recipe in its work tree.

Authors
 * sb_sed contributors 2026
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from writing import FOLDER

import sb_sed

DATASET = '["Dataset"], filters=["DESED"]'
RECIPE_TESTS = "from tests.utils.recipe_tests import"
STYLE = {
    "ruff check": ["ruff", "check"],
    "ruff format --check": ["ruff", "format", "--check"],
    "yamllint": ["yamllint"],
    "codespell": ["codespell_lib"],
}
NOT_RUN = {
    "tests/utils/check_HF_repo": "not run, no row has a model on HuggingFace",
    "tests/utils/check_url": "not run, needs the internet: once git knows the "
    "files, python -c 'from tests.utils.check_url import check_links; "
    f"""check_links("{FOLDER}")'""",
}


@dataclass(frozen=True)
class Check:
    """What came of a check.

    Arguments
    ---------
    name : str
        Of the check.
    outcome : str
        ``passed``, ``failed``, or why it did not run.
    seconds : float
        How long it took.
    """

    name: str
    outcome: str
    seconds: float = 0.0

    def __str__(self) -> str:
        """Return the line of the summary."""
        return f"{self.name:<32} {self.seconds:6.1f} s  {self.outcome}"


def run_checks(tree: str | Path) -> list[Check]:
    """Run SpeechBrain's checks of recipes and of style; print what they say.

    They take the SpeechBrain of the work tree and this sb_sed, whatever else is
    installed.

    Arguments
    ---------
    tree : str | Path
        The work tree, with the recipe.

    Returns
    -------
    list of Check
        In the order of a pull request: style, consistency, trainings.
    """
    tree = Path(tree).resolve()
    for folder in tree.glob("tests/tmp/DESED_row_*"):  # a run would be resumed
        shutil.rmtree(folder)
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(tree, Path(folder))
        return [
            *(
                _run(name, ["python", *command], tree, environment)
                for name, command in commands().items()
            ),
            *(Check(name, reason) for name, reason in NOT_RUN.items()),
        ]


def commands() -> dict[str, list[str]]:
    """Return the arguments of Python for each check, by the check's name."""
    calls = {
        "tests/utils/check_docstrings": (
            "from tests.utils.check_docstrings import check_docstrings as check",
            'check(check_folders=["recipes/DESED"])',
        ),
        "load_yaml_test": (
            f"{RECIPE_TESTS} load_yaml_test as check",
            f"check(filters_fields={DATASET})",
        ),
        "run_recipe_tests": (
            f"{RECIPE_TESTS} run_recipe_tests as check",
            f"check(filters_fields={DATASET})",
        ),
    }
    return (
        {name: ["-m", *tool, "recipes/DESED"] for name, tool in STYLE.items()}
        | {"tests/consistency": ["-m", "pytest", "-q", "tests/consistency"]}
        | {
            name: ["-c", f"import sys; {start}; sys.exit(not {call})"]
            for name, (start, call) in calls.items()
        }
    )


def _environment(tree: Path, folder: Path) -> dict[str, str]:
    """Variables with which ``python`` has the tree's SpeechBrain, our sb_sed.

    SpeechBrain's tests call it by this name, with a ``PYTHONPATH`` of their
    own.
    """
    python = folder / "python"
    packages = f"{tree}:{Path(sb_sed.__file__).resolve().parents[1]}"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" '
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    places = f"{folder}:{os.environ['PATH']}"
    return os.environ | {"PATH": places, "PYTHONPATH": str(tree)}


def _run(
    name: str, command: list[str], tree: Path, environment: dict[str, str]
) -> Check:
    """Run one check."""
    print(f"\n{name}", flush=True)
    start = time.monotonic()
    status = subprocess.run(
        [shutil.which(command[0], path=environment["PATH"]), *command[1:]],
        cwd=tree,
        env=environment,
    ).returncode
    outcome = "failed" if status else "passed"
    return Check(name, outcome, time.monotonic() - start)
