"""pseudo_label.py as its users call it: from a system to the next one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sb_sed.data.manifests import read_manifest
from sb_sed.minidesed import make_minidesed
from sb_sed.runs.run import Run

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
TRAINING = [
    *("--data_folder=mini", "--include=scale/mini.yaml", "--device=cpu"),
    *("--number_of_epochs=1", "--ramp_up_epochs=1", "--filters=[2, 2, 2, 2]"),
    *("--batch_synthetic=2", "--batch_unlabelled=2", "--batch_weak=2"),
]


def call(folder, script, *arguments):
    return subprocess.run(
        [sys.executable, RECIPE / script, *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--floor", "2"], "give confidences from 0 to 1"),
        (["--floor", "Bird=0.5"], "none of the classes Cat, Dog"),
        (["--floor", "Dog=high"], "give confidences"),
        (["--smoother", "none.json"], "none.json"),
    ],
)
def test_bad_input_is_one_sentence(
    options, sentence, run_folder, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(RECIPE)
    import pseudo_label

    text = (run_folder / "hyperparams.yaml").read_text()
    (run_folder / "hyperparams.yaml").write_text(
        f"{text}prepared_folder: {run_folder.parent / 'prepared'}\n"
    )
    with pytest.raises(pseudo_label.InputError, match=sentence):
        pseudo_label.main(
            [
                str(RECIPE / "hparams" / "baseline.yaml"),
                *("--systems", str(run_folder), *options),
            ]
        )


@pytest.mark.parametrize("option", ["--output_folder=mine", "--name=mine"])
def test_a_place_of_ones_own(option, run_folder, monkeypatch, tmp_path):
    """The training starts with it, as far as to its data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(RECIPE)
    import pseudo_label

    monkeypatch.setattr(pseudo_label, "label", lambda *_: None)
    with pytest.raises(pseudo_label.InputError, match="nowhere"):
        pseudo_label.main(
            [
                str(RECIPE / "hparams" / "baseline.yaml"),
                *("--systems", str(run_folder)),
                *("--data_folder=nowhere", "--device=cpu", option),
            ]
        )


def test_from_a_system_to_the_next(tmp_path):
    make_minidesed(tmp_path / "mini", scale=0.02, progress=False)
    recipe = RECIPE / "hparams" / "dat.yaml"
    first = call(
        tmp_path, "train.py", RECIPE / "hparams" / "baseline.yaml", *TRAINING
    )
    assert first.returncode == 0, first.stderr
    # A system of an epoch finds little: what it finds has to do.
    system = tmp_path / "results" / "baseline" / "2020"
    command = [
        *(recipe, "--systems", "results/baseline/2020"),
        *("--smoother", "low.json"),
    ]
    (tmp_path / "low.json").write_text(
        '{"smoother": "threshold", "version": 1, '
        '"parameters": {"threshold": 0.02}, "options": {}}'
    )
    batch = ["--batch_augment=!include:augment/batch_all.yaml"]
    second = call(tmp_path, "pseudo_label.py", *command, *TRAINING, *batch)
    assert second.returncode == 0, second.stderr
    manifest = system / "pseudo" / "train_pseudo.json"
    assert f"Labels: {manifest.relative_to(tmp_path)}" in second.stdout
    clips = read_manifest(manifest)
    weak = read_manifest(tmp_path / "mini_16k" / "train_weak.json")
    for name, clip in clips.items():
        if name in weak:
            assert clip["tags"] == sorted(weak[name]["tags"])
    run = Run(tmp_path / "results" / "dat_pseudo" / "2020")
    (loss,) = run.logged("strong_pseudo")
    assert loss > 0 and run.test_set("validation").networks
    # Again: all is there.
    before = manifest.stat().st_mtime_ns
    again = call(
        tmp_path, "pseudo_label.py", *command, *TRAINING, "--labels-only"
    )
    assert again.returncode == 0, again.stderr
    assert manifest.stat().st_mtime_ns == before
