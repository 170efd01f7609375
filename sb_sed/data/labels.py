"""Labels: events, frame matrices and weak labels, one into the other.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor

import numpy as np
import torch
from speechbrain.dataio.encoder import CategoricalEncoder

from sb_sed.errors import InputError
from sb_sed.formats import Event
from sb_sed.formats.labels import label_fault, same_label

# Annotations have three decimals: an event on the frame grid may be off it by
# half a millisecond after it was written to a file and read again.
ROUNDING = 5.01e-4


class EventEncoder:
    """Events (seconds) into frame matrices and weak labels, and back.

    A frame is active if the event covers any part of it (onset rounded down,
    offset rounded up), so that short events keep their frames. A frame matrix
    that is decoded into events, written to a file of milliseconds and encoded
    again is unchanged. SpeechBrain's ``CategoricalEncoder`` keeps the classes.

    Arguments
    ---------
    classes : Sequence[str]
        The labels in the order of the network's outputs.
    frame_shift : float
        Seconds between output frames.

    Raises
    ------
    InputError
        If a class is listed twice or cannot be written
        (:func:`sb_sed.formats.labels.label_fault`), or an event has an unknown
        label.

    Example
    -------
    >>> encoder = EventEncoder(["Cat", "Dog"], frame_shift=0.5)
    >>> strong = encoder.encode_strong([(0.6, 1.4, "Dog")], n_frames=4)
    >>> strong.T
    tensor([[0., 0., 0., 0.],
            [0., 1., 1., 0.]])
    >>> encoder.decode_strong(strong)
    [Event(onset=0.5, offset=1.5, event_label='Dog')]
    >>> encoder.encode_weak(["Cat"])
    tensor([1., 0.])
    """

    def __init__(self, classes: Sequence[str], frame_shift: float):
        if len(set(classes)) != len(classes):
            raise InputError(
                f"The classes {list(classes)} name one twice: list each once."
            )
        for label in classes:
            if fault := label_fault(label):
                raise InputError(
                    f"The class {label!r} cannot be used, {fault}: correct it "
                    "in the list of the classes."
                )
        self.classes = list(classes)
        self.frame_shift = frame_shift
        self.encoder = CategoricalEncoder()
        self.encoder.update_from_iterable(self.classes, sequence_input=False)
        self.encoder.expect_len(len(self.classes))

    def encode_strong(
        self, events: Iterable[tuple[float, float, str]], n_frames: int
    ) -> torch.Tensor:
        """Mark the frames that each event covers.

        Arguments
        ---------
        events : Iterable[Event]
            What lies beyond the last frame is cut.
        n_frames : int
            T, the number of frames.

        Returns
        -------
        torch.Tensor
            1 where the class is active, else 0, float, [T, C].
        """
        strong = torch.zeros(n_frames, len(self.classes))
        slack = min(ROUNDING, self.frame_shift / 4)
        for onset, offset, label in events:
            first = max(0, floor((onset + slack) / self.frame_shift))
            last = ceil((offset - slack) / self.frame_shift)
            strong[first : max(last, first + 1), self.index(label)] = 1
        return strong

    def encode_weak(self, labels: Iterable[str]) -> torch.Tensor:
        """Mark the classes that occur, float, [C]."""
        weak = torch.zeros(len(self.classes))
        for label in labels:
            weak[self.index(label)] = 1
        return weak

    def known(
        self, judged: Iterable[tuple[float, float, str]], n_frames: int
    ) -> torch.Tensor:
        """Mark the frames in which a class was judged.

        Arguments
        ---------
        judged : Iterable[Event]
            Parts and classes; those that the encoder lacks are left out.
        n_frames : int
            T.

        Returns
        -------
        torch.Tensor
            bool, [T, C].
        """
        own = [x for x in judged if same_label(x[2]) in self.encoder.lab2ind]
        return self.encode_strong(own, n_frames) > 0

    def decode_strong(self, strong: torch.Tensor | np.ndarray) -> list[Event]:
        """Turn a frame matrix [T, C], non-zero where active, into events."""
        active = np.asarray(strong) > 0
        times = np.arange(len(active) + 1) * self.frame_shift
        return active_events(active, times[:-1], times[1:], self.classes)

    def decode_weak(self, weak: torch.Tensor | np.ndarray) -> list[str]:
        """Return the labels of the classes that are not 0 in ``weak``, [C]."""
        return [self.encoder.ind2lab[i] for i in np.flatnonzero(weak)]

    def index(self, label: str) -> int:
        """Return the column of a label, in any Unicode form."""
        label = same_label(label)
        if label not in self.encoder.lab2ind:
            raise InputError(
                f"The label {label!r} is none of the classes {self.classes}: "
                "correct the annotation or add the class."
            )
        return self.encoder.lab2ind[label]


def active_events(
    active: np.ndarray,
    onsets: np.ndarray,
    offsets: np.ndarray,
    classes: Sequence[str],
) -> list[Event]:
    """Turn runs of active frames into events.

    Each run of active frames of a class is one event, from the onset of its
    first frame to the offset of its last. The frames may differ in length.

    Arguments
    ---------
    active : np.ndarray
        Whether a class is active in a frame, bool, [T, C].
    onsets, offsets : np.ndarray
        Where each frame begins and ends in seconds, [T].
    classes : Sequence[str]
        The C labels, in the order of the columns.

    Returns
    -------
    list[Event]
        Sorted by onset, then offset.

    Example
    -------
    >>> active = np.array([[1], [1], [0]], dtype=bool)
    >>> active_events(active, [0.0, 0.5, 1.0], [0.5, 1.0, 1.5], ["Cat"])
    [Event(onset=0.0, offset=1.0, event_label='Cat')]
    """
    edges = np.diff(np.pad(active.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    # Transposed, so that starts and ends come out class by class and pair up.
    label, first = np.nonzero(edges.T == 1)
    _, last = np.nonzero(edges.T == -1)
    return sorted(
        Event(
            float(onsets[start]), float(offsets[end - 1]), classes[int(index)]
        )
        for index, start, end in zip(label, first, last, strict=True)
    )
