"""Damaged detectors and smoothers: refused in a sentence, or usable."""

import json
import shutil

import damaged_json
import damaged_text
import pytest
from damaged_text import as_bytes

from sb_sed.smoothing import SMOOTHERS, smoother_class

TEXT_MUTATORS = [damaged_text.damaged_bytes, damaged_text.truncated,
                 damaged_text.encodings, damaged_text.no_table]  # fmt: skip


@pytest.mark.fuzz(damaged_json.MUTATORS, 8)
def test_descriptions(case, detect, model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    file = folder / "detector.json"
    file.write_text(case(json.loads(file.read_text())))
    outcome = detect(folder)
    assert outcome.status == 0 or "detector" in outcome.err.lower()


@pytest.mark.fuzz(TEXT_MUTATORS, 4)
def test_texts_of_descriptions(case, detect, model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    file = folder / "detector.json"
    file.write_bytes(as_bytes(case(file.read_text())))
    outcome = detect(folder)
    assert outcome.status == 0 or "detector" in outcome.err


def parameters_of(name):
    kind = smoother_class(name)
    return {
        axis: values[len(values) // 2] for axis, values in kind.axes.items()
    }


@pytest.mark.parametrize("name", SMOOTHERS)
@pytest.mark.fuzz(damaged_json.MUTATORS + TEXT_MUTATORS, 2)
def test_smoothers(case, name, detect, model, tmp_path):
    smoother = smoother_class(name)()
    smoother.parameters = {x: parameters_of(name) for x in ("Cat", "Dog")}
    state = smoother.state()
    is_text = case.mutate in TEXT_MUTATORS
    content = case(json.dumps(state) + "\n" if is_text else state)
    (tmp_path / "own.json").write_bytes(as_bytes(content))
    outcome = detect(model, "--smoother", "own.json")
    assert outcome.status == 0 or "own.json" in outcome.err
