"""Hits and estimates of each setting of a smoother in each file.

Collar-based F1 is made of sums over files, so one table of counts serves every
search on every part of the data: splits, folds and bootstrap draws.

Authors
 * sb_sed contributors 2026
"""

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.formats import match_tables, same_name
from sb_sed.scoring.counts import f1, macro_mean
from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.packed import pack
from sb_sed.tuning.matching import Reference, collar_hits

# A bar for what takes longer than two seconds, in a terminal.
progress = partial(tqdm, delay=2, leave=False, disable=None)


class Trials:
    """The smoother's settings, tried on the files that have a reference.

    Arguments
    ---------
    smoother : Smoother
        Whose ``axes`` are tried.
    scores : Mapping[str, pd.DataFrame]
        As of :func:`sb_sed.formats.read_scores`.
    events : pd.DataFrame
        The reference, as of :func:`sb_sed.formats.read_events`. Its files,
        with or without events, count if they have scores.

    Attributes
    ----------
    files : list of str
        The F files that count, as the scores name them.
    classes : list of str
        The C classes of the scores.
    packs : list of PackedScores
        Their scores.
    references : dict[str, list of Reference]
        For each class its events, pack by pack.
    reference : np.ndarray
        Number of reference events, ``[F, C]``.
    missing : list of str
        Files of the reference that have no scores, as it names them.
    unknown : list of str
        Classes of the reference that the scores lack.

    Raises
    ------
    InputError
        If no file or no class of the reference has scores.
    """

    def __init__(
        self,
        smoother: Smoother,
        scores: Mapping[str, pd.DataFrame],
        events: pd.DataFrame,
    ):
        names = list(dict.fromkeys(events["filename"].map(same_name)))
        clips = match_tables(names, scores, ("reference", "scores"))
        packs = pack({name: scores[clip] for name, clip in clips.items()})
        self.smoother = smoother
        self.classes = packs[0].classes
        self.files = [clips[name] for packed in packs for name in packed.files]
        self.missing = [name for name in names if name not in clips]
        labels = dict.fromkeys(events["event_label"].dropna())
        self.unknown = [x for x in labels if x not in self.classes]
        self.packs = packs
        self.references = {
            label: [
                Reference.from_events(events, label, packed.files)
                for packed in packs
            ]
            for label in self.classes
        }
        self.reference = np.stack(
            [
                np.concatenate([some.counts for some in self.references[label]])
                for label in self.classes
            ],
            axis=1,
        )
        if not self.reference.any():
            raise InputError(
                f"No event of the reference has a class of the scores "
                f"({', '.join(self.classes)}): name the classes alike."
            )

    @cached_property
    def settings(self) -> list[Setting]:
        """Return the S points of the grid, the last axis running fastest."""
        axes = self.smoother.axes
        return [
            dict(zip(axes, values, strict=True))
            for values in itertools.product(*axes.values())
        ]

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and estimates of all settings, ``[C, S, F]``."""
        shape = len(self.classes), len(self.settings), len(self.files)
        hits, estimates = np.empty((2, *shape), dtype=np.float32)
        for index, label in enumerate(
            progress(self.classes, "trying all settings")
        ):
            hits[index], estimates[index] = self.try_settings(
                label, self.settings
            )
        return hits, estimates

    def counts(
        self, parameters: Mapping[str, Setting]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and estimates, each ``[F, C]``, of parameters (class ->
        name -> value) on the grid or off it."""
        rows = [self._row(label, parameters[label]) for label in self.classes]
        hits, estimates = np.stack(rows, axis=2)
        return hits, estimates

    def macro_f1(
        self, parameters: Mapping[str, Setting], weights: np.ndarray
    ) -> float:
        """Return the macro F1 of parameters on weighted files ``[F]``."""
        return float(self.score(self.counts(parameters), weights))

    def score(
        self, counts: tuple[np.ndarray, np.ndarray], weights: np.ndarray
    ) -> np.ndarray:
        """Return the macro F1 ``[...]`` of :meth:`counts` on weighted files
        ``[..., F]``; 0 if the reference has no event there."""
        weights = np.asarray(weights, dtype=float)
        sums = (weights @ n for n in (*counts, self.reference))
        return np.nan_to_num(macro_mean(f1(*sums)))

    def _row(self, label: str, setting: Setting) -> tuple:
        """Return hits and estimates of a class at a setting, each ``[F]``."""
        if "grid" in self.__dict__ and setting in self.settings:
            index, row = self.classes.index(label), self.settings.index(setting)
            return self.grid[0][index, row], self.grid[1][index, row]
        hits, estimates = self.try_settings(label, [setting])
        return hits[0], estimates[0]

    def try_settings(
        self, label: str, settings: Sequence[Setting]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return hits and estimates of a class, each ``[S, F]``."""
        parts = [
            collar_hits(
                reference,
                self.smoother.decode(packed, label, settings),
                len(settings),
            )
            for packed, reference in zip(
                self.packs, self.references[label], strict=True
            )
        ]
        hits, estimates = zip(*parts, strict=True)
        return np.concatenate(hits, axis=1), np.concatenate(estimates, axis=1)
