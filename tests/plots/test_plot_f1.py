"""The figure of the F1 scores, whatever is missing in a report."""

import matplotlib.image
import pytest

from sb_sed.errors import InputError
from sb_sed.plots import plot_f1
from sb_sed.plots.canvas import canvas


def _report(n_classes, **changes):
    names = [f"Class_{i}" for i in range(n_classes)]
    f1 = {
        "macro": 0.5,
        "micro": 0.6,
        "per_class": {name: i / n_classes for i, name in enumerate(names)},
    }
    intervals = {
        "macro": [0.4, 0.6],
        "micro": [0.65, 0.7],  # beside its value
        "per_class": {name: [0.0, 1.0] for name in names},
    }
    return {
        "n_files": 3,
        "event_f1": f1,
        "segment_f1": f1,
        "psds": {"2020": 0.6, "1": 0.3, "2": 0.5},
        "confidence_intervals": {
            "event_f1": intervals,
            "segment_f1": intervals,
        },
        **changes,
    }


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_kinds_of_figures(tmp_path, kind):
    path = tmp_path / f"report.{kind}"
    plot_f1(_report(3), path)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_the_figure_grows_with_the_classes(tmp_path):
    heights = []
    for n_classes in (1, 10):
        plot_f1(_report(n_classes), tmp_path / "report.png")
        image = matplotlib.image.imread(tmp_path / "report.png")
        assert image.std() > 0
        heights.append(image.shape[0])
    assert heights[1] > 2 * heights[0]


def test_more_classes_than_an_image_has_room_for(tmp_path):
    """Matplotlib draws less than 2**16 pixels: that many inches at 150 dpi."""
    with canvas(tmp_path / "long.png", 2, 500) as figure:
        figure.add_subplot()
    assert 2**14 < matplotlib.image.imread(tmp_path / "long.png").shape[0]


def test_names_are_no_formulas(tmp_path):
    report = _report(2)
    for table in (
        report["event_f1"],
        report["confidence_intervals"]["event_f1"],
    ):
        values = table["per_class"]
        table["per_class"] = dict(
            zip(["$\\bad{$", "a\\b"], values.values(), strict=True)
        )
    plot_f1(report, tmp_path / "report.png")
    assert (tmp_path / "report.png").exists()


def test_gaps_in_a_report(tmp_path):
    report = _report(2, psds=None)
    report["event_f1"]["per_class"]["Class_0"] = None
    bounds = report["confidence_intervals"]["event_f1"]
    bounds["per_class"]["Class_0"] = bounds["macro"] = None
    plot_f1(report, tmp_path / "report.png")
    assert (tmp_path / "report.png").exists()


def test_other_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match="report.txt"):
        plot_f1(_report(1), tmp_path / "report.txt")
    assert not list(tmp_path.iterdir())
