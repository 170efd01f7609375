"""The rows of the paper's tables, and the jobs that fill them.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from runs import Averaging, Job, Training

from sb_sed.errors import InputError

_NEXT = "+1"  # after a row's name: its run with the next seed


def read_tables(file: str | Path) -> dict[str, dict]:
    """Read a file of tables.

    Arguments
    ---------
    file : str | Path
        YAML of plain data, as ``tables.yaml``.

    Returns
    -------
    dict[str, dict]
        For each table's key its ``title``, ``metric`` and ``rows``.

    Raises
    ------
    InputError
        If the file cannot be read or has another structure, a name has two
        meanings, or a row averages others that are not trained.
    """
    try:
        tables = YAML(typ="safe").load(Path(file))
        tables = {str(key): table for key, table in tables.items()}
        for table in tables.values():
            _ = table["title"], table["metric"]
        rows = _by_name(tables, file)
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}): check the path."
        ) from error
    except (YAMLError, AttributeError, TypeError, KeyError) as error:
        raise InputError(
            f"{file} does not hold tables as tables.yaml does: {error}."
        ) from error
    trained = [name for name, row in rows.items() if "of" not in row]
    for name, row in rows.items():
        for system in row.get("of", ()):
            if system.removesuffix(_NEXT) not in trained:
                raise InputError(
                    f"{file}: {name} is of {system}, which is no row that is "
                    f"trained: choose from {', '.join(trained)}."
                )
    return tables


def choose(rows: list[dict], names: list[str] | None) -> list[dict]:
    """Return the rows of these names; all where names is None."""
    chosen = {row["name"]: row for row in rows}
    if unknown := set(names or []) - chosen.keys():
        raise InputError(
            f"The table has no row {unknown.pop()!r}: choose from "
            f"{', '.join(chosen)}."
        )
    return [chosen[name] for name in names or chosen]


def plan(
    tables: dict[str, dict], rows: list[dict], seeds: list[int], folder: Path
) -> list[Job]:
    """Return the jobs of some rows, each after those that it averages.

    Arguments
    ---------
    tables : dict[str, dict]
        All tables: a row may average rows of any.
    rows : list[dict]
        The rows to fill.
    seeds : list[int]
        The seeds of each row.
    folder : Path
        The folder of ``<row>/<seed>``.

    Returns
    -------
    list[Job]
        Each once.

    Raises
    ------
    InputError
        If a row averages two runs of the same system and there is one seed.
    """
    named = {
        row["name"]: row for table in tables.values() for row in table["rows"]
    }
    seeds = list(dict.fromkeys(seeds))
    following = dict(zip(seeds, seeds[1:] + seeds[:1], strict=True))

    def job(row: dict, seed: int) -> Job:
        """Make the job of a row, with those that it averages."""
        place = row["recipe"], folder / row["name"] / str(seed)
        options = tuple(row.get("options", ()))
        if "of" not in row:
            return Training(*place, options, seed=seed)
        systems = []
        for system in row["of"]:
            name = system.removesuffix(_NEXT)
            if name != system and len(seeds) < 2:
                raise InputError(
                    f"{row['name']} averages runs of {name} with two seeds: "
                    f"give two, such as --seeds {seed} {seed + 1}."
                )
            systems.append(
                job(named[name], seed if name == system else following[seed])
            )
        return Averaging(*place, options, systems=tuple(systems))

    wanted = [job(row, seed) for seed in seeds for row in rows]
    return list(
        dict.fromkeys(x for last in wanted for x in (*last.systems, last))
    )


def _by_name(tables: dict[str, dict], file: str | Path) -> dict[str, dict]:
    """Return the rows of all tables; refuse a name with two meanings."""
    rows, meanings = {}, {}
    for table in tables.values():
        names = [row["name"] for row in table["rows"]]
        for name, row in zip(names, table["rows"], strict=True):
            meaning = row["recipe"], row.get("options"), row.get("of")
            if meanings.setdefault(name, meaning) != meaning or (
                names.count(name) > 1
            ):
                raise InputError(
                    f"{file}: the name {name} stands for two systems, or "
                    "twice in a table: give one of the rows another."
                )
            rows[name] = row
    return rows
