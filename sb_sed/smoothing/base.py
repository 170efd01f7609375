"""The base of all smoothers: parameters of each class, events and scores.

Authors
 * sb_sed contributors 2026
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, audio_names
from sb_sed.smoothing.calibration import Calibration
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.packed import PackedScores, pack

Setting = Mapping[str, float]


class Smoother(ABC):
    """Decodes the scores of a data set into events.

    A smoother names its parameters (``axes``) and decodes one class at many
    settings of them at once (:meth:`decode`); all else follows from these two.
    Parameters are found by :mod:`sb_sed.tuning`.

    Arguments
    ---------
    parameters : Mapping, optional
        The setting of each class (``{"Dog": {"threshold": 0.4}, ...}``) or one
        for all (``{"threshold": 0.4}``).
    clip_gate : bool
        Whether it is to decode ``min(strong, weak)``. Weak scores are those of
        a clip as a whole, which a smoother does not get: whoever has them
        gates the scores before (:mod:`sb_sed.smoothing.gate`).

    Attributes
    ----------
    name : str
        What the smoother is called in files and commands.
    axes : Mapping[str, Sequence[float]]
        The grid: values of each parameter, in order.
    tied : frozenset of str
        Parameters that all classes share.
    keeps_extents : bool
        Whether its parameter ``threshold`` drops events by their confidence
        and changes nothing else.
    calibration : Calibration | None
        What turns the confidences of events into probabilities, if it is
        known; thresholds are those of the confidences before.
    """

    name: str
    axes: Mapping[str, Sequence[float]]
    tied: frozenset[str] = frozenset()
    keeps_extents: bool = False
    clip_gate: bool = False
    calibration: Calibration | None = None

    def __init__(
        self,
        parameters: Setting | Mapping[str, Setting] | None = None,
        clip_gate: bool = False,
    ):
        self.parameters: dict[str, Any] = dict(parameters or {})
        self.clip_gate = clip_gate

    @abstractmethod
    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """Find the events of one class at each of many settings.

        Arguments
        ---------
        packed : PackedScores
            Scores of some files.
        label : str
            The class.
        settings : sequence of Mapping[str, float]
            A value for each name in ``axes``.

        Returns
        -------
        detections : Detections
        """

    @property
    def _for_all(self) -> bool:
        """Whether all classes have the same parameters."""
        values = self.parameters.values()
        return not any(isinstance(value, Mapping) for value in values)

    def setting_of(self, label: str) -> Setting:
        """Return the parameters of one class.

        Arguments
        ---------
        label : str
            The class.

        Returns
        -------
        setting : Mapping[str, float]

        Raises
        ------
        InputError
            If there are none for it.
        """
        one = self.parameters
        setting = one if self._for_all else one.get(label, {})
        if missing := [name for name in self.axes if name not in setting]:
            raise InputError(
                f"The smoother {self.name} has no {missing[0]} for the class "
                f"{label!r}: tune it, or give the parameters of each class or "
                "one set for all."
            )
        return setting

    def at(self, threshold: float | Mapping[str, float]) -> "Smoother":
        """Return this smoother with other thresholds, not calibrated.

        Arguments
        ---------
        threshold : float | Mapping[str, float]
            Of all classes, or of each.
        """
        other = copy.copy(self)
        other.calibration = None
        if isinstance(threshold, Mapping):
            settings = {label: self.setting_of(label) for label in threshold}
        elif self._for_all:
            other.parameters = {**self.parameters, "threshold": threshold}
            return other
        else:
            settings = self.parameters
            threshold = dict.fromkeys(settings, threshold)
        other.parameters = {
            label: {**setting, "threshold": threshold[label]}
            for label, setting in settings.items()
        }
        return other

    def given(self, name: str) -> float | dict[str, float]:
        """Return the parameter ``name``: of all classes, or class by class."""
        if name in self.parameters:
            return self.parameters[name]
        return {
            label: setting[name] for label, setting in self.parameters.items()
        }

    def options(self) -> dict:
        """Return the other arguments of the constructor, as plain values."""
        return {"clip_gate": self.clip_gate}

    def state(self) -> dict:
        """Return all that is needed to make the smoother again.

        Returns
        -------
        state : dict
            ``smoother`` (its name), ``version``, ``parameters``, ``options``,
            and ``calibration`` if there is one; plain values, for JSON.
        """
        state = {
            "smoother": self.name,
            "version": 1,
            "parameters": self.parameters,
            "options": self.options(),
        }
        if self.calibration is not None:
            state["calibration"] = self.calibration.state()
        return state

    def __call__(self, scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Decode the scores of a data set.

        Arguments
        ---------
        scores : Mapping[str, pd.DataFrame]
            For each clip (the file's name, mostly without ``.wav``) a table of
            onset, offset (seconds) and one column of scores a class.

        Returns
        -------
        events : pd.DataFrame
            filename, onset, offset (seconds), event_label and confidence (0
            to 1; with a calibration, the probability that the event is right):
            clip by clip, by onset, offset and label.

        Raises
        ------
        InputError
            If a class has no parameters.
        """
        place = {clip: index for index, clip in enumerate(scores)}
        names = audio_names(scores)
        rows = [
            (place[clip], names[clip], *event)
            for clip, *event in self._events(scores)
        ]
        events = pd.DataFrame(
            [row[1:] for row in sorted(rows)],
            columns=[*EVENT_COLUMNS, "confidence"],
        )
        if self.calibration is not None:
            events["confidence"] = self.calibration(
                events["event_label"], events["confidence"]
            )
        return events

    def to_scores(
        self, scores: Mapping[str, pd.DataFrame]
    ) -> dict[str, pd.DataFrame]:
        """Turn events into scores, for figures over all thresholds.

        A smoother whose threshold is one of the events' confidences gives the
        events of all confidences: thresholding their scores at its threshold
        gives its own events.

        Arguments
        ---------
        scores : Mapping[str, pd.DataFrame]
            As for a call.

        Returns
        -------
        smoothed : dict
            Of confidences as they are without a calibration, which changes
            neither their order within a class nor its threshold. Tables of the
            same span, on the same frames or, where an event
            begins or ends inside one, on parts of them. A class has the
            event's confidence from its onset to its offset (the largest where
            events overlap), 0 elsewhere.
        """
        found: dict[str, list] = {clip: [] for clip in scores}
        every = {"threshold": 0.0} if "threshold" in self.axes else {}
        for clip, *event in self._events(scores, every):
            found[clip].append(event)
        return {
            clip: _as_scores(found[clip], table)
            for clip, table in scores.items()
        }

    def _events(
        self,
        scores: Mapping[str, pd.DataFrame],
        changes: Setting | None = None,
    ) -> Iterator[tuple]:
        """Yield (clip, onset, offset, label, confidence)."""
        for packed in pack(scores):
            for label in packed.classes:
                setting = {**self.setting_of(label), **(changes or {})}
                found = self.decode(packed, label, [setting])
                for file, onset, offset, confidence in zip(
                    found.file.tolist(),
                    found.onset.tolist(),
                    found.offset.tolist(),
                    found.confidence.tolist(),
                    strict=True,
                ):
                    yield packed.files[file], onset, offset, label, confidence


def _as_scores(events: list[tuple], table: pd.DataFrame) -> pd.DataFrame:
    """Events as a scores table on the frames of another."""
    times = [time for onset, offset, *_ in events for time in (onset, offset)]
    frames = [*table["onset"], table["offset"].iloc[-1]]
    edges = np.unique(np.clip([*frames, *times], frames[0], frames[-1]))
    smoothed = pd.DataFrame(0.0, range(len(edges) - 1), table.columns)
    smoothed["onset"], smoothed["offset"] = edges[:-1], edges[1:]
    for onset, offset, label, confidence in events:
        first, end = np.searchsorted(edges, [onset, offset])
        column = smoothed[label].to_numpy(copy=True)
        column[first:end] = np.maximum(column[first:end], confidence)
        smoothed[label] = column
    return smoothed
