"""Detection without a training: YAMNet on AudioSet's classes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch

from sb_sed.encoders import YAMNet, audioset_classes
from sb_sed.errors import InputError
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.pretrained import Tagger, audioset_groups

EXAMPLE = Path(__file__).parents[2] / "examples" / "summer_night.ogg"
NAMES = [name for _, name in audioset_classes()]
GROUPS = {"Night": ["Cricket", "Insect"], "Bell": ["Bell"]}


@pytest.fixture(scope="module")
def samples():
    return sf.read(EXAMPLE, dtype="float32")[0]


@pytest.fixture(scope="module")
def detector():
    return SoundEventDetector.from_pretrained(run_opts={"device": "cpu"})


def test_a_frame_has_the_scores_of_the_window_around_it(samples):
    wavs = torch.from_numpy(samples)
    predictions = Tagger(GROUPS).from_waveforms(wavs[None])
    assert predictions.strong.shape == (1, 63, 2)
    encoder = YAMNet(taps=["scores"])
    for frame in (3, 20, 40, 58):
        start = frame * 2560 + 1280 - 7800
        window = encoder.scores(wavs[None, start : start + 15600])[0, 0]
        expected = [
            max(window[NAMES.index(name)] for name in group)
            for group in GROUPS.values()
        ]
        np.testing.assert_allclose(
            predictions.strong[0, frame], expected, atol=1e-4
        )
    torch.testing.assert_close(predictions.weak, predictions.strong.amax(1))


def test_ends_are_reflected_and_padding_makes_no_difference(samples):
    tagger = Tagger(GROUPS)
    some = torch.from_numpy(samples[: 3 * 16000])[None]
    turned = some.flip(1)
    whole = torch.cat([turned, some, turned], 1)  # reflected at both ends
    # Frames of it that begin where those of the middle begin: 3 s are 18.75.
    expected = tagger.from_waveforms(whole[:, 3 * 16000 - 18 * 2560 :])
    found = tagger.from_waveforms(some).strong
    torch.testing.assert_close(
        found, expected.strong[:, 18 : 18 + 19], atol=1e-4, rtol=0
    )
    padded = torch.nn.functional.pad(some, (0, 5 * 16000))
    again = tagger.from_waveforms(padded).strong[:, :19]
    torch.testing.assert_close(again, found, atol=1e-4, rtol=0)


@pytest.mark.parametrize("n_samples", [1, 100, 2560, 2561, 9000])
def test_short_and_silent_waveforms(n_samples):
    tagger = Tagger(GROUPS)
    for wavs in (torch.zeros(2, n_samples), torch.rand(2, n_samples) - 0.5):
        strong = tagger.from_waveforms(wavs).strong
        assert strong.shape == (2, tagger.n_output_frames(n_samples), 2)
        assert strong.isfinite().all()


def test_events_of_the_example(detector):
    events = detector.detect_file(EXAMPLE)
    assert set(events["filename"]) == {"summer_night.ogg"}
    assert {"Cricket", "Bell", "Alarm clock"} <= set(events["event_label"])
    assert len(set(events["event_label"])) < 15  # of 521
    assert events["confidence"].between(0.25, 1).all()
    assert "Silence" not in detector.hparams.classes
    bell = events[events["event_label"] == "Bell"].iloc[0]
    assert 2.0 < bell["onset"] < bell["offset"] < 5.0


def test_a_stream_is_as_its_recording(samples):
    detector = SoundEventDetector.from_pretrained("yamnet", "Bell,Alarm clock")
    chunks = np.array_split(samples, 30)
    found = pd.DataFrame(detector.stream(chunks, latency=12.3))
    expected = detector.detect_file(EXAMPLE).iloc[:, 1:]
    assert len(expected) > 2
    pd.testing.assert_frame_equal(
        found.sort_values(["onset", "event_label"]).reset_index(drop=True),
        expected.sort_values(["onset", "event_label"]).reset_index(drop=True),
        atol=1e-4,
    )


def test_long_recordings_are_scored_as_a_whole(samples):
    detector = SoundEventDetector.from_pretrained("yamnet", ["Cricket", "Bell"])
    long = np.tile(samples, 3)
    [table] = detector.scores.batch([long])
    whole = detector.mods.detector.from_waveforms(torch.from_numpy(long)[None])
    # Windows overlap by more than YAMNet looks ahead: only where the one ends
    # does it differ, and counts little.
    differences = np.abs(table.iloc[:, 2:] - whole.strong[0].numpy()).max(1)
    assert differences.median() < 1e-4
    assert (differences > 0.1).sum() <= 3


def test_names_of_classes():
    assert audioset_groups("speech,DOG, domestic animals, pets") == {
        x: [x] for x in ("Speech", "Dog", "Domestic animals, pets")
    }
    # The longest name counts.
    assert list(audioset_groups("Outside, urban or manmade,Dog")) == [
        "Outside, urban or manmade",
        "Dog",
    ]
    assert list(audioset_groups(NAMES)) == NAMES
    assert list(audioset_groups(",".join(NAMES))) == NAMES
    desed = audioset_groups("desed")
    assert list(desed) == sorted(desed) and len(desed) == 10
    assert {name for group in desed.values() for name in group} <= {*NAMES}


def test_a_table_of_labels(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text(
        "event_label\taudioset\nPet\tDog\nPet\tcat\nTalk\tSpeech\nPet\tDog\n"
    )
    expected = {"Pet": ["Dog", "Cat"], "Talk": ["Speech"]}
    assert audioset_groups(path) == audioset_groups(str(path)) == expected


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        ("Dogs", "no class 'Dogs': take one of its names, such as 'Dog'"),
        ("Dog,,Cat", "no class ''"),
        ("", "no class ''"),
        ([], "No class is named"),
        ("Spech", "such as 'Speech'"),
        ("vacuum", "'Vacuum cleaner'"),
        ("none.tsv", "none.tsv does not exist"),
    ],
)
def test_classes_that_audioset_lacks(classes, match):
    with pytest.raises(InputError, match=match):
        SoundEventDetector.from_pretrained("yamnet", classes)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "event_label\tclass\nPet\tDog\n",
            "it must be the columns event_label",
        ),
        ("event_label\taudioset\nPet\tDogs\n", "line 2: AudioSet has no class"),
        ("event_label\taudioset\nPet\u200b\tDog\n", "line 2 has a class named"),
    ],
)
def test_bad_tables(tmp_path, text, match):
    path = tmp_path / "mine.tsv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=match):
        audioset_groups(path)


def test_other_detectors_by_name(exported):
    run_opts = {"device": "cpu"}
    found = SoundEventDetector.from_pretrained(exported, run_opts=run_opts)
    assert found.hparams.classes == ["Cat", "Dog"]
    with pytest.raises(InputError, match="give classes for yamnet only"):
        SoundEventDetector.from_pretrained(exported, classes="Dog")
