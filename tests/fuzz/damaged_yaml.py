"""Mutators of YAML: from a generator and a text to another, or to bytes.

Authors
 * sb_sed contributors 2026
"""

import damaged_text

# Lines of a YAML, and values in one, that are wrong in some way.
LINES = ["\tx: 1", "x:\t1", "x: !new:no.such.Class", "x: !new:collections.Nothing",
         "x: !new:collections", "x: !new:collections.Counter {1: 2}", "x: !what 1",
         "x: !include:missing.yaml", "x: !include:.", "x: !include:recipe.yaml",
         "x: !include:/dev/null", "x: !include:", "x: !ref <nothing>", "x: !ref <",
         "x: !ref <x>", "x: !ref <scale[nothing]>", "x: !ref <seed> +", "x: *gone",
         "x: !ref <seed> / 0", "x: !copy <nothing>", "x: !apply:no.thing",
         "x: !apply:builtins.int [a]", "x: !name:no.thing", "x: !module:no.thing",
         "x: &y {z: *y}", "x: &y [*y]", "- x", "x", "? x", "x: {", "x: [1", "x: 'a",
         "x: 2001-99-99", "x: 0o9", "x: !!int a", "x: !!binary '?'", "[1, 2]: 3",
         "null: 1", "1: 2", "true: 3", "<<: *shared", "<<: 1", "%YAML 9.9", "---",
         "...", "seed: 2", "scale: 1", "model: null", "x: \0", "x: \x1b", "x: !!python/"
         "object/apply:os.mkdir [trap]", "x: !apply:os.mkdir [trap]", "x: !PLACEHOLDER", "x: !list 1", "@", "`x`",
         "x: !new:builtins.open {file: nowhere}", "x: !tuple (1, 2", "x: !!set {1}",
         "b0: &b0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
             f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 9)),
         "x: " + "[" * 3000 + "]" * 3000, "x: " + "9" * 5000, "é: ü"]  # fmt: skip


def a_line(rng, text):
    """A line that is wrong, somewhere."""
    lines = text.split("\n")
    place = int(rng.integers(len(lines) + 1))
    indent = " " * int(rng.choice([0, 0, 0, 2, 4]))
    lines.insert(place, indent + str(LINES[rng.integers(len(LINES))]))
    return "\n".join(lines)


def a_value(rng, text):
    """A value that is wrong, in the place of another."""
    lines = text.split("\n")
    places = [n for n, line in enumerate(lines) if ": " in line]
    place = places[rng.integers(len(places))]
    key = lines[place].partition(":")[0]
    value = str(LINES[rng.integers(len(LINES))]).partition(":")[2]
    lines[place] = f"{key}:{value}"
    return "\n".join(lines)


def indented(rng, text):
    lines = text.split("\n")
    place = rng.integers(len(lines))
    lines[place] = str(rng.choice([" ", "\t", "    "])) + lines[place]
    return "\n".join(lines)


MUTATORS = [a_line, a_value, indented, damaged_text.damaged_bytes,
            damaged_text.truncated, damaged_text.encodings, damaged_text.lines,
            damaged_text.line_ends, damaged_text.no_table]  # fmt: skip
