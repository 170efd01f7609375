"""The commands that draw."""

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch

import sb_sed.plots.embeddings
from sb_sed.cli.main import main
from sb_sed.features import (
    Featurizer,
    FrameGrid,
    MelSpectrogram,
    MinMax,
    register_featurizer,
)
from sb_sed.formats import EVENT_COLUMNS, write_events
from sb_sed.runs.run import Run


class Doubled(torch.nn.Module):
    """The features and twice the features, as channels."""

    n_channels = 2

    def forward(self, features):
        return torch.stack([features, 2 * features], -1)

    def monitored(self):
        return {"alpha_1": 1.0, "alpha_2": 2.0, "beta_2": 0.125, "s1": 3.0}


@register_featurizer("test_doubled")
def doubled():
    return Featurizer(MelSpectrogram(), [MinMax(), Doubled()])


@register_featurizer("test_single")
def single():
    return Featurizer(MelSpectrogram(), [MinMax()])


@register_featurizer("test_none")
def no_spectrogram():
    return Featurizer(FrameGrid(), [])


@register_featurizer("test_own_mel")
def own_mel():
    class OwnMel(torch.nn.Module):
        n_mels, hop_length, sample_rate = 3, 100, 1000

        def forward(self, wavs):
            return wavs.abs()[:, : wavs.shape[1] // 100 * 3].unflatten(
                1, (-1, 3)
            )

    return Featurizer(OwnMel(), [])


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Records what is drawn; the working folder is an empty one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    calls = []

    def record(function):
        def call(*args, **options):
            figure = function(*args, **options)
            calls.append((args, options, figure))
            return figure

        return call

    for name in ("plot_features", "plot_training"):
        monkeypatch.setattr(
            sb_sed.plots, name, record(getattr(sb_sed.plots, name))
        )
    return calls


def write_clip(path, rate=16000, channels=1):
    random = np.random.default_rng(0)
    path.parent.mkdir(exist_ok=True)
    sf.write(path, 0.1 * random.standard_normal((rate, channels)), rate)
    return str(path)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.wav")


# plot-features


def test_layers_of_a_front_end(drawn, clip, tmp_path, capsys):
    assert main(["plot-features", clip, "--features", "test_doubled"]) == 0
    assert capsys.readouterr().out == "clip_features.png\n"
    [((log_mel, layers, shift, _), options, figure)] = drawn
    samples, _ = sf.read(clip, dtype="float32")
    mel = MelSpectrogram()(torch.tensor(samples)[None])
    np.testing.assert_allclose(
        log_mel,
        librosa.amplitude_to_db(mel[0].numpy().T, ref=1.0).T,
        atol=1e-4,
    )
    expected = MinMax()(mel)[0].numpy()
    np.testing.assert_allclose(layers[..., 0], expected)
    np.testing.assert_allclose(layers[..., 1], 2 * expected)
    assert shift == 255 / 16000
    assert options["layer_titles"] == [
        "layer 1\nα 1",
        "layer 2\nα 2, beta 0.125",
    ]
    assert figure.get_suptitle() == "clip.wav   s1 3"
    centres = librosa.mel_frequencies(130, fmin=0, fmax=8000)[1:-1]
    bin_width = 16000 / 2048
    assert abs(options["centres_hz"] - centres).max() < bin_width / 2


def test_a_trained_front_end(drawn, clip, run_folder):
    assert main(["plot-features", clip, "--run", str(run_folder)]) == 0
    [((log_mel, layers, shift, _), options, _)] = drawn
    samples, _ = sf.read(clip, dtype="float32")
    wav = torch.tensor(librosa.resample(samples, orig_sr=16000, target_sr=1000))
    with torch.no_grad():
        expected = Run(run_folder).student().featurizer(wav[None])[0]
    np.testing.assert_allclose(layers, expected, atol=0.02)
    assert log_mel.shape == (51, 8) and layers.shape == (51, 8, 2)
    assert shift == 0.02
    assert options["layer_titles"][1].startswith("layer 2\nα 0.5, δ 4, r 0.75")


@pytest.mark.parametrize("name", ["clip.flac", "clip.ogg", "clip.mp3"])
def test_any_audio(drawn, tmp_path, name):
    audio = write_clip(tmp_path / name, rate=44100, channels=2)
    assert main(["plot-features", audio, "--features", "test_single"]) == 0
    [((log_mel, layers, *_), options, _)] = drawn
    assert len(log_mel) == pytest.approx(63, abs=4)
    assert layers.shape == (*log_mel.shape, 1)
    assert options["layer_titles"] == ["front-end"]


def test_a_mel_of_ones_own(drawn, clip):
    assert main(["plot-features", clip, "--features", "test_own_mel"]) == 0
    [(_, options, figure)] = drawn
    assert options["centres_hz"] is None
    assert figure.axes[0].get_ylabel() == "band"


@pytest.fixture
def events(tmp_path):
    """Of clip.wav (two), quiet.wav (none) and other.wav."""
    rows = [
        ["clip.wav", 0.1, 0.4, "Dog"],
        ["clip.wav", 0.2, 0.9, "Cat"],
        ["other.wav", 0.5, 0.6, "Speech"],
    ]
    path = tmp_path / "events.tsv"
    write_events(
        pd.DataFrame(rows, columns=EVENT_COLUMNS),
        path,
        files=["clip.wav", "quiet.wav", "other.wav"],
    )
    return str(path)


def test_several_recordings_and_their_events(drawn, events, tmp_path, capsys):
    # Events go by the name without its ending.
    names = ["clip.flac", "quiet.wav", "other.wav"]
    clips = [write_clip(tmp_path / "audio" / name) for name in names]
    arguments = ["--features", "test_single", "--output", "figures"]
    main(["plot-features", *clips, *arguments, "--events", events])
    written = [f"figures/{name}_features.png" for name in
               ("clip", "quiet", "other")]  # fmt: skip
    assert capsys.readouterr().out.splitlines() == written
    assert sorted(p.name for p in (tmp_path / "here/figures").iterdir()) == (
        sorted(path.removeprefix("figures/") for path in written)
    )
    shown = [options["events"].dropna() for _, options, _ in drawn]
    assert [len(table) for table in shown] == [2, 0, 1]
    assert shown[0]["event_label"].tolist() == ["Dog", "Cat"]
    for _, options, _ in drawn:
        assert options["classes"] == ["Cat", "Dog", "Speech"]


@pytest.mark.parametrize("output", ["a.pdf", "new/a.svg"])
def test_the_name_of_the_figure(drawn, clip, tmp_path, output):
    arguments = ["--features", "test_single", "--output", output]
    assert main(["plot-features", clip, *arguments]) == 0
    assert (tmp_path / "here" / output).is_file()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("none.wav", "none.wav cannot be used (no such file"),
        ("{events}", "events.tsv cannot be used (a text, not a recording"),
        ("{clip} --features nothing", "no featurizer 'nothing'"),
        ("{clip} --features log_mel", "no statistics"),
        ("{clip} --features test_none", "looks at no spectrogram"),
        ("{clip} --run nowhere", "nowhere is not the folder of a run"),
        ("{clip} --events nowhere.tsv", "nowhere.tsv does not exist"),
        ("lost.wav --events {events}", "events.tsv does not list lost.wav"),
        ("{clip} --output a.txt", "a.txt cannot be drawn"),
        ("{clip} b.wav --output a.png", "a.png is one figure for 2"),
        ("{clip} x/clip.wav", "x/clip.wav would get the figure"),
    ],
)
def test_bad_input_gets_one_sentence(
    drawn, clip, events, tmp_path, capsys, arguments, words
):
    if "--features" not in arguments and "--run" not in arguments:
        arguments += " --features test_single"
    arguments = arguments.format(clip=clip, events=events).split()
    assert main(["plot-features", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("sb-sed: ") and error.count("\n") == 1
    assert words in error
    assert not list((tmp_path / "here").iterdir())


# plot-curves


def test_the_curves_of_a_run(drawn, run_folder, capsys):
    assert main(["plot-curves", str(run_folder)]) == 0
    assert capsys.readouterr().out == f"{run_folder / 'curves.png'}\n"
    assert (run_folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    [(_, _, figure)] = drawn
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["loss", "event-based F1, validation", "learning rate"]
    alpha = figure.axes[titles.index("parallelpcen: alpha")]
    assert len(alpha.lines) == 2
    for line in alpha.lines:
        assert line.get_ydata() == pytest.approx([0.25, 0.5, 0.75])


@pytest.mark.parametrize(
    "patterns, names",
    [
        ("PCEN/alpha", {"parallelpcen/alpha_1", "parallelpcen/alpha_2"}),
        ("alpha*2 lr", {"parallelpcen/alpha_2", "lr_student"}),
    ],
)
def test_some_curves(drawn, run_folder, tmp_path, patterns, names):
    folder = str(run_folder)
    only = ["--only", *patterns.split()]
    assert main(["plot-curves", folder, *only, "--output", "a.svg"]) == 0
    [((curves, path), _, _)] = drawn
    assert set(curves) == names
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["a.svg"]
    assert not (run_folder / "curves.png").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("nowhere", "nowhere is not a folder"),
        (".", ". has no curves"),
        ("{run} --only lr nothing", "nothing fits no curve: there are lr_"),
        ("{run} --output a.txt", "a.txt cannot be drawn"),
    ],
)
def test_bad_runs_get_one_sentence(
    drawn, run_folder, tmp_path, capsys, arguments, words
):
    arguments = arguments.format(run=run_folder).split()
    assert main(["plot-curves", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("sb-sed: ") and error.count("\n") == 1
    assert words in error
    assert not list((tmp_path / "here").iterdir())


# plot-embeddings


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
    *probes, last = capsys.readouterr().out.splitlines()
    assert last == str(figure)
    assert figure.read_bytes().startswith(b"\x89PNG")
    [panels] = seen
    assert probes == [
        f"{name}: linear probe: {sb_sed.plots.embeddings.probe(groups)}"
        for name, groups in panels.items()
    ]
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
def test_bad_domains_get_one_sentence(
    domains, run_folder, tmp_path, capsys, arguments, words
):
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = [a.format(run=run_folder, empty=empty) for a in arguments]
    run, *others = arguments
    assert main(["plot-embeddings", run, *domains[0], *others]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
