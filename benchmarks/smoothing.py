"""Times HMM decoding of a data set beside librosa and hmmlearn.

    python benchmarks/smoothing.py SCORES.npz REFERENCE.tsv DURATIONS.tsv
        [--p-sil 0.894] [--p-event 0.684] [--rounds 1]

The scores are those of a detector on a data set (arrays ``scores``, ``files``,
``classes``, ``hop``). Each entry decodes all classes of all files with one
transition matrix: librosa by ``viterbi_discriminative`` and hmmlearn by
``decode`` of a model whose emissions are the scores, both file by file and
class by class, as they take them. Prints the median of the rounds, in which
all take turns, the ratio to librosa's time, and how many of the events differ
from librosa's.

Authors
 * sb_sed contributors 2026
"""

import librosa
import numpy as np
from _detector_scores import ScoresParser, load_scores
from _measure import take_turns
from hmmlearn.base import BaseHMM

from sb_sed.smoothing.detections import Detections, runs
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.packed import PackedScores, pack


class ScoresHMM(BaseHMM):
    """hmmlearn's model with emissions that are given."""

    def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
        return np.log(np.hstack([1 - X, X]) + np.finfo(float).tiny)


class Decoders:
    """The three ways to the events of a data set.

    Arguments
    ---------
    batches : list[PackedScores]
        The scores.
    p_sil, p_event : float
        Self-loops of all classes.
    """

    def __init__(
        self, batches: list[PackedScores], p_sil: float, p_event: float
    ):
        self.setting = {"p_sil": p_sil, "p_event": p_event}
        self.parts = [(b, label) for b in batches for label in b.classes]
        self.smoother = HMMSmoother(self.setting)
        self.transition = np.array([[p_sil, 1 - p_sil], [1 - p_event, p_event]])
        self.model = ScoresHMM(n_components=2, init_params="")
        self.model.startprob_ = np.full(2, 0.5)
        self.model.transmat_ = self.transition

    def with_ours(self) -> list[Detections]:
        """All files and settings of a class at once."""
        return [
            self.smoother.decode(packed, label, [self.setting])
            for packed, label in self.parts
        ]

    def with_librosa(self) -> list[Detections]:
        """File by file."""
        return self._file_by_file(
            lambda score: librosa.sequence.viterbi_discriminative(
                np.stack([1 - score, score]), self.transition
            )
        )

    def with_hmmlearn(self) -> list[Detections]:
        """File by file."""
        return self._file_by_file(
            lambda score: self.model.decode(score[:, None])[1]
        )

    def _file_by_file(self, decode) -> list[Detections]:
        found = []
        for packed, label in self.parts:
            scores = packed.scores_of(label).astype(float)
            path = np.zeros(scores.shape, dtype=bool)
            for file, length in enumerate(packed.lengths):
                path[file, :length] = decode(scores[file, :length])
            file, first, end = runs(path)
            confidence = np.zeros(len(file))
            events = [(file, first, end, confidence)]
            found.append(Detections.from_frames(packed, events))
        return found


def main() -> None:
    """Run the benchmark and print its table."""
    parser = ScoresParser(__doc__)
    parser.add_argument("--p-sil", type=float, default=0.8936181)
    parser.add_argument("--p-event", type=float, default=0.6838989)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse()
    batches = pack(load_scores(options.scores, options.durations))
    decoders = Decoders(batches, options.p_sil, options.p_event)
    entries = {
        "sb_sed": decoders.with_ours,
        "hmmlearn": decoders.with_hmmlearn,
        "librosa": decoders.with_librosa,
    }
    reference = _events(decoders.with_librosa())
    times = take_turns(entries, options.rounds)
    n_files = sum(len(batch.files) for batch in batches)
    print(
        f"{n_files} files x {len(batches[0].classes)} classes, "
        f"{len(reference)} events"
    )
    print(f"{'':10} {'ms':>8} {'x faster':>9} {'events that differ':>19}")
    for name, milliseconds in times.items():
        differ = len(_events(entries[name]()) ^ reference)
        ratio = times["librosa"] / milliseconds
        print(f"{name:10} {milliseconds:8.1f} {ratio:9.1f} {differ:19}")


def _events(found: list[Detections]) -> set[tuple]:
    return {
        (part, *event)
        for part, some in enumerate(found)
        for event in zip(some.file, some.onset, some.offset, strict=True)
    }


if __name__ == "__main__":
    main()
