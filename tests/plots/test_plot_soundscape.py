"""The figure of a mixed soundscape."""

import numpy as np
import pytest

from sb_sed.errors import InputError
from sb_sed.mixing.scene import Scene, SceneSource, Sound, Soundscape
from sb_sed.plots import plot_soundscape

RATE = 16000


@pytest.fixture
def scene():
    """A room, a dog in another one, and a cat too late to be audible."""
    effects = [{"effect": "LowPass", "cutoff": 2634.1, "seed": 7}]
    dog = SceneSource(
        "bank/Dog_nOn/woof.wav", "Dog_nOn", 0, 1, 0.5, -6.0, None, effects
    )
    cat = SceneSource(
        "bank/Cat/meow.wav", "Cat", 0, 1, 1.9, 0, "rirs/a_$1/far.wav", []
    )
    return Scene(
        2.0, SceneSource("sins/hum.wav", "sins", 0, 2, 0, -20), [dog, cat]
    )


@pytest.fixture
def soundscape():
    rng = np.random.default_rng(0)
    hum = (0.1 * np.sin(np.arange(2 * RATE))).astype(np.float32)
    woof = rng.uniform(-0.5, 0.5, RATE).astype(np.float32)
    mixture = hum.copy()
    mixture[RATE // 2 :][:RATE] += woof
    return Soundscape(
        mixture,
        [(0.5, 1.5, "Dog")],
        Sound(0, hum, 0.0, 2.0),
        [Sound(RATE // 2, woof, 0.5, 1.5), None],
    )


def texts(figure):
    return [axes.get_title("left").split("     ") for axes in figure.axes]


def test_each_sound_has_a_caption(tmp_path, scene, soundscape):
    figure = plot_soundscape(scene, soundscape, RATE, tmp_path / "a.png")
    assert texts(figure) == [
        ["hum.wav", "-20.0 dB"],
        ["woof.wav", "-6.0 dB", "LowPass (cutoff 2634)"],
        ["meow.wav", "left out: hardly in the clip", "a_$1/far"],
        ["-4.5 dB"],
        ["log-mel of the mixture, the upper 70 dB"],
        ["labels"],
    ]
    names = [
        [label.get_text() for label in axes.get_yticklabels()]
        for axes in figure.axes
    ]
    assert names[:4] == [["sins"], ["Dog nOn"], ["Cat"], ["mixture"]]
    assert names[4] == ["250", "500", "1000", "2000", "4000"] and names[5] == [
        "Dog"
    ]
    assert [*tmp_path.iterdir()] == [tmp_path / "a.png"]


def test_waveforms_and_labels_lie_at_their_times(tmp_path, scene, soundscape):
    figure = plot_soundscape(scene, soundscape, RATE, tmp_path / "a.svg")
    (bars,) = figure.axes[-1].collections
    corners = bars.get_paths()[0].vertices[:, 0]
    assert (corners.min(), corners.max()) == (0.5, 1.5)
    (wave,) = figure.axes[1].collections
    outline = wave.get_paths()[0].vertices
    loud = outline[np.abs(outline[:, 1]) > 0.1, 0]
    assert loud.min() == pytest.approx(0.5, abs=2e-3)
    assert loud.max() == pytest.approx(1.5, abs=2e-3)
    # The peaks are seen, however many samples there are.
    assert outline[:, 1].max() == soundscape.foregrounds[0].samples.max()
    assert figure.axes[0].get_xlim() == (0, 2.0)


def test_bands_lie_at_their_frequencies(tmp_path, scene, soundscape):
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    scene = Scene(2.0, scene.background, [])
    samples = tone.astype(np.float32)
    alone = Soundscape(samples, [], Sound(0, samples, 0, 2), [])
    figure = plot_soundscape(scene, alone, RATE, tmp_path / "a.png")
    assert len(figure.axes) == 3  # no labels, no track
    axes = figure.axes[2]
    (image,) = axes.images
    tick = axes.get_yticks()[2]
    assert abs(image.get_array().mean(axis=1).argmax() - tick) < 1


def test_a_class_has_its_colour_in_all_figures(tmp_path, scene, soundscape):
    def colour(classes):
        figure = plot_soundscape(
            scene, soundscape, RATE, tmp_path / "a.png", classes=classes
        )
        bars = figure.axes[-1].collections[0].get_facecolor()[0]
        wave = figure.axes[1].collections[0].get_facecolor()[0]
        assert tuple(bars) == tuple(wave)
        return tuple(bars)

    assert colour(["Cat", "Dog"]) == colour(["Bird", "Dog", "Elk"])
    assert colour(["Dog"]) == colour(None) != colour(["Cat", "Dog"])


def test_silence_is_drawn(tmp_path, scene):
    nothing = np.zeros(2 * RATE, dtype=np.float32)
    silence = Soundscape(nothing, [], Sound(0, nothing, 0, 2), [None, None])
    figure = plot_soundscape(scene, silence, RATE, tmp_path / "a.png")
    assert texts(figure)[0] == ["hum.wav", "-200.0 dB"]


def test_other_kinds_are_refused(tmp_path, scene, soundscape):
    with pytest.raises(InputError, match="a.txt"):
        plot_soundscape(scene, soundscape, RATE, tmp_path / "a.txt")
    assert not [*tmp_path.iterdir()]
