"""Mixed soundscapes: places, levels and labels of their events."""

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest
import soundfile as sf
from scipy import stats
from scipy.signal import fftconvolve

from sb_sed.audio.search import find_audio
from sb_sed.data.jams import tidy_events
from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.levels import GaussianLevels, UniformLevels, peak
from sb_sed.mixing.mixer import Mixer, Scene, SceneSource
from sb_sed.mixing.soundbank import Foreground, find_foregrounds

RATE = 16000
CLASSES = ["Cat", "Dog", "Frying"]


def rng(*seed):
    return np.random.default_rng([0, *seed])


@pytest.fixture
def mixer(soundbank_folder):
    return make_mixer(soundbank_folder)


def make_mixer(folder, rirs=True, **options):
    return Mixer(
        find_foregrounds(folder / "foreground"),
        find_audio(folder / "background"),
        find_audio(folder / "rirs") if rirs else [],
        **options,
    )


class Inverted:
    """An effect whose draw is a number."""

    def draw(self, rng):
        return [{"gain": -float(rng.integers(1, 9))}]

    def apply(self, samples, sample_rate, drawn):
        return samples * np.float32(drawn[0]["gain"])


@pytest.fixture
def write(tmp_path):
    """Writes samples and returns the path."""

    def write(samples, name="a.wav"):
        sf.write(tmp_path / name, samples, RATE, subtype="FLOAT")
        return str(tmp_path / name)

    return write


@pytest.fixture
def render_one(write):
    """Mixes one sound with a background that is 100 dB below full scale."""
    floor = write(np.resize([1.0, -1.0], RATE), "floor.wav")

    def render_one(path, onset, rir=None):
        background = SceneSource(floor, "sins", 0.0, 1.0, 0.0, -100.0)
        length = sf.info(path).duration
        source = SceneSource(path, "Dog", 0.0, length, onset, -20.0, rir)
        mixer = Mixer([Foreground(path, "Dog")], [floor])
        return mixer.render(Scene(10.0, background, [source]))

    return render_one


def noise(seconds, seed=0):
    samples = rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
    return samples.astype(np.float32)


def decaying(seconds, t60, seed=5):
    """A room of noise that decays, without a direct path that stands out."""
    samples = noise(seconds, seed)
    return samples * 10 ** (-3 * np.arange(len(samples)) / RATE / t60)


# Drawn scenes


def test_a_scene_is_a_function_of_the_seed(mixer):
    assert mixer.draw(rng(1)) == mixer.draw(rng(1))
    assert mixer.draw(rng(1)) != mixer.draw(rng(2))


def test_a_scene_from_a_file_gives_the_same_mixture(mixer):
    mixer.effects = Inverted()
    scene = mixer.draw(rng(1))
    copy = Scene.from_dict(json.loads(json.dumps(scene.to_dict())))
    assert copy == scene
    assert scene.foregrounds[0].effects[0]["gain"] < 0
    for other in (mixer, Mixer(**vars_of(mixer), cache=AudioCache(0))):
        np.testing.assert_array_equal(
            mixer.render(scene).samples, other.render(copy).samples
        )


def vars_of(mixer):
    names = "foregrounds backgrounds rirs effects".split()
    return {name: getattr(mixer, name) for name in names}


def test_statistics_of_2000_scenes(mixer):
    scenes = [mixer.draw(rng(7, i)) for i in range(2000)]
    polyphony = Counter(len(scene.foregrounds) for scene in scenes)
    observed = [polyphony[n] for n in range(1, 6)]
    assert sum(observed) == 2000
    assert stats.chisquare(observed).pvalue > 1e-3
    sources = [s for scene in scenes for s in scene.foregrounds]
    classes = Counter(source.label.partition("_")[0] for source in sources)
    assert stats.chisquare([classes[c] for c in CLASSES]).pvalue > 1e-3
    for of, files in (
        (Counter(s.rir for s in sources), mixer.rirs),
        (Counter(s.background.path for s in scenes), mixer.backgrounds),
    ):
        assert stats.chisquare([of[path] for path in files]).pvalue > 1e-3
    levels = [source.level for source in sources]
    assert stats.kstest(levels, stats.uniform(-35, 35).cdf).pvalue > 1e-3
    for scene in scenes:
        quietest = min(source.level for source in scene.foregrounds)
        assert scene.background.level <= quietest + 5


def test_rooms_of_a_scene_are_independent(mixer):
    mixer.n_foregrounds = (2, 2)
    pairs = [
        tuple(mixer.rirs.index(s.rir) for s in mixer.draw(rng(i)).foregrounds)
        for i in range(900)
    ]
    table = np.zeros((3, 3))
    for pair in pairs:
        table[pair] += 1
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_a_redrawn_scene_keeps_only_its_events(mixer):
    mixer.effects = Inverted()
    pairs = []
    for i in range(900):
        scene = mixer.draw(rng(i))
        other = mixer.redraw(rng(i, 1), scene)
        assert other == mixer.redraw(rng(i, 1), scene)
        assert other.seconds == scene.seconds
        quietest = min(source.level for source in other.foregrounds)
        assert other.background.level <= quietest + 5
        for event, redrawn in zip(
            scene.foregrounds, other.foregrounds, strict=True
        ):
            new = {n: getattr(redrawn, n) for n in ("level", "rir", "effects")}
            assert redrawn == dataclasses.replace(event, **new)
        pairs.append((scene, other))
    # All the rest is independent of what it was.
    for what in (
        lambda scene: mixer.backgrounds.index(scene.background.path),
        lambda scene: mixer.rirs.index(scene.foregrounds[0].rir),
        lambda scene: -round(scene.foregrounds[0].effects[0]["gain"]) - 1,
    ):
        cells = [tuple(map(what, pair)) for pair in pairs]
        table = np.zeros(np.max(cells, axis=0) + 1)
        for cell in cells:
            table[cell] += 1
        assert stats.chi2_contingency(table).pvalue > 1e-3
    before, after = (
        [scene.foregrounds[0].level for scene in scenes]
        for scenes in zip(*pairs, strict=True)
    )
    assert stats.spearmanr(before, after).pvalue > 1e-3
    assert stats.ks_2samp(before, after).pvalue > 1e-3


def test_classes_are_those_asked_for(soundbank_folder):
    mixer = make_mixer(soundbank_folder, classes=["Dog", "Cat"])
    assert list(mixer.by_class) == ["Dog", "Cat"]
    with pytest.raises(InputError, match="no events of Blender"):
        make_mixer(soundbank_folder, classes=["Dog", "Blender"])
    with pytest.raises(InputError, match="no backgrounds"):
        Mixer(find_foregrounds(soundbank_folder / "foreground"), [])


# Mixtures


@pytest.mark.parametrize("levels", [UniformLevels(), GaussianLevels()])
def test_mixtures_are_what_was_drawn(soundbank_folder, levels):
    mixer = make_mixer(soundbank_folder, levels=levels)
    n_loud = 0
    for i in range(150):
        scene = mixer.draw(rng(3, i))
        soundscape = mixer.render(scene)
        stems = soundscape.stems()
        assert soundscape.samples.shape == (160000,)
        assert soundscape.samples.dtype == np.float32
        assert peak(soundscape.samples) <= 1 + 1e-6
        np.testing.assert_allclose(
            stems.sum(axis=0), soundscape.samples, atol=1e-5
        )
        asked = np.array(
            [scene.background.level, *(s.level for s in scene.foregrounds)]
        )
        peaks = 20 * np.log10([peak(stem) for stem in stems])
        guarded = peaks - asked
        # A mixture beyond full scale is attenuated as a whole.
        np.testing.assert_allclose(guarded, guarded[0], atol=1e-3)
        if guarded[0] < -1e-3:
            n_loud += 1
            assert peak(soundscape.samples) == pytest.approx(1, abs=1e-5)
        for sound, stem in zip(soundscape.foregrounds, stems[1:], strict=True):
            outside = stem.copy()
            audible = slice(
                round(sound.onset * RATE), round(sound.offset * RATE)
            )
            outside[audible] = 0
            assert loudest_10_ms(outside) < 2e-3 * loudest_10_ms(stem)
        assert soundscape.events == tidy_events(
            [
                (sound.onset, sound.offset, source.label.partition("_")[0])
                for source, sound in zip(
                    scene.foregrounds, soundscape.foregrounds, strict=True
                )
            ],
            10.0,
        )
    assert (n_loud > 0) == isinstance(levels, UniformLevels)


def loudest_10_ms(samples):
    power = np.cumsum(np.square(samples, dtype=float))
    return np.max(power[160:] - power[:-160])


def test_events_begin_and_end_as_their_marks_say(soundbank_folder):
    mixer = make_mixer(soundbank_folder, n_foregrounds=(1, 1))
    lengths = []
    for i in range(150):
        scene = mixer.draw(rng(4, i))
        (event,) = mixer.render(scene).events
        label = scene.foregrounds[0].label
        if "_nOn" in label:
            assert event[0] == 0
        if "_nOff" in label:
            assert event[1] == 10
        if event[2] == "Dog":  # 0.8 s dry, then its tail
            lengths.append(event[1] - event[0])
    assert 0.8 <= min(lengths) and max(lengths) < 1.0


def test_dry_event_lies_where_it_was_put(write, render_one):
    path = write(noise(1.0))
    soundscape = render_one(path, 2.5)
    assert soundscape.events == [(2.5, 3.5, "Dog")]
    stem = soundscape.stems()[1]
    first, *_, last = np.flatnonzero(stem)
    assert (first, last) == pytest.approx((2.5 * RATE, 3.5 * RATE), abs=2)
    ratio = stem[40400:55600] / noise(1.0)[400:-400]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_ends_of_a_file_do_not_click(write, render_one):
    stem = render_one(write(np.ones(RATE)), 2.0).stems()[1]
    assert np.abs(np.diff(stem)).max() < 1.01 * peak(stem) / (RATE // 100)


@pytest.mark.parametrize("onset", [-3.0, -0.2, 0.0, 8.0])
def test_room_of_a_cut_event_as_if_it_were_cut_later(write, render_one, onset):
    """The room rings from before the clip; its end is cut by the clip."""
    path, dry = write(noise(4.0)), noise(4.0)
    rir = noise(0.4, 5) * 10 ** (-3 * np.arange(6400) / 6400)
    rir[200] = 3
    stem = render_one(path, onset, rir=write(rir, "rir.wav")).stems()[1]
    ramp = np.arange(1, 161) / 161
    dry[:160] *= ramp
    dry[-160:] *= ramp[::-1]
    whole = np.zeros(30 * RATE)
    start = round((10 + onset) * RATE)
    wet = fftconvolve(dry, rir)[200:]
    whole[start : start + len(wet)] = wet
    expected = whole[10 * RATE : 20 * RATE]
    expected *= 0.1 / np.abs(expected).max()
    # The room is cut where 60 dB of it have gone.
    np.testing.assert_allclose(stem, expected, atol=4e-4)


@pytest.mark.parametrize("t60", [0.2, 0.5, 1.0])
def test_label_ends_where_the_tail_is_30_dB_down(write, render_one, t60):
    rir = decaying(t60, t60)
    rir[0] = 1.0  # the direct path; the room is as loud
    path = write(noise(1.0))
    ((onset, offset, _),) = render_one(
        path, 3.0, rir=write(rir, "rir.wav")
    ).events
    direct, room = 1.0, np.sum(rir[1:] ** 2)
    # The room decays from its share of the power, at 60 dB in t60.
    seconds = t60 / 2 + t60 * np.log10(room / (direct + room)) / 6
    assert onset == pytest.approx(3.0, abs=0.011)
    assert offset == pytest.approx(4.0 + seconds, abs=0.05)


def test_silence_in_a_file_does_not_count(write, render_one):
    samples = np.zeros(4 * RATE)
    samples[RATE : 2 * RATE] = noise(1.0)
    samples[: RATE // 2] = 1e-3 * noise(0.5)  # 54 dB down: inaudible
    (event,) = render_one(write(samples), 1.0).events
    assert event == pytest.approx((2.0, 3.0, "Dog"))


def test_events_cut_by_the_clip(write, render_one):
    path = write(noise(4.0))
    assert render_one(path, -1.0).events == [(0.0, 3.0, "Dog")]
    assert render_one(path, 8.0).events == [(8.0, 10.0, "Dog")]
    assert render_one(write(noise(20.0)), -5.0).events == [(0.0, 10.0, "Dog")]


@pytest.mark.parametrize("onset", [9.8, 10.0, 12.0, -4.0, -5.0])
def test_an_event_without_a_label_is_not_mixed(write, render_one, onset):
    soundscape = render_one(write(noise(4.0)), onset)
    assert soundscape.events == [] and soundscape.foregrounds == [None]
    assert not soundscape.stems()[1].any()
    assert peak(soundscape.samples) < 2e-5


def test_silent_files_are_left_out(write, render_one):
    soundscape = render_one(write(np.zeros(RATE)), 2.0)
    assert soundscape.events == [] and soundscape.foregrounds == [None]


def test_events_of_one_class_that_touch_become_one(write):
    path, floor = write(noise(2.0)), write(noise(10.0), "floor.wav")
    mixer = Mixer([Foreground(path, "Dog_nOff")], [floor])
    background = SceneSource(floor, "", 0.0, 10.0, 0.0, -50.0)
    sources = [
        SceneSource(path, label, 0.0, 2.0, onset, -20.0)
        for label, onset in (("Dog", 1), ("Dog_nOff", 2.5), ("Cat", 2.5))
    ]
    assert mixer.render(Scene(10.0, background, sources)).events == [
        (1.0, 4.5, "Dog"),
        (2.5, 4.5, "Cat"),
    ]


def test_effects_are_applied_as_drawn(soundbank_folder):
    mixer = make_mixer(soundbank_folder, rirs=False, n_foregrounds=(1, 1))
    scene = mixer.draw(rng(1))
    plain = mixer.render(scene).stems()[1]
    mixer.effects = Inverted()
    scene.foregrounds[0].effects.append({"gain": -2.0})
    np.testing.assert_allclose(
        mixer.render(scene).stems()[1], -plain, atol=1e-6
    )


# Backgrounds


def test_short_backgrounds_are_looped_without_a_click(write):
    times = np.arange(3 * RATE) / RATE
    floor = write(0.5 * np.sin(2 * np.pi * 100.3 * times))
    dog = write(noise(1.0), "dog.wav")
    mixer = Mixer([Foreground(dog, "Dog")], [floor])
    scene = mixer.draw(rng(0))
    assert scene.background.seconds == pytest.approx(3.0, abs=0.01)
    background = mixer.render(scene).stems()[0]
    slope = 2 * np.pi * 100.3 / RATE * peak(background)
    assert np.abs(np.diff(background)).max() < 2 * slope
    blocks = background.reshape(-1, 1600)
    assert blocks.std(axis=1).min() > 0.2 * blocks.std(axis=1).max()


def test_long_backgrounds_are_cut_at_random(write):
    floor = write(np.linspace(0.01, 0.9, 60 * RATE))
    dog = write(noise(1.0), "dog.wav")
    mixer = Mixer([Foreground(dog, "Dog")], [floor])
    starts = [mixer.draw(rng(i)).background.start for i in range(500)]
    assert stats.kstest(starts, stats.uniform(0, 50).cdf).pvalue > 1e-3
    scene = mixer.draw(rng(1))
    background = mixer.render(scene).stems()[0]
    ratio = background[0] / background[-1]
    expected = [0.01 + 0.89 * t / 60 for t in (starts[1], starts[1] + 10)]
    assert ratio == pytest.approx(expected[0] / expected[1], rel=1e-3)
