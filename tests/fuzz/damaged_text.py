"""Mutators of tables and other texts: from a generator and a text to another.

Authors
 * sb_sed contributors 2026
"""

import io

import pandas as pd

CELLS = ["", " ", "nan", "NaN", "inf", "-inf", "-1", "-0", "0", "1", "1e400",
         "1e308", "-1e30", "1e39", "1e9", "1e5", "1e-400", "0,5", "1_0", "１",
         "0x10", "1.5s", "True", "None", "\0", "é", "Cow", "Cat,Dog", ",", "Cat ",
         " 1 ", "1\x0b", "a\x1b[31mb", "9" * 400, "x" * 10000, '"', '"Cat"',
         "a.wav", "..", "/", "./a.wav", "x\\a.wav", "A.WAV", "a.mp3",
         "/x/b.wav", "Cat\u200b", "Do\u00adg", "Ca\u0308t", "Cat\u00a0", "\u2028", "\ufeff", "c.d.wav", "b"]  # fmt: skip


def rows_of(text):
    return [line.split("\t") for line in text.split("\n")[:-1]]


def joined(rows):
    return "".join("\t".join(row) + "\n" for row in rows)


def a_cell(rng, text):
    rows = rows_of(text)
    for _ in range(rng.integers(1, 3)):
        row = rows[rng.integers(len(rows))]
        row[rng.integers(len(row))] = str(rng.choice(CELLS))
    return joined(rows)


def separators(rng, text):
    other = str(rng.choice([",", ";", " ", "\t\t", "|", "    ", "\\t"]))
    if rng.integers(2):
        return text.replace("\t", other)
    return text.replace("\t", other, int(rng.integers(1, 9)))


def columns(rng, text):
    """One is missing, double, or elsewhere."""
    rows = rows_of(text)
    n_columns = len(rows[0])
    order = rng.integers(0, n_columns, rng.integers(1, n_columns + 2))
    only_header = rng.integers(4) == 0
    changed = [[row[place] for place in order] for row in rows]
    return joined(changed[:1] + rows[1:] if only_header else changed)


def lines(rng, text):
    """Some are missing, double, blank, or elsewhere."""
    some = text.split("\n")
    drawn = [some[n] for n in rng.integers(0, len(some), rng.integers(0, 9))]
    place = rng.integers(len(some))
    kept = [some, some[:place], some[place:], [], [*some, "", "  ", "\t"]]
    return "\n".join(kept[rng.integers(5)] + drawn)


def line_ends(rng, text):
    ends = [
        "\r\n",
        "\r",
        "\n\n",
        "\n\r",
        "\x0b\n",
        "\u2028",
        "\x85",
        " \n",
        "\0\n",
    ]
    return text.replace("\n", str(rng.choice(ends)))


def encodings(rng, text):
    text = text.replace("Cat", str(rng.choice(["Cat", "Câté", "猫"])))
    names = ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "utf-7"]
    return text.encode(str(rng.choice(names)), "replace")


def quotes(rng, text):
    table = pd.read_csv(io.StringIO(text), sep="\t")
    if rng.integers(2):
        return table.to_csv(
            sep="\t", index=False, quoting=int(rng.integers(1, 3))
        )
    return table.to_csv(
        sep=str(rng.choice(["\t", ",", ";"])),
        index=bool(rng.integers(2)),
        decimal=str(rng.choice([".", ","])),
    )


def spreadsheet(rng, text):
    """As spreadsheets save it: quoted cells, and their encodings."""
    names = ["a, 1.wav", 'the "big" one.wav', '"', '"a".wav', ' "a"', "a;b"]
    text = text.replace("a.wav", str(rng.choice(names)))
    all_cells = rng.integers(4) == 0
    rows = [
        [quoted(x) if all_cells or set(x) & set('",;') else x for x in row]
        for row in rows_of(text)
    ]
    text = joined(rows).replace("\n", str(rng.choice(["\r\n", "\n", "\r"])))
    return text.encode(str(rng.choice(["utf-16", "utf-8-sig", "utf-8"])))


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


def damaged_bytes(rng, text):
    content = bytearray(text.encode())
    for place in rng.integers(0, len(content), rng.integers(1, 5)):
        content[place] ^= 1 << rng.integers(8)
    return bytes(content)


def truncated(rng, text):
    return text.encode()[: rng.integers(len(text))]


def no_table(rng, text):
    others = [b"", b"\n", b"\0" * 99, rng.bytes(999), b"\xff\xfe", b"\xef\xbb\xbf",
              b"\t\n", b"<html></html>", b'{"a": 1}\n', b"x" * 10**6,
              b"filename" + b"\t" * 99999]  # fmt: skip
    return others[rng.integers(len(others))]


MUTATORS = [
    a_cell,
    separators,
    columns,
    lines,
    line_ends,
    encodings,
    quotes,
    spreadsheet,
    damaged_bytes,
    truncated,
    no_table,
]


def as_bytes(content):
    """What a mutator gave, as it is written."""
    return content.encode("utf-8") if isinstance(content, str) else content
