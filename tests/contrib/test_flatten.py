"""Flattened rows: what they build, and how they look.

Authors
 * sb_sed contributors 2026
"""

import doctest
import re
import weakref
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
HPARAMS = ROOT / "recipes" / "DCASE2020" / "hparams"
ROWS = ["baseline", "ppcen", "dat", "ppcen_dat_hmm", "strong_crnn", "yamnet"]
# SpeechBrain's, with its warning on long lines as an error.
STYLE = """\
extends: default
rules:
  document-start: {present: False}
  truthy: {allowed-values: ['True', 'False']}
  comments: disable
  comments-indentation: disable
"""


@pytest.fixture(scope="module")
def flat(upstream):
    """The flattened rows, by name."""
    import writing
    from flatten import flatten

    keys = writing.script_keys()
    return {
        name: flatten(HPARAMS / f"{name}.yaml", keys, about)
        for name, about in writing.ROWS.items()
    }


def assert_same(one, other, done):
    """Fails unless two objects are of one class and hold the same."""
    if (id(one), id(other)) in done or isinstance(one, weakref.ref):
        return
    done.add((id(one), id(other)))
    if isinstance(one, Mapping):
        assert isinstance(other, Mapping) and [*one] == [*other]
        one, other = list(one.values()), list(other.values())
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair, done)
    elif hasattr(one, "func"):  # of !name:
        assert one.func == other.func
        assert_same(
            [one.args, one.keywords], [other.args, other.keywords], done
        )
    elif type(one).__module__.startswith(("sb_sed", "speechbrain", "torch")):
        assert_same(getattr(one, "__dict__", {}), other.__dict__, done)
    elif not hasattr(one, "__dict__"):
        assert one == other


def test_the_example_of_its_docstring(upstream, request):
    import flatten

    names = {"getfixture": request.getfixturevalue}
    result = doctest.testmod(
        flatten, extraglobs=names, optionflags=doctest.ELLIPSIS
    )
    assert result == (0, 4)


def test_the_rows_are_those_that_are_written(flat):
    assert [*flat] == ROWS


@pytest.mark.parametrize("name", ROWS)
def test_it_builds_what_the_row_builds(name, flat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where its loggers and checkpoints go
    import writing

    assert "!include" not in flat[name]
    row = Recipe(HPARAMS / f"{name}.yaml", "data_folder: DATA")
    built = row.build([*writing.script_keys()])
    plain = load_hyperpyyaml(flat[name], {"data_folder": "DATA"})
    assert_same(built, plain, set())
    assert plain["name"] == name


def test_the_comparison_itself():
    def module(seed, p):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(p))
        return {"net": net}

    assert_same(module(1, 0.5), module(1, 0.5), set())
    for other in (module(2, 0.5), module(1, 0.6), {}):
        with pytest.raises(AssertionError):
            assert_same(module(1, 0.5), other, set())


@pytest.mark.parametrize("name", ROWS)
def test_it_is_in_speechbrains_style(name, flat):
    text = flat[name]
    problems = linter.run(text, YamlLintConfig(STYLE))
    assert [str(problem) for problem in problems] == []
    # Nothing is said of files that are not there.
    assert not re.search(r"\w\.(yaml|py)\b", text)
    # Sections by 4, lists by 6 with the dash at 4.
    indents = {len(x) - len(x.lstrip()) for x in text.splitlines()}
    assert all(n % 4 in (0, 2) for n in indents)
    assert "\n    - !new:speechbrain" in text and "\n      precision: 4" in text
    assert " Training ###" in text and "# Authors: " in text


SPINE = """\
# ####
# Every other recipe is its difference to this one.
# ####

name: spine
data: !PLACEHOLDER  # see other.yaml

# Training: in a short time (like scale.yaml).
rate: 0.1  # first
# A list.
sizes: [1, 2]

# Parts. Or others: see parts/two.yaml.
part: !include:parts/one.yaml
last: !ref <part[both]>
"""
ONE = """\
# One part.

# The size
# of it.
size: 3  # kilograms
flag: true  # never false, and this is a comment that does not fit beside the key
object: !new:collections.Counter
    a: !ref <size>  # the letter
    b: {c: 1}  # the others
both: [!ref <size>, !ref <flag>]
"""
TWO = """\
!include:one.yaml
# Another part.
object: {b: {c: 2}}
flag: null  # none
"""
DIFFERENCE = """\
!include:spine.yaml
# A difference.
name: row
part: !include:parts/two.yaml {size: 4}
"""
FLAT = f"""\
# {"#" * 78}
# A row.
#
# Authors: sb_sed contributors 2026
# {"#" * 78}
name: row
data: !PLACEHOLDER

################################### Training ###################################
# In a short time.
rate: 0.1  # first
# A list.
sizes: [1, 2]

#################################### Parts #####################################
# Another part.
part:
    # The size of it.
    size: 4  # kilograms
    flag: null  # none
    object: !new:collections.Counter
        a: !ref <part[size]>  # the letter
        b: {{c: 2}}  # the others
    both:
        - !ref <part[size]>
        - !ref <part[flag]>
last: !ref <part[both]>
"""


def test_comments_go_where_their_keys_go(upstream, tmp_path):
    from flatten import flatten

    (tmp_path / "parts").mkdir()
    for path, text in {
        "spine.yaml": SPINE,
        "parts/one.yaml": ONE,
        "parts/two.yaml": TWO,
        "row.yaml": DIFFERENCE,
    }.items():
        (tmp_path / path).write_text(text)
    keys = ["name", "data", "rate", "sizes", "last"]
    assert flatten(tmp_path / "row.yaml", keys, "A row.") == FLAT
    spine = flatten(tmp_path / "spine.yaml", keys, "A row.")
    assert "# One part.\npart:\n" in spine
    long = "    # never false, and this is a comment that does not fit beside the key"
    assert f"\n{long}\n    flag: True\n" in spine
