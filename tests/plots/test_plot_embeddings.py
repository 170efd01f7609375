"""The figure of clips as points."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

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
    assert figure.axes[1].get_title().startswith("two $x$\nlinear probe: 100")


def test_the_probe_sees_what_is_hidden_in_a_small_component():
    assert probe(groups(8.0)) > 0.95
    assert 0.3 < probe(groups(0.0)) < 0.7


def test_few_and_constant_embeddings(tmp_path):
    same = {"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}
    assert probe(same) == 0.5
    plot_embeddings({"run": same}, tmp_path / "figure.svg")


def test_another_kind_of_file(tmp_path):
    with pytest.raises(InputError, match="end its name in"):
        plot_embeddings({"run": groups(0.0)}, tmp_path / "figure.txt")
