"""Exported folders: complete, reproducible, refused if damaged."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sb_sed
from sb_sed.errors import InputError
from sb_sed.formats import read_events, read_scores, write_events
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.exported import export_run
from sb_sed.minidesed import make_minidesed
from sb_sed.scoring.report import make_report, write_json
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

ROOT = Path(sb_sed.__file__).parents[1]
CONTENT = {
    "README.md",
    "detector.ckpt",
    "detector.json",
    "hyperparams.yaml",
}


def test_what_is_in_the_folder(exported):
    assert {path.name for path in exported.iterdir()} == CONTENT
    content = json.loads((exported / "detector.json").read_text())
    assert content["classes"] == ["Cat", "Dog"]
    assert content["sample_rate"] == 1000 and content["clip_seconds"] == 2.0
    assert content["smoother"]["smoother"] == "median"
    assert content["made_with"]["torch"] == torch.__version__.split("+")[0]
    # The best of three epochs, and nothing of this machine's folders.
    assert content["about"] == {
        "recipe": "tiny",
        "seed": 7,
        "data": "TinyData",
        "network": "student",
        "epoch": 2,
        "event_f1_validation": 0.9,
    }
    for path in exported.iterdir():
        assert b"/home/somebody" not in path.read_bytes()


def test_the_same_run_gives_the_same_folder(run_folder, exported, tmp_path):
    export_run(run_folder, tmp_path / "again")
    for name in CONTENT:
        one, other = exported / name, tmp_path / "again" / name
        assert one.read_bytes() == other.read_bytes()


def test_the_card_has_the_scores_and_their_data(run_folder, tmp_path):
    events = pd.DataFrame(
        [["a.wav", 0, 1, "Cat"], ["b.wav", 0, 1, "Dog"]],
        columns=["filename", "onset", "offset", "event_label"],
    )
    report = make_report(events, events[:1], n_draws=10)
    write_json(report, run_folder / "validation" / "student" / "report.json")
    export_run(run_folder, tmp_path / "exported", ThresholdSmoother(0.3))
    card = (tmp_path / "exported" / "README.md").read_text()
    assert re.search(r"^\| validation \| 2 of 2 \| 50\.0 \[", card, re.M)
    assert "the one in this folder is another" in card
    assert "- Cat\n- Dog\n" in card and "- data: TinyData" in card
    assert card.startswith("---\nlibrary_name: ") and "None is stated" in card


def test_without_scores_the_card_says_so(exported):
    assert "no score is known" in (exported / "README.md").read_text()


def test_another_smoother(run_folder, tmp_path):
    """One that was given, or that the run has tuned."""
    tuned = ThresholdSmoother({"Cat": 0.25, "Dog": 0.75})
    export_run(run_folder, tmp_path / "given", tuned)
    save_smoother(tuned, run_folder / "save" / "student_smoother.json")
    export_run(run_folder, tmp_path / "tuned")
    for folder in (tmp_path / "given", tmp_path / "tuned", run_folder):
        for file in ("detector.json", "hyperparams.yaml"):
            detector = SoundEventDetector.from_hparams(folder, file)
            assert detector.hparams.smoother.state() == tuned.state()


def test_a_folder_that_exists_is_left_alone(run_folder, exported):
    before = (exported / "README.md").stat()
    with pytest.raises(InputError, match="exists: choose another"):
        export_run(run_folder, exported)
    assert (exported / "README.md").stat() == before
    assert not list(exported.parent.glob(".exported*"))


def test_a_run_without_a_checkpoint(run_folder, tmp_path):
    shutil.rmtree(run_folder / "save")
    (run_folder / "save").mkdir()
    with pytest.raises(InputError, match="no checkpoint yet"):
        export_run(run_folder, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_a_network_of_ones_own(run_folder, tmp_path, monkeypatch, make_wav):
    """It is exported as code, which has to be asked for."""
    (tmp_path / "my_package.py").write_text(
        "from sb_sed.models.crnn import CRNN\nclass MyNetwork(CRNN): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    recipe = run_folder / "hyperparams.yaml"
    own = recipe.read_text().replace(
        "sb_sed.models.crnn.CRNN", "my_package.MyNetwork"
    )
    recipe.write_text(own)
    folder = tmp_path / "exported"
    reason = export_run(run_folder, folder)
    assert "my_package.MyNetwork" in reason and "\n" not in reason
    assert {path.name for path in folder.iterdir()} == CONTENT - {
        "detector.json"
    }
    card = (folder / "README.md").read_text()
    assert "--trust-code" in card and 'hparams_file="hyperparams.yaml"' in card
    for source in (folder, run_folder):
        with pytest.raises(InputError, match="hyperparams.yaml"):
            SoundEventDetector.from_folder(source)
    detector = SoundEventDetector.from_hparams(folder, "hyperparams.yaml")
    assert type(detector.mods.detector.network).__name__ == "MyNetwork"
    path = make_wav("a.wav")
    run = SoundEventDetector.from_hparams(run_folder, "hyperparams.yaml")
    pd.testing.assert_frame_equal(
        detector.scores_file(path), run.scores_file(path)
    )
    # On a machine without that package:
    recipe = folder / "hyperparams.yaml"
    recipe.write_text(recipe.read_text().replace("my_package", "not_here"))
    with pytest.raises(InputError, match="not_here.*install what it names"):
        SoundEventDetector.from_hparams(folder, "hyperparams.yaml")


def rewrite(**changes):
    def change(folder):
        file = folder / "detector.json"
        content = json.loads(file.read_text()) | changes
        file.write_text(json.dumps(content))

    return change


def weights(change):
    """Other weights, with their checksum."""

    def apply(folder):
        import hashlib

        file = folder / "detector.ckpt"
        state = torch.load(file, weights_only=True)
        change(state)
        torch.save(state, file)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        rewrite(sha256=sha256)(folder)

    return apply


MALICIOUS = {
    "class": "Detector",
    "arguments": {"featurizer": {"class": "eval"}},
}


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda f: (f / "detector.json").write_text(""), "is not JSON"),
        (lambda f: (f / "detector.json").write_text("[" * 10**5), "not JSON"),
        (lambda f: (f / "detector.json").write_bytes(b"\xff"), "is not JSON"),
        (lambda f: (f / "detector.json").write_text("[]"), "not the descript"),
        (rewrite(format="other"), "not the description of a detector"),
        (rewrite(version=2), "version 2, this sb_sed reads 1"),
        (rewrite(classes=[]), "classes"),
        (rewrite(classes=["Cat", "Cat"]), "classes"),
        (rewrite(classes=["Cat", 7]), "classes"),
        (rewrite(classes={"Cat": 1}), "classes"),
        (rewrite(classes=[["Cat"]]), "classes"),
        (rewrite(classes=["Cat", "Dog", "Cow"]), "and 3 classes"),
        (rewrite(sample_rate="1000"), "sample_rate"),
        (rewrite(sample_rate=8000), "made for 1000 Hz"),
        (rewrite(sample_rate=None), "sample_rate"),
        (rewrite(clip_seconds=0), "clip_seconds"),
        (rewrite(clip_seconds=float("nan")), "clip_seconds"),
        (rewrite(clip_seconds=0.0001), "clip_seconds"),
        (rewrite(smoother=None), "detector.json"),
        (rewrite(smoother={"smoother": "eval"}), "no smoother"),
        (rewrite(detector=None), "does not describe a detector"),
        (rewrite(detector={"class": "PCEN"}), "does not describe a detector"),
        (rewrite(detector={"class": "Detector"}), "Detector cannot be built"),
        (rewrite(detector=MALICIOUS), "'eval' is not among the parts"),
        (lambda f: (f / "detector.ckpt").unlink(), "ckpt cannot be read"),
        (lambda f: (f / "detector.ckpt").write_bytes(b""), "is not the file"),
        (rewrite(sha256=None), "is not the file"),
        (weights(lambda s: s.popitem()), "does not hold the weights"),
        (weights(lambda s: s.update(a=torch.ones(1))), "does not hold"),
        (weights(lambda s: next(iter(s.values())).fill_(torch.nan)), "finite"),
    ],
)  # fmt: skip
def test_damaged_folders_get_one_sentence(exported, change, words):
    change(exported)
    with pytest.raises(InputError, match=words) as error:
        SoundEventDetector.from_folder(exported)
    assert "\n" not in str(error.value)


def test_weights_are_no_pickles(exported, tmp_path):
    import hashlib
    import pickle

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trap"),)

    file = exported / "detector.ckpt"
    file.write_bytes(pickle.dumps(Trap()))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    rewrite(sha256=sha256)(exported)
    with pytest.raises(InputError, match="does not hold the weights"):
        SoundEventDetector.from_folder(exported)
    assert not (tmp_path / "trap").exists()


def between(values):
    """A threshold that no score is close to, with events on either side."""
    values = np.unique(values)
    low, high = int(0.6 * len(values)), int(0.9 * len(values))
    place = low + int(np.diff(values[low:high]).argmax())
    return float(values[place : place + 2].mean())


def test_a_training_exported_and_loaded_elsewhere(tmp_path):
    """Train, export, delete the recipe, load: the very same events."""
    recipe, run = tmp_path / "recipe", tmp_path / "run"
    shutil.copytree(
        ROOT / "recipes" / "DCASE2020",
        recipe,
        ignore=lambda folder, names: (
            {"results", "__pycache__"} & {*names}
            | ({"data"} if Path(folder).name == "DCASE2020" else set())
        ),
    )
    make_minidesed(tmp_path / "mini", scale=0.02, progress=False)
    streams = ("synthetic", "unlabelled", "weak")
    in_a_process(
        recipe,
        "train.py",
        "hparams/ppcen.yaml",
        f"--data_folder={tmp_path / 'mini'}",
        f"--prepared_folder={tmp_path / 'prepared'}",
        *("--include=scale/mini.yaml", "--number_of_epochs=1"),
        *(f"--batch_{stream}=2" for stream in streams),
        f"--output_folder={run}",
        "--device=cpu",
    )
    # What this network, hardly trained, says of the validation set.
    scores = read_scores(run / "validation" / "student" / "scores")
    table = pd.concat(scores.values())
    thresholds = {x: between(table[x]) for x in table.columns[2:]}
    smoother = MedianSmoother(thresholds, window=0.45)
    export_run(run, tmp_path / "exported", smoother)
    manifest = json.loads((tmp_path / "prepared/validation.json").read_text())
    (tmp_path / "clips").mkdir()
    for clip in scores:
        shutil.copy(manifest[clip]["wav"], tmp_path / f"clips/{clip}.wav")
    for name in ("recipe", "run", "mini", "prepared"):
        shutil.rmtree(tmp_path / name)
    in_a_process(tmp_path, "-c", _ELSEWHERE)
    files = [f"{clip}.wav" for clip in scores]
    write_events(smoother(scores), tmp_path / "expected.tsv", files)
    expected = read_events(tmp_path / "expected.tsv")
    events = read_events(tmp_path / "events.tsv").drop(columns="confidence")
    assert len(expected) > 2 * len(scores)
    pd.testing.assert_frame_equal(events, expected)


_ELSEWHERE = """
from pathlib import Path
import pandas as pd
from sb_sed.formats import write_events
from sb_sed.inference.detector import SoundEventDetector
detector = SoundEventDetector.from_folder("exported")
files = sorted(Path("clips").iterdir())
events = pd.concat(map(detector.detect_file, files))
write_events(events, "events.tsv", [file.name for file in files])
"""


def in_a_process(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
