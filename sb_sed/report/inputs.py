"""What a report is made of, wherever it lies: a run, its results, a folder.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sb_sed.audio.store import AUDIO_SUFFIXES
from sb_sed.data.manifests import read_manifest
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_durations,
    read_events,
    read_scores,
    stem,
)
from sb_sed.scoring.report import PSDS_NAMES
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
        Stem -> scores table.
    smoother : Callable, optional
        What made the events of the scores; None if that is not known.
    durations : dict, optional
        File name -> seconds.
    audio : dict
        Stem -> audio file, of the files that there is one for.
    psds : dict, optional
        Of the smoothed scores, as the training has found them; by default
        they are computed.
    """

    title: str
    reference: pd.DataFrame
    events: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    smoother: Smooth | None = None
    durations: dict[str, float] | None = None
    audio: dict[str, Path] = field(default_factory=dict)
    psds: dict[str, float] | None = None

    def smoothed(self) -> dict[str, pd.DataFrame]:
        """Stem -> scores as the smoother leaves them, where it is known."""
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
    data_set: str | None = None,
    network: str = "student",
) -> Inputs:
    """Reads what a report is made of; finds what is not named.

    Arguments
    ---------
    source : str or Path
        A folder of scores; a folder of results, which holds ``scores``
        (``<run>/validation/student``); or the output folder of ``train.py``,
        whose ``hyperparams.yaml`` names the rest.
    reference, events, durations : str or Path, optional
        TSV files. Without events, those of the results or of the smoother.
    smoother : str or Path, optional
        JSON of a tuned smoother; without it, that of the run, or else a
        threshold of 0.5.
    audio : str or Path, optional
        The folder with the recordings, which may be in folders below it.
    data_set, network : str
        Which results of a run; by default those of ``validation`` if they are
        there, and of the student.

    Returns
    -------
    inputs : Inputs

    Raises
    ------
    InputError
        When something is missing or malformed.
    """
    results, run = _results(Path(source), data_set, network)
    found = _of_run(run, results) if run else {}
    as_trained = not (reference or events or smoother or durations)
    if reference is None and "reference" not in found:
        raise InputError(
            f"{source} leads to no reference (of a run: the prepared folder "
            "that its hyperparams.yaml names): give REFERENCE.tsv."
        )
    own_scores = results / "scores"
    scores = read_scores(own_scores if own_scores.is_dir() else results)
    smooth = load_smoother(smoother) if smoother else found.get("smoother")
    if smooth is not None:
        check_smoother(smooth, _classes(scores), smoother or run)
    own_events = results / "events.tsv"
    if events or (own_events.is_file() and not smoother):
        table = read_events(events or own_events)
        if smooth and not _same(smooth(scores), table):
            smooth = None
    else:
        smooth = smooth or ThresholdSmoother(0.5)
        table = smooth(scores)
    durations = durations or (None if reference else found["durations"])
    return Inputs(
        title=_title(results, run),
        reference=read_events(reference or found["reference"])[EVENT_COLUMNS],
        events=table[EVENT_COLUMNS],
        scores=scores,
        smoother=smooth,
        durations=durations and read_durations(durations),
        audio=_search(Path(audio)) if audio else found.get("audio", {}),
        # A smoother that was tuned on other files for each part of these can
        # not be had again.
        psds=_psds(results / "report.json") if run and as_trained else None,
    )


def _classes(scores: Mapping[str, pd.DataFrame]) -> list[str]:
    return list(next(iter(scores.values())).columns[2:])


def _results(source: Path, data_set, network) -> tuple[Path, Path | None]:
    """The folder of scores and events, and the run that it is part of."""
    if not (source / "hyperparams.yaml").is_file():
        run = source.absolute().parent.parent
        is_part = (source / "scores").is_dir() and (
            run / "hyperparams.yaml"
        ).is_file()
        return source.absolute(), run if is_part else None
    sets = {
        scores.parent.parent.name: scores.parent
        for scores in sorted(source.glob(f"*/{network}/scores"))
    }
    wanted = data_set or min(sets, key="validation".__ne__, default="results")
    if wanted not in sets:
        raise InputError(
            f"{source} has no {wanted}/{network}/scores: wait until train.py "
            "has scored it, or name another --set or --network."
        )
    return sets[wanted].absolute(), source


def _title(results: Path, run: Path | None) -> str:
    """Such as ``augm/2020, validation, student``."""
    if run is None:
        return results.name
    name = "/".join(results.parts[-4:-2])
    return f"{name}, {results.parent.name}, {results.name}"


def _of_run(run: Path, results: Path) -> dict:
    """Reference, durations, audio and smoother, as a run names them.

    Its recipe is read and not run: it may be a stranger's.
    """
    from sb_sed.training.yaml_trees import read_tree

    recipe = read_tree(run / "hyperparams.yaml")
    section = recipe.get("smoothing")
    node = (section if isinstance(section, Mapping) else recipe).get("smoother")
    data_set = results.parent.name
    found = {"smoother": _smoother(run, results.name, node)}
    prepared = Path(str(recipe.get("prepared_folder")))
    reference = prepared / "references" / f"{data_set}.tsv"
    if reference.is_file():
        found["reference"] = reference
        found["durations"] = reference.with_name(f"{data_set}_durations.tsv")
        found["audio"] = _of_manifest(prepared / f"{data_set}.json")
    return found


def _smoother(run: Path, network: str, node) -> Smooth | None:
    """The tuned one, else that of the recipe if it is of this package."""
    from sb_sed.runs.parts import UnknownPart, build, describe

    tuned = run / "save" / f"{network}_smoother.json"
    try:
        if tuned.is_file():
            return load_smoother(tuned)
        return None if node is None else build(describe(node))
    except UnknownPart:
        return None  # the events are there nevertheless


def _psds(path: Path) -> dict[str, float] | None:
    """Those of a report that the training wrote, if it did."""
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text("utf-8"))["psds"]
        if values is not None:
            values = {name: float(values[name]) for name in PSDS_NAMES}
            if not all(0 <= value <= 1 for value in values.values()):
                raise ValueError("no PSDS")
        return values
    except (ValueError, TypeError, LookupError, RecursionError):
        raise InputError(
            f"{path} is no report: delete it, or let train.py score the run "
            "again."
        ) from None


def _of_manifest(path: Path) -> dict[str, Path]:
    """Stem -> audio file, as the data preparation wrote them."""
    if not path.exists():
        return {}
    entries = read_manifest(path)
    return {name: Path(entry["wav"]) for name, entry in entries.items()}


def _search(folder: Path) -> dict[str, Path]:
    """Stem -> audio file, of a folder and those below it."""
    found = {
        stem(path.name): path
        for path in sorted(folder.rglob("*"), reverse=True)
        if path.suffix.lower() in AUDIO_SUFFIXES
    }
    if not found:
        raise InputError(
            f"{folder} holds no audio ({', '.join(AUDIO_SUFFIXES)}): give the "
            "folder of the recordings."
        )
    return found


def _same(some: pd.DataFrame, others: pd.DataFrame) -> bool:
    """Whether two tables hold the same events, to the written millisecond."""

    def _rows(table):
        table = table[EVENT_COLUMNS].dropna()
        return sorted(
            (stem(name), label, round(onset, 3), round(offset, 3))
            for name, onset, offset, label in table.itertuples(index=False)
        )

    return _rows(some) == _rows(others)
