"""The page as a file: escaped, closed to the network, the same every time."""

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

import sb_sed.report
from sb_sed.evaluation import Evaluator
from sb_sed.report import gather, write_figures, write_page
from sb_sed.report.clips import choose_clips
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.crossfit import AsGiven

STYLES = Path(sb_sed.report.__file__).with_name("templates") / "base.css"


class Page(HTMLParser):
    """The elements of a page and the texts of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = Counter(), [], {}
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, *pair) for pair in attrs]
        self.open = f"{tag} {dict(attrs).get('type', '')}".strip()

    def handle_data(self, data):
        self.texts[self.open] = self.texts.get(self.open, "") + data

    def handle_endtag(self, tag):
        self.open = None


@pytest.fixture
def written(run, tmp_path):
    path = tmp_path / "out" / "report.html"
    contents = write_page(gather(run), path, n_clips=3)
    return path, contents


def test_names_are_never_markup(written):
    path, _ = written
    page = Page(path.read_text())
    assert page.tags["script"] == 2
    assert page.tags["img"] == 0
    assert not [a for a in page.attributes if a[1].startswith("on")]
    data = json.loads(page.texts["script application/json"])
    assert "</script><script>window.hacked=2</script>" in data["classes"]
    assert any(file["name"].startswith("<img") for file in data["files"])


def test_the_policy_allows_its_own_script_and_style_only(written):
    path, _ = written
    text = path.read_text()
    page = Page(text)
    policy = dict(
        a[1:]
        for a in page.attributes
        if a[1] == "content" and a[2].startswith("default")
    )["content"]
    for name, content in (
        ("script-src", page.texts["script module"]),
        ("style-src", page.texts["style"]),
    ):
        digest = hashlib.sha256(content.encode()).digest()
        expected = f"{name} 'sha256-{base64.b64encode(digest).decode()}'"
        assert expected in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not [a for a in page.attributes if a[1] == "style"]
    # The only address is the name of a language of markup.
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {
        "http://www.w3.org/2000/svg"
    }


def test_clips_contain_their_sound_or_link_to_it(written, tmp_path):
    path, contents = written
    data = json.loads(Page(path.read_text()).texts["script application/json"])
    files = data["files"]
    assert sum("audio" in file for file in files) == 3
    links = [file["link"] for file in files if "link" in file]
    assert len(links) == 2
    for link in links:
        assert (path.parent / unquote(link)).is_file()
    errors = [contents.files[f["name"]].n_errors for f in files]
    assert errors == sorted(errors, reverse=True)


def test_what_there_is_to_know_of_a_recording_is_said(run, tmp_path):
    inputs = gather(run)
    path = next(iter(inputs.audio.values()))
    tone = np.sin(np.arange(40000) / 9) / 2
    soundfile.write(path, np.stack([tone, -tone], axis=1), 8000)
    page = tmp_path / "report.html"
    write_page(inputs, page, n_clips=5)
    data = json.loads(Page(page.read_text()).texts["script application/json"])
    (notes,) = [file["notes"] for file in data["files"] if file.get("notes")]
    assert "has channels that cancel each other" in notes[0]


def test_the_figures_of_the_page_are_those_of_the_report(written):
    path, contents = written
    text = path.read_text()
    assert contents.report["n_files"] == 5
    macro = 100 * contents.report["event_f1"]["macro"]
    assert f"<dd>{macro:.1f}<span" in text
    assert sum(contents.confusions.values()) == sum(
        row["reference"][kind]
        for row in contents.classes
        for kind in ("hit", "wrong class")
    )
    assert contents.confusions[("Cat", "Dog")] == 1


def test_the_same_input_gives_the_same_page(run, tmp_path):
    pages = []
    for name in ("a", "b"):
        path = tmp_path / name / "report.html"
        write_page(gather(run), path, n_clips=2)
        pages.append(path.read_bytes())
    assert pages[0] == pages[1]


def test_no_sound_no_psds(reference, scores, tmp_path):
    from sb_sed.report import Inputs

    reference = reference[reference["event_label"].isin(["Cat"])]
    events = reference.iloc[:0]
    write_page(Inputs("t", reference, events, scores), tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text())
    data = json.loads(page.texts["script application/json"])
    assert [set(f) & {"audio", "link"} for f in data["files"]] == [set()]


def test_figures_of_the_clips(run, tmp_path):
    inputs = gather(run)
    contents = write_page(inputs, tmp_path / "report.html", n_clips=2)
    figures = write_figures(contents, inputs, 2, tmp_path / "figures")
    assert sorted(figures) == sorted((tmp_path / "figures").iterdir())
    assert {f"{f.stem}.wav" for f in figures} == set(
        choose_clips(contents.files, 2)
    )


@pytest.mark.parametrize("theme", [0, 1])
def test_contrast_is_double_a(theme):
    blocks = re.findall(r":root[^{]*{([^}]*)}", STYLES.read_text())
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[theme]))
    for name in ("ink", "muted", "accent", "k0", "k1", "k2", "k3", "k4"):
        for ground in ("paper", "wash"):
            ratio = contrast(colours[name], colours[ground])
            assert ratio >= 4.5, (name, ground, ratio)
    assert contrast(colours["scores"], colours["paper"]) >= 2.5


def contrast(one: str, other: str) -> float:
    """Of the Web Content Accessibility Guidelines 2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4
        for x in parts
    ]
    return sum(
        w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


@pytest.mark.parametrize("other_smoother", [False, True])
def test_the_precision_of_the_run_is_said(run, tmp_path, other_smoother):
    """As in the table of the training; whatever smooths its scores."""
    path = tmp_path / "report.html"
    sentence = "Trained in bf16, scored in fp32, on <cpu>."
    shown = "Trained in bf16, scored in fp32, on &lt;cpu&gt;."
    write_page(gather(run), path, n_clips=0)
    assert shown not in path.read_text("utf-8")
    results, inputs = run / "validation" / "student", gather(run)
    evaluator = Evaluator(
        MedianSmoother(0.6, 0.1),
        AsGiven(),
        list(inputs.scores["a"].columns[2:]),
        run,
        sentence,
    )
    inputs = gather(run)
    evaluator.score(
        "validation",
        {"student": inputs.scores},
        inputs.reference,
        inputs.durations,
    )
    options = {}
    if other_smoother:
        options["smoother"] = tmp_path / "smoother.json"
        save_smoother(ThresholdSmoother(0.3), options["smoother"])
    inputs = gather(results, **options)
    write_page(inputs, path, n_clips=0)
    assert path.read_text("utf-8").count(shown) == 1


def test_scores_are_broken_down_by_what_is_known(run, tmp_path):
    inputs = gather(run)
    names = sorted(inputs.reference["filename"].unique())
    table = tmp_path / "metadata.csv"
    rows = [
        f"{name},{'kitchen' if number else 'hall;kitchen'},<b>phone</b>\n"
        for number, name in enumerate(names)
    ]
    table.write_text("filename,room,device\n" + "".join(rows))
    page = tmp_path / "report.html"
    contents = write_page(gather(run, metadata=table), page)
    macro = contents.report["event_f1"]["macro"]
    found = {group.value: group for group in contents.groups}
    assert found["kitchen"].f1 == macro and len(found["hall"].files) == 1
    text = page.read_text()
    assert "<b>phone" not in text and "&lt;b&gt;phone" in text
    options = f"kitchen, F1 {100 * macro:.1f} ["
    assert options in text and 'data-group="0"' in text
    data = json.loads(Page(text).texts["script application/json"])
    kitchen = contents.groups.index(found["kitchen"])
    assert all(kitchen in file["groups"] for file in data["files"])
    # Without metadata there is nothing to choose from.
    write_page(inputs, page)
    assert 'id="group"' not in page.read_text()
