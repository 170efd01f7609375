"""Smoothers as files."""

import json

import numpy as np
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.smoothing import SMOOTHERS, smoother_class
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import load_smoother, save_smoother

GOOD = {
    "smoother": "threshold",
    "version": 1,
    "parameters": {"Dog": {"threshold": 0.5}},
}


@pytest.mark.parametrize("name", SMOOTHERS)
def test_every_smoother_comes_back(name, tmp_path):
    kind = smoother_class(name)
    assert issubclass(kind, Smoother) and kind.name == name
    smoother = kind()
    middle = {n: values[len(values) // 2] for n, values in kind.axes.items()}
    smoother.parameters = {"Cat": middle, "Dog": middle}
    path = tmp_path / "deep" / "smoother.json"
    save_smoother(smoother, path)
    again = load_smoother(path)
    assert type(again) is kind
    assert again.state() == smoother.state()
    matrix = np.random.default_rng(0).random((50, 2))
    scores = {"clip": scores_table(matrix, 0.1, ["Cat", "Dog"])}
    assert again(scores).equals(smoother(scores))


def test_one_setting_for_all_classes(tmp_path):
    path = tmp_path / "smoother.json"
    smoother = smoother_class("median")(0.25, 0.3)
    save_smoother(smoother, path)
    assert load_smoother(path).parameters == smoother.parameters


@pytest.mark.parametrize("name", SMOOTHERS)
def test_the_clip_gate_is_remembered(name, tmp_path):
    path = tmp_path / "smoother.json"
    smoother = smoother_class(name)(clip_gate=True)
    smoother.parameters = {
        axis: values[0] for axis, values in smoother.axes.items()
    }
    save_smoother(smoother, path)
    assert load_smoother(path).clip_gate
    # Files that do not name it are of smoothers without.
    state = json.loads(path.read_text())
    del state["options"]["clip_gate"]
    path.write_text(json.dumps(state))
    assert not load_smoother(path).clip_gate


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "no JSON object"),
        ({**GOOD, "smoother": "os.system"}, "names no smoother"),
        ({**GOOD, "smoother": ["threshold"]}, "names no smoother"),
        ({**GOOD, "version": 2}, "names no smoother"),
        ({**GOOD, "parameters": {}}, "lacks parameters"),
        ({**GOOD, "parameters": None}, "lacks parameters"),
        ({**GOOD, "parameters": {"Dog": {}}}, "lacks parameters"),
        ({**GOOD, "parameters": {"Dog": {"threshold": "1"}}}, "a number for"),
        ({**GOOD, "parameters": {"Dog": {"threshold": True}}}, "a number for"),
        (
            {**GOOD, "parameters": {"Dog": {"threshold": float("nan")}}},
            "a number for threshold",
        ),
        (
            {**GOOD, "parameters": {"Dog": {"threshold": 1, "else": 1}}},
            "a number for threshold",
        ),
        ({**GOOD, "options": {"search": "x"}}, "options that threshold"),
        ({**GOOD, "options": 3}, "options that threshold"),
        ({**GOOD, "smoother": "hmm", "options": {"tied": "x"}}, "options that"),
        (
            {**GOOD, "smoother": "hmm", "options": {"parameters": {}}},
            "options that hmm does not take",
        ),
    ],
)
def test_malformed_files(tmp_path, content, match):
    path = tmp_path / "smoother.json"
    if isinstance(content, dict):
        content = json.dumps(content)
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"smoother.json .*{match}"):
        load_smoother(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="nowhere.json does not exist"):
        load_smoother(tmp_path / "nowhere.json")
