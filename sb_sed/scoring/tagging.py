"""Scores of whole clips: which classes occur, whenever it may be.

Authors
 * sb_sed contributors 2026
"""

from statistics import mean

import pandas as pd

from sb_sed.formats import WeakScores, match_tables, same_name


def clip_average_precision(
    reference: pd.DataFrame, weak: WeakScores
) -> float | None:
    """Return the mean over classes of the average precision of clips.

    The mAP of audio tagging (AudioSet; Kong et al., 2020): for each class the
    clips are ordered by its weak score. Classes that occur in none or in all of
    the clips have no precision and are left out.

    Arguments
    ---------
    reference : pandas.DataFrame
        The true events, as of :func:`sb_sed.formats.read_events`.
    weak : Mapping[str, Mapping[str, float]]
        Clip -> class -> score. Those of other clips are ignored.

    Returns
    -------
    float | None
        In [0, 1]; None if no class can be judged.

    Raises
    ------
    InputError
        If the clips have nothing in common.

    Example
    -------
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"], ["b.wav", 0, 2, "Cat"]],
    ...     columns=["filename", "onset", "offset", "event_label"],
    ... )
    >>> clip_average_precision(
    ...     reference,
    ...     {"a": {"Cat": 0.1, "Dog": 0.2}, "b": {"Cat": 0.3, "Dog": 0.4}},
    ... )
    0.75
    """
    from sklearn.metrics import average_precision_score

    names = reference["filename"].map(same_name)
    partners = match_tables(names, weak, ("reference", "weak scores"))
    scores = pd.DataFrame({name: weak[clip] for name, clip in partners.items()})
    found = []
    for label, of_clips in scores.iterrows():
        with_it = set(names[reference["event_label"] == label])
        occurs = [name in with_it for name in of_clips.index]
        if any(occurs) and not all(occurs):
            found.append(average_precision_score(occurs, of_clips))
    return float(mean(found)) if found else None
