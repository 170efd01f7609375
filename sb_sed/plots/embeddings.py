"""The figure of embeddings: clips of several domains as points.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    linear probe separates the groups on clips that it was not trained on (see
    :func:`probe`): components show what varies most, which need not be what
    differs between the groups.

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
    >>> print(figure.axes[0].get_title())
    Run
    linear probe: accuracy 100 % [100, 100],
    AUC 1.00 [1.00, 1.00]
    """
    with canvas(path, 3.2 * len(panels), 3.4, title) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (name, groups) in zip(grid, panels.items(), strict=True):
            _draw_groups(axes, groups)
            found = str(probe(groups)).replace(", AUC", ",\nAUC")
            axes.set_title(
                f"{printable(name)}\nlinear probe: {found}",
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


@dataclass(frozen=True)
class Probe:
    """How well a classifier separates groups, with 95 % intervals.

    Arguments
    ---------
    accuracy : float
        Mean of the groups' accuracies.
    accuracy_interval : tuple[float, float]
        Its lower and upper end.
    auc : float
        The area under the ROC curve; of more than two groups, the mean over
        each against the others.
    auc_interval : tuple[float, float]
        Its lower and upper end.

    Example
    -------
    >>> print(Probe(0.712, (0.641, 0.78), 0.8, (0.73, 0.86)))
    accuracy 71 % [64, 78], AUC 0.80 [0.73, 0.86]
    """

    accuracy: float
    accuracy_interval: tuple[float, float]
    auc: float
    auc_interval: tuple[float, float]

    def __str__(self) -> str:
        """Return the figures as a phrase."""
        low, high = (100 * end for end in self.accuracy_interval)
        return (
            f"accuracy {100 * self.accuracy:.0f} % [{low:.0f}, {high:.0f}], "
            "AUC {:.2f} [{:.2f}, {:.2f}]".format(self.auc, *self.auc_interval)
        )


def probe(groups: Mapping[str, np.ndarray], n_resamples: int = 1000) -> Probe:
    """Measure how well a linear classifier separates groups of embeddings.

    A logistic regression on standardised embeddings is fitted to four fifths of
    the clips and applied to the others, five times. That is what is left of the
    domains after an adaptation: unlike the discriminator of the training, the
    probe is fitted to the embeddings as they are now.

    Arguments
    ---------
    groups : Mapping[str, numpy.ndarray]
        The embeddings of each group, at least two of each, [n, D].
    n_resamples : int
        Of the clips, within folds and groups, for the intervals. They contain
        the chance in the clips that are measured on, not that in those that
        the probe is fitted to.

    Returns
    -------
    Probe
        With two groups, 0.5 is a guess, whatever their sizes.

    Example
    -------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50, 3))
    >>> 0.3 < probe({"a": a, "b": b}).accuracy < 0.7
    True
    >>> probe({"a": a, "b": b + 9}).auc
    1.0
    """
    sizes = [len(group) for group in groups.values()]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(0)
    accuracies, aucs = [], []  # of each fold and group, [1 + n_resamples]
    shares = []
    for fold, right, scores in _folds(
        np.concatenate([*groups.values()]), labels
    ):
        counts = np.ones((1 + n_resamples, len(fold)))
        members = [labels[fold] == group for group in range(len(sizes))]
        for of_group in members:
            n = of_group.sum()
            counts[1:, of_group] = rng.multinomial(n, [1 / n] * n, n_resamples)
        for group, of_group in enumerate(members):
            accuracies.append(counts[:, of_group] @ right[of_group])
            shares.append(1 / sizes[group] / len(sizes))
            column = scores[:, group]
            order = np.sign(column[of_group][:, None] - column[~of_group])
            wins = counts[:, of_group] @ (order / 2 + 0.5)
            pairs = (wins * counts[:, ~of_group]).sum(1)
            aucs.append(pairs / order.size)
    accuracy, auc = np.dot(shares, accuracies), np.mean(aucs, axis=0)
    return Probe(
        float(accuracy[0]), _interval(accuracy), float(auc[0]), _interval(auc)
    )


def _folds(
    embeddings: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Fit to all but a fold: its clips, which are right [n], scores [n, G]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_folds = min(_FOLDS, *np.bincount(labels))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    for rest, fold in folds.split(embeddings, labels):
        model = make_pipeline(
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=1000),
        )
        model.fit(embeddings[rest], labels[rest])
        scores = model.decision_function(embeddings[fold])
        if scores.ndim == 1:  # of two groups, those of the second
            scores = np.stack([-scores, scores], axis=1)
        right = model.predict(embeddings[fold]) == labels[fold]
        yield fold, right.astype(float), scores


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of what resampling gave."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return float(low), float(high)


def _principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components [n, 2]; shares of the variance."""
    centred = points - points.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    shares = values**2 / max((values**2).sum(), 1e-300)
    return left[:, :2] * values[:2], shares
