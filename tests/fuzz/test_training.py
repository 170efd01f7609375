"""The training script on damaged input: it gets to train, or says why not."""

import json
import shutil
from pathlib import Path

import damaged_json
import damaged_text
import numpy as np
import pytest
import soundfile as sf
from damaged_text import as_bytes

from sb_sed.data.manifests import manifest_entry, write_manifest
from sb_sed.errors import InputError
from sb_sed.training.brains import MeanTeacherBrain

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
SETS = ("train_synthetic", "train_weak", "train_unlabelled", "valid_synthetic")
GIVEN = ["--nothing=1", "--seed=a", "--seed", "--training=5", "--views=null", "--dataset=a",
         "--lr=a", "--epochs=1", "--include=no.yaml", "--discriminator_lr=1",
         "--training={lr: 1}", "--min_level=-30", "--include=[1]",
         "--dataset=[1]", "--dataset={sample_rate: a}", "--dataset={classes: Cat}",
         "--dataset={classes: [Cat, Cat]}", "--dataset={clip_seconds: x}", "--model=1",
         "--modules=null",
         "--model={network: !new:no.such.Class}", "--streams={batches: 1",
         "--smoothing=!include:scale/mini.yaml", "--student=!ref <nothing>",
         "--views=!include:augment/none.yaml {zzz: 1}", "--adaptation={method: 1",
         "--mixing=!include:mixing", "--training=!include:",
         "--test_batch_size=null", "--epoch_counter={limit: x}"]  # fmt: skip


class Trains(Exception):
    """The script got as far as the training."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """What the preparation leaves of a tiny data set."""
    folder = tmp_path_factory.mktemp("prepared")
    for name in SETS:
        entries = {}
        for number in range(4):
            wav = folder / f"{name}{number}.wav"
            sf.write(wav, np.zeros(16000), 16000)
            events = [(0.1, 0.5, "Cat")]
            entries[wav.stem] = manifest_entry(wav, 1.0, events, ["Cat"])
        write_manifest(entries, folder / f"{name}.json")
    (folder / "references").mkdir()
    lines = [f"valid_synthetic{n}.wav\t0.1\t0.5\tCat\n" for n in range(4)]
    text = "filename\tonset\toffset\tevent_label\n" + "".join(lines)
    (folder / "references" / "valid_synthetic.tsv").write_text(text)
    lines = [f"valid_synthetic{n}.wav\t1\n" for n in range(4)]
    text = "filename\tduration\n" + "".join(lines)
    (folder / "references" / "valid_synthetic_durations.tsv").write_text(text)
    return folder


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Runs the script up to the training; whether it gets there."""
    monkeypatch.syspath_prepend(RECIPE)
    import train as script

    def fit(*_, **__):
        raise Trains

    monkeypatch.setattr(MeanTeacherBrain, "fit", fit)
    monkeypatch.chdir(tmp_path)

    def run(folder, *more):
        with pytest.raises((Trains, InputError)) as ending:
            script.main(
                [
                    str(RECIPE / "hparams" / "baseline.yaml"),
                    f"--data_folder={folder}",
                    f"--prepared_folder={folder}",
                    "--skip_prep=True",
                    "--output_folder=out",
                    "--include=scale/mini.yaml",
                    "--batch_synthetic=1",
                    "--batch_unlabelled=1",
                    "--batch_weak=1",
                    "--filters=[2, 2, 2, 2]",
                    "--train_loggers=[]",
                    "--device=cpu",
                    *more,
                ]
            )
        assert len(str(ending.value)) < 800
        return ending.type is Trains

    return run


def arguments(rng):
    """What a command line can say that is wrong."""
    return str(GIVEN[rng.integers(len(GIVEN))])


@pytest.mark.fuzz([arguments], 8)
def test_command_lines(case, train, prepared):
    assert not train(prepared, case())


MUTATORS = [damaged_json.replaced, damaged_json.scaled, damaged_json.removed,
            damaged_json.renamed, damaged_json.swapped, damaged_text.truncated,
            damaged_text.damaged_bytes, damaged_text.no_table]  # fmt: skip


@pytest.mark.fuzz(MUTATORS, 1)
def test_manifests(case, train, prepared, tmp_path):
    folder = shutil.copytree(prepared, tmp_path / "prepared")
    file = folder / f"{SETS[case.number % len(SETS)]}.json"
    content = file.read_text()
    if case.mutate in damaged_json.MUTATORS:
        content = json.loads(content)
    file.write_bytes(as_bytes(case(content)))
    train(folder)


def test_whole_input(train, prepared):
    assert train(prepared)
