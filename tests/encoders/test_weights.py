"""Tests of files of weights.

Authors
 * sb_sed contributors 2026
"""

import json

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file

from sb_sed.encoders.weights import (
    digest,
    find_weights,
    read_safetensors,
)
from sb_sed.errors import InputError

TENSORS = {
    "half": torch.randn(3, 2).half(),
    "flag": torch.tensor([True, False, True]),
    "wide": torch.randn(2, dtype=torch.float64),
    "brain": torch.randn(5).bfloat16(),
    "count": torch.tensor(7),
    "none": torch.zeros(0, 3),
}


def by_hand(entries, body=b""):
    """A file as the format's description has it."""
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + body


def test_what_is_written_is_read(tmp_path):
    save_file(TENSORS, tmp_path / "net")
    found = read_safetensors(str(tmp_path / "net"))
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_the_format_is_that_of_its_description(tmp_path):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    body = b"\x00\x00\x80\x3f\x00\x00\x00\x40"
    meta = {"__metadata__": {"format": "pt"}}
    path = tmp_path / "net"
    path.write_bytes(by_hand({**meta, "bias": entry}, body))
    assert read_safetensors(path)["bias"].tolist() == [1.0, 2.0]
    save_file({"bias": torch.tensor([1.0, 2.0])}, path)
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    assert start % 8 == 0
    assert json.loads(content[8:start]) == {"bias": entry}
    assert content[start:] == body


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
BODY = bytes(8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a file of tensors",
        bytes(20),
        by_hand({"x": ENTRY}, BODY)[:-1],
        by_hand({"x": ENTRY}, BODY)[:12],
        by_hand({"x": {**ENTRY, "shape": [3]}}, BODY),
        by_hand({"x": {**ENTRY, "shape": [-2]}}, BODY),
        by_hand({"x": {**ENTRY, "shape": "2"}}, BODY),
        by_hand({"x": {**ENTRY, "dtype": "F99"}}, BODY),
        by_hand({"x": {**ENTRY, "data_offsets": [-8, 0]}}, BODY),
        by_hand({"x": {**ENTRY, "data_offsets": [0]}}, BODY),
        by_hand({"x": {**ENTRY, "data_offsets": [0, 10**30]}}, BODY),
        by_hand({"x": 1}, BODY),
        by_hand([1], BODY),
        by_hand({"x": {}}, BODY),
        (1000).to_bytes(8, "little") + b"[" * 1000,
        (3).to_bytes(8, "little") + b"\xff\xfe{",
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="net.safetensors cannot be read as"):
        read_safetensors(path)


def test_a_digest_follows_names_values_shapes_and_types():
    zeros = torch.zeros(2, 3)
    known = {
        digest({"a": zeros}),
        digest({"b": zeros}),
        digest({"a": zeros.reshape(3, 2)}),
        digest({"a": zeros.int()}),
        digest({"a": zeros + 1}),
        digest({"a": zeros, "b": zeros}),
    }
    assert len(known) == 6
    assert digest({"a": zeros, "b": zeros + 1}) == digest(
        {"b": zeros + 1, "a": zeros}
    )
    strided = torch.arange(6.0).reshape(2, 3).T
    assert digest({"a": strided}) == digest({"a": strided.contiguous()})


def test_weights_are_found_by_path(tmp_path):
    path = tmp_path / "net.pt"
    path.touch()
    assert find_weights(str(path), "nowhere") == path
    with pytest.raises(InputError, match="other.pt cannot be found .no such"):
        find_weights(tmp_path / "other.pt", "nowhere")


def test_weights_are_fetched_from_the_hub(tmp_path, monkeypatch):
    asked = []

    def download(repo_id, filename, **options):
        asked.append((repo_id, filename))
        return str(tmp_path / "fetched")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert find_weights("a/net/w.pt", "there") == tmp_path / "fetched"
    find_weights("a/net/sub/w.pt", "there")
    assert asked == [("a/net", "w.pt"), ("a/net", "sub/w.pt")]


def test_without_the_hub_the_place_is_named(monkeypatch):
    def download(*names, **options):
        raise OSError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(InputError) as error:
        find_weights("a/net/w.pt", "the lab's page")
    assert "a/net/w.pt cannot be found" in str(error.value)
    assert "no connection" in str(error.value)
    assert "come from the lab's page" in str(error.value)
