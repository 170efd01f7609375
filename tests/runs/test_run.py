"""The folder of a run, read without touching anything."""

import shutil

import pytest
import torch

from sb_sed.errors import InputError
from sb_sed.runs.run import Run
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother


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
    student = Run(run_folder).student()
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
    Run(run_folder).student()
    assert files(run_folder) == before
    assert torch.equal(torch.get_rng_state(), random_numbers)


def test_half_a_checkpoint_is_none(run_folder):
    (checkpoint(run_folder, 2) / "student.ckpt").unlink()
    alpha = Run(run_folder).student().featurizer.stages[2].alpha
    torch.testing.assert_close(alpha, torch.full((2, 1), 0.75))


def test_parts_share_what_they_share_in_the_recipe(run_folder):
    parts = Run(run_folder).build(["features", "student", "filters"])
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
        Run(run_folder).student()
    assert str(run_folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_is_found_by_its_parts(run_folder):
    results = run_folder / "validation" / "student"
    (results / "scores").mkdir(parents=True)
    for path in (run_folder, run_folder / "save", results):
        assert Run.find(path).folder.samefile(run_folder)
    for path in (run_folder / "nowhere", run_folder.parent, results.parent):
        assert Run.find(path) is None
    # An exported detector has a hyperparams.yaml as well.
    (run_folder / "detector.ckpt").touch()
    assert Run.find(run_folder) is None


def test_the_log_of_the_epochs(tmp_path):
    run = Run(tmp_path)
    assert run.logged("loss") == []
    run.log.write_text("epoch: 1 - loss: 2.00\nepoch: 2 - loss: 1.5e+00, a: 3")
    assert run.logged("loss") == [2.0, 1.5]


def test_without_a_smoother_there_is_no_detector(run_folder):
    rewrite("smoothing:", "others:")(run_folder)
    run = Run(run_folder)
    assert run.smoother() is None
    with pytest.raises(InputError, match="names no smoother"):
        run.describe()
    save_smoother(ThresholdSmoother(0.25), run.smoother_file())
    assert run.smoother().parameters == {"threshold": 0.25}
    assert run.describe().smoother.parameters == {"threshold": 0.25}
