"""The figure of clips as points."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sb_sed.errors import InputError
from sb_sed.plots.embeddings import plot_embeddings, probe


def groups(distance, n=60, size=5):
    """Two clouds, apart in the last and least of their dimensions."""
    rng = np.random.default_rng(0)
    scale = np.array([9.0, 5.0, 3.0, 2.0, 1.0][:size])
    a, b = scale * rng.normal(size=(2, n, size))
    b[:, -1] += distance
    return {"synthetic": a, "recorded": b[: n // 2]}


def test_the_points_are_the_principal_components(tmp_path):
    panels = {"one": groups(0.0), "two $x$": groups(20.0)}
    figure = plot_embeddings(panels, tmp_path / "figure.png", title="t")
    assert (tmp_path / "figure.png").stat().st_size > 1000
    for axes, clouds in zip(figure.axes, panels.values(), strict=True):
        expected = PCA(2).fit(np.concatenate([*clouds.values()]))
        for drawn, cloud in zip(axes.collections, clouds.values(), strict=True):
            found = np.abs(np.asarray(drawn.get_offsets()))
            np.testing.assert_allclose(
                found, np.abs(expected.transform(cloud)), atol=1e-8
            )
        share = 100 * expected.explained_variance_ratio_[0]
        assert axes.get_xlabel() == f"component 1 ({share:.0f} %)"
    assert (
        figure.axes[1]
        .get_title()
        .startswith("two $x$\nlinear probe: accuracy 100")
    )


def test_the_probe_sees_what_is_hidden_in_a_small_component():
    assert probe(groups(8.0)).accuracy > 0.95
    chance = probe(groups(0.0))
    assert 0.3 < chance.accuracy < 0.7 and 0.3 < chance.auc < 0.7
    for low, high in (chance.accuracy_interval, chance.auc_interval):
        assert low <= 0.5 <= high


@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0])
def test_the_probe_against_scikit_learn(distance):
    """Held-out balanced accuracy, and AUC, each the mean over the folds."""
    clouds = groups(distance)
    data = np.concatenate([*clouds.values()])
    labels = np.repeat([0, 1], [60, 30])
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced")
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_validate(
        model,
        *(data, labels),
        cv=folds,
        scoring=["balanced_accuracy", "roc_auc"],
    )
    found = probe(clouds)
    # The folds are of equal sizes.
    assert found.accuracy == pytest.approx(
        scores["test_balanced_accuracy"].mean()
    )
    assert found.auc == pytest.approx(scores["test_roc_auc"].mean())
    assert found == probe(clouds)
    assert str(found).startswith(f"accuracy {100 * found.accuracy:.0f} % [")


def test_the_intervals_hold_what_other_clips_give():
    """Means of many draws of clips; the interval of each has its width."""
    draws = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(2, 100, 2))
        draws.append(probe({"a": a, "b": b + [1.0, 0.0]}))
    for name in ("accuracy", "auc"):
        values = [getattr(draw, name) for draw in draws]
        ends = np.array([getattr(draw, f"{name}_interval") for draw in draws])
        width = np.diff(ends, axis=1).mean()
        assert width == pytest.approx(2 * 1.96 * np.std(values), rel=0.35)
        # A normal variable in a distance of 1: the best of all classifiers.
        best = {"accuracy": norm.cdf(0.5), "auc": norm.cdf(0.5**0.5)}[name]
        inside = (ends[:, 0] <= best) & (best <= ends[:, 1])
        assert inside.mean() > 0.85


def test_three_groups():
    rng = np.random.default_rng(0)
    clouds = {name: rng.normal(size=(20, 3)) for name in "abc"}
    assert probe(clouds).auc_interval[0] < 0.5 < probe(clouds).auc_interval[1]
    clouds = {name: x + 99 * i for i, (name, x) in enumerate(clouds.items())}
    assert probe(clouds).accuracy == 1


def test_few_and_constant_embeddings(tmp_path):
    same = {"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}
    assert probe(same).accuracy == probe(same).auc == 0.5
    plot_embeddings({"run": same}, tmp_path / "figure.svg")


def test_another_kind_of_file(tmp_path):
    with pytest.raises(InputError, match="end its name in"):
        plot_embeddings({"run": groups(0.0)}, tmp_path / "figure.txt")
