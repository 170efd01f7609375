"""Mixed soundscapes as files that the readers of Scaper's files accept."""

import json

import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio.search import find_audio
from sb_sed.data.desed import DESED_CLASSES, prepare_desed
from sb_sed.data.jams import read_jams
from sb_sed.errors import InputError
from sb_sed.formats import read_events, read_filenames
from sb_sed.mixing.effects import EffectChain, HighPass, PitchShift
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.scene import Scene
from sb_sed.mixing.soundbank import find_foregrounds
from sb_sed.mixing.writing import draw_scene, write_soundscapes

RATE = 16000
N_CLIPS = 8


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """A sound bank of noises: long and short, whole and cut off."""
    folder = tmp_path_factory.mktemp("bank")
    rng = np.random.default_rng(0)
    for name, seconds in (
        ("foreground/Dog/a.wav", 0.5),
        ("foreground/Dog/b.wav", 2.0),
        ("foreground/Cat/a.wav", 1.0),
        ("foreground/Frying_nOff/a.wav", 5.0),
        ("foreground/Vacuum_cleaner_nOn_nOff/a.wav", 12.0),
        ("background/sins/a.wav", 10.0),
        ("background/sins/b.wav", 4.0),
        ("rooms/a/foreground0.wav", 0.2),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        samples = 0.05 * rng.normal(size=round(seconds * RATE))
        if "rooms" in name:
            samples *= np.exp(-np.arange(len(samples)) / 500)
        sf.write(folder / name, samples, RATE, "FLOAT")
    return folder


@pytest.fixture
def make_mixer(bank):
    def _make(**options):
        return Mixer(
            find_foregrounds(bank / "foreground"),
            find_audio(bank / "background"),
            find_audio(bank / "rooms"),
            EffectChain([PitchShift(), HighPass()]),
            **options,
        )

    return _make


@pytest.fixture
def written(make_mixer, tmp_path):
    """Soundscapes with their isolated events."""
    write_soundscapes(make_mixer(), tmp_path, N_CLIPS, 1, True, False)
    return tmp_path


def scapes(folder):
    found = sorted((folder / "soundscapes").glob("*.jams"))
    assert len(found) == N_CLIPS
    return found


def annotation(path):
    return json.loads(path.read_text())["annotations"][0]


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_table_jams_and_mixer_agree(make_mixer, written):
    table = read_events(written / "soundscapes.tsv")
    names = [f"{index}.wav" for index in range(N_CLIPS)]
    assert read_filenames(written / "soundscapes.tsv") == names
    mixer = make_mixer()
    for path in scapes(written):
        rows = table[table["filename"] == f"{path.stem}.wav"].dropna()
        rows = [tuple(row)[1:] for row in rows.itertuples(index=False)]
        scene = draw_scene(mixer, 1, int(path.stem))
        assert rows == mixer.render(scene).events
        assert rows == read_jams(path, DESED_CLASSES)
    assert len(table) >= N_CLIPS


def test_the_audio_can_be_mixed_again_from_the_jams(make_mixer, written):
    mixer = make_mixer()
    for path in scapes(written):
        origin = annotation(path)["sandbox"]["sb_sed"]
        scene = Scene.from_dict(origin["scene"])
        samples, rate = sf.read(path.with_suffix(".wav"))
        assert rate == RATE and samples.shape == (10 * RATE,)
        assert sf.info(path.with_suffix(".wav")).subtype == "PCM_16"
        error = np.abs(mixer.render(scene).samples - samples).max()
        assert error <= 1 / 32768


def test_isolated_sounds_add_up_and_have_their_places(written):
    n_effects = 0
    for path in scapes(written):
        scape = annotation(path)
        names = scape["sandbox"]["scaper"]["isolated_events_audio_path"]
        data = scape["data"]
        times = [item["time"] for item in data]
        # jams sorts by time: only so does the list of files go with the data.
        assert times == sorted(times) and len(names) == len(data)
        parts = [sf.read(path.parent / name)[0] for name in names]
        mixture = sf.read(path.with_suffix(".wav"))[0]
        # soundfile cuts each sample off at 16 bits.
        assert np.abs(mixture - sum(parts)).max() * 32768 <= len(parts)
        for number, (item, name, part) in enumerate(
            zip(data, names, parts, strict=True)
        ):
            value = item["value"]
            role = f"foreground{number - 1}" if number else "background0"
            label = value["label"]
            assert name == f"{path.stem}_events/{role}_{label}.wav"
            start = round(value["event_time"] * RATE)
            assert not part[:start].any()
            level = 20 * np.log10(np.abs(part).max() / np.abs(parts[0]).max())
            # Peaks are rounded to 16 bits; those of the background are low.
            assert abs(level - value["snr"]) < 0.2
            n_effects += value["pitch_shift"] is not None
            # What Scaper would take of the file is there, or is looped.
            last = value["source_time"] + value["event_duration"]
            assert value["source_time"] >= 0
            if number:
                assert last <= sf.info(value["source_file"]).duration + 1e-9
            assert value["event_time"] + value["event_duration"] <= 10 + 1e-9
    assert n_effects > 0


def test_a_second_call_keeps_existing_soundscapes(make_mixer, written):
    before = contents(written)
    lost = [
        written / "soundscapes/5.wav",
        next(written.glob("soundscapes/6_events/foreground0_*.wav")),
    ]
    for path in lost:
        path.unlink()
    times = {path: path.stat().st_mtime_ns for path in written.rglob("*.wav")}
    write_soundscapes(make_mixer(), written, N_CLIPS, 1, True, False)
    assert contents(written) == before
    for path, time in times.items():
        # Soundscapes 5 and 6 are mixed again, whole.
        again = path.relative_to(written / "soundscapes").parts[0][0] in "56"
        assert (path.stat().st_mtime_ns != time) == again


def test_the_first_soundscapes_are_the_same_of_any_number(
    make_mixer, written, tmp_path_factory
):
    other = tmp_path_factory.mktemp("other")
    write_soundscapes(make_mixer(), other, 2, 1, False, False)
    for name in ("0.wav", "1.wav"):
        first = (written / "soundscapes" / name).read_bytes()
        assert (other / "soundscapes" / name).read_bytes() == first
    assert not [*other.glob("soundscapes/*_events")]
    # More of them, now with the isolated sounds.
    write_soundscapes(make_mixer(), other, N_CLIPS, 1, True, False)
    assert contents(other) == contents(written)


def test_an_interrupted_call_leaves_whole_soundscapes(
    make_mixer, written, tmp_path_factory
):
    class Interrupted(Mixer):
        def render(self, scene):
            if scene == draw_scene(self, 1, 4):
                raise KeyboardInterrupt
            return super().render(scene)

    mixer = make_mixer()
    other = tmp_path_factory.mktemp("other")
    broken = Interrupted(
        mixer.foregrounds, mixer.backgrounds, mixer.rirs, mixer.effects
    )
    with pytest.raises(KeyboardInterrupt):
        write_soundscapes(broken, other, N_CLIPS, 1, True, False)
    found, whole = contents(other), contents(written)
    assert found.items() < whole.items()
    write_soundscapes(mixer, other, N_CLIPS, 1, True, False)
    assert contents(other) == whole


@pytest.mark.parametrize(
    "n_clips, seed, options, sentence",
    [
        (N_CLIPS, 2, {}, "0.jams .* has another seed or other settings"),
        (N_CLIPS, 1, {"n_foregrounds": (6, 7)}, "0.jams .* has another seed"),
        (N_CLIPS, 1, {"audible": 20.0}, "0.jams .* has another seed"),
        (3, 1, {}, "3.jams is not one of the 3 soundscapes to write"),
        (0, 1, {}, "0 soundscapes cannot be written"),
    ],
)
def test_other_soundscapes_are_not_mixed_up_with_these(
    make_mixer, written, n_clips, seed, options, sentence
):
    before = contents(written)
    with pytest.raises(InputError, match=sentence):
        write_soundscapes(
            make_mixer(**options), written, n_clips, seed, True, False
        )
    assert contents(written) == before


@pytest.mark.parametrize("text", ["", "[]", '{"annotations": []}'])
def test_a_foreign_jams_is_not_overwritten(make_mixer, written, text):
    path = written / "soundscapes" / "2.jams"
    path.write_text(text)
    with pytest.raises(InputError, match="2.jams .* has another seed"):
        write_soundscapes(make_mixer(), written, N_CLIPS, 1, True, False)
    assert path.read_text() == text


def test_foreign_audio_is_not_overwritten(make_mixer, tmp_path):
    path = tmp_path / "soundscapes" / "1.wav"
    path.parent.mkdir()
    path.write_bytes(b"precious")
    for n_clips, sentence in (
        (3, "1.jams is missing"),
        (1, "1.wav is not one"),
    ):
        with pytest.raises(InputError, match=sentence):
            write_soundscapes(make_mixer(), tmp_path, n_clips, progress=False)
    assert path.read_bytes() == b"precious"


def test_sed_eval_reads_the_table(written):
    dcase_util = pytest.importorskip("dcase_util")
    table = read_events(written / "soundscapes.tsv").dropna()
    path = written / "soundscapes.tsv"
    events = dcase_util.containers.MetaDataContainer().load(str(path))
    found = [
        (event.filename, event.onset, event.offset, event.event_label)
        for event in events
        if event.event_label
    ]
    assert found == [tuple(row) for row in table.itertuples(index=False)]


@pytest.mark.parametrize("with_table", [True, False])
def test_the_preparation_takes_the_folder_as_a_synthetic_set(
    make_mixer, tmp_path, with_table
):
    root = tmp_path / "dataset"
    folder = root / "audio" / "train" / "synthetic20"
    events = write_soundscapes(make_mixer(), folder, N_CLIPS, 1, False, False)
    if with_table:
        table = root / "metadata" / "train" / "synthetic20" / "soundscapes.tsv"
        table.parent.mkdir(parents=True)
        (folder / "soundscapes.tsv").rename(table)
    prepare_desed(tmp_path, tmp_path / "out", valid_fraction=0, n_jobs=1)
    text = (tmp_path / "out" / "train_synthetic.json").read_text()
    prepared = {name: clip["events"] for name, clip in json.loads(text).items()}
    for index in range(N_CLIPS):
        rows = events[events["filename"] == f"{index}.wav"]
        rows = [list(row)[1:] for row in rows.itertuples(index=False)]
        assert prepared[str(index)] == rows


def test_jams_package_accepts_the_documents(written):
    jams = pytest.importorskip("jams")
    for path in scapes(written):
        document = jams.load(str(path))
        assert document.validate()
        (found,) = document.annotations.search(namespace="scaper")
        times = [item["time"] for item in annotation(path)["data"]]
        assert [item.time for item in found.data] == times


def test_scaper_mixes_something_similar(written, tmp_path):
    scaper = pytest.importorskip("scaper")
    for path in scapes(written):
        audio, _, events, parts = scaper.generate_from_jams(
            str(path), str(tmp_path / "again.wav"), save_isolated_events=True
        )
        assert audio.shape == (10 * RATE, 1)
        data = annotation(path)["data"]
        assert len(parts) == len(data)
        for item, part in zip(data, parts, strict=True):
            start = max(1, round(item["value"]["event_time"] * RATE))
            # Scaper rounds down to a sample.
            assert not part[: start - 1].any() and part[start:].any()
        assert [event[2] for event in events] == [
            item["value"]["label"] for item in data[1:]
        ]
