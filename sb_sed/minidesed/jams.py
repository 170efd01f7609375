"""The scenes of MiniDESED as JAMS documents.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from sb_sed.minidesed.scenes import Source
from sb_sed.mixing.soundscape_jams import Placed, soundscape_jams


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
    background, *events = (_placed(source, root) for source in sources)
    return soundscape_jams(
        background, events, seconds, corpus="MiniDESED", isolated=isolated
    )


def _placed(source: Source, root: Path) -> Placed:
    stretched = source.time_stretch != 1
    return Placed(
        label=source.label,
        source_file=source.file.relative_to(root).as_posix(),
        time=source.time,
        duration=source.duration,
        snr=source.snr,
        source_time=0.0,
        event_duration=source.duration / source.time_stretch,
        pitch_shift=source.pitch_shift if stretched else None,
        time_stretch=source.time_stretch if stretched else None,
    )
