"""The command that draws how detectors see two domains."""

import numpy as np
import pytest
import soundfile as sf
import torch

import sb_sed.plots.embeddings
from sb_sed.cli.main import main
from sb_sed.runs.run import Run


@pytest.fixture
def domains(tmp_path):
    """Folders of noise and of tones, as arguments, and their sounds."""
    rng = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    sounds = {
        "synthetic": [rng.normal(size=16000) / 9 for _ in range(4)],
        "recorded": [np.sin(2 * np.pi * f * time) / 9 for f in (200, 300, 400)],
    }
    arguments = []
    for domain, clips in sounds.items():
        folder = tmp_path / domain
        folder.mkdir()
        (folder / "notes.txt").touch()
        for number, clip in enumerate(clips):
            sf.write(folder / f"{number}.wav", clip, 16000)
        arguments += [f"--{domain}", str(folder)]
    return arguments, sounds


def test_two_runs_side_by_side(
    domains, run_folder, tmp_path, monkeypatch, capsys
):
    arguments, sounds = domains
    seen = []
    plot = sb_sed.plots.embeddings.plot_embeddings
    monkeypatch.setattr(
        sb_sed.plots.embeddings,
        "plot_embeddings",
        lambda panels, path: seen.append(panels) or plot(panels, path),
    )
    other = tmp_path / "other"
    run_folder.rename(other)
    other_copy = tmp_path / "copy"
    other_copy.symlink_to(other)
    figure = tmp_path / "figure.png"
    command = ["plot-embeddings", str(other), str(other_copy), *arguments]
    assert main([*command, "--output", str(figure)]) == 0
    assert capsys.readouterr().out.strip() == str(figure)
    assert figure.read_bytes().startswith(b"\x89PNG")
    [panels] = seen
    assert list(panels) == [str(other), str(other_copy)]
    student = Run(other).student()
    for domain, clips in sounds.items():
        found = panels[str(other)][domain]
        with torch.no_grad():
            expected = [
                student.from_waveforms(torch.tensor(clip[None]).float())
                .embedding[0]
                .mean(0)
                .numpy()
                for clip in clips
            ]
        assert found.shape == (len(clips), len(expected[0]))
        # In any order; the files have 16 bits.
        np.testing.assert_allclose(
            np.sort(found, 0), np.sort(expected, 0), atol=0.02
        )


def test_no_more_clips_than_wanted(domains, run_folder, tmp_path, monkeypatch):
    arguments, _ = domains
    seen = []
    monkeypatch.setattr(
        sb_sed.plots.embeddings,
        "plot_embeddings",
        lambda panels, path: seen.append(panels),
    )
    monkeypatch.chdir(tmp_path)
    command = ["plot-embeddings", str(run_folder), *arguments, "--clips", "2"]
    assert main(command) == main(command) == 0
    for domain in ("synthetic", "recorded"):
        first, second = (p[str(run_folder)][domain] for p in seen)
        assert len(first) == 2
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["{run}", "--recorded", "{empty}"], "gives 0 clip(s)"),
        (["{empty}"], "is not the folder of a run"),
        (["{run}", "--output", "figure.txt"], "end its name in"),
        (["{run}", "--clips", "1"], "two are needed"),
    ],
)
def test_bad_input_gets_one_sentence(
    domains, run_folder, tmp_path, capsys, arguments, words
):
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = [a.format(run=run_folder, empty=empty) for a in arguments]
    run, *others = arguments
    assert main(["plot-embeddings", run, *domains[0], *others]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
