"""The recipe as files of a SpeechBrain work tree.

Authors
 * sb_sed contributors 2026
"""

import ast
import csv
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from flatten import flatten

from sb_sed.errors import InputError
from sb_sed.training.yaml_trees import read_tree, tag_of

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "DCASE2020"
FILES = Path(__file__).parent / "files"
FOLDER = "recipes/DESED/sound_event_detection"
TABLE = "tests/recipes/DESED.csv"
# The rows that go there, and what each trains.
ROWS = {
    "baseline": "The challenge's baseline: a CRNN trained by mean teacher on "
    "log-mels, its scores smoothed by a median filter.",
    "ppcen": "The baseline with PPCEN in front: two parallel trained PCEN "
    "layers on log-mels.",
    "dat": "The baseline with dynamic mixing, augmented views and "
    "domain-adversarial training.",
    "ppcen_dat_hmm": "The whole system of UNIVPM-INRIA: PPCEN, dynamic mixing, "
    "augmented views, domain-adversarial training, an HMM for each class.",
    "strong_crnn": "A strong CRNN: a trained PCEN layer, clips rolled in time "
    "and mixed, views along frequency, a loss that weighs onsets and offsets "
    "more, events chosen among boxes by a learned probability.",
    "yamnet": "The baseline with the embeddings of a pretrained YAMNet beside "
    "its CNN.",
}
# What the script has for rows that are made of several files.
LEFT_OUT = {"FOLDER", "MINIATURE", "KEYS"}
# Of a test: the miniature scale, and less of it.
TINY = {"number_of_epochs": 2, "ramp_up_epochs": 1}
TINY |= dict.fromkeys(("batch_synthetic", "batch_unlabelled", "batch_weak"), 2)
DATA = "tests/tmp/minidesed"
MAKE_DATA = (
    'os.system("python -m sb_sed.minidesed '
    f'--folder={DATA} --scale=0.02 --n_jobs=1")'
)


def write(tree: str | Path, repository: str = "") -> list[Path]:
    """Write the recipe, flattened, and its table.

    What SpeechBrain asks for and only a training on DESED can give, stays
    blank: results, their address, models on HuggingFace.

    Arguments
    ---------
    tree : str | Path
        SpeechBrain's work tree.
    repository : str
        The address of sb_sed for ``pip``, ``https://…``; without it, a blank.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    InputError
        If the folder is no work tree of SpeechBrain, or has the recipe already.
    """
    tree = Path(tree)
    if not (tree / "tests/utils/recipe_tests.py").is_file():
        raise InputError(
            f"{tree} is no work tree of SpeechBrain (it has no "
            "tests/utils/recipe_tests.py): clone its repository and name that."
        )
    folder = tree / FOLDER
    for path in (folder, tree / TABLE):
        if path.exists():
            raise InputError(
                f"{path} is there already: move it away, so that nothing that "
                "was changed in it is lost."
            )
    (folder / "hparams").mkdir(parents=True)
    keys = script_keys()
    for name, about in ROWS.items():
        text = flatten(RECIPE / f"hparams/{name}.yaml", keys, about)
        _put(folder / f"hparams/{name}.yaml", text)
    _put(folder / "train.py", adapted_script())
    shutil.copy(RECIPE / "desed_prepare.py", folder.parent)
    os.symlink("../desed_prepare.py", folder / "desed_prepare.py")
    for script in ("train.py", "desed_prepare.py"):
        (folder / script).chmod(0o755)
    _put(folder / "README.md", _readme())
    _put(folder / "extra_requirements.txt", _requirements(repository))
    _write_table(tree)
    _tidy(tree, folder.parent)
    written = (path for path in folder.parent.rglob("*") if path.is_file())
    return [*sorted(written), tree / TABLE]


def script_keys() -> tuple[str, ...]:
    """Return the top-level keys that the recipe's script reads."""
    sys.path.insert(0, str(RECIPE))
    try:
        return runpy.run_path(str(RECIPE / "train.py"))["KEYS"]
    finally:
        sys.path.remove(str(RECIPE))


def adapted_script() -> str:
    """Return the recipe's script, reading plain HyperPyYAML.

    Returns
    -------
    str
        As ``train.py``, but for the docstring and the function that reads the
        YAML, which are those of ``files/load_recipe.py``. It still imports what
        only the function that was there needs.
    """
    script = (RECIPE / "train.py").read_text("utf-8")
    head = (FILES / "load_recipe.py").read_text("utf-8")
    new = {name: _source(head, node) for name, node in _nodes(head).items()}
    imports = [text for text in new.values() if re.match("import|from", text)]
    new = dict.fromkeys(LEFT_OUT, "") | {
        "docstring": new["docstring"],
        "load_recipe": new["load_recipe"],
        "import speechbrain as sb": "\n".join(imports),
    }
    old = _nodes(script)
    lines = script.splitlines()
    for name in sorted(new, key=lambda name: old[name].lineno, reverse=True):
        start, end = old[name].lineno - 1, old[name].end_lineno
        if name in LEFT_OUT:  # with what is said of it
            while lines[start - 1].startswith("# "):
                start -= 1
        lines[start:end] = new[name].splitlines()
    return "\n".join(lines) + "\n"


def _nodes(script: str) -> dict[str, ast.stmt]:
    """The top-level statements of a script, by what they define or import."""
    names = {}
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign):
            name = node.targets[0].id
        elif isinstance(node, ast.Expr):
            name = "docstring"
        else:
            name = getattr(node, "name", None) or ast.unparse(node)
        names[name] = node
    return names


def _source(script: str, node: ast.stmt) -> str:
    """The lines of a statement."""
    return ast.get_source_segment(script, node)


def _put(path: Path, text: str) -> None:
    """Write a file of a work tree."""
    path.write_text(text, encoding="utf-8")


def _readme() -> str:
    """The README, with the rows in its tables."""
    text = (FILES / "README.md").read_text("utf-8")
    rows = [f"| `{name}.yaml` | {about} |" for name, about in ROWS.items()]
    blanks = [f"| {name}.yaml |" + "  |" * 6 for name in ROWS]
    return text.replace("ROWS", "\n".join(rows)).replace(
        "BLANKS", "\n".join(blanks)
    )


def _requirements(repository: str) -> str:
    """The requirement of sb_sed, with what its recipe needs beside it."""
    if repository:
        return f"sb_sed[recipe] @ git+{repository}\n"
    return (
        "# Blank: the public repository of sb_sed, as in\n"
        "# sb_sed[recipe] @ git+https://\n"
        "sb_sed[recipe]\n"
    )


def _write_table(tree: Path) -> None:
    """The table of the recipe's tests."""
    folder = tree / FOLDER
    with open(ROOT / "tests/recipes/DCASE2020.csv", encoding="utf-8") as file:
        ours = {
            Path(row["Hparam_file"]).stem: row for row in csv.DictReader(file)
        }
    rows = []
    for name in ROWS:
        files = {
            "Script_file": f"{FOLDER}/train.py",
            "Hparam_file": f"{FOLDER}/hparams/{name}.yaml",
            "Data_prep_file": f"{FOLDER}/desed_prepare.py",
            "Readme_file": f"{FOLDER}/README.md",
            "test_debug_flags": _flags(folder / f"hparams/{name}.yaml"),
            "test_download": MAKE_DATA,
        }
        rows.append(ours[name] | files | {"performance": ""})
    columns = [*ours[name]]
    columns.insert(columns.index("performance"), "test_download")
    with open(tree / TABLE, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _flags(hparams: Path) -> str:
    """The command line that trains a row on little data, in a minute."""
    values = read_tree(RECIPE / "hparams/scale/mini.yaml") | TINY
    words = [
        f"--{key}={_plain(value)}"
        for key, value in values.items()
        if key in read_tree(hparams) and not tag_of(value)
    ]
    return shlex.join([f"--data_folder={DATA}", *words])


def _plain(value: object) -> str:
    """A value as YAML in one line."""
    return str(list(value) if isinstance(value, list) else value)


def _tidy(tree: Path, folder: Path) -> None:
    """Take out imports that nothing needs; lay out as SpeechBrain does."""
    ruff = [sys.executable, "-m", "ruff"]
    fix = [*ruff, "check", "--quiet", "--fix", "--select=F401,I"]
    for command in (fix, [*ruff, "format", "--quiet"]):
        subprocess.run([*command, folder.resolve()], cwd=tree, check=True)
