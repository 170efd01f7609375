"""Folders of other programs' annotations."""

import pytest

from sb_sed.cli.main import main
from sb_sed.data.imported import import_annotations
from sb_sed.errors import InputError
from sb_sed.formats import read_events
from sb_sed.formats.foreign import Audacity, Raven

HEADER = "View\tBegin Time (s)\tEnd Time (s)\tSpecies\tBegin File\n"


@pytest.fixture
def folder(tmp_path):
    """Recordings, and annotations beside them and elsewhere."""
    for name in ("monday/a.wav", "monday/b.flac", "c.wav"):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_files_find_their_recordings(folder):
    tables = folder / "tables"
    (tables / "monday").mkdir(parents=True)
    row = "{}\t1\t2\tOwl\t\n"
    views = "".join(row.format(x) for x in ("Waveform 1", "Spectrogram 1"))
    (tables / "monday/a.Table.1.selections.txt").write_text(HEADER + views)
    (tables / "b.txt").write_text(HEADER)
    (tables / "rest.txt").write_text(HEADER + "x\t3\t4\tWren\tc.wav\n")
    events, files = import_annotations(tables, Raven(), folder / "audio")
    assert events.values.tolist() == [
        ["c.wav", 3.0, 4.0, "Wren"],
        ["monday/a.wav", 1.0, 2.0, "Owl"],
    ]
    assert files == ["c.wav", "monday/a.wav", "monday/b.flac"]
    # Without recordings, the names of the files.
    events, files = import_annotations(tables, Raven())
    assert files == ["b", "c.wav", "monday/a"]


def test_what_is_not_there_is_named(folder):
    with pytest.raises(InputError, match="no file that ends in .txt"):
        import_annotations(folder, Audacity())
    with pytest.raises(InputError, match="does not exist"):
        import_annotations(folder / "x", Audacity())
    (folder / "d.txt").write_text("1\t2\tDog\n")
    with pytest.raises(InputError, match="annotates d, which is not in"):
        import_annotations(folder / "d.txt", Audacity(), folder / "audio")


def test_the_command_writes_strong_labels(folder, capsys):
    audio = folder / "audio"
    (audio / "c.txt").write_text("0.5\t1.25\tDog\n2\t3\tDog\n")
    (audio / "monday/a.txt").touch()
    table = folder / "events.tsv"
    command = ["import-annotations", str(audio), str(table)]
    assert main([*command, "--format", "audacity"]) == 0
    assert "2 events in 2 recordings" in capsys.readouterr().out
    assert read_events(table).values[:2].tolist() == [
        ["c.wav", 0.5, 1.25, "Dog"],
        ["c.wav", 2.0, 3.0, "Dog"],
    ]
    assert read_events(table)["filename"].tolist()[2:] == ["monday/a.wav"]
    assert main([*command, "--format", "csv", "--columns", "a,b"]) == 2
    assert "--columns a,b are 2" in capsys.readouterr().err
