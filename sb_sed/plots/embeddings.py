"""The figure of embeddings: clips of several domains as points.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sb_sed.errors import printable
from sb_sed.plots.canvas import canvas, tidy

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_FOLDS = 5


def plot_embeddings(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    path: str | Path,
    title: str = "",
):
    """Draw the embeddings of clips in their two principal components.

    Each panel has components of its own. Under its title stands how well a
    linear probe separates the groups on clips that it was not trained on
    (mean of the groups' accuracies in cross-validation): components show what
    varies most, which need not be what differs between the groups.

    Arguments
    ---------
    panels : Mapping[str, Mapping[str, numpy.ndarray]]
        For each panel's title, the embeddings [n, D] of each group.
    path, title
        Of the figure, see :mod:`sb_sed.plots`.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> groups = {"a": rng.normal(size=(9, 4)), "b": rng.normal(9, 1, (9, 4))}
    >>> path = getfixture("tmp_path") / "embeddings.png"
    >>> figure = plot_embeddings({"Run": groups}, path)
    >>> figure.axes[0].get_title()
    'Run\\nlinear probe: 100 %'
    """
    with canvas(path, 3.2 * len(panels), 3.4, title) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (name, groups) in zip(grid, panels.items(), strict=True):
            _draw_groups(axes, groups)
            axes.set_title(
                f"{printable(name)}\nlinear probe: {100 * probe(groups):.0f} %",
                fontsize=9,
                parse_math=False,
            )
        tidy(grid)
        grid[0].legend(fontsize=7, frameon=False)
    return figure


def _draw_groups(axes, groups: Mapping[str, np.ndarray]) -> None:
    """The points of one panel, in a colour for each group."""
    points, shares = _principal(np.concatenate([*groups.values()]))
    ends = np.cumsum([len(group) for group in groups.values()])
    for label, colour, part in zip(
        groups, _COLOURS, np.split(points, ends[:-1]), strict=False
    ):
        axes.scatter(*part.T, s=9, c=colour, alpha=0.6, lw=0, label=label)
    axes.set_xlabel(f"component 1 ({100 * shares[0]:.0f} %)", fontsize=8)
    axes.set_ylabel(f"component 2 ({100 * shares[1]:.0f} %)", fontsize=8)


def probe(groups: Mapping[str, np.ndarray]) -> float:
    """Measure how well a linear classifier separates groups of embeddings.

    Each group has at least two, [n, D]. Returns the mean of the groups'
    accuracies in cross-validation; with two groups, 0.5 is a guess.

    Example
    -------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50, 3))
    >>> 0.3 < probe({"a": a, "b": b}) < 0.7, probe({"a": a, "b": b + 9})
    (True, 1.0)
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    embeddings = np.concatenate([*groups.values()])
    sizes = [len(group) for group in groups.values()]
    scores = cross_val_score(
        make_pipeline(
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=1000),
        ),
        embeddings,
        np.repeat(np.arange(len(sizes)), sizes),
        scoring="balanced_accuracy",
        cv=StratifiedKFold(min(_FOLDS, *sizes), shuffle=True, random_state=0),
    )
    return float(scores.mean())


def _principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components [n, 2]; shares of the variance."""
    centred = points - points.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    shares = values**2 / max((values**2).sum(), 1e-300)
    return left[:, :2] * values[:2], shares
