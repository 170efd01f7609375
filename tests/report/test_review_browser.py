"""The page of a review in a headless Chromium, from disk and served."""

import shutil
import subprocess
import threading

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from chromium import NEEDS_CHROMIUM, opened

from sb_sed.formats import scores_table
from sb_sed.formats.reviews import REVIEW_COLUMNS, read_reviews
from sb_sed.report.review import write_review
from sb_sed.report.serve import ReviewServer
from sb_sed.reviewing.sampling import ITEM_COLUMNS

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = NEEDS_CHROMIUM
CLASSES = ["Cat", "Dog"]


def make_page(folder, n_boxes, with_sound=True, before=None):
    """A page about boxes of one recording of 10 s, and one window."""
    times = np.linspace(0.5, 8.5, n_boxes).round(3)
    boxes = pd.DataFrame(
        [
            ("<b>a.wav", t, t + 1.0, CLASSES[n % 2], 0.3 + 0.6 * (n % 2))
            for n, t in enumerate(times)
        ],
        columns=ITEM_COLUMNS[:5],
    )
    window = pd.DataFrame(
        [("<b>a.wav", 0.0, 10.0, None, np.nan, 0.1)], columns=ITEM_COLUMNS
    )
    items = pd.concat([boxes.assign(probability=0.5), window])
    path = folder / "a.wav"
    sf.write(path, 0.1 * np.sin(np.arange(80000) / 5), 8000)
    gone = folder / "gone.wav"
    write_review(
        folder,
        "a detector",
        items.reset_index(drop=True),
        boxes.iloc[:20],
        {"<b>a.wav": scores_table(np.full((100, 2), 0.4), 0.1, CLASSES)},
        dict.fromkeys(CLASSES, 0.5),
        {"<b>a.wav": path if with_sound else gone},
        before,
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("review #1"), 4)


@pytest.fixture
def page(browser, options, folder):
    """The page from disk; afterwards, nothing has failed or was fetched."""
    address = (folder / "index.html").as_uri()
    schemes = {"file", "data", "blob"}
    with opened(browser, options, address, schemes, seconds=30) as page:
        yield page


def question(page):
    return int(page.input_value("#number"))


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def saved(page, tmp_path):
    with page.expect_download() as download:
        page.keyboard.press("s")
    path = tmp_path / "reviews.tsv"
    download.value.save_as(path)
    return read_reviews(path)


def edges(page, n=-1):
    return [
        float(
            page.get_attribute(f'[data-handle="{n} {side}"]', "aria-valuenow")
        )
        for side in ("onset", "offset")
    ]


def test_every_answer_by_key(page, tmp_path):
    assert page.inner_text("#question") == "Is this Cat?"
    assert page.inner_text("#facts").startswith("<b>a.wav, 0.50 to 1.50 s")
    press(page, "r")
    assert question(page) == 2
    assert "Cat: 1 answer" in page.inner_text("#status")  # below the threshold
    press(page, "w")
    assert "precision 0.00 ± 0.40 from 1 answer" in page.inner_text("#status")
    press(page, "u")
    press(page, "b")
    assert question(page) == 4  # asks for the boundary first
    assert "Drag the boundary" in page.inner_text("#status")
    press(page, "b")
    assert page.inner_text("#question") == "Which events have no box?"
    press(page, "1")
    assert "All is answered" in page.inner_text("#status")
    reviews = saved(page, tmp_path)
    expected = ["right", "wrong", "unsure", "boundary", "checked"]
    assert reviews["answer"].tolist() == expected
    assert reviews["probability"].tolist() == [0.5] * 4 + [0.1]
    assert reviews["filename"].unique() == ["<b>a.wav"]
    press(page, "p", "p", "2", "2", "ArrowUp")
    assert page.locator("#count").inner_text() == "5 of 5 answered"


def test_every_answer_by_button(page, tmp_path):
    page.get_by_role("button", name="Right").click()
    page.select_option("#true-label", label="Cat")
    page.get_by_role("button", name="Wrong class").click()
    page.get_by_role("button", name="Not sure").click()
    page.get_by_role("button", name="Boundary wrong").click()
    page.get_by_role("button", name="Boundary wrong").click()
    page.get_by_role("button", name="All checked").click()
    reviews = saved(page, tmp_path)
    assert reviews["answer"][4] == "checked"
    assert reviews["true_label"][1] == "Cat"
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Next open").click()
    assert question(page) == 5
    page.fill("#number", "2")
    page.keyboard.press("Enter")
    assert page.input_value("#true-label") == "0"
    pressed = page.locator("[data-answer][aria-pressed=true]")
    assert pressed.get_attribute("data-answer") == "wrong"


def drag(page, selector, share):
    """Drags something to a share of the width of the spectrogram."""
    box = page.locator("#stage").bounding_box()
    handle = page.locator(selector).bounding_box()
    middle = handle["x"] + handle["width"] / 2, handle["y"] + 60
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], middle[1], steps=4)
    page.mouse.up()


def test_dragging_a_boundary(page, tmp_path):
    # The first excerpt is from 0 to 3.5 s, the box from 0.5 to 1.5 s.
    drag(page, '[data-handle="-1 offset"]', 2.0 / 3.5)
    assert edges(page) == pytest.approx([0.5, 2.0], abs=0.02)
    drag(page, '[data-handle="-1 onset"]', 0.9)  # not beyond the offset
    assert edges(page)[0] == pytest.approx(edges(page)[1] - 0.02)
    press(page, "z")
    assert edges(page)[0] == 0.5
    press(page, "b")
    assert question(page) == 2
    row = saved(page, tmp_path).iloc[0]
    assert row["answer"] == "boundary" and row["true_label"] == "Cat"
    assert row["true_offset"] == pytest.approx(2.0, abs=0.02)


def test_right_with_a_moved_boundary_is_a_corrected_one(page, tmp_path):
    press(page, "]", "ArrowRight", "Shift+ArrowRight", "r")
    row = saved(page, tmp_path).iloc[0]
    assert (row["answer"], row["true_offset"]) == ("boundary", 1.72)


def test_missed_events(page, tmp_path):
    page.uncheck("#by-itself")
    page.focus("#question")
    press(page, "n", "n", "n", "n", "ArrowRight", "ArrowRight", "a")
    assert edges(page, 0) == [1.0, 1.5]
    press(page, "ArrowLeft")
    assert edges(page, 0) == [0.98, 1.5]
    page.get_by_label("Class of the added event 1").select_option(label="Dog")
    press(page, "Escape", "a", "Delete")
    assert page.locator("#added li").count() == 1
    press(page, "r")
    reviews = saved(page, tmp_path)
    assert reviews["answer"].tolist() == ["checked", "missed"]
    row = reviews.iloc[1]
    assert (row["true_onset"], row["true_label"]) == (0.98, "Dog")
    page.fill("#number", "5")
    page.keyboard.press("Enter")
    page.get_by_label("Remove the added event 1").click()
    assert saved(page, tmp_path)["answer"].tolist() == ["checked"]


def test_undo_takes_back_one_by_one(page):
    press(page, "z")
    assert page.locator("#count").inner_text() == "0 of 5 answered"
    press(page, "r", "w", "a")
    press(page, "z")
    assert page.locator("#added li").count() == 0
    press(page, "Control+z")
    assert question(page) == 2
    press(page, "z")
    assert question(page) == 1
    assert page.locator("#count").inner_text() == "0 of 5 answered"
    assert page.locator("#undo").is_disabled()


def test_nothing_is_lost_by_a_reload(page, tmp_path):
    press(page, "r", "]", "Shift+ArrowRight", "b", "a")
    before = saved(page, tmp_path)
    page.reload()
    assert question(page) == 3  # the next open one
    pd.testing.assert_frame_equal(saved(page, tmp_path), before)
    press(page, "z")
    assert page.locator("#added li").count() == 0
    press(page, "z")
    assert question(page) == 2  # undo reaches behind the reload


def test_going_on_with_a_saved_table(page, tmp_path, browser, folder):
    press(page, "r", "]", "Shift+ArrowRight", "b", "a", "u", "w")
    before = saved(page, tmp_path)
    context = browser.new_context()
    other = context.new_page()
    other.goto((folder / "index.html").as_uri())
    other.set_input_files("#open", tmp_path / "reviews.tsv")
    sync_api.expect(other.locator("#status")).to_contain_text("4 of these")
    pd.testing.assert_frame_equal(saved(other, tmp_path), before)
    context.close()


def test_answers_of_earlier_rounds_are_saved_too(browser, options, tmp_path):
    row = ["b.wav", 3.0, 4.5, "Cat", 0.4, 0.25, "boundary", 3.1, 4.2, "Cat"]
    before = pd.DataFrame([row], columns=REVIEW_COLUMNS)
    page = make_page(tmp_path, 2, before=before)
    address = (page / "index.html").as_uri()
    with opened(browser, options, address, {"file", "data", "blob"}) as page:
        press(page, "r")
        reviews = saved(page, tmp_path)
    pd.testing.assert_frame_equal(reviews[:1], before)
    assert reviews["answer"].tolist() == ["boundary", "right"]


def test_sound_is_loaded_when_it_is_listened_to(page):
    page.uncheck("#by-itself")
    page.focus("#question")
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    press(page, "n", "p")
    assert not any(url.endswith("mp3") for url in loaded)
    press(page, " ")
    sync_api.expect(page.locator("#play")).to_contain_text("Pause")
    press(page, " ")
    sync_api.expect(page.locator("#play")).to_contain_text("Play")
    press(page, "x")
    sync_api.expect(page.locator("#play")).to_contain_text("Pause")
    sync_api.expect(page.locator("#play")).to_contain_text("Play")
    at = float(page.inner_text("#time").split()[0])
    assert 1.4 < at < 2.2  # behind the box


def test_a_press_on_the_spectrogram_seeks(page):
    box = page.locator("#stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    assert float(page.inner_text("#time").split()[0]) == pytest.approx(
        1.75, abs=0.02
    )


def test_all_can_be_reached_by_tab(page):
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.dataset"
                ".handle || document.activeElement.dataset.answer"
            )
        )
    assert {
        *("save", "open", "theme", "play", "play-box", "by-itself", "add"),
        *("-1 onset", "-1 offset", "right", "boundary", "wrong", "unsure"),
        *("true-label", "previous", "number", "next", "next-open"),
    } <= seen


def test_names_for_screen_readers(page):
    for role, name in (
        ("slider", "Onset of Cat"),
        ("slider", "Offset of Cat"),
        ("group", "Answer"),
        ("group", "Sound"),
        ("combobox", "it is"),
        ("spinbutton", "Question"),
        ("img", "Spectrogram"),
        ("region", "Precision of the classes"),
        ("checkbox", "play by itself"),
    ):
        found = page.get_by_role(role, name=name, exact=role != "combobox")
        assert found.count() == 1, (role, name)
    text = page.get_attribute('[data-handle="-1 onset"]', "aria-valuetext")
    assert text == "0.50 seconds"
    assert page.get_attribute("#status", "aria-live") == "polite"


class TestDark:
    @pytest.fixture
    def options(self):
        return {"color_scheme": "dark"}

    def test_follows_the_system_and_the_button(self, page):
        assert page.get_attribute("html", "data-theme") == "dark"
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == "light"


class TestNarrow:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 360, "height": 640}}

    def test_nothing_overflows(self, page):
        press(page, "a")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_ten_thousand_detections(browser, tmp_path):
    make_page(tmp_path, 10_000, with_sound=False)
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.keyboard.press("r")
    page.wait_for_function("document.querySelector('#number').value === '2'")
    for _ in range(20):
        page.keyboard.press("r")
    assert page.locator("#count").inner_text() == "21 of 10001 answered"
    page.reload()
    assert question(page) == 22
    page.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The script of axe-core, from npm."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("npm")
    path = folder / "node_modules" / "axe-core" / "axe.min.js"
    if npm:
        command = [npm, "install", "--silent", "--prefix", folder, "axe-core"]
        subprocess.run(command, capture_output=True, timeout=60)
    if not path.is_file():
        pytest.skip("axe-core cannot be had: npm install axe-core")
    return path.read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, folder, axe, scheme):
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    press(page, "r", "a", "n", "w")
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    context.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_served_answers_are_written(browser, folder):
    with ReviewServer(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.address)
        page.uncheck("#by-itself")
        page.focus("#question")
        press(page, "r", "w")
        sync_api.expect(page.locator("body[data-saved='2']")).to_be_attached()
        reviews = read_reviews(folder / "reviews.tsv")
        assert reviews["answer"].tolist() == ["right", "wrong"]
        press(page, " ")
        sync_api.expect(page.locator("#play")).to_contain_text("Pause")
        page.close()
        # Another browser goes on where this one has stopped.
        other = browser.new_page()
        other.goto(server.address)
        sync_api.expect(other.locator("#count")).to_contain_text("2 of 5")
        other.close()
        server.shutdown()
        assert errors == []
    (folder / "reviews.tsv").unlink()
