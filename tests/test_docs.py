"""The documentation: pages, links, the worked example, the build.

The commands in it are checked in ``tests/recipes/test_readmes.py``.

Authors
 * sb_sed contributors 2026
"""

import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RECIPE = ROOT / "recipes" / "DCASE2020"
PAGES = sorted(DOCS.rglob("*.md"))
NOTEBOOK = DOCS / "tutorial.ipynb"


def without_code(text):
    """The text of a page but for its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def blocks(page, language):
    """The blocks of code in one language."""
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, page.read_text("utf-8"), re.M | re.S)


def anchors(page):
    """What a link into a page can name: its headings, as Markdown does."""
    titles = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.M)
    plain = [re.sub(r"[^\w\s-]", "", title).strip() for title in titles]
    return {re.sub(r"[-\s]+", "-", title.lower()) for title in plain}


def page_names(entries):
    """The files of a navigation, in its order."""
    for entry in entries:
        [value] = entry.values()
        yield from [value] if isinstance(value, str) else page_names(value)


def test_every_page_is_in_the_navigation_once():
    settings = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text())
    names = list(page_names(settings["nav"]))
    assert sorted(names) == sorted(
        page.relative_to(DOCS).as_posix() for page in [*PAGES, NOTEBOOK]
    )


def test_every_room_has_its_reference():
    rooms = {path.parent.name for path in ROOT.glob("sb_sed/*/__init__.py")} - {
        "cli"
    }  # commands are not for import; --help is their reference
    described = {page.stem for page in (DOCS / "api").glob("*.md")}
    assert described == rooms | {"other"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    text = without_code(page.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_described_exists(page):
    text = page.read_text("utf-8")
    for name in re.findall(r"^::: (\S+)$", text, re.M):
        pkgutil.resolve_name(name)
    for name in re.findall(r"`((?:hparams|benchmarks)/[\w/]+\.\w+)`", text):
        assert (
            (ROOT / name).is_file()
            or (RECIPE / name).is_file()
            or "root_mel" in name  # the worked example, made by its test
        ), name


def test_the_worked_example_is_trained_as_any_other(tmp_path, monkeypatch):
    page = DOCS / "swap.md"
    hparams = tmp_path / "hparams"
    shutil.copytree(RECIPE / "hparams", hparams)
    [code] = [x for x in blocks(page, "python") if "class Root" in x]
    (tmp_path / "root_mel.py").write_text(code)
    for block in blocks(page, "yaml"):
        if block.startswith("exponent"):
            (hparams / "features" / "root_mel.yaml").write_text(block)
        elif "name: root_mel" in block:
            (hparams / "root_mel.yaml").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    recipe = Recipe(hparams / "root_mel.yaml", "{features: {exponent: 0.5}}")
    built = recipe.build(["features"])["features"]
    waveforms, (root, normalise) = (
        torch.rand(2, 16000),
        built["featurizer"].stages,
    )
    normalise.fit([root(built["mel"](waveforms))])
    features = built["featurizer"](waveforms)
    assert features.shape == (2, 63, 128) and root.exponent == 0.5
    assert features.mean().abs() < 1e-3


def test_site_is_built_without_warnings(tmp_path):
    pytest.importorskip("mkdocstrings", reason="the extra docs is missing")
    pytest.importorskip("material", reason="the extra docs is missing")
    pytest.importorskip("mkdocs_jupyter", reason="the extra docs is missing")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages = {path: path.read_text("utf-8") for path in tmp_path.rglob("*.html")}
    assert len(pages) > len(PAGES)
    for path, html in pages.items():
        # Nothing is fetched: links to other sites are for readers to follow.
        for tag in re.findall(r"<(?:link|script|img|iframe)\b[^>]*>", html):
            assert not re.search(r"(?:src|href)=\"?(?:https?:)?//", tag), path
        # Where pages are opened from disk, search needs both.
        assert 'assets/iframe-worker.js"' in html, path
    assert (tmp_path / "search" / "search_index.js").is_file()
    assert "In\xa0[" in pages[tmp_path / "tutorial.html"]
    features = pages[tmp_path / "api" / "features.html"]
    assert "Parameters:" in features and "Raises:" in features
    assert "Arguments\n" not in features and ":class:" not in features


def test_every_fragment_of_the_recipe_stands_in_the_table_of_slots():
    fragments = RECIPE.joinpath("hparams").glob("*/*.yaml")
    table = (DOCS / "swap.md").read_text("utf-8")
    lacking = {
        fragment.name
        for fragment in fragments
        if fragment.parent.name != "scale"
        and not re.search(rf"[`/]{fragment.name}`", table)
    }
    assert not lacking
