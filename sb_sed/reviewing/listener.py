"""A simulated listener, who knows the reference and errs at times.

Authors
 * sb_sed contributors 2026
"""

import numpy as np
import pandas as pd

from sb_sed.formats import match_names
from sb_sed.formats.reviews import CHECKED, MISSED, REVIEW_COLUMNS
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO


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
        self._events = reference.dropna(subset=["event_label"])

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
        names = match_names(items["filename"], self._events["filename"], sides)
        events = dict(iter(self._events.groupby("filename")))
        seen = dict(iter(boxes.groupby(["filename", "event_label"])))
        rows = []
        for item in items.itertuples(index=False):
            true = events.get(names.get(item.filename))
            if not isinstance(item.event_label, str):
                rows += self._search(item, true, seen)
            else:
                rows.append((*item, *self._judge(item, true)))
        return pd.DataFrame(rows, columns=REVIEW_COLUMNS)

    def _judge(self, item, true: pd.DataFrame | None) -> tuple:
        """Answer and true event about a detection."""
        answer, event = "wrong", (np.nan, np.nan, np.nan)
        if true is not None:
            mine = true[true["event_label"] == item.event_label]
            onset, offset = mine["onset"].to_numpy(), mine["offset"].to_numpy()
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

    def _search(self, item, true: pd.DataFrame | None, seen) -> list[tuple]:
        """The rows about a window."""
        rows = [(*item, CHECKED, np.nan, np.nan, np.nan)]
        if true is None:
            return rows
        inside = (true["onset"] < item.offset) & (true["offset"] > item.onset)
        for event in true[inside].itertuples(index=False):
            boxes = seen.get((item.filename, event.event_label))
            if boxes is not None and _has_its_own(event, true, boxes):
                continue
            if self._generator.random() >= self.errors:
                found = event.onset, event.offset, event.event_label
                rows.append((*item, MISSED, *found))
        return rows


def _has_its_own(event, true: pd.DataFrame, boxes: pd.DataFrame) -> bool:
    """Whether a box of the class overlaps the event more than the others."""
    true = true[true["event_label"] == event.event_label]
    onset, offset = (true[x].to_numpy()[:, None] for x in ("onset", "offset"))
    shared = np.minimum(offset, boxes["offset"].to_numpy())
    shared = shared - np.maximum(onset, boxes["onset"].to_numpy())
    own = shared.argmax(axis=0)[shared.max(axis=0) > 0]
    return bool((np.isclose(onset[own, 0], event.onset)).any())
