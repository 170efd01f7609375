"""The script that writes mixed soundscapes, as its users call it."""

import subprocess
import sys
from pathlib import Path

import pytest

from sb_sed.cli.main import main
from sb_sed.formats import read_filenames
from sb_sed.minidesed import make_minidesed

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "minidesed"
    return make_minidesed(folder, scale=0.02, n_jobs=1, progress=False)


def mix(recipe, *arguments):
    """Call the script in the recipe's folder."""
    return subprocess.run(
        [sys.executable, "mix_soundscapes.py", f"hparams/{recipe}.yaml"]
        + [str(argument) for argument in arguments],
        cwd=RECIPE,
        capture_output=True,
        text=True,
    )


def test_soundscapes_figures_and_settings_are_written(tmp_path, data):
    output = tmp_path / "mixed"
    options = ["--n_clips=3", f"--output={output}", f"--data_folder={data}"]
    process = mix("augm", *options, "--plot", "2", "--mixing={rirs: null}")
    assert process.returncode == 0, process.stderr
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
    assert "3 soundscapes in" in process.stdout
    assert "seed: 2020" in (output / "hyperparams.yaml").read_text()
    # The command makes the same of these folders, without a recipe.
    bank = data / "synthetic/audio/train/soundbank"
    command = ["mix", tmp_path / "same", "--clips", 3, "--seed", 2020]
    command += ["--foregrounds", bank / "foreground"]
    command += ["--backgrounds", bank / "background/sins"]
    assert main([str(argument) for argument in command]) == 0
    for name in ("0.wav", "1.wav", "2.wav"):
        path = Path("soundscapes", name)
        same = (tmp_path / "same" / path).read_bytes()
        assert (output / path).read_bytes() == same
    # Rooms where there were none: these are other soundscapes.
    process = mix("augm", *options)
    assert process.returncode == 2
    (last,) = process.stderr.strip().splitlines()[-1:]
    assert last.startswith("mix_soundscapes.py: ") and "other settings" in last


def test_recipes_without_mixing_are_refused(tmp_path, data):
    output = tmp_path / "mixed"
    process = mix("baseline", f"--output={output}", f"--data_folder={data}")
    assert process.returncode == 2
    assert "baseline.yaml mixes nothing" in process.stderr
    assert not output.exists()
