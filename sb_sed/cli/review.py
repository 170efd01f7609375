"""The command ``sb-sed review``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import sys
from pathlib import Path

from sb_sed.cli.arguments import (
    add_command,
    add_path,
    add_seed,
    add_smoother,
    number,
    whole,
)
from sb_sed.cli.models import split_model
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError, printable

_EXAMPLES = """\
examples:
  sb-sed review exported/ recordings/
  sb-sed review exported/ recordings/ --answers 25 --serve
  sb-sed review exported/ recordings/ --answers 25 --after reviews.tsv
  sb-sed review recordings/ --scores results/scores --smoother smoother.json
  sb-sed review recordings/ --detections found.tsv --answers 60 --silence 0.33
  sb-sed tune review/scores --reviews reviews.tsv --save smoother.json

The page, review/index.html, opens from disk. Answers are kept in the browser as
they are given; its button saves them as reviews.tsv. Asked about is what says
most: each class as often, all confidences, most near the threshold; and some
windows, to find what is missed. Who stops early has a sample, too. With the
answers so far (--after), the next questions are those that would change the
thresholds most: rounds of 25 bring more than as many answers at once, and
the table that the page saves has those of all rounds.
"""


def add_review(commands) -> None:
    """Add the command that writes the page on which detections are judged."""
    parser = add_command(
        commands,
        "review",
        _review,
        "listen to detections and say whether they are right",
        "Write a page on which detections are played one by one and judged by "
        "a listener, for sb-sed tune --reviews.",
        _EXAMPLES,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="[MODEL] AUDIO",
        help="as for sb-sed detect: a detector, and recordings or folders",
    )
    add_path(
        parser,
        "--output",
        "FOLDER",
        "gets index.html, its sounds, scores and smoother.json (default: "
        "review)",
        default=Path("review"),
    )
    parser.add_argument(
        "--answers",
        type=whole(1, 10**6),
        default=200,
        metavar="N",
        help="questions (default: 200); the first of them are a sample, too",
    )
    parser.add_argument(
        "--silence",
        type=number(0, 1),
        default=0.1,
        metavar="SHARE",
        help="share of them that are windows, in which to look for missed "
        "events (default: 0.1)",
    )
    add_path(
        parser,
        "--after",
        "REVIEWS.tsv",
        "answers so far about the same detections: ask next what they leave "
        "in doubt, and nothing twice",
    )
    add_path(
        parser,
        "--scores",
        "FOLDER",
        "scores of these recordings that are there already: no MODEL then",
    )
    add_path(
        parser,
        "--detections",
        "EVENTS.tsv",
        "events with a confidence, of sb-sed search or any detector: they are "
        "asked about, and no MODEL is needed; without scores, their answers are "
        "for reviews-to-events",
    )
    add_smoother(parser, "the detector's")
    parser.add_argument(
        "--classes", metavar="NAMES|FILE", help="of yamnet, as for detect"
    )
    add_seed(parser, "of the draw")
    parser.add_argument(
        "--serve",
        action="store_true",
        help="show the page on this computer until Ctrl-C, and write "
        "reviews.tsv into the folder",
    )
    parser.add_argument(
        "--port",
        type=whole(0, 65535),
        default=0,
        help="of --serve (default: any that is free)",
    )
    parser.add_argument(
        "--threads",
        type=whole(1, 1024),
        default=os.cpu_count() or 1,
        metavar="N",
        help="files processed at a time (default: one for each processor)",
    )
    parser.add_argument(
        "--device", help="cpu or cuda (default: cuda where there is one)"
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run MODEL's hyperparams.yaml, as for detect",
    )


def _review(arguments: argparse.Namespace) -> int:
    from sb_sed.audio.search import find_recordings
    from sb_sed.formats.reviews import read_reviews
    from sb_sed.report.review import PAGE, write_review

    arguments.model, arguments.audio = None, arguments.inputs
    if not (arguments.scores or arguments.detections):
        arguments.model, arguments.audio = split_model(arguments.inputs)
    check_writable(
        (),
        [("--output", arguments.output)],
        [arguments.smoother, arguments.after],
    )
    before = arguments.after and read_reviews(arguments.after)
    files = find_recordings(arguments.audio)
    boxed = _given if arguments.detections else _found
    boxes, tables, thresholds, audio = boxed(arguments, files)
    items = _questions(arguments, boxes, tables, thresholds, before)
    notes = write_review(
        arguments.output,
        printable(arguments.output.absolute().name),
        items,
        boxes,
        tables,
        thresholds,
        audio,
        before,
    )
    _note(notes)
    if arguments.serve:
        return _serve(arguments)
    print(arguments.output / PAGE)
    return 0


def _questions(arguments, boxes, tables, thresholds, before):
    """What is asked: a first draw, or what the answers leave in doubt."""
    from sb_sed.reviewing.boxes import cut_windows
    from sb_sed.reviewing.rounds import draw_next
    from sb_sed.reviewing.sampling import draw

    windows = cut_windows(tables)
    how = arguments.answers, arguments.silence, arguments.seed
    if before is None:
        return draw(boxes, windows, thresholds, *how)
    found = set(boxes["event_label"])
    classes = [label for label in thresholds if label in found]
    return draw_next(boxes, windows, before, classes, *how)


def _found(arguments: argparse.Namespace, files) -> tuple:
    """What a detector finds: all boxes, tables of scores and recordings by
    name, thresholds."""
    from sb_sed.formats import audio_names, match_tables, read_scores
    from sb_sed.reviewing.boxes import find_boxes, reviewable
    from sb_sed.smoothing.saved import save_smoother

    folder, smoother = _scored(arguments, files)
    tables = read_scores(folder)
    keys = match_tables(tables, files, ("scores", "recordings"))
    tables = {key: tables[key] for key in keys}
    smoother = reviewable(smoother)
    boxes = find_boxes(smoother, tables)
    save_smoother(smoother, arguments.output / "smoother.json")
    labels = [str(label) for label in next(iter(tables.values())).columns[2:]]
    thresholds = {x: float(smoother.setting_of(x)["threshold"]) for x in labels}
    names = audio_names(tables)
    return (
        boxes,
        {names[key]: table for key, table in tables.items()},
        thresholds,
        {names[key]: files[keys[key]] for key in tables},
    )


def _given(arguments: argparse.Namespace, files) -> tuple:
    """As :func:`_found`, of events that are there already."""
    from sb_sed.audio.reading import UnusableAudio, open_audio
    from sb_sed.formats import match_tables, read_events
    from sb_sed.reviewing.boxes import scores_of_events

    path = arguments.detections
    if arguments.scores or arguments.smoother or arguments.classes:
        raise InputError(
            "--detections are events already: leave out --scores, --smoother "
            "and --classes."
        )
    events = read_events(path).dropna(subset=["event_label"])
    if "confidence" not in events or not len(events):
        raise InputError(
            f"{path} has no events with a confidence: give the table of sb-sed "
            "search or sb-sed detect."
        )
    names = match_tables(
        events["filename"].unique(), files, ("detections", "recordings")
    )
    events["filename"] = events["filename"].map(names)
    events["confidence"] = events["confidence"].clip(0.0, 1.0)
    durations = {}
    for name, recording in files.items():
        try:
            with open_audio(recording) as file:
                durations[name] = file.frames / file.samplerate
        except UnusableAudio as reason:
            _note([f"{name} was skipped: {reason}."])
    events = events[events["filename"].isin(durations)].reset_index(drop=True)
    thresholds = dict.fromkeys(sorted(events["event_label"].unique()), 0.5)
    return events, scores_of_events(events, durations), thresholds, files


def _note(sentences) -> None:
    for text in sentences:
        print(f"sb-sed: {printable(text)}", file=sys.stderr)


def _scored(arguments: argparse.Namespace, files) -> tuple[Path, object]:
    """The folder of the scores and the smoother; scores what is not yet."""
    from sb_sed.smoothing.saved import load_smoother

    if arguments.scores:
        smoother = arguments.smoother and load_smoother(arguments.smoother)
        return arguments.scores, smoother
    from sb_sed.cli.outputs import ScoresFolder
    from sb_sed.inference.batch import detect_files
    from sb_sed.inference.names import YAMNET
    from sb_sed.inference.source import Source

    source = Source(
        arguments.model or YAMNET,
        arguments.classes,
        arguments.smoother,
        arguments.device,
        runs_code=arguments.trust_code,
    )
    detector = source.load()
    folder = arguments.output / "scores"
    writes = ScoresFolder(folder, files)
    left = {name: x for name, x in files.items() if not writes.has(name)}
    for result in detect_files(detector, left, arguments.threads, [writes]):
        for note in [result.reason, *result.unwritten]:
            if note:
                text = printable(f"{result.filename} was skipped: {note}")
                print(f"sb-sed: {text}.", file=sys.stderr)
    return folder, detector.smoother


def _serve(arguments: argparse.Namespace) -> int:
    """Show the page until it is interrupted."""
    from sb_sed.report.serve import REVIEWS, ReviewServer

    with ReviewServer(arguments.output, arguments.port) as server:
        print(f"Open {server.address} (only on this computer).", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    path = arguments.output / REVIEWS
    print(path if path.is_file() else "Nothing was answered.")
    return 0
