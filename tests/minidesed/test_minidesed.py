"""MiniDESED: its files, labels and sounds."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from sb_sed.data.jams import read_jams
from sb_sed.errors import InputError
from sb_sed.formats import read_events, read_filenames, read_weak_labels
from sb_sed.minidesed import RECORDED, SYNTHETIC, make_minidesed
from sb_sed.minidesed.__main__ import main
from sb_sed.minidesed.scenes import recorded_scene
from sb_sed.minidesed.sounds import GENERATORS
from sb_sed.minidesed.synthesis import RATE

SCALE = 0.02
SCAPES = "dataset/audio/train/synthetic20/soundscapes"
TABLES = {
    "train/weak.tsv": "train/weak",
    "train/unlabel_in_domain.tsv": "train/unlabel_in_domain",
    "train/synthetic20/soundscapes.tsv": "train/synthetic20/soundscapes",
    "validation/validation.tsv": "validation",
    "eval/public.tsv": "eval/public",
}
STRONG = list(TABLES)[2:]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mini")
    return make_minidesed(folder, 3, SCALE, n_jobs=1, progress=False)


def contents(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def scene_files(root):
    return sorted((root / SCAPES).glob("*.jams"))


def frame_levels(sound, seconds=0.05):
    hop = round(seconds * RATE)
    blocks = sound[: len(sound) // hop * hop].reshape(-1, hop)
    return 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)


def test_same_seed_same_bits_with_any_number_of_processes(root, tmp_path):
    again = make_minidesed(tmp_path, 3, SCALE, n_jobs=2, progress=False)
    assert contents(again) == contents(root)


def test_another_seed_makes_other_sounds(root, tmp_path):
    other = contents(make_minidesed(tmp_path, 4, SCALE, 1, progress=False))
    first = contents(root)
    audio = [name for name in first if name.endswith(".wav")]
    same = [name for name in audio if other.get(name) == first[name]]
    assert audio and not same


def test_finished_set_is_left_alone_and_unfinished_one_made_again(tmp_path):
    def make(seed=0):
        return make_minidesed(tmp_path, seed, 0.01, 1, progress=False)

    make()
    whole = contents(tmp_path)
    clip = tmp_path / SCAPES / "0.wav"
    clip.unlink()
    make()
    assert not clip.exists()  # the stamp says that all is there
    stamp = tmp_path / "minidesed.json"
    stamp.rename(tmp_path / "minidesed.unfinished")
    make()
    assert contents(tmp_path) == whole
    make(seed=1)
    assert clip.read_bytes() != whole[f"{SCAPES}/0.wav"]


def test_layout(root):
    for table, audio in TABLES.items():
        names = read_filenames(root / "dataset/metadata" / table)
        found = (root / "dataset/audio" / audio).glob("*.wav")
        assert sorted(names) == sorted(path.name for path in found)
        for name in names:
            info = sf.info(root / "dataset/audio" / audio / name)
            form = (info.samplerate, info.channels, info.subtype)
            assert form == (16000, 1, "PCM_16")
            short = audio in ("validation", "eval/public") and info.frames
            assert info.frames == 160000 or 64000 <= short <= 144000
    bank = root / "synthetic/audio/train/soundbank"
    folders = {path.name for path in (bank / "foreground").iterdir()}
    assert folders >= set(GENERATORS) | {"Frying_nOff", "Vacuum_cleaner_nOn"}
    assert len(list((bank / "background/sins").glob("*.wav"))) == 2
    rooms = sorted((root / "rir_data/train").iterdir())
    assert [room.name for room in rooms] == ["rirs_00", "rirs_01"]
    assert {path.stem for path in rooms[0].iterdir()} == {
        "foreground0",
        "foreground1",
        "background0",
    }
    assert not list(root.rglob("*.tmp-*"))


def test_impulse_responses_begin_with_their_largest_sample(root):
    for path in (root / "rir_data").rglob("*.wav"):
        response = np.abs(sf.read(path)[0])
        direct = response.argmax()
        assert 0.003 * RATE <= direct + 1 <= 0.016 * RATE
        assert response[:direct].max() < 1e-3


@pytest.mark.parametrize("table", STRONG)
def test_strong_labels_obey_the_rules(root, table):
    path = root / "dataset/metadata" / table
    events = read_events(path, classes=list(GENERATORS))
    audio = root / "dataset/audio" / TABLES[table]
    for filename, group in events.groupby("filename"):
        duration = sf.info(audio / filename).duration
        assert not (group["offset"] > duration + 1e-3).any()
    for _, group in events.dropna().groupby(["filename", "event_label"]):
        group = group.sort_values("onset")
        assert (group["offset"] - group["onset"] >= 0.249).all()
        gaps = group["onset"].to_numpy()[1:] - group["offset"].to_numpy()[:-1]
        assert (gaps >= 0.149).all()


def test_one_validation_clip_has_no_event_and_one_is_short(root):
    path = root / "dataset/metadata/validation/validation.tsv"
    events = read_events(path)
    assert events["event_label"].isna().sum() == 1
    audio = (root / "dataset/audio/validation").glob("*.wav")
    assert sum(sf.info(path).duration < 10 for path in audio) == 1


def test_weak_labels_are_known_classes(root):
    path = root / "dataset/metadata/train/weak.tsv"
    labels = read_weak_labels(path, classes=list(GENERATORS))
    assert (labels["event_labels"].str.len() >= 1).all()


def test_jams_agree_with_the_table(root):
    table = read_events(
        root / "dataset/metadata/train/synthetic20/soundscapes.tsv"
    )
    assert scene_files(root)
    for path in scene_files(root):
        annotation = json.loads(path.read_text())["annotations"][0]
        assert annotation["namespace"] == "scaper"
        data = annotation["data"]
        roles = [item["value"]["role"] for item in data]
        assert roles[0] == "background" and set(roles[1:]) == {"foreground"}
        rows = table[table["filename"] == f"{path.stem}.wav"]
        found = rows[["onset", "offset", "event_label"]].to_numpy().tolist()
        assert found == [list(event) for event in read_jams(path, GENERATORS)]
        for item in data:
            assert (root / item["value"]["source_file"]).is_file()


def test_jams_package_accepts_the_documents(root):
    jams = pytest.importorskip("jams")
    document = jams.load(str(scene_files(root)[0]))
    assert document.validate()
    assert len(document.annotations.search(namespace="scaper")) == 1


def test_mixture_is_the_sum_of_its_isolated_sounds(root):
    for path in scene_files(root):
        annotation = json.loads(path.read_text())["annotations"][0]
        names = annotation["sandbox"]["scaper"]["isolated_events_audio_path"]
        assert len(names) == len(annotation["data"])
        parts = [sf.read(root / SCAPES / name)[0] for name in names]
        mixture = sf.read(path.with_suffix(".wav"))[0]
        # Each file is rounded to 16 bits once.
        worst = np.abs(mixture - sum(parts)).max() * 32768
        assert worst <= 0.5 * (len(parts) + 1) + 1e-6
        for item, name, part in zip(
            annotation["data"], names, parts, strict=True
        ):
            assert name.endswith(f"_{item['value']['label']}.wav")
            start = round(item["time"] * RATE)
            end = start + round(item["duration"] * RATE)
            assert not part[:start].any() and not part[end:].any()


def test_synthetic_events_exceed_the_background_by_their_snr(root):
    for path in scene_files(root):
        annotation = json.loads(path.read_text())["annotations"][0]
        names = annotation["sandbox"]["scaper"]["isolated_events_audio_path"]
        parts = [sf.read(root / SCAPES / name)[0] for name in names]
        behind = np.mean(parts[0] ** 2)
        for item, part in zip(annotation["data"][1:], parts[1:], strict=True):
            start = round(item["time"] * RATE)
            event = part[start : start + round(item["duration"] * RATE)]
            snr = 10 * np.log10(np.mean(event**2) / behind)
            assert SYNTHETIC.snr[0] - 0.5 < snr < SYNTHETIC.snr[1] + 0.5
            assert snr == pytest.approx(item["value"]["snr"], abs=0.5)


def test_recorded_events_are_audible_where_labelled():
    domain = replace(RECORDED, snr=(15, 18), distractors=0.0)
    differences = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sound, events = recorded_scene(rng, 10.0, domain)
        levels = frame_levels(sound)
        inside = np.zeros(len(levels), dtype=bool)
        for onset, offset, _ in events:
            inside[int(onset / 0.05) : int(np.ceil(offset / 0.05))] = True
        if 20 <= inside.sum() <= len(levels) - 20:
            event = 10 * np.log10(np.mean(10 ** (levels[inside] / 10)))
            differences.append(event - np.median(levels[~inside]))
    assert len(differences) >= 3
    assert min(differences) > 3


def test_domains_differ(root):
    """Between the events, a device and a busier place are audible."""

    def quiet(audio):
        levels = []
        for path in sorted((root / "dataset/audio" / audio).glob("*.wav")):
            levels.append(np.percentile(frame_levels(sf.read(path)[0]), 10))
        return np.array(levels)

    recorded = np.r_[quiet("train/weak"), quiet("train/unlabel_in_domain")]
    synthetic = quiet("train/synthetic20/soundscapes")
    assert np.median(recorded) > np.median(synthetic) + 8
    assert recorded.std() > synthetic.std()


def sounds(label, seconds, count=12):
    generate = GENERATORS[label]
    return [generate(np.random.default_rng(i), seconds) for i in range(count)]


def test_sounds_are_as_long_as_asked_and_never_alike():
    for label in GENERATORS:
        for seconds in (0.3, 1.0, 12.0):
            first, second = sounds(label, seconds, 2)
            assert len(first) == len(second) == round(seconds * RATE)
            assert first.dtype == np.float32
            assert np.isfinite(first).all() and not (first == second).all()
            assert np.mean(first**2) == pytest.approx(1, rel=1e-3)


def test_classes_differ_as_the_real_ones_do():
    def crest(label, seconds):
        return np.median([np.abs(x).max() for x in sounds(label, seconds)])

    def unsteadiness(label):
        return np.median(
            [frame_levels(x)[10:-10].std() for x in sounds(label, 4.0)]
        )

    def centroid(label):
        spectra = [np.abs(np.fft.rfft(x)) for x in sounds(label, 2.0)]
        hz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
        return np.median([(s**2 @ hz) / (s**2).sum() for s in spectra])

    assert crest("Dishes", 0.4) > 1.5 * crest("Vacuum_cleaner", 4.0)
    assert unsteadiness("Vacuum_cleaner") < 1.5
    for label in ("Speech", "Dog", "Dishes"):
        assert unsteadiness(label) > 3
    assert unsteadiness("Blender") > 1.5 * unsteadiness("Vacuum_cleaner")
    assert centroid("Frying") > 1.5 * centroid("Running_water")
    assert centroid("Electric_shaver_toothbrush") > centroid("Vacuum_cleaner")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed -1 must be"),
        ({"scale": 0}, "scale 0 must be"),
        ({"scale": float("nan")}, "scale nan must be"),
        ({"scale": float("inf")}, "scale inf must be"),
    ],
)
def test_bad_options(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        make_minidesed(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_file_instead_of_a_folder(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(InputError, match="is a file: give a folder"):
        make_minidesed(path)


def test_a_real_data_set_is_never_touched(tmp_path, capsys):
    precious = tmp_path / "dataset" / "audio" / "mine.wav"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"mine")
    with pytest.raises(InputError, match="is not from MiniDESED"):
        make_minidesed(tmp_path, scale=SCALE)
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path)])
    assert "is not from MiniDESED" in capsys.readouterr().err
    assert precious.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
