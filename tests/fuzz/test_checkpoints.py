"""Damaged weights and checkpoints: refused in a sentence, and never run."""

import io
import json
import os
import pickle
import shutil
import zipfile

import damaged_text
import numpy as np
import pytest
import torch
from damaged_text import as_bytes

from sb_sed.errors import InputError
from sb_sed.inference.exported import checksum
from sb_sed.runs.run import Run
from sb_sed.training.checkpoints import AtomicCheckpointer

TYPES = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool,
         torch.complex64, torch.uint8]  # fmt: skip


class Trap:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("trap",)


def saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def loaded(content):
    return torch.load(io.BytesIO(content), weights_only=True)


def some_key(rng, state):
    return str(rng.choice([k for k, v in state.items() if v.dim()]))


def truncated(rng, content):
    return content[: rng.integers(len(content))]


def flipped(rng, content):
    content = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 9)):
        content[place] ^= 1 << rng.integers(8)
    return bytes(content)


def other_values(rng, content):
    state = loaded(content)
    for _ in range(rng.integers(1, 3)):
        tensor = state[some_key(rng, state)]
        values = [np.nan, np.inf, -np.inf, 1e30, -1e38, 0, 1e-40]
        tensor.reshape(-1)[: rng.integers(1, 99)] = values[rng.integers(7)]
    return saved(state)


def other_types(rng, content):
    state = loaded(content)
    other = TYPES[rng.integers(len(TYPES))]
    only = some_key(rng, state) if rng.integers(2) else None
    for key, tensor in state.items():
        if only in (None, key):
            state[key] = tensor.to(other)
            if other is torch.float64 and rng.integers(2):
                state[key] = torch.full_like(state[key], 1e300)
    return saved(state)


def other_shapes(rng, content):
    state = loaded(content)
    key = some_key(rng, state)
    tensor = state[key]
    state[key] = [tensor[None], tensor.reshape(-1), tensor.flatten()[:1],
                  tensor.flatten()[0], tensor[..., :0], tensor.repeat(2, *tensor.shape),
                  tensor.to_sparse()][rng.integers(7)]  # fmt: skip
    return saved(state)


def other_keys(rng, content):
    state = loaded(content)
    for key in rng.permutation([*state]).tolist()[: rng.integers(1, 3)]:
        kind = rng.integers(4)
        if kind < 2:
            state[["", "x", "network", 7, key + ".x"][rng.integers(5)]] = state[
                key
            ]
        if kind > 0:
            del state[key]
    return saved(state)


def other_objects(rng, content):
    state = loaded(content)
    values = [None, 1, "x", [], {}, {"a": 1}, [state], {"student": state}, (1, 2),
              torch.zeros(3), b"x", {**state, "note": "x"}, {**state, "n": 1},
              {k: v.numpy().tolist() for k, v in state.items()}]  # fmt: skip
    return saved(values[rng.integers(len(values))])


def other_files(rng, content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(str(rng.choice(["a.txt", "archive/data.pkl"])), "hello")
    texts = [b"", b"\0", b"hello", bytes(9999), rng.bytes(9999), b"PK\3\4",
             archive.getvalue(), b"<html></html>", content + b"x" * 99,
             saved(loaded(content), _use_new_zipfile_serialization=False),
             b"version https://git-lfs.github.com/spec/v1\n"]  # fmt: skip
    return texts[rng.integers(len(texts))]


def with_code(rng, content):
    """Pickles that would run something, bare or in an archive of weights."""
    code = pickle.dumps(Trap(), protocol=int(rng.integers(0, 6)))
    kind = rng.integers(4)
    if kind == 0:
        return code
    if kind == 1:
        return saved({**loaded(content), "x": Trap()})
    if kind == 2:
        return saved(Trap(), _use_new_zipfile_serialization=False)
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for name in source.namelist():
            data = source.read(name)
            file.writestr(name, code if name.endswith("data.pkl") else data)
    return target.getvalue()


MUTATORS = [truncated, flipped, other_values, other_types, other_shapes, other_keys,
            other_objects, other_files, with_code]  # fmt: skip


@pytest.mark.fuzz(MUTATORS, 4)
def test_weights(case, detect, model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model")
    weights = folder / "detector.ckpt"
    weights.write_bytes(case(weights.read_bytes()))
    description = json.loads((folder / "detector.json").read_text())
    description["sha256"] = checksum(weights)
    (folder / "detector.json").write_text(json.dumps(description))
    outcome = detect(folder)
    assert outcome.status != 2 or "detector" in outcome.err
    assert not (tmp_path / "trap").exists()
    if case.mutate is with_code:
        assert outcome.status == 2


TEXT_MUTATORS = [damaged_text.damaged_bytes, damaged_text.truncated,
                 damaged_text.encodings, damaged_text.no_table,
                 damaged_text.line_ends, damaged_text.lines]  # fmt: skip


@pytest.mark.parametrize("name", ["CKPT.yaml", "contents.txt", "student.ckpt"])
@pytest.mark.fuzz(TEXT_MUTATORS, 2)
def test_checkpoints_of_a_run(case, name, detect, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    file = run / "save" / "CKPT+best" / name
    file.write_bytes(as_bytes(case(file.read_text("latin-1"))))
    outcome = detect(run)
    assert outcome.status != 2 or "run" in outcome.err


@pytest.mark.fuzz(MUTATORS, 2)
@pytest.mark.filterwarnings("error")
def test_checkpoints_that_are_resumed(case, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(trained / "save", tmp_path / "save")
    file = folder / "CKPT+best" / "student.ckpt"
    file.write_bytes(case(file.read_bytes()))
    student = Run(trained).build(["student"])["student"]
    try:
        AtomicCheckpointer(folder, {"student": student}).recover_if_possible()
    except InputError as error:
        assert "CKPT+best" in str(error) and len(str(error)) < 600
    assert not (tmp_path / "trap").exists()
