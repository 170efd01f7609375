"""The detector: files, batches, long recordings; runs and folders."""

import io
import time
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch

from sb_sed.audio.reading import Recording
from sb_sed.errors import InputError
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.exported import export_run
from sb_sed.runs.run import Run
from sb_sed.smoothing.threshold import ThresholdSmoother

COLUMNS = ["filename", "onset", "offset", "event_label", "confidence"]


def one_pass(run, samples):
    """What the network says of a clip, as the training evaluates it."""
    clip = torch.zeros(1, max(2000, len(samples)))
    clip[0, : len(samples)] = torch.from_numpy(samples)
    with torch.no_grad():
        return Run(run).student().from_waveforms(clip).strong[0].numpy()


@pytest.mark.parametrize("seconds", [0.1, 0.999, 1.96, 2.0])
def test_a_clip_that_fits_is_scored_as_in_the_training(
    run_folder, detector, make_wav, seconds
):
    path = make_wav("a.wav", seconds)
    scores = detector.scores_file(path)
    samples, _ = sf.read(path, dtype="float32")
    n_frames = -(-len(samples) // 40)
    assert list(scores) == ["onset", "offset", "Cat", "Dog"]
    assert scores["offset"].iloc[-1] == pytest.approx(seconds)
    # But for the rounding of batch norms that are part of convolutions.
    np.testing.assert_allclose(
        scores[["Cat", "Dog"]],
        one_pass(run_folder, samples)[:n_frames],
        atol=1e-6,
    )


def test_a_long_recording_is_scored_in_windows(run_folder, detector, make_wav):
    path = make_wav("a.wav", 7.3)
    scores = detector.scores_file(path)
    np.testing.assert_allclose(
        scores["onset"], np.arange(183) * 0.04, atol=1e-6
    )
    assert scores["offset"].iloc[-1] == pytest.approx(7.3)
    samples, _ = sf.read(path, dtype="float32")
    values = scores[["Cat", "Dog"]].to_numpy()
    # Where a window is alone, its scores stand: the first, the last.
    first = one_pass(run_folder, samples[:2000])
    np.testing.assert_allclose(values[:38], first[:38], atol=1e-6)
    last = one_pass(run_folder, samples[133 * 40 :])
    np.testing.assert_allclose(values[-12:], last[-12:], atol=1e-6)


def test_the_batch_size_changes_nothing(detector, make_wav):
    path = make_wav("a.wav", 20)
    scores = detector.scores_file(path)
    object.__setattr__(detector.scores, "batch_size", 3)
    pd.testing.assert_frame_equal(scores, detector.scores_file(path), atol=1e-6)


def test_events_and_their_confidences(detector, make_wav):
    path = make_wav("sub/a.wav", 2)
    scores = detector.scores_file(path)
    middle = float(scores[["Cat", "Dog"]].median().median())
    detector.hparams.smoother.parameters = {"threshold": middle, "window": 0.0}
    events = detector.detect_file(path)
    assert list(events) == COLUMNS and len(events)
    assert set(events["filename"]) == {"a.wav"}
    assert events["confidence"].dtype.kind == "f"
    for event in events.itertuples():
        inside = scores["onset"].between(
            event.onset - 1e-9, event.offset - 0.01
        )
        mean = scores.loc[inside, event.event_label].mean()
        assert event.confidence == pytest.approx(mean)


def test_without_events_there_is_an_empty_table(detector, make_wav):
    detector.hparams.smoother.parameters = {"threshold": 1.0, "window": 0.0}
    events = detector.detect_file(make_wav("a.wav"))
    assert list(events) == COLUMNS and len(events) == 0
    assert events["onset"].dtype.kind == "f"


def test_a_smoother_with_confidences_of_its_own(detector, make_wav):
    row = ["recording.wav", 0.0, 0.5, "Dog", 0.123]
    detector.hparams.smoother = lambda scores: pd.DataFrame(
        [row], columns=COLUMNS
    )
    [event] = detector.detect_file(make_wav("b.flac")).itertuples(index=False)
    assert tuple(event) == ("b.flac", 0.0, 0.5, "Dog", 0.123)


def test_rates_and_channels(detector, make_wav):
    """The same sound in other formats."""
    path = make_wav("a.wav", 1.5)
    samples, _ = sf.read(path)
    stereo = path.with_name("b.flac")
    sf.write(stereo, np.stack([samples, samples], 1), 1000, "PCM_24")
    one, other = map(detector.scores_file, (path, stereo))
    np.testing.assert_allclose(one, other, atol=1e-3)
    fast = make_wav("c.wav", 1.5, rate=44100, channels=3)
    assert len(detector.scores_file(fast)) == len(one)


def test_batches(detector):
    clips = [torch.rand(n) - 0.5 for n in (2000, 500, 6100)]
    wavs = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    wavs[1, 500:] = 0.3  # what is behind the end does not count
    lens = torch.tensor([len(clip) / wavs.shape[1] for clip in clips])
    for place, events in enumerate(detector.detect_batch(wavs, lens)):
        recording = Recording([clips[place].numpy()])
        alone = detector.events(detector.scores(recording), str(place))
        pd.testing.assert_frame_equal(events, alone, atol=1e-5)
    assert len(detector.detect_batch(torch.rand(2, 100))) == 2


@pytest.mark.parametrize(
    "wavs, lens, words",
    [
        (torch.zeros(50), None, "shape"),
        (np.zeros((1, 50, 2)), None, r"the shape \(1, 50, 2\): mix"),
        (
            torch.zeros(50, 1),
            None,
            r"the shape \(50, 1\), 50 clips of 1 sample",
        ),
        (np.zeros((50, 1), np.int16), None, "50 clips of 1 sample, where"),
        (torch.zeros(1, 39), None, "1 clip of 39 samples, .* takes 40"),
        (torch.zeros(2, 50), [1.0, 0.5], "Waveform 1 .* is 25 samples long"),
        (np.zeros((1, 50), np.int32), None, "int32: pass floats"),
        (torch.zeros(1, 50, dtype=torch.uint8), None, "are uint8: pass"),
        ([np.zeros(50), np.zeros(49)], None, "not an array"),
        (torch.full((2, 50), torch.nan), None, "Waveform 0 .*not finite"),
        (torch.zeros(2, 50), torch.tensor([1.0, 0]), "lengths of 2 waveforms"),
        (torch.zeros(2, 50), torch.tensor([1.0, 0.005]), "Waveform 1 .*empty"),
    ],
)
def test_bad_batches(detector, wavs, lens, words):
    with pytest.raises(InputError, match=words):
        detector.detect_batch(wavs, lens)


KINDS = {
    "int16": lambda x: x,
    "int16, big-endian": lambda x: x.astype(">i2"),
    "float32": lambda x: (x / 2**15).astype(np.float32),
    "float64": lambda x: x / 2**15,
    "float64, read-only": lambda x: np.broadcast_to(x / 2**15, x.shape),
    "tensor of int16": torch.from_numpy,
    "tensor of float64": lambda x: torch.from_numpy(x / 2**15),
    "tensor with gradients": lambda x: (
        torch.from_numpy(x / 2**15).float().requires_grad_()
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_all_entries_take_arrays_and_tensors(detector, kind):
    """Of floats, or of 16-bit integers, which are scaled."""
    random = np.random.default_rng(0)
    samples = random.integers(-(2**14), 2**14, 3000).astype(np.int16)
    exact = torch.from_numpy(samples / np.float32(2**15))
    given = kind(samples)
    scores = detector(exact[None, :2000]).strong
    torch.testing.assert_close(detector(given[None, :2000]).strong, scores)
    [expected] = detector.detect_batch(exact[None])
    [events] = detector.detect_batch(given[None])
    pd.testing.assert_frame_equal(events, expected)
    expected = list(detector.stream([exact.numpy()]))
    assert list(detector.stream([given[:500], given[500:]])) == expected
    stream = detector.event_stream()
    assert stream.feed(given) + stream.flush() == expected
    with pytest.raises(InputError, match="3000 clips of 1 sample"):
        detector(given[:, None])


def test_bad_files_get_one_sentence(detector, tmp_path):
    (tmp_path / "a.wav").write_text("hello")
    for name in ("a.wav", "nowhere.wav"):
        with pytest.raises(InputError, match=f"{name} cannot be used") as error:
            detector.detect_file(tmp_path / name)
        assert "\n" not in str(error.value)


def test_all_ways_to_load(run_folder, exported, detector, make_wav):
    path = make_wav("a.wav", 5)
    expected = detector.scores_file(path)
    code, options = "hyperparams.yaml", {"run_opts": {"device": "cpu"}}
    for loaded in (
        SoundEventDetector.from_folder(run_folder),
        SoundEventDetector.from_hparams(run_folder / "save"),
        SoundEventDetector.from_hparams(str(exported), **options),
        SoundEventDetector.from_hparams(run_folder, hparams_file=code),
        SoundEventDetector.from_hparams(exported, code, **options),
        SoundEventDetector.from_hparams(
            exported, code, savedir=exported.parent / "cache"
        ),
    ):
        loaded.to("cpu")
        loaded.device = "cpu"
        pd.testing.assert_frame_equal(loaded.scores_file(path), expected)


def test_a_run_is_read_without_running_it(run_folder):
    file = run_folder / "hyperparams.yaml"
    text = file.read_text() + (
        f"trap: !apply:os.mkdir ['{run_folder}/built_by_mistake']\n"
    )
    file.write_text(text)
    SoundEventDetector.from_folder(run_folder)
    assert not (run_folder / "built_by_mistake").exists()


@pytest.mark.parametrize(
    "source, words",
    [
        ("nowhere", "nowhere is neither a folder nor a detector on the hub"),
        ("a/b/c", "a/b/c is neither"),
        (".", "is neither an exported detector .* nor the folder of a run"),
    ],
)
def test_bad_sources(tmp_path, monkeypatch, source, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        SoundEventDetector.from_hparams(source)


def test_the_hub(exported, monkeypatch):
    """A repository's files are fetched, and then it is a folder."""
    from speechbrain.utils import fetching as module

    from sb_sed.inference import hub

    asked = []

    def fetch(name, source, **options):
        asked.append((name, source, options))
        return exported / name

    monkeypatch.setattr(module, "fetch", fetch)
    monkeypatch.setattr(hub, "urlopen", lambda *_, **__: io.BytesIO())
    loaded = SoundEventDetector.from_hparams("some/body", savedir="here")
    assert loaded.hparams.classes == ["Cat", "Dog"]
    assert {name for name, *_ in asked} == {"detector.json", "detector.ckpt"}
    assert all(rest == ["some/body", {"savedir": "here"}] for _, *rest in asked)


@pytest.mark.parametrize("hparams_file", ["detector.json", "hyperparams.yaml"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_hub_that_does_not_answer(tmp_path, monkeypatch, hparams_file, waits):
    """A mistyped name is answered within seconds, not after many trials."""
    from sb_sed.inference import hub

    def urlopen(*_, **__):
        time.sleep(9 * waits)
        raise URLError("Name or service not known")

    monkeypatch.setattr(hub, "urlopen", urlopen)
    monkeypatch.setattr(hub, "_SECONDS", 0.2)
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    with pytest.raises(InputError, match="owner/nmae .*does not answer"):
        SoundEventDetector.from_hparams("owner/nmae", hparams_file)
    assert time.monotonic() - start < 5


def gated_pass(run, samples):
    """A window whose frames never score above its weak scores."""
    clip = torch.zeros(1, 2000)
    clip[0, : len(samples)] = torch.from_numpy(samples)
    with torch.no_grad():
        found = Run(run).student().from_waveforms(clip)
    return np.minimum(found.strong[0].numpy(), found.weak.numpy())


@pytest.fixture
def gated(detector):
    """The detector with a clip gate, which closes over half of the frames."""
    detector.hparams.smoother.clip_gate = True
    return detector


def test_the_gate_of_a_clip(run_folder, gated, make_wav):
    path = make_wav("a.wav", 1.6)
    samples, _ = sf.read(path, dtype="float32")
    expected = gated_pass(run_folder, samples)[:40]
    assert (expected < one_pass(run_folder, samples)[:40]).any()
    scores = gated.scores_file(path)[["Cat", "Dog"]]
    np.testing.assert_array_equal(scores, expected)
    [events] = gated.detect_batch(samples[None])
    pd.testing.assert_frame_equal(
        events.iloc[:, 1:], gated.detect_file(path).iloc[:, 1:]
    )


def test_each_window_of_a_long_recording_has_its_gate(
    run_folder, gated, make_wav
):
    path = make_wav("a.wav", 3.5)  # windows from frames 0 and 38
    samples, _ = sf.read(path, dtype="float32")
    windows = [
        gated_pass(run_folder, samples[i * 40 :][:2000]) for i in (0, 38)
    ]
    share = (np.arange(12)[:, None] + 0.5) / 12
    expected = np.concatenate(
        [
            windows[0][:38],
            windows[0][38:] * (1 - share) + windows[1][:12] * share,
            windows[1][12:],
        ]
    )
    scores = gated.scores_file(path)[["Cat", "Dog"]]
    np.testing.assert_allclose(scores, expected[: len(scores)], atol=1e-6)


def test_streams_are_gated_window_by_window(gated, make_wav):
    path = make_wav("a.wav", 7.52)
    scores = gated.scores_file(path)
    parameters = {}
    for label in ("Cat", "Dog"):
        # Not where a gate cuts, which rounding could decide.
        some = np.sort(scores[label])[40:120]
        place = np.diff(some).argmax()
        middle = float(some[place : place + 2].mean())
        parameters[label] = {"threshold": middle, "window": 0.0}
    gated.hparams.smoother.parameters = parameters
    samples, _ = sf.read(path, dtype="float32")
    events = gated.detect_file(path)
    found = pd.DataFrame(gated.stream(np.array_split(samples, 9), 4.0))
    # The last window of a stream and of a recording differ.
    events, found = (x[x["offset"] < 5.0] for x in (events, found))
    assert len(events) > 1
    pd.testing.assert_frame_equal(
        found.sort_values(["onset", "offset"])[
            ["onset", "offset", "event_label"]
        ].reset_index(drop=True),
        events.sort_values(["onset", "offset"])[
            ["onset", "offset", "event_label"]
        ].reset_index(drop=True),
    )


def test_an_exported_folder_remembers_the_gate(run_folder, tmp_path):
    smoother = ThresholdSmoother(0.5, clip_gate=True)
    export_run(run_folder, tmp_path / "gated", smoother)
    folder = tmp_path / "gated"
    assert SoundEventDetector.from_folder(folder).clip_gate
    again = SoundEventDetector.from_hparams(folder, "hyperparams.yaml")
    assert again.clip_gate
