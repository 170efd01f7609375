"""Simulated annotators: their jitter, what they miss and what they imagine.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.formats import Event

_SHORTEST = 0.05  # seconds of a marked event


@dataclass(frozen=True)
class Annotator:
    """An annotator of known faults.

    Arguments
    ---------
    name : str
        Who.
    jitter : float
        Standard deviation of onsets and offsets, in seconds; no more than a
        third of the event's length.
    misses : float
        Share of the events that are not marked.
    false : float
        Events that are marked where none is, for each true one.
    """

    name: str
    jitter: float
    misses: float
    false: float

    @property
    def quality(self) -> float:
        """F1 of the events that are marked, were there no jitter."""
        return 2 * (1 - self.misses) / (2 - self.misses + self.false)

    def annotate(
        self,
        rng: Generator,
        events: Sequence[Event],
        seconds: float,
        classes: Sequence[str],
    ) -> list[Event]:
        """Mark the events of a recording.

        Arguments
        ---------
        rng : numpy.random.Generator
            Random numbers of this annotation.
        events : Sequence[Event]
            The true ones.
        seconds : float
            Length of the recording.
        classes : Sequence[str]
            Of what is marked falsely.

        Returns
        -------
        list[Event]
            Sorted, with times to the millisecond.

        Example
        -------
        >>> rng = np.random.default_rng(0)
        >>> perfect = Annotator("Ann", 0.0, 0.0, 0.0)
        >>> perfect.annotate(rng, [Event(1.0, 2.0, "keychain")], 10.0, [])
        [Event(onset=1.0, offset=2.0, event_label='keychain')]
        """
        marked = []
        for onset, offset, label in events:
            move = min(self.jitter, (offset - onset) / 3)
            begin, end = (onset, offset) + move * rng.standard_normal(2)
            if rng.random() >= self.misses:
                marked.append(_event(begin, end, label, seconds))
        for _ in range(rng.poisson(self.false * len(events))):
            begin = rng.uniform(0, seconds)
            length = rng.exponential(1.5)
            label = classes[int(rng.integers(len(classes)))]
            marked.append(_event(begin, begin + length, label, seconds))
        return sorted(marked)


def draw_annotators(rng: Generator, count: int) -> list[Annotator]:
    """Draw annotators from careful to careless, in an order of chance.

    Example
    -------
    >>> team = draw_annotators(np.random.default_rng(0), 12)
    >>> min(x.quality for x in team) < 0.6 < 0.9 < max(x.quality for x in team)
    True
    """
    care = rng.permutation(np.linspace(0, 1, count)).tolist()
    return [
        Annotator(
            f"annotator{number:02d}",
            jitter=round(0.03 + 0.4 * (1 - c) ** 2, 3),
            misses=round(0.02 + 0.48 * (1 - c) * rng.uniform(0.8, 1.2), 3),
            false=round(0.02 + 0.6 * (1 - c) * rng.uniform(0.8, 1.2), 3),
        )
        for number, c in enumerate(care)
    ]


def _event(begin: float, end: float, label: str, seconds: float) -> Event:
    """An event within its recording, in milliseconds."""
    begin = min(max(0.0, begin), seconds - _SHORTEST)
    end = min(max(end, begin + _SHORTEST), seconds)
    return Event(round(float(begin), 3), round(float(end), 3), label)
