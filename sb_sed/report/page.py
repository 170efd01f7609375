"""The page: one HTML file that needs nothing else and no network.

Authors
 * sb_sed contributors 2026
"""

import hashlib
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sb_sed.formats import atomic_path
from sb_sed.report.clips import describe_files
from sb_sed.report.contents import CHART, Contents, make_contents
from sb_sed.report.inputs import Inputs
from sb_sed.report.outcomes import KINDS, LEAST_OVERLAP

# In this order, as one script in one scope and one style sheet.
_SCRIPTS = ("data.js", "list.js", "timeline.js", "player.js", "main.js")
_STYLES = ("base.css", "overview.css", "clips.css")
# Kinds of events are told apart by more than colour.
_GLYPHS = ("✓", "↔", "≠", "○", "✕")


def write_page(inputs: Inputs, path: str | Path, n_clips: int = 50) -> Contents:
    """Write a report as one self-contained page.

    Names of files and classes are never markup: Jinja escapes them, and a
    content security policy allows no script but the page's own and no network.

    Arguments
    ---------
    inputs : Inputs
        Of :func:`sb_sed.report.inputs.gather`.
    path : str | Path
        The page to write, ``.html``.
    n_clips : int
        How many clips it contains with their sound, about 70 kB for every ten
        seconds: those with the most errors, and some of each kind.

    Returns
    -------
    contents : Contents
        What it shows.
    """
    path = Path(path)
    contents = make_contents(inputs)
    files = describe_files(contents, inputs, n_clips, path)
    # The path that the links are relative to is not the one written to.
    page = _render(inputs, contents, files)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return contents


def _render(inputs: Inputs, contents: Contents, files: list[dict]) -> str:
    environment = Environment(
        loader=PackageLoader("sb_sed.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = joined(_SCRIPTS)
    style = joined(_STYLES)
    return environment.get_template("page.html").render(
        **vars(contents),
        title=inputs.title,
        computation=inputs.computation,
        chart=CHART,
        kinds=KINDS,
        glyphs=_GLYPHS,
        least_overlap=LEAST_OVERLAP,
        n_with_sound=sum("audio" in file for file in files),
        n_linked=sum("link" in file for file in files),
        script=script,
        style=style,
        script_hash=digest(script),
        style_hash=digest(style),
        data={
            "classes": contents.labels,
            "kinds": KINDS,
            "glyphs": _GLYPHS,
            "thresholds": [contents.thresholds.get(c) for c in contents.labels],
            "low": contents.low,
            "high": contents.high,
            "files": files,
        },
    )


def joined(names: tuple[str, ...]) -> str:
    """Return templates, such as scripts, as one text."""
    folder = Path(__file__).with_name("templates")
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def digest(text: str) -> str:
    """Return what a content security policy calls a text by."""
    value = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{b64encode(value).decode()}"
