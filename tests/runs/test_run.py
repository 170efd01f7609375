"""The student of a run, loaded without touching anything."""

import shutil

import pytest
import torch

from sb_sed.errors import InputError
from sb_sed.runs.run import load_parts, load_student


def files(folder):
    return {
        path: path.stat().st_mtime_ns
        for path in [folder, *folder.rglob("*")]
        if path.is_file() or path.is_dir()
    }


def checkpoint(folder, epoch):
    """The folder of an epoch's checkpoint."""
    for file in folder.glob("save/*/CKPT.yaml"):
        if f"epoch: {epoch}\n" in file.read_text():
            return file.parent


def test_the_best_student_is_loaded(run_folder):
    student = load_student(run_folder)
    torch.testing.assert_close(
        student.featurizer.stages[2].alpha, torch.full((2, 1), 0.5)
    )
    saved = torch.load(
        checkpoint(run_folder, 2) / "student.ckpt", weights_only=True
    )
    assert set(saved) == set(student.state_dict())
    for name, value in student.state_dict().items():
        assert torch.equal(value, saved[name])
    assert not student.training
    assert student.from_waveforms(torch.zeros(1, 1000)).weak.shape == (1, 2)


def test_nothing_is_touched(run_folder):
    # A checkpoint that the run is writing just now.
    begun = run_folder / "save" / "CKPT+now"
    shutil.copytree(checkpoint(run_folder, 2), begun)
    (begun / "contents.txt").unlink()
    (begun / "begun.txt").touch()
    before = files(run_folder)
    random_numbers = torch.get_rng_state()
    load_student(run_folder)
    assert files(run_folder) == before
    assert torch.equal(torch.get_rng_state(), random_numbers)


def test_half_a_checkpoint_is_none(run_folder):
    (checkpoint(run_folder, 2) / "student.ckpt").unlink()
    alpha = load_student(run_folder).featurizer.stages[2].alpha
    torch.testing.assert_close(alpha, torch.full((2, 1), 0.75))


def test_parts_share_what_they_share_in_the_recipe(run_folder):
    parts = load_parts(run_folder, ["features", "student", "filters"])
    assert list(parts) == ["features", "student", "filters"]
    assert parts["features"]["featurizer"] is parts["student"].featurizer
    assert parts["filters"] == [3, 4]
    assert not (run_folder / "built_by_mistake").exists()


def rewrite(old, new):
    def change(folder):
        file = folder / "hyperparams.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    "change, words",
    [
        (shutil.rmtree, "is not the folder of a run"),
        (lambda f: shutil.rmtree(f / "save"), "has no checkpoint yet"),
        (lambda f: checkpoint(f, 2).joinpath("student.ckpt").write_bytes(b""),
         "cannot be loaded"),
        (lambda f: checkpoint(f, 2).joinpath("student.ckpt").write_bytes(b"x"),
         "cannot be loaded"),
        (rewrite("student:", "detector:"), "has no key 'student'"),
        (rewrite("MinMax", "MaxMin"), "cannot be built.*MaxMin"),
        (rewrite("n_fft", "n_ftt"), "cannot be built.*n_ftt"),
        (rewrite("f_max: 500.0", "f_max: 900.0"), "cannot be built.*900"),
        (rewrite("rnn_hidden: 4", "rnn_hidden: 5"), "cannot be loaded.*rnn"),
        (rewrite("features:", "features: ["), "is not valid YAML"),
    ],
)  # fmt: skip
def test_bad_runs_get_one_sentence(run_folder, change, words):
    change(run_folder)
    with pytest.raises(InputError, match=words) as error:
        load_student(run_folder)
    assert str(run_folder) in str(error.value)
    assert "\n" not in str(error.value)
