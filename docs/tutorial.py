"""Runs the tutorial's notebook and stores what it printed and drew.

    python docs/tutorial.py

Pictures are stored in 256 colours, of at most 900 pixels, so that the file
stays small, and nothing of the machine that ran it.

Authors
 * sb_sed contributors 2026
"""

import base64
import io
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).with_suffix(".ipynb")
_WIDTH = 900


def executed(folder: Path, **numbers: float) -> nbformat.NotebookNode:
    """Run the notebook in a folder.

    Arguments
    ---------
    folder : Path
        What it makes goes into ``tutorial/`` there.
    **numbers : float
        What its constants, such as ``EPOCHS``, are instead.

    Returns
    -------
    nbformat.NotebookNode
        With its outputs.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        for name, value in numbers.items():
            pattern = rf"^{name} = [\d.]+"
            cell.source = re.sub(
                pattern, f"{name} = {value}", cell.source, flags=re.M
            )
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=None, resources=place).execute()
    return notebook


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Make a run notebook small, the same on every machine but for numbers."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        if "outputs" in cell:
            others = [x for x in cell.outputs if x.output_type != "stream"]
            cell.outputs = [*_printed(cell), *others]
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            if picture := output.get("data", {}).get("image/png"):
                output.data["image/png"] = _small(picture)
    return notebook


def _printed(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """What a cell has printed, as one output without progress bars."""
    streams = [x for x in cell.get("outputs", []) if x.output_type == "stream"]
    text = re.sub(
        r"\x1b\[[\d;]*\w|\r(?=\n)", "", "".join(x.text for x in streams)
    )
    lines = [line.split("\r")[-1].strip() for line in text.split("\n")]
    kept = [f"{line}\n" for line in lines if line and "%|" not in line]
    output = nbformat.v4.new_output("stream", name="stdout", text="".join(kept))
    return [output] if kept else []


def _small(picture: str) -> str:
    """A PNG, in base64, in few colours and not too wide."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.thumbnail((_WIDTH, 10 * _WIDTH))
    file = io.BytesIO()
    image.quantize(256).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        nbformat.write(tidied(executed(Path(place))), NOTEBOOK)
