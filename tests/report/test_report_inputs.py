"""What a report finds by itself, and the messages when it does not."""

import pytest

from sb_sed.errors import InputError
from sb_sed.formats import read_events, write_events
from sb_sed.report.inputs import gather
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother


def test_a_run_needs_no_more_than_its_name(run, tmp_path):
    inputs = gather(run)
    assert inputs.title.endswith("/run, validation, student")
    assert len(inputs.audio) == 5 and len(inputs.durations) == 5
    assert len(inputs.events) == 5  # decoded by the recipe's smoother
    assert set(inputs.thresholds().values()) == {0.6}
    assert not (tmp_path / "run_as_code.txt").exists()


def test_results_know_their_run(run):
    inputs = gather(run / "validation" / "student")
    assert len(inputs.audio) == 5
    assert inputs.title.endswith("/run, validation, student")


def test_events_of_the_results_come_first(run):
    path = run / "validation" / "student" / "events.tsv"
    write_events(gather(run).events, path)
    assert set(gather(run).thresholds().values()) == {0.6}
    write_events(gather(run).events[:2], path)
    other = gather(run)
    assert len(other.events) == 2
    # They are not what the smoother makes: its threshold was not theirs.
    assert other.smoother is None and other.thresholds() == {}


def test_a_tuned_smoother_comes_before_that_of_the_recipe(run, tmp_path):
    (run / "save").mkdir()
    save_smoother(
        ThresholdSmoother(0.25), run / "save" / "student_smoother.json"
    )
    assert set(gather(run).thresholds().values()) == {0.25}
    save_smoother(ThresholdSmoother(0.95), tmp_path / "mine.json")
    inputs = gather(run, smoother=tmp_path / "mine.json")
    assert set(inputs.thresholds().values()) == {0.95}
    assert inputs.events.empty


def test_a_folder_of_scores(run, tmp_path):
    scores = run / "validation" / "student" / "scores"
    reference = tmp_path / "prepared" / "references" / "validation.tsv"
    inputs = gather(scores, reference, audio=tmp_path / "audio")
    assert inputs.title == "scores"
    assert set(inputs.thresholds().values()) == {0.5}
    assert len(inputs.audio) == 5  # found in a folder below
    assert inputs.reference.equals(read_events(reference))


def test_audio_of_other_recordings_is_refused(run, tmp_path):
    scores = run / "validation" / "student" / "scores"
    reference = tmp_path / "prepared" / "references" / "validation.tsv"
    for path in (tmp_path / "audio" / "deep").iterdir():
        path.rename(path.with_name(f"other_{path.name}"))
    with pytest.raises(InputError, match="is among the recordings in .*audio"):
        gather(scores, reference, audio=tmp_path / "audio")


def test_events_instead_of_a_smoother(run, tmp_path):
    write_events(gather(run).events[:3], tmp_path / "events.tsv")
    assert len(gather(run, events=tmp_path / "events.tsv").events) == 3


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"data_set": "public"}, "public/student/scores"),
        ({"network": "teacher"}, "teacher/scores"),
        ({"audio": "{tmp}/run"}, "holds no recording"),
        ({"audio": "{tmp}/nowhere"}, "does not exist"),
        ({"events": "{tmp}/nowhere.tsv"}, "does not exist"),
        ({"smoother": "{tmp}/nowhere.json"}, "nowhere.json"),
        ({"reference": "{tmp}/nowhere.tsv"}, "does not exist"),
        ({"durations": "{tmp}/nowhere.tsv"}, "does not exist"),
    ],
)
def test_what_is_missing_is_named(run, tmp_path, arguments, word):
    arguments = {k: v.format(tmp=tmp_path) for k, v in arguments.items()}
    with pytest.raises(InputError, match=word):
        gather(run, **arguments)


def test_detections_with_confidences_can_be_the_reference(run, tmp_path):
    from sb_sed.report import write_page

    confident = gather(run).events.assign(confidence=0.5)
    write_events(confident, tmp_path / "confident.tsv")
    inputs = gather(run, tmp_path / "confident.tsv")
    contents = write_page(inputs, tmp_path / "report.html", n_clips=0)
    assert contents.report["event_f1"]["macro"] == 1


def test_no_reference(run, tmp_path):
    with pytest.raises(InputError, match="give REFERENCE.tsv"):
        gather(run / "validation" / "student" / "scores")
    (tmp_path / "prepared").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="prepared folder"):
        gather(run)
    reference = tmp_path / "moved" / "references" / "validation.tsv"
    assert gather(run, reference).audio == {}


def test_a_broken_manifest(run, tmp_path):
    (tmp_path / "prepared" / "validation.json").write_text("[1]")
    with pytest.raises(InputError, match="not a manifest"):
        gather(run)


def test_psds_is_that_of_the_training_or_of_the_smoothed_scores(run, tmp_path):
    from sb_sed.report import write_page
    from sb_sed.scoring.psds import psds
    from sb_sed.scoring.report import make_report, write_json

    results, page = run / "validation" / "student", tmp_path / "report.html"
    inputs = gather(run)
    expected = psds(inputs.reference, inputs.scores, inputs.durations)
    assert expected["2020"] > 0
    assert write_page(inputs, page, n_clips=0).report["psds"] == expected

    class Silent(ThresholdSmoother):
        """Leaves nothing of the scores."""

        def to_scores(self, scores):
            return {
                c: t.assign(**dict.fromkeys(t.columns[2:], 0.0))
                for c, t in scores.items()
            }

    inputs.smoother = Silent()
    assert write_page(inputs, page, n_clips=0).report["psds"]["2020"] == 0
    own = dict.fromkeys(expected, 0.25)
    report = make_report(
        inputs.reference, inputs.events, inputs.scores, inputs.durations
    )
    write_json(report | {"psds": own}, results / "report.json")
    assert write_page(gather(run), page, n_clips=0).report["psds"] == own
    # What is shown then are not the training's events any more.
    save_smoother(ThresholdSmoother(0.95), tmp_path / "mine.json")
    assert gather(run, smoother=tmp_path / "mine.json").psds is None
    (results / "report.json").write_text("[]")
    with pytest.raises(InputError, match="report.json is not a report"):
        gather(run)
