"""A simulated listener, who knows the reference and errs at times.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sb_sed.formats import match_names
from sb_sed.formats.reviews import CHECKED, MISSED, REVIEW_COLUMNS
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO

_Spans = tuple[np.ndarray, np.ndarray]


class Listener:
    """Answers what a person would, to find out how many answers are needed.

    A detection is right if it is within the collars of an event of its class;
    if it only overlaps one, a boundary is wrong, and is corrected. In a window,
    events are added that have no box of their own: that no box of their class
    overlaps, or only one that overlaps another event more.

    Arguments
    ---------
    reference : pd.DataFrame
        All true events, as of :func:`sb_sed.formats.read_events`.
    errors : float
        Share of the judgements that are any other one, and of the missed
        events that are overheard.
    seed : int
        Of the errors.

    Example
    -------
    >>> events = [["a.wav", 1.0, 2.0, "Dog"]]
    >>> reference = pd.DataFrame(events, columns=REVIEW_COLUMNS[:4])
    >>> items = reference.assign(confidence=0.5, probability=0.1)
    >>> Listener(reference)(items, boxes=items).loc[0, "answer"]
    'right'
    """

    def __init__(
        self, reference: pd.DataFrame, errors: float = 0.0, seed: int = 0
    ):
        self.errors = errors
        self._generator = np.random.default_rng(seed)
        events = reference.dropna(subset=["event_label"])
        self._names = events["filename"].unique()
        # By recording, then by class: onsets and offsets, in seconds.
        self._events = {name: {} for name in self._names}
        for (name, label), some in _spans(events).items():
            self._events[name][label] = some

    def __call__(
        self, items: pd.DataFrame, boxes: pd.DataFrame
    ) -> pd.DataFrame:
        """Answer.

        Arguments
        ---------
        items : pd.DataFrame
            Of :func:`sb_sed.reviewing.sampling.draw`.
        boxes : pd.DataFrame
            All boxes, which the listener sees.

        Returns
        -------
        reviews : pd.DataFrame
            As of :func:`sb_sed.formats.reviews.read_reviews`.
        """
        sides = "items", "reference"
        asked = items["filename"].unique()
        names = dict(zip(asked, asked, strict=True))
        if not names.keys() <= self._events.keys():
            names = match_names(asked, self._names, sides)
        windows = items[items["event_label"].isna()]
        mine = boxes["filename"].isin(windows["filename"])
        seen = _spans(boxes[mine])
        rows = []
        for item in items.itertuples(index=False):
            true = self._events.get(names.get(item.filename), {})
            if isinstance(item.event_label, str):
                rows.append((*item, *self._judge(item, true)))
            else:
                rows += self._search(item, true, seen)
        return pd.DataFrame(rows, columns=REVIEW_COLUMNS)

    def _judge(self, item, true: Mapping[str, _Spans]) -> tuple:
        """Answer and true event about a detection."""
        answer, event = "wrong", (np.nan, np.nan, np.nan)
        if item.event_label in true:
            onset, offset = true[item.event_label]
            collar = np.maximum(COLLAR, OFFSET_RATIO * (offset - onset))
            within = np.abs(onset - item.onset) <= COLLAR
            within &= np.abs(offset - item.offset) <= collar
            shared = np.minimum(offset, item.offset)
            shared = shared - np.maximum(onset, item.onset)
            if within.any():
                answer = "right"
            elif (shared > 0).any():
                best = shared.argmax()
                event = onset[best], offset[best], item.event_label
                answer = "boundary"
        if self._generator.random() < self.errors:
            others = {"right", "boundary", "wrong"} - {answer}
            answer = str(self._generator.choice(sorted(others)))
            if answer != "boundary":
                event = np.nan, np.nan, np.nan
        return answer, *event

    def _search(
        self,
        item,
        true: Mapping[str, _Spans],
        seen: Mapping[tuple[str, str], _Spans],
    ) -> list[tuple]:
        """The rows about a window."""
        rows = [(*item, CHECKED, np.nan, np.nan, np.nan)]
        for label, spans in true.items():
            own = np.zeros(len(spans[0]), dtype=bool)
            if (item.filename, label) in seen:
                own = _have_their_own(spans, seen[item.filename, label])
            for onset, offset, boxed in zip(*spans, own, strict=True):
                inside = onset < item.offset and offset > item.onset
                if not inside or boxed:
                    continue
                if self._generator.random() >= self.errors:
                    rows.append((*item, MISSED, onset, offset, label))
        return rows


def _spans(events: pd.DataFrame) -> dict[tuple[str, str], _Spans]:
    """Onsets and offsets by recording and class."""
    onset, offset = events["onset"].to_numpy(), events["offset"].to_numpy()
    groups = events.groupby(["filename", "event_label"], sort=False).indices
    return {key: (onset[at], offset[at]) for key, at in groups.items()}


def _have_their_own(true: _Spans, boxes: _Spans) -> np.ndarray:
    """Which events a box of the class overlaps more than the others, [E]."""
    (onset, offset), (first, last) = true, boxes
    shared = np.minimum(offset[:, None], last) - np.maximum(
        onset[:, None], first
    )
    own = shared.argmax(axis=0)[shared.max(axis=0) > 0]
    return np.isin(np.arange(len(onset)), own)
