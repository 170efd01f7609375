"""Synthetic scenes as JAMS, written as Scaper writes them.

Scaper itself writes them only for scenes that it has mixed, through SoX and
with its own random numbers, so the document is composed here; the ``jams``
package accepts it.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from sb_sed.data.minidesed.scenes import Source


def to_jams(
    sources: list[Source], isolated: list[str], root: Path, seconds: float
) -> dict:
    """The JAMS document of a synthetic scene.

    Arguments
    ---------
    sources : list of Source
        Background first.
    isolated : list of str
        The isolated audio of each source, from the folder of the JAMS on.
    root : Path
        The folder that ``source_file`` is given from, so that the document
        does not depend on where the data set is.
    seconds : float
        Length of the scene.

    Returns
    -------
    jams : dict
        For ``json.dump``: one annotation of the namespace ``scaper``.
    """
    events = sources[1:]
    scaper = {
        "duration": seconds,
        "fg_labels": sorted({source.label for source in events}),
        "bg_labels": [sources[0].label],
        "n_events": len(events),
        "isolated_events_audio_path": isolated,
    }
    annotation = {
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "MiniDESED",
            "annotation_tools": "",
            "annotation_rules": "",
            "validation": "",
            "data_source": "sb_sed",
        },
        "namespace": "scaper",
        "data": [
            _observation(source, "foreground" if k else "background", root)
            for k, source in enumerate(sources)
        ],
        "sandbox": {"scaper": scaper},
        "time": 0,
        "duration": seconds,
    }
    return {
        "annotations": [annotation],
        "file_metadata": {
            "title": "",
            "artist": "",
            "release": "",
            "duration": seconds,
            "identifiers": {},
            "jams_version": "0.3.4",
        },
        "sandbox": {},
    }


def _observation(source, role, root):
    stretched = source.time_stretch != 1
    return {
        "time": source.time,
        "duration": source.duration,
        "value": {
            "label": source.label,
            "source_file": source.file.relative_to(root).as_posix(),
            "source_time": 0.0,
            "event_time": source.time,
            "event_duration": source.duration / source.time_stretch,
            "snr": source.snr,
            "role": role,
            "pitch_shift": source.pitch_shift if stretched else None,
            "time_stretch": source.time_stretch if stretched else None,
        },
        "confidence": 1.0,
    }
