"""What a report is made of: a run, its results, or a folder of scores.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sb_sed.audio.search import find_recordings
from sb_sed.data.manifests import read_manifest
from sb_sed.errors import InputError, printable
from sb_sed.formats import (
    EVENT_COLUMNS,
    match_names,
    match_tables,
    read_durations,
    read_events,
    read_scores,
    read_weak_scores_beside,
    same_name,
)
from sb_sed.formats.comma import read_metadata
from sb_sed.runs.parts import UnknownPart
from sb_sed.runs.run import Results, Run, TestSet
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.gate import gated_for
from sb_sed.smoothing.saved import check_smoother, load_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother, thresholds_of

Smooth = Callable[[Mapping[str, pd.DataFrame]], pd.DataFrame]


@dataclass
class Inputs:
    """What is shown in a report.

    Arguments
    ---------
    title : str
        What was scored.
    reference, events : pandas.DataFrame
        As of :func:`sb_sed.formats.read_events`.
    scores : dict
        Name, mostly without extension -> scores table.
    smoother : Callable, optional
        What made the events of the scores; None if that is not known.
    durations : dict, optional
        File name -> seconds.
    audio : dict
        Name, with extension or without -> audio file.
    psds : dict, optional
        Of the smoothed scores, as computed after the training; by default
        they are computed again.
    computation : str
        What is known of the precision that the scores were computed in.
    metadata : dict
        File name -> column -> cell: what the scores are broken down by.
    """

    title: str
    reference: pd.DataFrame
    events: pd.DataFrame
    scores: Mapping[str, pd.DataFrame]
    smoother: Smooth | None = None
    durations: dict[str, float] | None = None
    audio: dict[str, Path] = field(default_factory=dict)
    psds: dict[str, float] | None = None
    computation: str = ""
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def smoothed(self) -> dict[str, pd.DataFrame]:
        """Name -> smoothed scores, where the smoother is known."""
        smooth = getattr(self.smoother, "to_scores", dict)
        return smooth(self.scores)

    def thresholds(self) -> dict[str, float]:
        """Label -> threshold, where the smoother has such a parameter."""
        return thresholds_of(self.smoother, _classes(self.scores))


def gather(
    source: str | Path,
    reference: str | Path | None = None,
    *,
    events: str | Path | None = None,
    smoother: str | Path | None = None,
    durations: str | Path | None = None,
    audio: str | Path | None = None,
    metadata: str | Path | None = None,
    data_set: str | None = None,
    network: str = "student",
) -> Inputs:
    """Read what a report is made of; find what is not named.

    Arguments
    ---------
    source : str | Path
        A folder of scores; the results of a network, in a run
        (``<run>/validation/student``) or elsewhere; or the output folder of
        ``train.py``, which is read and not executed.
    reference, events, durations : str | Path, optional
        TSV files. Without events, those of the results or of the smoother.
    smoother : str | Path, optional
        JSON of a tuned smoother; without it, that of the run, or else a
        threshold of 0.5.
    audio : str | Path, optional
        The folder with the recordings, which may be in folders below it.
    metadata : str | Path, optional
        CSV of ``filename`` and columns to break the scores down by.
    data_set, network : str
        Which results of a run; by default those of ``validation`` if they are
        there, and of the student.

    Returns
    -------
    inputs : Inputs

    Raises
    ------
    InputError
        If something is missing or malformed.
    """
    run = Run.find(source)
    found, results = _results(run, Path(source), data_set, network)
    as_trained = not (reference or events or smoother or durations)
    true = reference or (found.reference if found else None)
    if true is None:
        raise InputError(
            f"{source} leads to no reference (of a run: the prepared folder "
            "that its recipe names): give REFERENCE.tsv."
        )
    is_nested = results.scores.is_dir()
    folder = results.scores if is_nested else source
    scores = read_scores(folder)
    smooth = _smoother(run, results.folder.name, smoother)
    if smooth is not None:
        check_smoother(smooth, _classes(scores), smoother or run.folder)
        scores = gated_for(smooth, scores, read_weak_scores_beside(folder))
    if events or (results.events.is_file() and not smoother):
        table = read_events(events or results.events)
        if smooth and not _same(smooth(scores), table):
            smooth = None
    else:
        smooth = smooth or ThresholdSmoother(0.5)
        table = smooth(scores)
    durations = durations or (None if reference else found.durations)
    # A smoother that was tuned on other files for each part of these cannot
    # be had again, so the PSDS is that of the training.
    report = (run and results.read_report()) or {}
    true = read_events(true)[EVENT_COLUMNS]
    return Inputs(
        title=printable(_title(results, run)),
        reference=true,
        events=table[EVENT_COLUMNS],
        scores=scores,
        smoother=smooth,
        durations=read_durations(durations) if durations else None,
        audio=_recordings(audio, found, true["filename"]),
        psds=report.get("psds") if as_trained else None,
        computation=printable(report.get("computation", "")),
        metadata=_metadata(metadata or (found.metadata if found else None)),
    )


def _classes(scores: Mapping[str, pd.DataFrame]) -> list[str]:
    return list(next(iter(scores.values())).columns[2:])


def _results(
    run: Run | None, source: Path, data_set: str | None, network: str
) -> tuple[TestSet | None, Results]:
    """The results to show, and the test set of the run that they are of."""
    results = Results(source.absolute())
    if run is None:
        return None, results
    if results.scores.is_dir():
        return run.test_set(results.folder.parent.name), results
    sets = [
        name
        for name, found in run.test_sets.items()
        if found.results(network).scores.is_dir()
    ]
    first = min(sets, key="validation".__ne__, default="validation")
    found = run.test_set(data_set or first)
    results = found.results(network)
    if found.name not in sets:
        raise InputError(
            f"There is no {results.scores}: wait until train.py has scored "
            "the set, or name another --set or --network."
        )
    return found, results


def _title(results: Results, run: Run | None) -> str:
    """Such as ``augm/2020, validation, student``."""
    *_, data_set, network = results.folder.parts
    if run is None:
        return network
    name = "/".join(run.folder.absolute().parts[-2:])
    return f"{name}, {data_set}, {network}"


def _smoother(
    run: Run | None, network: str, file: str | Path | None
) -> Smoother | None:
    """The smoother that is given, or that of the run."""
    if file:
        return load_smoother(file)
    try:
        return run.smoother(network) if run else None
    except UnknownPart:
        return None  # the events are there nevertheless


def _recordings(
    folder: str | Path | None, found: TestSet | None, names: pd.Series
) -> dict[str, Path]:
    """Name -> audio file, of a folder or of the set that was prepared."""
    if folder:
        files = find_recordings([folder])
        sides = "reference", f"recordings in {folder}"
        listed = match_tables(names.map(same_name), files, sides)
        return {name: files[file] for name, file in listed.items()}
    if not (found and found.manifest):
        return {}
    entries = read_manifest(found.manifest)
    return {name: Path(entry["wav"]) for name, entry in entries.items()}


def _metadata(file: str | Path | None) -> dict[str, dict[str, str]]:
    """What is known of the recordings; nothing without a file."""
    return read_metadata(file) if file else {}


def _same(some: pd.DataFrame, others: pd.DataFrame) -> bool:
    """Whether two tables have the same events, to the written millisecond."""
    some, others = (
        x[EVENT_COLUMNS]
        .dropna()
        .assign(filename=lambda t: t["filename"].map(same_name))
        for x in (some, others)
    )
    partners = match_names(some["filename"], others["filename"])
    some = some.assign(filename=some["filename"].map(partners))

    def _rows(table):
        return sorted(
            (str(name), label, round(onset, 3), round(offset, 3))
            for name, onset, offset, label in table.itertuples(index=False)
        )

    return _rows(some) == _rows(others)
