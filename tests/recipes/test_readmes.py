"""What READMEs and documentation say can be typed: commands, in their order.

Each command is given to the parsers and recipes that it is for. Short ones of a
trained run are carried out, on a run of random weights.

Authors
 * sb_sed contributors 2026
"""

import importlib.util
import itertools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import speechbrain as sb
from packaging.requirements import Requirement

from sb_sed.cli.main import main, make_parser
from sb_sed.data.manifests import (
    manifest_entry,
    write_manifest,
    write_references,
)
from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "DCASE2020"
READMES = [ROOT / "README.md", RECIPE / "README.md"]
PAGES = sorted(ROOT.glob("docs/*.md"))
TEMPLATE = ROOT / "templates" / "sound_event_detection"
RUN = "results/ppcen_dat/2020"
CHECKED = {"sb-sed", "train.py", "ensemble.py", "pseudo_label.py", "ablation"}


def blocks(readme, language="sh"):
    """The code blocks of one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", readme.read_text("utf-8"), re.M | re.S
    )


def commands(text):
    """The commands of a block, each as program and arguments."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        parts = itertools.groupby(words, key=lambda word: word == "|")
        for command in (list(words) for bar, words in parts if not bar):
            if Path(command[0]).name == "torchrun":
                command = [x for x in command if not x.startswith("--nproc")]
            elif Path(command[0]).name != "python":
                command = ["", *command]
            yield Path(command[1]).name, command[2:]


def inline_commands(readme):
    """The commands in the text: between backticks, whole ones."""
    text = re.sub(
        r"^```.*?^```", "", readme.read_text("utf-8"), flags=re.M | re.S
    )
    for code in re.findall(r"`([^`]+)`", text):
        code = " ".join(code.split())
        start = re.match(r"(python \S|torchrun |sb-sed \S+ \S)", code)
        if start and "…" not in code and "<" not in code:
            yield from commands(code)


def all_commands():
    """What is checked, each once, as parameters."""
    found = {}
    for readme in READMES + PAGES:
        inline = inline_commands(readme)
        for command in itertools.chain(
            *(commands(block) for block in blocks(readme)), inline
        ):
            found.setdefault(shlex.join([command[0], *command[1]]), command)
    return [
        pytest.param(*command, id=name)
        for name, command in found.items()
        if command[0] in CHECKED and command[1]
    ]


def check_files(arguments):
    """Fails if a file of the recipe that is named is not there."""
    for word in arguments:
        for name in re.findall(r"[\w/.]+\.(?:yaml|py)\b", word):
            assert (RECIPE / name).is_file() or (
                RECIPE / "hparams" / name
            ).is_file(), name


def script(name):
    """A script of the recipe, as a module."""
    spec = importlib.util.spec_from_file_location(name[:-3], RECIPE / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_training(arguments):
    """Fails if train.py refuses the recipe or an option."""
    file, _, overrides = sb.parse_arguments(arguments)
    Recipe(file, overrides)


@pytest.mark.parametrize("program, arguments", all_commands())
def test_commands_are_understood(program, arguments, ablation, monkeypatch):
    monkeypatch.chdir(RECIPE)
    monkeypatch.syspath_prepend(RECIPE)
    check_files(arguments)
    if program == "sb-sed":
        make_parser()[0].parse_args(arguments)
    elif program == "train.py":
        check_training(arguments)
    elif program == "ensemble.py":
        script(program).parse(arguments)
    elif program == "pseudo_label.py":
        options, others = script(program).parse(arguments)
        check_training([options.hparams, *others])
    else:
        options, passed_on = ablation._parse(arguments)
        table = ablation.read_tables(options.tables)[options.table]
        rows = ablation.choose(table["rows"], options.rows)
        for row in rows:
            more = [] if "of" in row else ablation.normalise(passed_on)
            check_training([row["recipe"], *more])


def test_there_are_commands_of_each_program():
    programs = {parameter.values[0] for parameter in all_commands()}
    assert programs == CHECKED


@pytest.mark.parametrize("readme", READMES, ids=["project", "recipe"])
def test_files_and_targets_are_there(readme):
    text = readme.read_text("utf-8")
    folders = ROOT, RECIPE, RECIPE / "hparams", TEMPLATE
    for name in re.findall(r"`((?:[\w.]+/)*[\w.*{},]+\.(?:yaml|py))`", text):
        if name != "hyperparams.yaml":
            names = [name]
            if braces := re.search(r"{(.*?)}", name):
                names = [
                    name.replace(braces[0], part)
                    for part in braces[1].split(",")
                ]
            for one in names:
                assert any(
                    [*f.glob(one), *f.glob(f"*/{one}")] for f in folders
                ), one
    for folder, name in itertools.product(
        [readme.parent], re.findall(r"\]\(([^)#]+)\)", text)
    ):
        assert "://" in name or (folder / name).exists(), name
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    for name in re.findall(r"(?:^|`)make ([a-z]+)", text, re.M):
        assert name in targets, name


@pytest.fixture
def place(tmp_path, run_folder, make_wav, monkeypatch):
    """A folder as the recipe's after a training, and what MODEL stands for."""
    folder = tmp_path / "recipe"
    run = folder / RUN
    run.parent.mkdir(parents=True)
    shutil.move(run_folder, run)
    audio = "recipe/data/minidesed/dataset/audio/validation"
    recordings = [make_wav(f"{audio}/{k}.wav", 2.0) for k in ("clip", "other")]
    for k, name in enumerate(("clip.wav", "talk.flac", "recordings/clip.wav")):
        make_wav(f"recipe/{name}", 2.0, seed=k)
    prepared = folder / "prepared"
    entries = {path.stem: manifest_entry(path, 2.0) for path in recordings}
    write_manifest(entries, prepared / "validation.json")
    write_references(
        {
            path.name: [(0.2, 1.0, "Cat"), (1.2, 1.9, "Dog")]
            for path in recordings
        },
        {path.name: 2.0 for path in recordings},
        prepared,
        "validation",
    )
    with open(run / "hyperparams.yaml", "a") as file:
        file.write(f"prepared_folder: {prepared}\n")
    references = prepared / "references"
    shutil.copy(references / "validation.tsv", folder)
    shutil.copy(
        references / "validation_durations.tsv", folder / "durations.tsv"
    )
    shutil.copytree(ROOT / "examples", folder / "examples")
    monkeypatch.chdir(folder)
    results = f"{RUN}/validation/student"
    line = ["detect", RUN, str(recordings[0].parent), "--scores"]
    line += [f"{results}/scores", "--output", f"{results}/events.tsv"]
    assert main(line) == 0
    return folder


def short(arguments):
    """Whether a command takes a moment, of the files that are there."""
    return "-" not in arguments and arguments[0] in {
        "detect",
        "report",
        "export",
        "export-onnx",
        "score",
        "tune",
        "plot-features",
        "plot-curves",
    }


def test_the_first_events_are_those_that_are_printed(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    [(_, command)] = [
        found
        for found in commands(blocks(READMES[0])[0])
        if found[0] == "sb-sed"
    ]
    assert main(command) == 0
    table = READMES[0].read_text("utf-8").split("```\n")[2]
    printed, found = (
        [line.split("\t") for line in text.splitlines()]
        for text in (table, capsys.readouterr().out)
    )
    # All but the last digits of the confidences.
    assert [row[:4] for row in found] == [row[:4] for row in printed]


def test_commands_work_in_their_order(place, capsys):
    before = {path.name for path in place.iterdir()}
    stands_for = {
        "MODEL": RUN,
        "SCORES_DIR": f"{RUN}/validation/student/scores",
        "results/ppcen/2020": RUN,
    }
    done, named = [], set()
    for program, arguments in itertools.chain(
        *map(commands, blocks(READMES[0]))
    ):
        if program == "sb-sed" and short(arguments):
            line = [stands_for.get(word, word) for word in arguments]
            assert main(line) == 0, (line, capsys.readouterr().err)
            done.append(arguments[0])
            named |= set(line)
    assert done[:3] == ["detect", "detect", "report"] and len(done) > 10
    assert (place / RUN / "report.html").is_file()
    # Nothing is left here that the commands do not name.
    left = {path.name for path in place.iterdir()} - before
    assert left <= {name.strip("/") for name in named}


@pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("git")), reason="no make or git"
)
def test_linters_look_at_tracked_files_only(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("setup.py", "constraints.txt", "a.py", "b.py", "c.yaml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()

    # The tests may themselves run in a make, whose flags are not of this one.
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {k: v for k, v in os.environ.items() if k not in outer}

    def linted():
        done = subprocess.run(
            ["make", "--dry-run", "lint"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        *of_files, types = done.stdout.splitlines()
        assert types.endswith("/mypy")  # which knows its files
        return [line.split()[1:] for line in of_files]

    assert all(words[-1] == "." for words in linted())  # git knows none
    for command in (["init", "-q"], ["add", "Makefile", "a.py", "c.yaml"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "report.html").write_text("not ours")
    check, form, yaml, spelling = linted()
    assert check[-1] == form[-1] == "a.py" and "b.py" not in check + form
    assert yaml[-1] == "c.yaml"
    assert spelling == ["Makefile", "a.py", "c.yaml"]


def test_requirements_are_those_of_the_package():
    lines = (RECIPE / "extra_requirements.txt").read_text().splitlines()
    needed = {line for line in lines if line and line[0] != "#"}
    lists = re.findall(
        r"(?:^recipe = |install_requires=)\[(.+?)\]",
        (ROOT / "setup.py").read_text(),
        re.M | re.S,
    )
    given = {x for text in lists for x in re.findall(r'"([^"]+)"', text)}
    assert len(lists) == 2
    assert needed - {"sb_sed"} <= given and len(needed) > 5


def test_constraints_are_for_every_python():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line[0] != "#"]
    for version in ("3.10", "3.13"):
        here = {"python_version": version}
        given = {
            pin.name: str(pin.specifier)
            for pin in pins
            if pin.marker is None or pin.marker.evaluate(here)
        }
        # The last NumPy for 3.10 is 2.2.
        assert ("numpy" in given) == (version != "3.10")
        assert "speechbrain" in given and "torch" in given
