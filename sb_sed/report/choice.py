"""Which clips a page holds with their sound: the hardest, and one of a kind.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping

from sb_sed.report.matching import JudgedFile


def choose_clips(files: Mapping[str, JudgedFile], n_clips: int) -> list[str]:
    """Chooses the clips that teach the most about a detector.

    Half of them are those with the most errors. Each of the others shows, as
    far as there is one left, a class with a kind of error (or a hit) that none
    before it shows.

    Arguments
    ---------
    files : Mapping
        Stem -> JudgedFile.
    n_clips : int
        How many there may be.

    Returns
    -------
    stems : list of str
        The more errors, the earlier.

    Example
    -------
    >>> from sb_sed.report.matching import JudgedEvent
    >>> bad = [JudgedEvent(0, 1, "Dog", "missed")] * 2
    >>> good = [JudgedEvent(0, 1, "Cat", "hit", 0)]
    >>> files = {
    ...     "a": JudgedFile("a.wav", bad[:1], []),
    ...     "b": JudgedFile("b.wav", bad, []),
    ...     "c": JudgedFile("c.wav", good, good),
    ... }
    >>> choose_clips(files, 2)
    ['b', 'c']
    """
    hardest = sorted(files, key=lambda name: -files[name].n_errors)
    n_hardest = (n_clips + 1) // 2
    chosen, rest = hardest[:n_hardest], hardest[n_hardest:]
    shown = set().union(*(_lessons(files[name]) for name in chosen))
    while rest and len(chosen) < n_clips:
        # max takes the first, and so the hardest, of those that teach alike
        best = max(rest, key=lambda name: len(_lessons(files[name]) - shown))
        rest.remove(best)
        chosen.append(best)
        shown |= _lessons(files[best])
    return sorted(chosen, key=hardest.index)


def _lessons(file: JudgedFile) -> set[tuple[str, str]]:
    return {(e.label, e.kind) for e in file.reference + file.detected}
