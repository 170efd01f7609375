"""``sb-sed export`` as its user calls it; ``export-onnx``: see test_onnx."""

import pytest

from sb_sed.cli.main import main


def export(*arguments):
    return main(["export", *map(str, arguments)])


def test_export(run_folder, tmp_path, capsys):
    assert export(run_folder, tmp_path / "out") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}\n"
    assert (tmp_path / "out" / "detector.json").is_file()


@pytest.mark.parametrize("name", ["cc-by-4.0", "apache-2.0"])
def test_the_licence_is_the_trainers_to_choose(run_folder, tmp_path, name):
    assert export(run_folder, tmp_path / "out", "--license", name) == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith(f"---\nlicense: {name}\n")
    assert f"## Licence\n\n{name}\n" in card
    file = tmp_path / "out" / "LICENSE"
    assert file.exists() == (name == "apache-2.0")
    assert not file.exists() or "Apache License" in file.read_text()


def test_export_of_ones_own_classes_says_so(run_folder, tmp_path, capsys):
    recipe = run_folder / "hyperparams.yaml"
    text = recipe.read_text().replace("sb_sed.models.crnn.CRNN", "own.Net")
    recipe.write_text(text)
    assert export(run_folder, tmp_path / "out") == 0
    err = capsys.readouterr().err
    assert "own.Net" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "line, words",
    [
        ("export nowhere out", "nowhere is not the folder of a run"),
        ("export {run} out --license My:own", "'My:own' is not a name of"),
        ("export {run} there", "there exists"),
        ("export {run} out --smoother notes.txt", "notes.txt is not JSON"),
    ],
)
def test_bad_input_gets_one_sentence(
    run_folder, tmp_path, monkeypatch, capsys, line, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("not a smoother")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").touch()
    assert main(line.format(run=run_folder).split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("sb-sed: ") and err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "out").exists()
