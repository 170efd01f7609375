"""Odd scores that are well written: each command uses them or says why not."""

import json

import numpy as np
import pandas as pd
import pytest

from sb_sed.formats import EVENT_COLUMNS, write_events
from sb_sed.scoring.written import PSDS_NAMES
from sb_sed.smoothing import SMOOTHERS

LABELS = ["Cat", "Dog", "Running water"]
# Names that other tools of the field keep for themselves, or cannot take.
ODD_LABELS = [
    *["Dog\\bark", "\\", "a\\nb", "/m/0bt9lr", "Cat, kitten", "tps", "cts"],
    *["onset.1", "0", "1.0", "nan", "None", "Größe", "猫", "{x}", "%s", "<b>"],
    *["a|b", "$x$", "#1", "'", '"quoted', "macro", "Dog:1", "*", "[a]"],
]


def edges(rng, n_frames):
    """Where frames begin and end: even, uneven, tiny, long, or far away."""
    lengths = [
        np.full(n_frames, 0.25),
        rng.uniform(0.01, 1, n_frames),
        np.full(n_frames, 1e-3),
        np.full(n_frames, 1000.0),
        10.0 ** rng.integers(-4, 3, n_frames),
    ][rng.integers(5)]
    return np.cumsum([rng.choice([0, 0, 0, 3.5, 5000]), *lengths])


def table(rng, labels):
    n_frames = int(rng.choice([1, 2, 3, 20, 40]))
    times = edges(rng, n_frames)
    shape = n_frames, len(labels)
    values = [
        rng.uniform(0, 1, shape),
        rng.integers(0, 2, shape).astype(float),
        np.full(shape, rng.choice([0.0, 0.5, 1.0])),
        rng.normal(0, 5, shape),
        10.0 ** rng.integers(-300, 30, shape),
        -rng.uniform(0, 1, shape),
        1 - 10.0 ** rng.integers(-17, -1, shape),
    ][rng.integers(7)]
    columns = {"onset": times[:-1], "offset": times[1:]}
    return pd.DataFrame(columns | dict(zip(labels, values.T, strict=True)))


def events(rng, scores):
    """Some in the recordings, some at their edges, some far outside."""
    rows = []
    for name, frames in scores.items():
        n_events = rng.integers(0, 4)
        rows += [(f"{name}.wav", np.nan, np.nan, np.nan)] * bool(n_events == 0)
        for _ in range(n_events):
            times = rng.choice(
                frames[["onset", "offset"]].to_numpy().ravel(), 2
            )
            times += rng.choice([0, 0, 0.1, 1000], 2)
            onset, offset = sorted(times)
            label = str(rng.choice([*frames.columns[2:], *LABELS]))
            rows.append((f"{name}.wav", onset, offset + 0.01, label))
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


def data_sets(rng):
    """Scores, reference and durations, mostly of the same files."""
    labels = LABELS[: rng.integers(1, 4)]
    other = labels[::-1] if rng.integers(9) == 0 else labels
    scores = {
        name: table(rng, other if name == "c" else labels)
        for name in "abcdef"[: rng.integers(1, 7)]
    }
    reference = events(rng, scores)
    if rng.integers(5) == 0:
        scores.pop("a")
    durations = {
        f"{name}.wav": frames["offset"].iloc[-1] * rng.choice([1, 1, 1, 0.5, 2])
        for name, frames in scores.items()
    }
    return scores, reference, durations


def odd_names(rng):
    """The same with names of classes that are unusual."""
    scores, reference, durations = data_sets(rng)
    labels = {*reference["event_label"].dropna()}.union(*scores.values())
    labels = sorted(labels - {"onset", "offset"})
    names = rng.choice(ODD_LABELS, len(labels), replace=False).tolist()
    other = dict(zip(labels, names, strict=True))
    scores = {name: t.rename(columns=other) for name, t in scores.items()}
    renamed = reference["event_label"].map(other)
    return scores, reference.assign(event_label=renamed), durations


def overlapping(rng):
    """The same with events of one class that overlap, touch or repeat."""
    scores, reference, durations = data_sets(rng)
    some = reference.dropna().sample(
        frac=0.7, random_state=int(rng.integers(99))
    )
    shift = rng.choice([-1, -0.01, 0, 0.001, 0.5], len(some))
    moved = some.assign(
        onset=np.maximum(some["onset"] + shift, 0),
        offset=some["offset"] + np.abs(shift),
    )
    touching = some.assign(onset=some["offset"], offset=some["offset"] + 1)
    parts = [reference, moved, touching][: rng.integers(2, 4)]
    return scores, pd.concat(parts, ignore_index=True), durations


def many_classes(rng):
    """Of many classes, some in no file, on few frames."""
    labels = [f"c{i}" for i in range(rng.integers(50, 150))]
    scores = {name: table(rng, labels) for name in "abc"[: rng.integers(1, 4)]}
    reference = pd.concat(
        [events(rng, scores) for _ in range(rng.integers(1, 20))],
        ignore_index=True,
    )
    ends = {f"{n}.wav": t["offset"].iloc[-1] for n, t in scores.items()}
    return scores, reference, ends


def rounded(rng, scores):
    """The scores with times that differ by less than a microsecond."""
    tables = {}
    for name, frames in scores.items():
        noise = rng.uniform(-9e-7, 9e-7, len(frames) - 1)
        offset = frames["offset"].to_numpy(copy=True)
        offset[:-1] += rng.choice([noise, np.sign(noise) * 1e-15, 0 * noise])
        tables[name] = frames.assign(offset=offset)
    return tables


def write(folder, scores, reference, durations):
    (folder / "scores").mkdir()
    for name, frames in scores.items():
        frames.to_csv(folder / f"scores/{name}.tsv", sep="\t", index=False)
    write_events(reference, folder / "reference.tsv")
    lines = [f"{name}\t{seconds}\n" for name, seconds in durations.items()]
    text = "filename\tduration\n" + "".join(lines)
    (folder / "durations.tsv").write_text(text)


COMMANDS = {
    "score": "score scores reference.tsv --json out",
    "report": "report scores reference.tsv --output out",
    **{
        name: f"tune scores reference.tsv --smoother {name} --splits 1 "
        "--json out --save smoother.json"
        for name in SMOOTHERS
    },
}


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.fuzz([data_sets, odd_names, overlapping], 6)
def test_odd_scores(case, line, command, tmp_path):
    check(case, line, command, tmp_path)


@pytest.mark.parametrize("name", ["score", "report"])
@pytest.mark.fuzz([many_classes], 6)
def test_scores_of_many_classes(case, name, command, tmp_path):
    check(case, COMMANDS[name], command, tmp_path)


@pytest.mark.fuzz([data_sets], 6)
def test_rounded_times_change_nothing(case, command, tmp_path):
    scores, *others = case()
    noisy = rounded(np.random.default_rng(case.number), scores)
    reports = []
    for name, tables in (("exact", scores), ("rounded", noisy)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, tables, *others)
        folder = f"{name}/scores {name}/reference.tsv"
        outcome = command(*f"score {folder} --json {name}/out".split())
        out = tmp_path / name / "out"
        reports.append(out.read_text() if outcome.status == 0 else outcome)
    if isinstance(reports[0], str):
        assert reports[0] == reports[1]
    else:
        assert reports[1].err == reports[0].err.replace("exact/", "rounded/")


def check(case, line, command, tmp_path):
    """Run a command on a case; its output is complete, or it says why not."""
    scores, reference, durations = case()
    write(tmp_path, scores, reference, durations)
    if case.number % 2:
        line += " --durations durations.tsv"
    outcome = command(*line.split())
    if outcome.status == 2:
        assert not (tmp_path / "out").exists()
        return
    text = (tmp_path / "out").read_text()
    if line.startswith("report"):
        text = text.partition('id="data">')[2].partition("</script>")[0]
        assert json.loads(text, parse_constant=pytest.fail)["files"]
        return
    record = json.loads(text, parse_constant=pytest.fail)
    named = {name.removesuffix(".wav") for name in reference["filename"]}
    assert record["n_files"] == len(named & {*scores})
    if line.startswith("score"):
        stems = reference["filename"].str.removesuffix(".wav")
        labels = reference["event_label"][stems.isin(scores)].dropna()
        assert {*labels} <= {*record["event_f1"]["per_class"]}
        values = record["psds"]
        why = any(note.startswith("No PSDS.") for note in record["notes"])
        assert why if values is None else values.keys() == PSDS_NAMES.keys()
        assert all(0 <= value <= 1 for value in (values or {}).values())
    if line.startswith("tune"):
        smoother = json.loads((tmp_path / "smoother.json").read_text())
        assert {*smoother["parameters"]} == {*next(iter(scores.values()))} - {
            "onset",
            "offset",
        }
