"""The notebook of the documentation, run on a hundredth of its data.

Authors
 * sb_sed contributors 2026
"""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTEBOOK = DOCS / "tutorial.ipynb"
PRIVATE = r"/(?:home|root|tmp|work|usr|opt|Users|private)/"


@pytest.fixture(scope="module")
def cells():
    """The cells as they are stored."""
    return json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


def outputs(cells):
    """All that cells have printed or drawn."""
    return [x for cell in cells for x in cell.get("outputs", [])]


def test_stored_outputs_are_of_no_machine(cells):
    """There are pictures and tables, no errors and no paths."""
    kinds = {kind for x in outputs(cells) for kind in x.get("data", {})}
    assert {"image/png", "text/html"} <= kinds
    assert all(x["output_type"] != "error" for x in outputs(cells))
    assert not re.search(PRIVATE, json.dumps(cells))
    assert NOTEBOOK.stat().st_size < 700_000


def test_it_runs_and_leaves_what_it_says(tmp_path, monkeypatch, cells):
    """Every cell, with the commands of this environment."""
    pytest.importorskip("nbclient", reason="the extra test is missing")
    pytest.importorskip("ipykernel", reason="the extra test is missing")
    spec = importlib.util.spec_from_file_location("run", DOCS / "tutorial.py")
    tutorial = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tutorial)
    monkeypatch.setenv("PYTHONPATH", str(DOCS.parent))
    notebook = tutorial.tidied(
        tutorial.executed(tmp_path, SCALE=0.02, EPOCHS=1)
    )
    assert [x.source for x in notebook.cells] != [
        "".join(x["source"]) for x in cells
    ]
    made = tmp_path / "tutorial"
    for name in ("hmm.json", "clip.png", "curves.png", "features.png"):
        assert (made / name).stat().st_size > 100
    assert (made / "results/with_ppcen/2020/report.html").is_file()
    kernel = re.sub(r"\W+$", "", sys.executable)
    assert kernel not in json.dumps(notebook.cells)
    printed = "".join(x.get("text", "") for x in outputs(notebook.cells))
    assert "error" not in printed.lower(), printed
