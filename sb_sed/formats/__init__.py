"""The two exchange formats: events (the DESED TSV) and frame scores.

*Events* are a pandas table ``filename, onset, offset, event_label`` in
seconds, kept as the tab-separated file of the DESED data set. *Scores* are one
table ``onset, offset, <class 1> ... <class C>`` per recording, kept as a folder
of tab-separated files in the format of ``sed_scores_eval``, so that both pass
freely between this package and the other tools of the field.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.formats.events import (
    EVENT_COLUMNS,
    DetectedEvent,
    Event,
    events_table,
    read_durations,
    read_events,
    read_filenames,
    read_weak_labels,
    write_events,
)
from sb_sed.formats.names import (
    audio_names,
    differ_in_folders,
    match_names,
    match_tables,
    same_name,
    short_names,
    stem,
    under_names,
)
from sb_sed.formats.scores import (
    read_scores,
    rounding,
    scores_table,
    write_scores,
)
from sb_sed.formats.tsv import TIME_NOISE, atomic_path
from sb_sed.formats.weak import (
    WEAK_SCORES,
    WeakScores,
    read_weak_scores,
    read_weak_scores_beside,
    write_weak_scores,
)

__all__ = [
    "EVENT_COLUMNS",
    "TIME_NOISE",
    "WEAK_SCORES",
    "DetectedEvent",
    "Event",
    "WeakScores",
    "atomic_path",
    "audio_names",
    "differ_in_folders",
    "events_table",
    "match_names",
    "match_tables",
    "read_durations",
    "read_events",
    "read_filenames",
    "read_scores",
    "read_weak_labels",
    "read_weak_scores",
    "read_weak_scores_beside",
    "rounding",
    "same_name",
    "scores_table",
    "short_names",
    "stem",
    "under_names",
    "write_events",
    "write_scores",
    "write_weak_scores",
]
