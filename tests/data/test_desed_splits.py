"""Soundscapes that are held out for validation, and their sounds."""

import json

import pandas as pd
import pytest

from sb_sed.data.desed import describe_summary
from sb_sed.data.desed_layout import Labels, Source
from sb_sed.data.desed_splits import Split, hold_out_files
from sb_sed.data.jams import JamsSource, soundscape_jams
from sb_sed.errors import InputError


def test_held_out_soundscapes_depend_on_the_seed_only(tree):
    def held_out(**options):
        tree.prepare(**options)
        names = set(tree.manifest("valid_synthetic"))
        assert not names & set(tree.manifest("train_synthetic"))
        return names

    first = held_out()
    lines = tree.soundscapes_table.read_text().splitlines()
    tree.soundscapes_table.write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert held_out() == first
    assert any(held_out(seed=seed) != first for seed in (1, 2, 3))
    assert len(held_out(valid_fraction=0.5)) == 5
    lost = next(iter(first))
    (tree.soundscapes / f"{lost}.wav").unlink()
    assert held_out() == first - {lost}
    assert tree.missing()["split"].tolist() == ["valid_synthetic"]


@pytest.mark.parametrize("n_clips", [2584, 360, 10, 3, 2])
def test_held_out_soundscapes_are_the_baselines(n_clips):
    """Against pandas, as the baseline of DCASE 2020 calls it on its table."""
    names = [f"{index}.wav" for index in range(n_clips)]
    # DESED's tool sorts its tables by name; several rows a file.
    table = pd.DataFrame({"filename": names * 2}).sort_values("filename")
    train = table.filename.drop_duplicates().sample(frac=0.8, random_state=26)
    assert len(train) == round(0.8 * n_clips)
    labels = dict.fromkeys(names, Labels())
    split = Split(Source("synthetic", (), None, None), labels, {})
    kept, held_out = hold_out_files(split, 0.2, 26)
    expected = set(names) - set(train)
    if expected and len(train):
        assert set(held_out.labels) == expected
        assert set(kept.labels) == set(train)
    else:  # neither may be empty
        assert len(kept.labels) == len(held_out.labels) == 1
    if n_clips == 2584:
        assert len(held_out.labels) == 517
        assert len(expected & set(held_out.labels)) == 517


def sounds_jams(*sounds, isolated=None):
    """A soundscape of files of a sound bank."""
    room = JamsSource("sins", "/bank/background/sins/r.wav", 0, 10, 0, 0, 10)
    events = [
        JamsSource(label, f"/bank/foreground/{label}/{name}", 1, 1, 9, 0, 1)
        for label, name in sounds
    ]
    return json.dumps(
        soundscape_jams(room, events, 10.0, corpus="x", isolated=isolated or ())
    )


def test_sounds_of_held_out_soundscapes_are_listed(tree, caplog):
    """Those that their JAMS name, and other copies of the same sounds."""
    tree.prepare()
    first, second = tree.manifest("valid_synthetic")
    other, third, *_ = tree.manifest("train_synthetic")
    list_of = tree.out / "held_out_sounds.json"
    assert json.loads(list_of.read_text()) == []  # without JAMS
    for name, sounds in (
        (first, [("Dog", "1.wav"), ("Frying_nOff", "2.wav")]),
        (other, [("Dog", "3.wav"), ("Dog", "1.wav")]),
    ):
        isolated = [f"{name}_events/background0_sins.wav"] + [
            f"/far/away/{name}_events/foreground{k}_{label}.wav"
            for k, (label, _) in enumerate(sounds)
        ]
        (tree.soundscapes / f"{name}.jams").write_text(
            sounds_jams(*sounds, isolated=isolated)
        )
    (tree.soundscapes / f"{third}.jams").write_text(
        sounds_jams(("Frying_nOff", "2.wav"), ("Cat", "4.wav"))
    )
    (tree.soundscapes / f"{second}.jams").write_text("{}")
    summary = tree.prepare()
    assert set(json.loads(list_of.read_text())) == {
        "Dog/1.wav",
        "Frying_nOff/2.wav",
        f"{first}_events/foreground0_Dog.wav",
        f"{first}_events/foreground1_Frying_nOff.wav",
        f"{other}_events/foreground1_Dog.wav",
    }
    assert summary["held_out_sounds"] == 2
    assert "2 files of the sound bank are in held" in describe_summary(summary)
    assert f"{second}.jams is not a JAMS file" in caplog.text
    tree.prepare(valid_fraction=0)
    assert json.loads(list_of.read_text()) == []


def test_no_soundscape_need_be_held_out(tree):
    tree.prepare()
    summary = tree.prepare(valid_fraction=0)
    assert summary["left_out"] == ["valid_synthetic"]
    assert len(tree.manifest("train_synthetic")) == 10
    assert not (tree.out / "valid_synthetic.json").exists()
    assert not (tree.out / "references" / "valid_synthetic.tsv").exists()
    with pytest.raises(InputError, match="valid_fraction"):
        tree.prepare(valid_fraction=1)
