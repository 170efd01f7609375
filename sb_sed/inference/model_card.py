"""The model card of an exported detector: what it is, and how good it is.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping

from sb_sed.runs.results import Results
from sb_sed.scoring.written import PSDS_NAMES

_CARD = """\
---
{front}library_name: speechbrain
tags: [sound-event-detection, audio, speechbrain, sb_sed]
---

# Sound event detector: {name}

Says which sounds occur in a recording, and when each starts and stops:

{classes}

It was trained on clips of {clip_seconds:g} s at {sample_rate} Hz; recordings of
any length and rate are cut and converted on the way.

## Use

```sh
sb-sed detect {example} recording.wav
```

```python
{python}
```

{trust}

## Scores

{scores}

## Training

{training}

## Licence

{licence}

## Limits

The scores hold for recordings like those that they were measured on. Expect
less on other rooms, microphones and sounds, and look at what the detector finds
before anything depends on it.
"""
_NO_LICENCE = (
    "None is stated: it is for whoever trained the detector to choose, with\n"
    "regard to the data that it was trained on."
)
_PYTHON = """\
from sb_sed.inference.detector import SoundEventDetector

detector = SoundEventDetector.{call}
events = detector.detect_file("recording.wav")  # a pandas table\
"""
_FROM_FOLDER = 'from_folder("path/to/this/folder")'
_FROM_HPARAMS = """\
from_hparams(
    "path/to/this/folder", hparams_file="hyperparams.yaml"
)\
"""
_SAFE = (
    "Nothing in this folder is executed: `detector.json` holds plain values.\n"
    "`hyperparams.yaml` is the same for SpeechBrain's own loader."
)
_CODE = (
    "`hyperparams.yaml` is code, and some of its classes have to be installed\n"
    "apart: read it before you load it."
)


def model_card(
    constants: Mapping,
    about: Mapping,
    results: Mapping[str, Results],
    tuned: bool,
    safe: bool,
    licence: str | None = None,
) -> str:
    """Write the card of a run's detector, as Markdown.

    Of its constants, where it comes from, and the results on each test set;
    ``tuned`` means that its smoother is not that of the results, ``safe`` that
    there is a ``detector.json``; ``licence`` is the name of the model's.
    """
    classes = "\n".join(f"- {label}" for label in constants["classes"])
    return _CARD.format(
        **{**constants, "classes": classes},
        front=f"license: {licence}\n" if licence else "",
        licence=licence or _NO_LICENCE,
        name=about.get("recipe", "own recipe"),
        example="path/to/this/folder" + (" --trust-code" * (not safe)),
        python=_PYTHON.format(call=_FROM_FOLDER if safe else _FROM_HPARAMS),
        trust=_SAFE if safe else _CODE,
        scores=_scores(results, tuned),
        training="\n".join(f"- {key}: {about[key]}" for key in about),
    )


def _scores(results: Mapping[str, Results], tuned: bool) -> str:
    """All that the run measured, and on what."""
    rows, notes = [], []
    for name, files in results.items():
        if report := files.read_report():
            rows.append(_row(name, report))
            notes += [f"- {name}: {note}" for note in report["notes"]]
    if not rows:
        return "The run has not been scored: no score is known."
    names = ["F1 of events", "F1 of segments", *PSDS_NAMES.values()]
    lines = [
        f"| set | files | {' | '.join(names)} |",
        "|---" * (len(names) + 2) + "|",
        *rows,
    ]
    if tuned:
        notes.append(
            "- Measured with the smoother of the run; the one in this "
            "folder is another."
        )
    return "\n".join(
        [
            "F1: macro average over the classes, in percent, with its 95 % "
            "interval.",
            "",
            *lines,
            *([""] if notes else []),
            *notes,
        ]
    )


def _row(name: str, report: Mapping) -> str:
    cells = [name, f"{report['n_files']} of {report['n_reference']}"]
    for metric in ("event_f1", "segment_f1"):
        value = report[metric]["macro"]
        interval = report["confidence_intervals"][metric]["macro"]
        cell = "–" if value is None else f"{100 * value:.1f}"
        if interval:
            cell += " [{:.1f}, {:.1f}]".format(*(100 * x for x in interval))
        cells.append(cell)
    for metric in PSDS_NAMES:
        value = (report["psds"] or {}).get(metric)
        cells.append("–" if value is None else f"{value:.3f}")
    return f"| {' | '.join(cells)} |"
