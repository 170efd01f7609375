"""Names and labels in other words: scored as what they are, or refused."""

import json
import unicodedata

import numpy as np
import pandas as pd
import pytest

from sb_sed.formats import (
    EVENT_COLUMNS,
    same_name,
    scores_table,
    short_names,
    stem,
    write_events,
    write_scores,
)
from sb_sed.scoring.collar import event_counts

LABELS = ["Caf\u00e9", "Dog"]
# What may be written into a label and is not seen, and what is.
UNSEEN = ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u202e", "\ufe0f", "\u00a0"]
NAMES = ["k.wav", "k.mp3", "site.A", "site.B", "s.wav", "a/s.wav", "a/b/s.wav",
         "Caf\u00e9.wav", "a, 1.wav", '"a".wav', "Y_0.000_9.000.wav",
         "caf\\xe9.wav", "-z.flac", "monday/s.ogg", "s", "K k.wav", "ÅÄ.Wav"]  # fmt: skip


def _nfd(name):
    return unicodedata.normalize("NFD", name)


def _spelled(rng, names):
    """Each in a form of its own, which is the same name."""
    forms = [
        lambda x: x,
        _nfd,
        lambda x: f"./{x}",
        lambda x: x.replace("/", "//"),
        lambda x: x.replace("/", "\\"),
    ]
    return [forms[rng.integers(len(forms))](name) for name in names]


def _prefixed(rng, names):
    """All in other folders."""
    prefix = ["/data/audio/", "C:\\audio\\", "validation/", "../x/"]
    prefix = prefix[rng.integers(len(prefix))]
    return [f"{prefix}{name}" for name in names]


def _bare(rng, names):
    """All without extension, or with another."""
    ending = ["", "", ".flac", ".WAV"][rng.integers(4)]
    return [stem(name) + ending for name in names]


def _other(rng, names):
    """All in other letters, with a space, or of other recordings."""
    change = [str.swapcase, lambda x: f"{x} ", lambda x: f"{x} (2)"]
    change = change[rng.integers(3)]
    return [change(stem(name)) + ".wav" for name in names]


HABITS = [_spelled, _prefixed, _bare, _other]


def data_set(rng, habit):
    """Some recordings, as both sides call them."""
    names = [name for name in NAMES if rng.integers(2)] or NAMES[:2]
    ours, theirs = _spelled(rng, names), habit(rng, _spelled(rng, names))
    # A table that names two alike has lost one before it is read.
    unique = {same_name(name): index for index, name in enumerate(theirs)}
    ours, theirs = (
        [side[index] for index in sorted(unique.values())]
        for side in (ours, theirs)
    )
    return ours, theirs


def events_of(rng, n_files):
    rows = []
    for number in range(n_files):
        for label in LABELS:
            onset = int(rng.integers(0, 6))
            rows.append((number, onset, onset + 2, label))
    return rows


def table(rows, names):
    named = [(names[number], *row) for number, *row in rows]
    return pd.DataFrame(named, columns=EVENT_COLUMNS)


def spellings(rng):
    return rng, _spelled


def prefixes(rng):
    return rng, _prefixed


def extensions(rng):
    return rng, _bare


def others(rng):
    return rng, _other


COMMANDS = {
    "score": "score scores reference.tsv --json out",
    "score events": "score events.tsv reference.tsv --json out",
    "tune": "tune scores reference.tsv --smoother threshold --splits 1 "
    "--json out",
    "report": "report scores reference.tsv --output out",
}


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.fuzz([spellings, prefixes, extensions, others], 6)
def test_names(case, line, command, tmp_path):
    rng, habit = case()
    ours, theirs = data_set(rng, habit)
    truth, found = events_of(rng, len(ours)), events_of(rng, len(ours))
    write_events(table(truth, ours), tmp_path / "reference.tsv")
    write_events(table(found, theirs), tmp_path / "events.tsv")
    if "scores" in line:
        write_tables(tmp_path / "scores", found, theirs)
    outcome = command(*line.split())
    if outcome.status == 2:
        assert not (tmp_path / "out").exists()
        assert habit is not _spelled
        assert len(outcome.err) < 600
        return
    assert habit is not _other
    numbers = [f"{number}.wav" for number in range(len(ours))]
    expected = event_counts(table(truth, numbers), table(found, numbers))
    text = (tmp_path / "out").read_text()
    if line.startswith("report"):
        text = text.partition('id="data">')[2].partition("</script>")[0]
        files = json.loads(text)["files"]
        assert len(files) == len(ours)
        hits = sum(e[3] == 0 for file in files for e in file["reference"])
        assert hits == expected.hits.sum()
        return
    report = json.loads(text)
    assert report["n_files"] == len(ours)
    if line.startswith("score"):
        assert report["event_f1"] == expected.f1()


def write_tables(folder, rows, names):
    """Scores of 0 and 1, whose events are the rows."""
    short = short_names(names)
    for number, name in enumerate(names):
        matrix = np.zeros((9, len(LABELS)))
        for file, onset, offset, label in rows:
            if file == number:
                matrix[onset:offset, LABELS.index(label)] = 1
        place = folder / same_name(short[name]).lstrip("/.")
        scores = scores_table(matrix, 1.0, LABELS)
        write_scores({place.name: scores}, place.parent)


def unseen(rng):
    return str(rng.choice(UNSEEN)), int(rng.integers(4)), int(rng.integers(3))


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.fuzz([unseen], 6)
def test_labels(case, line, command, tmp_path):
    """A label with something in it that is not seen, on either side."""
    char, place, side = case()
    odd = f"{'Dog'[:place]}{char}{'Dog'[place:]}"
    rows = [(0, 1, 3, "Dog"), (1, 2, 4, "Caf\u00e9"), (1, 5, 7, "Dog")]
    names = ["a.wav", "b.wav"]
    header = "\t".join(EVENT_COLUMNS)
    for number, name in enumerate(("reference", "events")):
        lines = [header] + [
            f"{names[file]}\t{onset}\t{offset}\t{label}"
            for file, onset, offset, label in rows
        ]
        text = "\n".join(lines) + "\n"
        if side == number:
            text = text.replace("Dog", odd, 1)
        if side == 2 and number:
            text = _nfd(text)
        (tmp_path / f"{name}.tsv").write_text(text, "utf-8")
    write_tables(tmp_path / "scores", rows, names)
    if side == 1 and "scores" in line:
        path = tmp_path / "scores" / "a.tsv"
        path.write_text(path.read_text("utf-8").replace("Dog", odd), "utf-8")
    outcome = command(*line.split())
    assert (outcome.status == 2) == (side < 2)
    if side < 2:
        assert f"U+{ord(char):04X}" in outcome.err
        return
    text = (tmp_path / "out").read_text()
    if line.startswith("score"):
        assert json.loads(text)["event_f1"]["macro"] == 1


def test_the_names_are_those_of_the_fuzzer():
    """What the names of the fuzzer are about is among them."""
    assert len({same_name(x) for x in NAMES}) == len(NAMES)
    assert len({stem(same_name(x)) for x in NAMES}) < len(NAMES)
