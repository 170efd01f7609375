#!/usr/bin/env python3
"""Reproduces a table of the paper: trains its rows and prints ours beside it.

To fill the table of the front-ends, on DESED:
> python ablation.py --table 1 --data_folder=/path/to/DESED

To add seeds to two of its rows, two runs at a time:
> python ablation.py --table 1 --rows table1_log_mel table1_ppcen_on_mel \\
>     --seeds 1 2 --jobs 2 --data_folder=/path/to/DESED

To see what is finished:
> python ablation.py --table 1 --report

The same command resumes what was interrupted and keeps what is done. Options
that are not listed by --help go to train.py. The tables are in tables.yaml.

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

from ablation_runs import HERE, Run, train
from ablation_table import AblationTable, read_json
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path


def main(arguments: list[str]) -> int:
    """Train what is missing, print the table.

    Arguments
    ---------
    arguments : list[str]
        The command line.

    Returns
    -------
    int
        Exit status: 0, or 1 if a run failed.
    """
    options, passed_on = _parse(arguments)
    table = read_table(options.tables, options.table)
    rows = choose(table["rows"], options.rows)
    folder = Path(options.output_folder or f"results/table{options.table}")
    passed_on = same_arguments(
        folder, options.table, normalise(passed_on), options.report
    )
    failures = []
    if not options.report:
        runs = [
            Run(
                row["recipe"],
                folder / row["name"] / str(seed),
                seed,
                tuple(row.get("options", ())),
            )
            for seed in dict.fromkeys(options.seeds)
            for row in rows
        ]
        write = partial(_write_table, table, folder, passed_on)
        failures = train(runs, passed_on, options.jobs, after_each=write)
        write()
    print(AblationTable(table, folder, passed_on).markdown())
    return 1 if failures else 0


def read_table(file: str | Path, number: str) -> dict:
    """Read one table of a file of them.

    Arguments
    ---------
    file : str | Path
        YAML of plain data, as ``tables.yaml``.
    number : str
        The table's key.

    Returns
    -------
    dict
        Its ``title``, ``metric`` and ``rows``.

    Raises
    ------
    InputError
        If the file or the table is not there, or is not as it should be.
    """
    try:
        tables = YAML(typ="safe").load(Path(file))
        tables = {str(key): table for key, table in tables.items()}
        for table in tables.values():
            _ = table["title"], table["metric"]
            _ = [(row["name"], row["recipe"]) for row in table["rows"]]
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}): check the path."
        ) from error
    except (YAMLError, AttributeError, TypeError, KeyError) as error:
        raise InputError(
            f"{file} does not hold tables as tables.yaml does: {error}."
        ) from error
    if number not in tables:
        raise InputError(
            f"{file} has no table {number}: choose from {', '.join(tables)}."
        )
    return tables[number]


def choose(rows: list[dict], names: list[str] | None) -> list[dict]:
    """The rows of these names; all where names is None."""
    chosen = {row["name"]: row for row in rows}
    if unknown := set(names or []) - chosen.keys():
        raise InputError(
            f"The table has no row {unknown.pop()!r}: choose from "
            f"{', '.join(chosen)}."
        )
    return [chosen[name] for name in names or chosen]


def normalise(arguments: list[str]) -> list[str]:
    """Write options of ``train.py`` in one way.

    As ``--key=value``, sorted, with absolute folders: what means the same reads
    the same.

    Arguments
    ---------
    arguments : list[str]
        As on a command line.

    Returns
    -------
    list[str]
        One item for each option.

    Raises
    ------
    InputError
        On ``--seed``, and on a value that follows no option.
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
    folder: Path, number: str, arguments: list[str], report: bool
) -> list[str]:
    """See to it that all runs of a folder are given the same arguments.

    Where no training has begun, earlier arguments (with an error, perhaps)
    do not count.

    Arguments
    ---------
    folder : Path
        Keeps table and arguments in ``arguments.json``.
    number : str
        The table.
    arguments : list[str]
        Those of :func:`normalise`.
    report : bool
        Whether nothing will be trained: then they may be left out.

    Returns
    -------
    list[str]
        The arguments.

    Raises
    ------
    InputError
        If earlier runs were given others, or there are none to report on.
    """
    if report and not folder.is_dir():
        raise InputError(
            f"{folder} has no runs: leave out --report to train them."
        )
    file = folder / "arguments.json"
    begun = [*folder.glob("*/*/train_log.txt"), *folder.glob("*/*/save/CKPT*")]
    kept = read_json(file) if begun else None
    if kept and report and not arguments:
        arguments = kept["arguments"]
    asked = {"table": number, "arguments": arguments}
    if kept and kept != asked:
        given = " ".join(kept["arguments"]) or "none"
        raise InputError(
            f"{folder} holds runs of table {kept['table']} with the arguments "
            f"{given!r}: give the same, or another --output_folder."
        )
    if not report:
        _write(file, json.dumps(asked))
    return arguments


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our options, and those of ``train.py``."""
    parser = argparse.ArgumentParser(
        prog="ablation.py",
        description="Reproduces a table of the paper: trains what is missing "
        "and prints our figures beside the paper's.",
        epilog="All other options go to train.py.",
        allow_abbrev=False,
    )
    parser.add_argument("--table", required=True, help="its number")
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
        help="of runs and table (default: results/table<number>)",
    )
    parser.add_argument(
        "--tables",
        default=HERE / "tables.yaml",
        help="the tables (default: tables.yaml beside this script)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="train nothing, print what is finished",
    )
    options, passed_on = parser.parse_known_args(arguments)
    return options, [argument for argument in passed_on if argument != "--"]


def _natural(text: str) -> int:
    """A whole number from 1 on, as seeds and jobs are."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
    return int(text)


def _write_table(table: dict, folder: Path, arguments: list[str]) -> None:
    """Write what is finished, to be read and to be computed with."""
    result = AblationTable(table, folder, arguments)
    _write(folder / "table.md", result.markdown())
    _write(folder / "table.json", json.dumps(result.as_dict(), indent=1))


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    # As Ctrl-C: end the trainings first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"ablation.py: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "ablation.py: interrupted; the same command resumes.",
            file=sys.stderr,
        )
        sys.exit(130)
