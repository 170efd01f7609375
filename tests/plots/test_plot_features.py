"""The figure of a recording's features: that it shows what it is given."""

import warnings

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS
from sb_sed.plots import plot_features

SHIFT = 0.1


@pytest.fixture
def features():
    """Log-mels [50, 16] and two layers of them."""
    random = np.random.default_rng(0)
    return random.normal(size=(50, 16)), random.random((50, 16, 2))


def events(*rows):
    return pd.DataFrame(
        [["a.wav", *row] for row in rows], columns=EVENT_COLUMNS
    )


def panels(figure):
    return [axes for axes in figure.axes if axes.images]


def tracks(figure):
    """Under each panel: label to colour and spans in seconds."""
    found = []
    # A colour bar has no such label.
    under = [a for a in figure.axes if a.get_xlabel() and not a.images]
    for axes in under:
        # Those at the left are for all.
        names = [text.get_text() for text in under[0].get_yticklabels()]
        spans = {}
        for row, bars in enumerate(axes.collections):
            boxes = [path.get_extents() for path in bars.get_paths()]
            assert all(abs((b.y0 + b.y1) / 2 - row) < 1e-9 for b in boxes)
            spans[names[row]] = (
                tuple(bars.get_facecolor()[0]),
                [(round(b.x0, 6), round(b.x1, 6)) for b in boxes],
            )
        found.append(spans)
    return found


def test_the_panels_show_the_features(tmp_path, features):
    log_mel, layers = features
    figure = plot_features(*features, SHIFT, tmp_path / "a.png")
    shown = panels(figure)
    assert [axes.get_title() for axes in shown] == [
        "log-mel (dB)",
        "layer 1",
        "layer 2",
    ]
    for axes, values in zip(
        shown, [log_mel, layers[..., 0], layers[..., 1]], strict=True
    ):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), values.T)
        assert image.origin == "lower"
        # The middle of frame i is at i * SHIFT, that of band i at i.
        assert image.get_extent() == pytest.approx([-0.05, 4.95, -0.5, 15.5])
        assert image.colorbar is not None
        low, high = image.get_clim()
        assert values.min() < low < high < values.max()
        assert axes.get_xlim() == pytest.approx((0, 4.95))
        assert axes.get_ylim() == (-0.5, 15.5)
        assert axes.get_xlabel() == "time (s)"
    assert shown[0].get_ylabel() == "band"
    assert matplotlib.image.imread(tmp_path / "a.png").std() > 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_the_axis_of_the_bands_is_in_hertz(tmp_path, features):
    centres = np.geomspace(100, 6400, 16)
    figure = plot_features(
        *features, SHIFT, tmp_path / "a.png", centres_hz=centres
    )
    axes = panels(figure)[0]
    labels = [int(text.get_text()) for text in axes.get_yticklabels()]
    assert labels == [125, 250, 500, 1000, 2000, 4000]
    bands = 15 * np.log2(np.array(labels) / 100) / 6
    np.testing.assert_allclose(axes.get_yticks(), bands, atol=0.05)


def test_events_are_where_they_sound(tmp_path, features):
    figure = plot_features(
        *features,
        SHIFT,
        tmp_path / "a.png",
        events=events(
            (2.0, 3.5, "Vacuum_cleaner"),
            (0.5, 1.0, "Cat"),
            (0.8, 1.25, "Cat"),
            (np.nan, np.nan, np.nan),
        ),
    )
    under = tracks(figure)
    assert len(under) == 3 and under[0] == under[1] == under[2]
    assert list(under[0]) == ["Cat", "Vacuum cleaner"]
    assert under[0]["Cat"][1] == [(0.5, 1.0), (0.8, 1.25)]
    assert under[0]["Vacuum cleaner"][1] == [(2.0, 3.5)]
    assert under[0]["Cat"][0] != under[0]["Vacuum cleaner"][0]
    # Each track is exactly as wide as the panel above it.
    figure.canvas.draw()
    boxes = [a.get_position() for a in figure.axes if a.get_xlabel()]
    above = [a.get_position() for a in panels(figure)]
    for track, panel in zip(boxes, above, strict=True):
        assert track.x0 == pytest.approx(panel.x0, abs=1e-6)
        assert track.x1 == pytest.approx(panel.x1, abs=1e-6)


def test_a_class_has_one_colour_in_all_figures(tmp_path, features):
    colours = []
    for label in ("Cat", "Dog"):
        mine = events((0.0, 1.0, "Dog"), (0.0, 1.0, label))
        figure = plot_features(
            *features,
            SHIFT,
            tmp_path / "a.png",
            events=mine,
            classes=["Cat", "Dog"],
        )
        colours.append(tracks(figure)[0]["Dog"][0])
    assert colours[0] == colours[1]


@pytest.mark.parametrize("none", [None, events((np.nan, np.nan, np.nan))])
def test_without_events_there_are_no_tracks(tmp_path, features, none):
    figure = plot_features(*features, SHIFT, tmp_path / "a.png", events=none)
    assert not tracks(figure)
    assert len(figure.axes) == 6  # the panels and their colour bars


def test_many_classes_and_odd_names(tmp_path, features):
    rows = [(0.1 * i, 0.1 * i + 0.1, f"Class_${i}") for i in range(25)]
    figure = plot_features(
        *features,
        SHIFT,
        tmp_path / "a.png",
        events=events(*rows),
        layer_titles=["$alpha", "b_$"],
        title="100 $ and 200 $.wav",
    )
    assert len(tracks(figure)[0]) == 25
    assert panels(figure)[1].get_title() == "$alpha"


@pytest.mark.parametrize("n_frames", [1, 40])
def test_silence(tmp_path, n_frames):
    silence = np.full((n_frames, 8), -100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_features(silence, silence[..., None], SHIFT, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_other_kinds_are_refused(tmp_path, features):
    with pytest.raises(InputError, match=r"a\.txt"):
        plot_features(*features, SHIFT, tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())
