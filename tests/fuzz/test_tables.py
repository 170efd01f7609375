"""Damaged tables: each row of one is used as it stands, or the user is told."""

import csv
import json
import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from damaged_text import MUTATORS, as_bytes

from sb_sed.errors import InputError
from sb_sed.formats import (
    read_durations,
    read_events,
    read_filenames,
    read_scores,
    read_weak_labels,
    read_weak_scores,
)

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def tables():
    """A small, whole data set: what is in each of its tables."""
    rng = np.random.default_rng(0)
    edges = np.arange(21) * 0.25
    scores = {}
    for name in "abcd":
        values = rng.uniform(0, 1, (20, 2)).round(3)
        columns = {"onset": edges[:-1], "offset": edges[1:]}
        columns |= {"Cat": values[:, 0], "Dog": values[:, 1]}
        table = pd.DataFrame(columns)
        scores[f"scores/{name}.tsv"] = table.to_csv(sep="\t", index=False)
    header = "filename\tonset\toffset\tevent_label\n"
    return scores | {
        "reference.tsv": header + "a.wav\t0.5\t1.5\tCat\na.wav\t2\t3.25\tDog\n"
        "b.wav\t0\t5\tDog\nc.wav\t1.25\t2\tCat\nd.wav\t\t\t\n",
        "events.tsv": header.replace("\n", "\tconfidence\n")
        + "a.wav\t0.5\t1.5\tCat\t0.9\nb.wav\t1\t2\tDog\t0.5\nd.wav\t\t\t\t\n",
        "durations.tsv": "filename\tduration\n"
        + "".join(f"{name}.wav\t5.0\n" for name in "abcd"),
    }


TABLES = tables()


def written(folder, case, names):
    """A data set, one of the named tables damaged; the damaged one's name."""
    name = names[case.number % len(names)]
    content = as_bytes(case(TABLES[name]))
    (folder / "scores").mkdir()
    for other, text in TABLES.items():
        (folder / other).write_bytes(text.encode())
    (folder / name).write_bytes(content)
    return name


COMMANDS = {
    "score": "score scores reference.tsv --durations durations.tsv --json out",
    "score events": "score events.tsv reference.tsv --json out",
    "tune": "tune scores reference.tsv --smoother threshold --splits 1 "
    "--durations durations.tsv --json out --save smoother.json",
    "report": "report scores reference.tsv --events events.tsv "
    "--durations durations.tsv --output out",
}


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.fuzz(MUTATORS, 3)
def test_commands(case, line, command, tmp_path):
    used = [name for name in TABLES if name.split("/")[0] in line]
    name = written(tmp_path, case, used)
    outcome = command(*line.split())
    if outcome.status == 2:
        assert not (tmp_path / "out").exists()
        assert len(outcome.err) < 600
        assert name.split("/")[0].split(".")[0] in outcome.err.lower()
        return
    text = (tmp_path / "out").read_text()
    if line.startswith("report"):
        text = text.partition('id="data">')[2].partition("</script>")[0]
    json.loads(text, parse_constant=pytest.fail)


# Those of the damaged cells, and the byte order mark.
UNSEEN = {*"\u200b\u00ad\u00a0\ufeff"}


def nfc(text):
    return unicodedata.normalize("NFC", text)


def plain_cell(cell):
    """A cell as it was before a spreadsheet quoted it."""
    if not cell.startswith('"'):
        return cell
    try:
        (cells,) = csv.reader([cell], delimiter="\t", strict=True)
    except csv.Error:
        return cell
    return cells[0]


def plain_rows(path):
    """The rows of a table that there is one way to read."""
    content = path.read_bytes()
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [
        [plain_cell(cell) for cell in line.split("\t")]
        for line in text.split("\n")
        if line.strip()
    ]
    header, *rows = lines
    assert rows and all(len(row) == len(header) for row in rows)
    assert all(row[0].strip() for row in rows)
    return rows


def as_number(cell):
    assert NUMBER.fullmatch(cell.strip(" ")), cell
    value = float(cell)
    assert np.isfinite(value)
    return value


def check_events(path):
    found = read_events(path)
    rows = plain_rows(path)
    full = [
        row
        for row in rows
        if any(c.lower() not in ("", "nan") for c in row[1:])
    ]
    assert len(found.dropna()) == len(full)
    assert {*found["filename"]} == {row[0] for row in rows}
    for row, (name, onset, offset, label, *more) in zip(
        full, found.dropna().itertuples(index=False), strict=True
    ):
        assert row[0] == name and nfc(row[3]) == label
        assert label.strip() and UNSEEN.isdisjoint(label)
        assert 0 <= as_number(row[1]) == onset < as_number(row[2]) == offset
        assert offset < 1e6 and [as_number(x) for x in row[4:]] == more


def check_durations(path):
    found, rows = read_durations(path), plain_rows(path)
    assert found == {name: as_number(cell) for name, cell in rows}
    assert all(0 < seconds < 1e6 for seconds in found.values())


def check_weak(path):
    found, rows = read_weak_labels(path), plain_rows(path)
    assert found["filename"].tolist() == [row[0] for row in rows]
    for labels, (_, cell) in zip(found["event_labels"], rows, strict=True):
        cells = map(nfc, cell.split(",") if cell else [])
        assert labels == list(dict.fromkeys(cells))
        assert all(label.strip() for label in labels)


def check_names(path):
    found, rows = read_filenames(path), plain_rows(path)
    assert found == list(dict.fromkeys(row[0] for row in rows))


def check_scores(path):
    found = read_scores(path.parent)
    table = found[path.stem]
    rows = plain_rows(path)
    assert table.to_numpy().tolist() == [[*map(as_number, row)] for row in rows]
    values = table.to_numpy()
    assert (values[1:, 0] == values[:-1, 1]).all() and values[0, 0] >= 0
    assert (values[:, 0] < values[:, 1]).all() and values[-1, 1] < 1e6
    assert abs(values[:, 2:]).max() <= 1e30 and all(table.columns)


def check_weak_scores(path):
    found, rows = read_weak_scores(path), plain_rows(path)
    assert list(found) == [row[0] for row in rows]
    for scores, (_, *cells) in zip(found.values(), rows, strict=True):
        assert list(scores.values()) == [as_number(cell) for cell in cells]
        assert all(0 <= score <= 1 for score in scores.values())
        assert all(label.strip() == label for label in scores)


WEAK_SCORES = "filename\tCat\tDog\na.wav\t0.5\t1\nb.wav\t0\t0.25\n"
WEAK = "filename\tevent_labels\na.wav\tCat,Dog\nb.wav\t\nc.wav\tDog\n"
READERS = {
    "events": (check_events, TABLES["reference.tsv"]),
    "with confidence": (check_events, TABLES["events.tsv"]),
    "durations": (check_durations, TABLES["durations.tsv"]),
    "weak": (check_weak, WEAK),
    "names": (check_names, WEAK),
    "weak scores": (check_weak_scores, WEAK_SCORES),
    "scores": (check_scores, TABLES["scores/a.tsv"]),
}


@pytest.mark.parametrize(("check", "text"), READERS.values(), ids=READERS)
@pytest.mark.fuzz(MUTATORS, 40)
def test_readers(cases, check, text, tmp_path):
    wrong = []
    for case in cases:
        path = tmp_path / "table.tsv"
        path.write_bytes(as_bytes(case(text)))
        try:
            check(path)
        except InputError as error:
            if len(str(error)) > 600 or "table.tsv" not in str(error):
                wrong.append((str(case), str(error)))
        except Exception as error:
            wrong.append((str(case), repr(error)))
    assert not wrong
