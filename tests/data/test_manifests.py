"""Manifests that were written by hand."""

import json

import pytest

from sb_sed.data.manifests import manifest_entry, read_manifest, write_manifest
from sb_sed.errors import InputError

ENTRY = {"wav": "a.wav", "duration": 9, "events": [[0, 1, "Cat"]], "tags": []}


def test_what_is_written_can_be_read(tmp_path):
    entry = manifest_entry("{a}.wav", 9.5, [(0, 1.5, "Cat")], ["Cat"])
    write_manifest({"a": entry}, tmp_path / "a.json")
    assert read_manifest(tmp_path / "a.json") == {
        "a": entry | {"wav": "{a}.wav"}
    }


def test_an_event_behind_the_end_by_rounding_is_none():
    events = [(0, 3.0000000000000004, "Cat"), (2.9999999999999996, 4, "Dog")]
    assert manifest_entry("a.wav", 3.0, events)["events"] == [[0, 3.0, "Cat"]]


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "is not a manifest of clips"),
        ("[]", "names none"),
        ("{}", "names none"),
        ('{"a": {}, "a": {}}', "'a' is there twice"),
        ('{"a": 1}', "has None as the wav of 'a'"),
        (json.dumps({"a": ENTRY | {"wav": 1}}), "has 1 as the wav"),
        (json.dumps({"a": ENTRY | {"duration": "9"}}), "'9' as the duration"),
        (json.dumps({"a": ENTRY | {"duration": 1e999}}), "inf as the duration"),
        (json.dumps({"a": ENTRY | {"events": [[1, 0, "x"]]}}), "as the events"),
        (
            json.dumps({"a": ENTRY | {"tags": ["Cat "]}}),
            "class .Cat . for .a., with space",
        ),
    ],
)
def test_wrong_manifests_are_reported(tmp_path, text, words):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=words):
        read_manifest(tmp_path / "a.json")
