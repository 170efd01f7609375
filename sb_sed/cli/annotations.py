"""The command ``sb-sed import-annotations``.

Authors
 * sb_sed contributors 2026
"""

import argparse

from sb_sed.cli.arguments import add_command, add_path
from sb_sed.cli.outputs import check_writable

_EXAMPLES = """\
examples:
  sb-sed import-annotations raven/ data/events.tsv --format raven
  sb-sed import-annotations labels/ data/events.tsv --format audacity \\
      --audio data/audio
  sb-sed import-annotations praat/ data/events.tsv --format textgrid --tier calls
  sb-sed import-annotations tables/ data/events.tsv --format csv \\
      --columns start,end,species,file

A file belongs to the recording that has its name, or that it names. The table
is what the template and sb-sed score read. Recordings with an annotation file
that is empty have a row of their own: they have no event.
"""


def add_import_annotations(commands) -> None:
    """Add the command that reads annotations of other programs."""
    parser = add_command(
        commands,
        "import-annotations",
        _import,
        "read annotations of Raven, Audacity, Praat, ELAN and others",
        "Write a table of strong labels from annotations of other programs.",
        _EXAMPLES,
    )
    add_path(parser, "annotations", "FOLDER", "their folder, or one file")
    add_path(parser, "events", "EVENTS.tsv", "the table to write")
    parser.add_argument(
        "--format",
        required=True,
        metavar="NAME",
        help="raven, audacity, elan (.eaf), csv, or one that crowsetta reads, "
        "such as textgrid (Praat)",
    )
    add_path(
        parser,
        "--audio",
        "FOLDER",
        "the recordings (default: the annotations' folder, if it has some)",
    )
    parser.add_argument(
        "--column", help="with the class, in Raven's tables", metavar="NAME"
    )
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        default="onset,offset,event_label",
        help="of csv: onset, offset, class and, if there is one, recording "
        "(default: onset,offset,event_label)",
    )
    parser.add_argument(
        "--tier", help="the only one to read, of elan and textgrid"
    )


def _import(arguments: argparse.Namespace) -> None:
    from sb_sed.data.imported import import_annotations
    from sb_sed.formats import write_events

    check_writable([("EVENTS.tsv", arguments.events)])
    read = _reader(arguments)
    found, files = import_annotations(
        arguments.annotations, read, arguments.audio
    )
    write_events(found, arguments.events, files)
    labels = found["event_label"].value_counts().sort_index()
    for label, count in labels.items():
        print(f"{count:6} {label}")
    print(f"{len(found):6} events in {len(files)} recordings")


def _reader(arguments: argparse.Namespace):
    from sb_sed.errors import InputError
    from sb_sed.formats import foreign

    name, columns = arguments.format.lower(), arguments.columns.split(",")
    if name == "csv" and len(columns) not in (3, 4):
        raise InputError(
            f"--columns {arguments.columns} are {len(columns)}: name those of "
            "onset, offset, class and, if there is one, recording."
        )
    readers = {
        "raven": lambda: foreign.Raven(arguments.column),
        "audacity": foreign.Audacity,
        "elan": lambda: foreign.Elan(arguments.tier),
        "csv": lambda: foreign.Table([x.strip() for x in columns]),
    }
    if name in readers:
        return readers[name]()
    return foreign.Crowsetta(name, arguments.tier)
