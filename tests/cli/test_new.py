"""``sb-sed new``: a copy of the template or of a recipe."""

import subprocess
import sys
from pathlib import Path

import pytest

from sb_sed.cli.main import main
from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


def names(folder):
    """All files of a folder by their relative names."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def tracked(folder):
    """The files of a folder of the repository that git knows."""
    run = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True
    )
    if run.returncode or not run.stdout:
        pytest.skip("this is no checkout")
    return {line.removeprefix(f"{folder}/") for line in run.stdout.splitlines()}


@pytest.mark.parametrize(
    "options, starter",
    [
        ([], "templates/sound_event_detection"),
        (["--recipe", "DCASE2020"], "recipes/DCASE2020"),
    ],
)
def test_the_copy_is_the_starter(tmp_path, capsys, options, starter):
    assert main(["new", str(tmp_path / "mine"), *options]) == 0
    said = capsys.readouterr().out
    assert "README.md" in said
    assert ("sb_sed[recipe]" in said) == bool(options)  # what it needs
    copied = names(tmp_path / "mine")
    assert tracked(starter) <= copied
    for name in tracked(starter):
        original = (ROOT / starter / name).read_bytes()
        assert (tmp_path / "mine" / name).read_bytes() == original
    assert not any("results" in name for name in copied)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_copy_of_a_recipe_has_what_it_takes_of_another(tmp_path):
    """All its rows say the same as in the checkout, and it has all options."""
    copy = tmp_path / "mine"
    assert main(["new", str(copy), "--recipe", "RealDESED"]) == 0
    source = ROOT / "recipes" / "RealDESED"
    assert tracked("recipes/RealDESED") <= names(copy)
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source).as_posix()
        if file.is_file() and name in tracked("recipes/RealDESED"):
            if file.suffix != ".yaml":
                assert (copy / name).read_bytes() == file.read_bytes()
    for row in source.glob("hparams/*.yaml"):
        for changes in ("", "features: pcen", "smoothing: hmm"):
            texts = [
                Recipe(folder / "hparams" / row.name, changes).stream()
                for folder in (source, copy)
            ]
            assert texts[0].getvalue() == texts[1].getvalue()


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.yaml").write_text("my work")
    assert main(["new", str(tmp_path / "mine")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert names(tmp_path / "mine") == {"train.yaml"}


def test_a_built_package_has_the_starters(tmp_path):
    """As a wheel has them: without a checkout beside the package."""
    command = ["setup.py", "-q", "build", f"--build-base={tmp_path / 'base'}"]
    command.append(f"--build-lib={tmp_path / 'lib'}")
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
    built = tmp_path / "lib" / "sb_sed" / "starters"
    for starter in (
        "templates/sound_event_detection",
        "recipes/DCASE2020",
        "recipes/RealDESED",
    ):
        assert tracked(starter) <= names(built / starter)
    assert (tmp_path / "lib" / "sb_sed" / "py.typed").is_file()
