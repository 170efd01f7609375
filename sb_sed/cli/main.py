"""The command ``sb-sed``; its subcommands are in the other modules.

Nothing heavy is imported before a subcommand runs, so that the help is quick.

Authors
 * sb_sed contributors 2026
"""

import argparse
import atexit
import gc
import io
import os
import sys

from sb_sed import __version__
from sb_sed.cli.agreement import add_agreement
from sb_sed.cli.annotations import add_import_annotations
from sb_sed.cli.arguments import check_dashes
from sb_sed.cli.detect import add_detect
from sb_sed.cli.export import add_export, add_export_onnx
from sb_sed.cli.mix import add_mix
from sb_sed.cli.new import add_new
from sb_sed.cli.plots import (
    add_plot_curves,
    add_plot_embeddings,
    add_plot_features,
)
from sb_sed.cli.prepare import add_prepare
from sb_sed.cli.push import add_push
from sb_sed.cli.report import add_report
from sb_sed.cli.review import add_review
from sb_sed.cli.reviews import add_reviews_to_events
from sb_sed.cli.score import add_score
from sb_sed.cli.search import add_search
from sb_sed.cli.tune import add_tune
from sb_sed.errors import InputError, printable


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    ``argv`` are the arguments, by default those of the process. Returns the
    exit status: that of the subcommand, 2 after a sentence on stderr on input
    that has to be corrected, 130 if interrupted.

    Example
    -------
    >>> main(["score", "nowhere.tsv", "reference.tsv"])
    2
    """
    if argv is None:
        # Otherwise Python ends by looking through all of PyTorch for garbage,
        # which takes half a second.
        atexit.register(gc.freeze)
    parser, commands = make_parser()
    _prepare_output()
    try:
        check_dashes(sys.argv[1:] if argv is None else argv, commands)
        arguments = _parsed(parser, argv)
        return arguments.run(arguments) or 0
    except InputError as error:
        print(f"sb-sed: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sb-sed: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the output (such as head) has stopped reading.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        text = str(error)
        if error.filename is not None:
            text = f"{error.filename}: {error.strerror}"
        print(f"sb-sed: {printable(text)}.", file=sys.stderr)
        return 2
    return 0


def _parsed(
    parser: argparse.ArgumentParser, argv: list[str] | None
) -> argparse.Namespace:
    """Parse; the inputs of detect may also stand behind its options.

    argparse takes a list of positional arguments in one piece only.
    """
    arguments, rest = parser.parse_known_args(argv)
    if unknown := [x for x in rest if x.startswith("-") and x != "-"]:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if rest and not hasattr(arguments, "inputs"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        arguments.inputs += rest
    return arguments


def make_parser() -> tuple[argparse.ArgumentParser, dict]:
    """Return the command's parser, and those of its subcommands by name."""
    parser = argparse.ArgumentParser(
        prog="sb-sed", description="Sound event detection with sb_sed."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    for add in (
        add_detect,
        add_score,
        add_tune,
        add_report,
        add_search,
        add_review,
        add_reviews_to_events,
        add_import_annotations,
        add_export,
        add_export_onnx,
        add_push,
        add_plot_features,
        add_plot_curves,
        add_plot_embeddings,
        add_mix,
        add_prepare,
        add_new,
        add_agreement,
    ):
        add(commands)
    return parser, commands.choices


def _prepare_output() -> None:
    """Let every name be printed, and tables be UTF-8 wherever they go.

    A terminal is left its own encoding.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            table = stream is sys.stdout and not stream.isatty()
            stream.reconfigure(
                encoding="utf-8" if table else None, errors="backslashreplace"
            )


if __name__ == "__main__":
    sys.exit(main())
