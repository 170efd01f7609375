"""The figure of a training: which curve is drawn where, and its values."""

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.plots import plot_training


def curve(*values):
    return pd.Series(values, index=range(1, 1 + len(values)), dtype=float)


def lines(figure):
    """What the figure shows: panel to label to values."""
    return {
        axes.get_title(): {
            line.get_label(): line.get_ydata().tolist() for line in axes.lines
        }
        for axes in figure.axes
    }


def test_what_belongs_together_shares_a_panel(tmp_path):
    curves = {
        "lr_student": curve(1, 2),
        "consistency_weight": curve(3, 4),
        "ppcen/alpha_1": curve(5, 6),
        "ppcen/weight1_1": curve(7, 8),
        "ppcen/alpha_2": curve(9, 10),
        "ppcen/s1": curve(11, 12),
        "ppcen/s2": curve(13, 14),
        "strong/train": curve(15, 16),
        "weak_consistency/train": curve(17, 18),
        "loss/train": curve(19, 20),
        "loss/valid": curve(21, 22),
        "student_event_f1/valid": curve(23, 24),
        "teacher_event_f1/valid": curve(25, 26),
    }
    figure = plot_training(curves, tmp_path / "curves.png", title="a $run")
    shown = lines(figure)
    assert list(shown) == [
        "loss",
        "terms of the training loss",
        "event-based F1, validation",
        "learning rate",
        "consistency weight",
        "ppcen: alpha",
        "ppcen: weight1",
        "ppcen: s",
    ]
    assert shown["loss"] == {"train": [19, 20], "valid": [21, 22]}
    assert list(shown["terms of the training loss"]) == [
        "strong",
        "weak consistency",
    ]
    assert shown["event-based F1, validation"]["teacher"] == [25, 26]
    assert shown["ppcen: alpha"] == {"layer 1": [5, 6], "layer 2": [9, 10]}
    assert shown["ppcen: s"] == {"1": [11, 12], "2": [13, 14]}
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2]
    assert figure.get_suptitle() == "a $run"
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


@pytest.mark.parametrize("n_panels", [1, 2, 3, 5, 9, 13])
def test_every_column_ends_with_its_epochs(tmp_path, n_panels):
    curves = {f"value {i}": curve(i, np.nan, 2) for i in range(n_panels)}
    figure = plot_training(curves, tmp_path / "curves.svg")
    assert len(figure.axes) == n_panels
    columns = {}
    for axes in figure.axes:
        columns[axes.get_subplotspec().colspan.start] = axes
    assert [axes for axes in figure.axes if axes.get_xlabel() == "epoch"] == (
        sorted(columns.values(), key=figure.axes.index)
    )
    for axes in columns.values():
        assert any(tick.get_visible() for tick in axes.get_xticklabels())


def test_other_names_have_a_panel_of_their_own(tmp_path):
    names = ["a/", "/b", "a/b/c", "f1/test", "7"]
    figure = plot_training(
        {name: curve(1) for name in names}, tmp_path / "curves.pdf"
    )
    assert len(figure.axes) == len(names)


def test_other_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"curves\.txt"):
        plot_training({"a": curve(1)}, tmp_path / "curves.txt")
    assert not list(tmp_path.iterdir())


def test_the_curves_of_an_adaptation(tmp_path):
    names = [
        "adversarial/train",
        "adversarial_gradient/train",
        "discriminator_gradient/train",
        "domain_accuracy_mean/valid",
        "domain_accuracy_recorded/valid",
        "domain_auc/valid",
    ]
    curves = {name: curve(0.5, 0.25) for name in names}
    shown = lines(plot_training(curves, tmp_path / "adaptation.png"))
    assert {title: len(panel) for title, panel in shown.items()} == {
        "adversarial gradient, norm": 1,
        "discriminator gradient, norm": 1,
        "terms of the training loss": 1,
        "domain accuracy, validation": 2,
        "domain auc": 1,
    }
    assert list(shown["domain accuracy, validation"]) == ["mean", "recorded"]
