"""Reproduces a table of the paper: trains its rows and prints ours beside it.

To fill the table of the front-ends, on DESED:
> python ablation --table 1 --data_folder=/path/to/DESED

To fill that of the ensembles, which average runs of two seeds:
> python ablation --table 3 --seeds 2020 1 --data_folder=/path/to/DESED

To add seeds to two of its rows, two runs at a time:
> python ablation --table 1 --rows table1_log_mel table1_ppcen_on_mel \\
>     --seeds 1 2 --jobs 2 --data_folder=/path/to/DESED

To see what is finished:
> python ablation --table 1 --report

The same command resumes what was interrupted and keeps what is done; rows that
tables share are trained once. Options that are not listed by --help go to
train.py. The tables are in tables.yaml.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

from plot import plot_table
from rows import choose, plan, read_tables
from runs import HERE, carry_out
from table import AblationTable

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.runs.run import Run


def main(arguments: list[str]) -> int:
    """Train what is missing, print the table; return the exit status."""
    options, passed_on = _parse(arguments)
    tables = read_tables(options.tables)
    if options.table not in tables:
        raise InputError(
            f"{options.tables} has no table {options.table}: choose from "
            f"{', '.join(tables)}."
        )
    table = tables[options.table]
    rows = choose(table["rows"], options.rows)
    folder = Path(options.output_folder)
    passed_on = normalise(passed_on)
    failures = []
    if options.report:
        passed_on = same_arguments(folder, passed_on, report=True)
    else:
        jobs = plan(tables, rows, options.seeds, folder)
        passed_on = same_arguments(folder, passed_on, report=False)
        write = partial(
            _write_table, table, folder, passed_on, f"table{options.table}"
        )
        failures = carry_out(jobs, passed_on, options.jobs, after_each=write)
        write()
    print(AblationTable(table, folder, passed_on).markdown())
    return 1 if failures else 0


def normalise(arguments: list[str]) -> list[str]:
    """Write options of ``train.py`` as ``--key=value``, to compare them.

    Sorted and with absolute folders. ``--seed`` and a value without an option
    are an ``InputError``.
    """
    options = []
    for argument in arguments:
        if argument.startswith("--"):
            options.append(argument)
        elif options and "=" not in options[-1]:
            options[-1] += f"={argument}"
        else:
            raise InputError(
                f"{argument!r} belongs to no option: write --key=value."
            )
    for i, option in enumerate(options):
        key, _, value = option.partition("=")
        if key == "--seed":
            raise InputError("--seed is for a single run: give --seeds.")
        if key.endswith("_folder") and value and value[0] != "!":
            options[i] = f"{key}={os.path.abspath(value)}"
    return sorted(options, key=lambda option: option.partition("=")[0])


def same_arguments(
    folder: Path, arguments: list[str], report: bool
) -> list[str]:
    """Make sure that all runs of a folder are given the same arguments.

    They are kept in ``arguments.json``. Where no training has begun, earlier
    ones (with an error, perhaps) do not count; for a report they may be left
    out. Returns the arguments; others than before are an ``InputError``, and so
    is a report on no runs.
    """
    if report and not folder.is_dir():
        raise InputError(
            f"{folder} has no runs: leave out --report to train them."
        )
    file = folder / "arguments.json"
    kept = None
    if file.is_file() and any(Run(x).has_begun for x in folder.glob("*/*")):
        kept = _read_arguments(file)
    if kept is not None and report and not arguments:
        arguments = kept
    if kept is not None and kept != arguments:
        given = " ".join(kept) or "none"
        raise InputError(
            f"{folder} holds runs with the arguments {given!r}: give the same, "
            "or another --output_folder."
        )
    if not report:
        _write(file, json.dumps({"arguments": arguments}))
    return arguments


def _read_arguments(file: Path) -> list[str]:
    """Read the arguments that earlier runs were given."""
    try:
        return json.loads(file.read_text("utf-8"))["arguments"]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise InputError(
            f"{file} cannot be read ({error}): delete it, and give the runs the "
            "arguments that they had."
        ) from error


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return our options, and those of ``train.py``."""
    parser = argparse.ArgumentParser(
        prog="ablation",
        description="Reproduces a table of the paper: trains what is missing "
        "and prints our figures beside the paper's.",
        epilog="All other options go to train.py.",
        allow_abbrev=False,
    )
    parser.add_argument("--table", required=True, help="its key: 1, 2, 3, ...")
    parser.add_argument(
        "--rows", nargs="+", metavar="NAME", help="train these (default: all)"
    )
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=_natural,
        default=[2020],
        metavar="SEED",
        help="of each of these rows (default: 2020)",
    )
    parser.add_argument(
        "--jobs", type=_natural, default=1, help="runs at a time (default: 1)"
    )
    parser.add_argument(
        "--output_folder",
        default="results/ablation",
        help="of the runs and tables (default: results/ablation)",
    )
    parser.add_argument(
        "--tables",
        default=HERE / "tables.yaml",
        help="the tables (default: the recipe's tables.yaml)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="train nothing, print what is finished",
    )
    options, passed_on = parser.parse_known_args(arguments)
    return options, [argument for argument in passed_on if argument != "--"]


def _natural(text: str) -> int:
    """Convert a whole number from 1 on, as seeds and jobs are."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
    return int(text)


def _write_table(
    table: dict, folder: Path, arguments: list[str], name: str
) -> None:
    """Write what is finished: to read, to compute with, to look at."""
    result = AblationTable(table, folder, arguments)
    _write(folder / f"{name}.md", result.markdown())
    _write(folder / f"{name}.json", json.dumps(result.as_dict(), indent=1))
    plot_table(result, folder / f"{name}.png")


def _write(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    # As Ctrl-C: end the trainings first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "ablation: interrupted; the same command resumes.", file=sys.stderr
        )
        sys.exit(130)
