"""``sb-sed mix --recipe`` as its user calls it."""

import shutil
from pathlib import Path

import pytest

from sb_sed.cli.main import main
from sb_sed.formats import read_filenames
from sb_sed.minidesed import make_minidesed

HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few clips of MiniDESED with its sound bank."""
    folder = tmp_path_factory.mktemp("data") / "minidesed"
    return make_minidesed(folder, scale=0.02, n_jobs=1, progress=False)


def mix(output, *options, recipe="augm"):
    """Return the exit status."""
    command = ["mix", output, "--recipe", HPARAMS / f"{recipe}.yaml", *options]
    return main([str(argument) for argument in command])


def test_soundscapes_figures_and_recipe_are_written(tmp_path, data, capsys):
    output = tmp_path / "mixed"
    options = ["--clips", 3, "--set", f"data_folder={data}"]
    dry = ["--plot", 2, "--set", "mixing={rirs: null}"]
    assert mix(output, *options, *dry) == 0
    found = {str(path.relative_to(output)) for path in output.rglob("*.*")}
    assert found == {
        *(f"soundscapes/{n}.{kind}" for n in "012" for kind in ("wav", "jams")),
        "figures/0.png",
        "figures/1.png",
        "hyperparams.yaml",
        "soundscapes.tsv",
    }
    names = read_filenames(output / "soundscapes.tsv")
    assert names == ["0.wav", "1.wav", "2.wav"]
    assert "3 soundscapes in" in capsys.readouterr().out
    assert "seed: 2020" in (output / "hyperparams.yaml").read_text()
    # The same of these folders, without a recipe.
    bank = data / "synthetic/audio/train/soundbank"
    command = ["mix", tmp_path / "same", "--clips", 3, "--seed", 2020]
    command += ["--foregrounds", bank / "foreground"]
    command += ["--backgrounds", bank / "background/sins"]
    assert main([str(argument) for argument in command]) == 0
    for name in names:
        path = Path("soundscapes", name)
        same = (tmp_path / "same" / path).read_bytes()
        assert (output / path).read_bytes() == same
    # Rooms where there were none, or another seed: these are other soundscapes.
    for others in (options, [*options, *dry, "--seed", 1]):
        capsys.readouterr()
        assert mix(output, *others) == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("sb-sed: ") and "other settings" in last


def test_isolated_events_are_written(tmp_path, data):
    options = ["--clips", 1, "--isolated", "--set", f"data_folder={data}"]
    assert mix(tmp_path / "mixed", *options) == 0
    assert [*tmp_path.glob("mixed/soundscapes/0_events/*.wav")]


def test_minidesed_is_used_without_a_data_folder(
    tmp_path, data, capsys, monkeypatch
):
    """It is made where train.py makes it: beside the folder of the recipes."""
    shutil.copytree(HPARAMS, tmp_path / "recipe" / "hparams")
    made = tmp_path / "recipe" / "data" / "minidesed"
    monkeypatch.setattr(
        "sb_sed.minidesed.make_minidesed",
        lambda folder: shutil.copytree(data, folder),
    )
    recipe = tmp_path / "recipe" / "hparams" / "augm.yaml"
    assert main(f"mix {tmp_path}/new --clips 1 --recipe {recipe}".split()) == 0
    assert f"using MiniDESED in {made}" in capsys.readouterr().out
    saved = (tmp_path / "new" / "hyperparams.yaml").read_text()
    assert str(made) in saved


def test_recipes_without_mixing_are_refused(tmp_path, data, capsys):
    output = tmp_path / "mixed"
    options = ["--set", f"data_folder={data}"]
    assert mix(output, *options, recipe="baseline") == 2
    assert "baseline.yaml mixes nothing" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--set", "sed=3"], "no key 'sed': did you mean 'seed'?"),
        (["--set", "lr=3"], "Nothing reads 'lr'"),
        (["--set", "seed"], "--set seed: write KEY=VALUE"),
        (["--rate", "16000"], "--rate and --recipe do not go together"),
        (["--max-effects", "2"], "--max-effects and --recipe do not go"),
        (["--foregrounds", "sounds"], "--foregrounds and --recipe do not go"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, capsys, options, sentence):
    options = ["--set", f"data_folder={tmp_path}", *options]
    assert mix(tmp_path / "mixed", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sb-sed: ") and sentence in line


@pytest.mark.parametrize(
    "options, sentence",
    [
        ("--foregrounds a", "Give --backgrounds FOLDER, or a --recipe"),
        ("", "Give --foregrounds FOLDER, or a --recipe"),
        ("--set seed=1", "--set changes a recipe: give --recipe"),
    ],
)
def test_sounds_or_a_recipe_are_needed(tmp_path, capsys, options, sentence):
    assert main(f"mix {tmp_path}/mixed {options}".split()) == 2
    assert sentence in capsys.readouterr().err
