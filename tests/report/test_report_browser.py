"""The page in a headless Chromium, opened from disk."""

import re

import pytest
from chromium import NEEDS_CHROMIUM, opened

from sb_sed.report import gather, write_page

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def address(one_run):
    path = one_run.parent / "report #1%.html"
    write_page(gather(one_run), path, n_clips=4)
    return path.as_uri()


@pytest.fixture
def page(browser, options, address):
    """The page; afterwards, nothing was fetched and no error was logged."""
    with opened(browser, options, address, {"file", "data"}) as page:
        page.wait_for_selector("#rows [aria-current]")
        yield page
        assert page.evaluate("window.hacked") is None


def names(page) -> list[str]:
    return page.locator("#rows button").all_inner_texts()


def position(page) -> float:
    return float(page.get_attribute("#canvas", "aria-valuenow"))


def wait_until(page, seconds: float) -> None:
    """Waits for the playhead (the page's policy forbids it to a script)."""
    for _ in range(500):
        if position(page) >= seconds:
            return
        page.wait_for_timeout(20)
    raise TimeoutError(position(page))


def wait_for(page, text: str) -> None:
    sync_api.expect(page.locator("#play")).to_have_text(text)


def test_names_stay_text(page):
    assert any(name.startswith("<img src=x onerror") for name in names(page))
    assert page.locator("script").count() == 2
    page.get_by_role("button", name="<img").click()
    assert page.inner_text("#clip-name").startswith("<img src=x onerror")
    assert page.locator("#picture img").count() == 1


def test_sound_plays_and_moves_the_playhead(page):
    page.click("#play")
    wait_until(page, 0.3)
    assert page.inner_text("#play") == "Pause"
    left = page.evaluate("document.querySelector('#playhead').offsetLeft")
    assert left > 0
    page.click("#play")
    wait_for(page, "Play")
    before = position(page)
    page.wait_for_timeout(150)
    assert position(page) == before


def test_a_linked_file_plays_from_its_folder(page):
    page.locator("#rows button.mute").click()
    page.click("#play")
    wait_until(page, 0.2)


def test_an_event_plays_from_its_start_to_its_end(page):
    page.fill("#query", "c.wav")
    page.locator("#events button").first.click()
    wait_until(page, 0.6)
    wait_for(page, "Play")
    assert 2.5 <= position(page) < 3.2


def test_a_press_on_the_time_line_seeks(page):
    canvas = page.locator("#canvas")
    width = canvas.bounding_box()["width"]
    canvas.click(position={"x": width * 0.4, "y": 60})
    assert position(page) == pytest.approx(2.0, abs=0.05)
    assert page.inner_text("#time") == "2.00 of 5.00 s"


def test_filters_count_and_clear(page):
    count = page.locator("#count")
    assert count.inner_text() == "5 of 5 files"
    assert count.get_attribute("aria-live") == "polite"
    page.check("input[name=kind][value='2']")  # wrong class
    assert (names(page), count.inner_text()) == (["b.wav"], "1 of 5 files")
    page.select_option("#class", "Dog")
    assert names(page) == ["b.wav"]  # either class of the pair
    page.select_option("#class", index=1)  # the one with < in its name
    assert count.inner_text() == "No file matches"
    page.click("#clear")
    assert len(names(page)) == 5
    page.fill("#query", "SIL")
    assert names(page) == ["silent.wav"]


def test_a_confusion_shows_its_files(page):
    page.get_by_role("button", name="Cat found as Dog: 1").click()
    assert names(page) == ["b.wav"]
    assert "found as Dog" in page.inner_text("#as")
    page.click("#as")
    assert page.locator("#as").is_hidden()


def test_sorting_says_how(page):
    page.click("[data-sort=name]")
    assert names(page) == sorted(names(page))
    header = page.locator("th:has([data-sort=name])")
    assert header.get_attribute("aria-sort") == "ascending"
    page.click("[data-sort=name]")
    assert names(page) == sorted(names(page), reverse=True)
    page.click("[data-sort='3']")  # missed
    assert names(page)[0] == "c.wav"


def test_kinds_are_marked_on_both_sides(page):
    page.fill("#query", "c.wav")
    for side, kinds in (("reference", [1, 3]), ("detected", [1, 4])):
        bars = page.locator(f".track.{side} .bar")
        found = [bar.get_attribute("class") for bar in bars.all()]
        assert sorted(found) == [f"bar k{kind}" for kind in kinds]
    rows = page.locator("#events tr").all_inner_texts()
    assert len(rows) == 3  # cut short (a pair), missed, invented
    assert "offset −1.50 s" in rows[0]


def test_keys(page):
    page.locator("#rows button").first.focus()
    page.keyboard.press("ArrowDown")
    current = page.locator("#rows [aria-current]")
    assert current.inner_text() == names(page)[1]
    assert page.evaluate("document.activeElement.ariaCurrent") == "true"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert position(page) == pytest.approx(0.55)
    page.keyboard.press("End")
    assert position(page) == 5.0
    page.keyboard.press("p")
    assert position(page) < 5.0
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    wait_for(page, "Pause")
    page.keyboard.press(" ")
    wait_for(page, "Play")
    page.keyboard.press("+")
    width = page.evaluate("document.querySelector('#canvas').style.width")
    assert width == "200%"
    page.keyboard.press("/")
    page.keyboard.type("b.w+ -p n")  # text now, no commands
    assert page.input_value("#query") == "b.w+ -p n"
    page.fill("#query", "b.")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText") == "b.wav"


def test_all_can_be_reached_by_tab(page):
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.tagName"
            )
        )
    assert {"theme", "query", "class", "clear", "play", "canvas"} <= seen


def test_names_for_screen_readers(page):
    slider = page.get_by_role("slider", name="Position in the clip")
    assert re.fullmatch(
        r"0.00 of 5.00 seconds", slider.get_attribute("aria-valuetext")
    )
    for role, name in (
        ("region", "Files"),
        ("search", "Filter the files"),
        ("table", "Files with their numbers of errors"),
        ("table", "Events of the clip; press one to play it"),
        ("navigation", "Sections"),
        ("checkbox", "missed"),
    ):
        assert page.get_by_role(role, name=name).count() == 1, (role, name)
    unnamed = page.evaluate(
        """[...document.querySelectorAll("button:not([hidden]), select, input")]
        .filter((e) => !e.innerText && !e.ariaLabel && !e.closest("label"))
        .map((e) => e.outerHTML)"""
    )
    assert unnamed == []


class TestDark:
    @pytest.fixture
    def options(self):
        return {"color_scheme": "dark"}

    def test_follows_the_system_and_the_button(self, page):
        paper = "getComputedStyle(document.documentElement).backgroundColor"
        dark = page.evaluate(paper)
        assert page.get_attribute("#theme", "aria-pressed") == "true"
        page.click("#theme")
        light = page.evaluate(paper)
        assert sum(map(int, re.findall(r"\d+", dark))) < 150
        assert sum(map(int, re.findall(r"\d+", light))) > 700


class TestNarrow:
    @pytest.fixture
    def options(self):
        return {"viewport": {"width": 360, "height": 640}}

    def test_nothing_overflows(self, page):
        page.click("[name=kind][value='1']")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        play = page.locator("#play").bounding_box()
        assert play["x"] >= 0 and play["x"] + play["width"] <= 360
