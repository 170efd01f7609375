"""The template as its users run it: copied, trained, resumed, put to use.

Authors
 * sb_sed contributors 2026
"""

import dataclasses
import doctest
import importlib
import json
import re
from io import StringIO

import pandas as pd
import pytest
from speechbrain.utils.run_opts import RunOptions

from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.exported import export_run

SHORT = ["train.yaml", "--clip_seconds=4", "--noprogressbar", "--device=cpu"]
WEAK = "--weak_file=data/weak.tsv"
UNLABELLED = "--unlabelled_folder=data/unlabelled"
SMALL = (
    "--network=!new:custom_model.SmallNetwork "
    "{n_classes: !ref <n_classes>, n_mels: !ref <n_mels>}"
)
ALONE = "--encoder=none"


@pytest.fixture(scope="module")
def train(call):
    """Trains; returns the standard output."""

    def run(*arguments, steps=2):
        short = [*SHORT, f"--steps_per_epoch={steps}"]
        process = call("train.py", *short, *arguments)
        assert process.returncode == 0, process.stderr[-3000:]
        return process.stdout

    return run


def log(run):
    """The lines of a run's log."""
    return (run / "train_log.txt").read_text().splitlines()


@pytest.mark.parametrize("encoder", ["yamnet", "none"])
def test_detector_of_own_classes(workplace, train, call, encoder, tmp_path):
    """With all kinds of labels: scores, detects, exports."""
    options, steps = [f"--name={encoder}", "--number_of_epochs=4"], 25
    if encoder != "yamnet":  # which is what train.yaml has
        options = [f"--name={encoder}", "--number_of_epochs=8"]
        options, steps = [*options, f"--encoder={encoder}"], 1
    said = train(WEAK, UNLABELLED, *options, steps=steps)
    run = workplace / "results" / encoder / "1986"
    assert re.search(r"train_unlabelled +6 +0 +\d+ +0 ", said)
    assert "| test | student | 6 |" in said
    assert (run / "validation" / "student" / "tuning.json").exists()
    report = json.loads((run / "test" / "student" / "report.json").read_text())
    # After one epoch it is 0.05 to 0.35.
    assert report["event_f1"]["macro"] > 0.6
    assert set(report["event_f1"]["per_class"]) >= {"chirp", "clicks"}
    assert "train weak_consistency: 0.0000" not in log(run)[-1]

    (workplace / "broken.wav").write_bytes(b"RIFF")
    long = "data/audio/long.wav"
    process = call("detect_file.py", run, long, "broken.wav")
    assert process.returncode == 1
    assert re.search(
        r"detect_file.py: broken.wav cannot be .*\n", process.stderr
    )
    assert "Traceback" not in process.stderr
    found = pd.read_csv(StringIO(process.stdout), sep="\t")
    assert set(found["filename"]) == {long}
    assert found["offset"].max() > 5  # beyond one clip
    assert found["confidence"].between(0, 1).all()

    assert export_run(run, tmp_path / "exported") == ""
    detector = SoundEventDetector.from_folder(tmp_path / "exported")
    again = detector.detect_file(workplace / long)
    assert again["event_label"].tolist() == found["event_label"].tolist()
    assert again["onset"].tolist() == pytest.approx(found["onset"], abs=6e-4)


def test_a_machine_without_what_an_option_asks_for(call):
    """One sentence, before the data are prepared."""
    process = call("train.py", *SHORT, "--precision=fp16")
    assert process.returncode == 2
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("train.py: --precision=fp16 needs a GPU")
    assert "Traceback" not in process.stderr


def test_own_network(workplace, train, tmp_path, monkeypatch):
    """Strong labels alone; resumed; loaded from the run and from an export."""
    options = [SMALL, ALONE, "--name=small"]
    train(*options, "--number_of_epochs=1")
    run = workplace / "results" / "small" / "1986"
    split = (workplace / "data" / "prepared" / "split.tsv").read_text()
    train(*options, "--number_of_epochs=2")
    assert [line.split(",")[0] for line in log(run)] == ["epoch: 1", "epoch: 2"]
    assert (workplace / "data" / "prepared" / "split.tsv").read_text() == split
    # Nothing without labels: no mean teacher
    assert "consistency_weight: 0.0000e+00" in log(run)[-1]

    assert "SmallNetwork" in export_run(run, tmp_path / "exported")
    monkeypatch.syspath_prepend(workplace)
    module = importlib.import_module("custom_model")
    assert doctest.testmod(module) == (0, 3)
    wanted = {"hparams_file": "hyperparams.yaml"}
    clip = next((workplace / "data" / "audio").rglob("*.flac"))
    of_run = SoundEventDetector.from_hparams(run, **wanted)
    of_export = SoundEventDetector.from_hparams(
        tmp_path / "exported", savedir=tmp_path / "copy", **wanted
    )
    scores = of_run.scores_file(clip)
    pd.testing.assert_frame_equal(scores, of_export.scores_file(clip))


def test_the_encoder_beside_the_cnn(workplace, train, tmp_path):
    """It takes the embeddings that are there; its runs can be loaded."""
    kept = workplace / "data" / "prepared" / "embeddings"
    options = ["--number_of_epochs=1", "--noprogressbar"]
    train(*options, f"--output_folder={tmp_path / 'head'}")
    before = {x: x.stat().st_mtime_ns for x in kept.rglob("*.npy")}
    run = tmp_path / "both"
    train(*options, "--encoder=yamnet_cnn", f"--output_folder={run}")
    assert {x: x.stat().st_mtime_ns for x in kept.rglob("*.npy")} == before
    assert before
    assert export_run(run, tmp_path / "exported") == ""
    detector = SoundEventDetector.from_folder(tmp_path / "exported")
    assert detector.mods.detector.network.cnn
    assert detector.mods.detector.encoder.sample_rate == 16000


@pytest.mark.parametrize("more", [WEAK, UNLABELLED])
def test_one_more_kind_of_recordings(workplace, train, tmp_path, more):
    train(more, "--number_of_epochs=1", f"--output_folder={tmp_path / 'out'}")
    weight = re.search(r"consistency_weight: (\S+)", log(tmp_path / "out")[0])
    assert float(weight[1]) > 0
    there = [
        kind
        for kind in ("weak", "unlabelled")
        if (workplace / "data/prepared" / f"train_{kind}.json").exists()
    ]
    assert there == [re.search("weak|unlabelled", more)[0]]


def test_the_yaml_as_it_is(call, tmp_path):
    """Without any option that changes its numbers."""
    options = ["--noprogressbar", "--device=cpu", "--number_of_epochs=1"]
    options += ["--steps_per_epoch=1"]
    process = call(
        "train.py", "train.yaml", *options, f"--output_folder={tmp_path / 'o'}"
    )
    assert process.returncode == 0, process.stderr[-3000:]


@pytest.mark.parametrize("exists", [True, False])
def test_a_recording_whose_name_begins_with_a_dash(call, workplace, exists):
    """As identifiers of YouTube do; argparse would miss its argument."""
    name = f"-dQw{exists}.wav"
    if exists:
        (workplace / name).write_bytes(b"RIFF")
    process = call("detect_file.py", "results", name)
    assert process.returncode == 2 and process.stdout == ""
    assert process.stderr == (
        f"detect_file.py: {name} begins with a dash, as options do: write "
        f"./{name} if it is a file.\n"
    )
    process = call("detect_file.py", "no_folder", f"./{name}", "--help")
    assert process.returncode == 0 and "usage:" in process.stdout
    # After -- it is a name; then the folder is what is wrong.
    process = call("detect_file.py", "--", "no_folder", name)
    assert "no_folder is no folder" in process.stderr


@pytest.mark.parametrize(
    "argument, sentence",
    [
        (["--events=a.tsv"], "no key 'events': did you mean 'events_file'?"),
        ([SMALL.replace("<n_classes>", "<seed>"), ALONE], "of 1986 scores for"),
        ([SMALL], "has an encoder without a fusion in its network"),
        (["--encoder=beats"], "its fragments (none, yamnet, yamnet_cnn)"),
        (["--sample_rate=22050"], "for 16000 Hz, the features for 22050"),
    ],
)
def test_bad_input_is_one_sentence(call, argument, sentence, tmp_path):
    output = f"--output_folder={tmp_path / 'out'}"
    output = [output, f"--prepared_folder={tmp_path / 'prepared'}"]
    process = call("train.py", *SHORT, *argument, *output)
    assert process.returncode == 2
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("train.py: ") and sentence in last
    assert "Traceback" not in process.stderr


def test_yaml_and_script_agree(workplace):
    """No key is without use, and none abbreviates a run option."""
    text = (workplace / "train.yaml").read_text()
    for fragment in (workplace / "encoders").glob("*.yaml"):
        text += re.sub("(?m)^(?=[a-z])", "  ", fragment.read_text())
    script = (workplace / "train.py").read_text()
    keys = set(re.findall(r"^([a-z]\w*):", text, re.MULTILINE))
    referred = set(re.findall(r"!ref <(\w+)", text))
    used = {key for key in keys if re.search(rf'["\s]{key}["\s]', script)}
    assert keys - referred == used - referred
    for option in dataclasses.fields(RunOptions):
        assert not [
            k for k in keys - {option.name} if option.name.startswith(k)
        ]
