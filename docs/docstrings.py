"""Brings docstrings into the form that the documentation's tools read.

Docstrings have SpeechBrain's headings, of which griffe's numpy style calls two
otherwise, and roles of Sphinx, of which Markdown knows nothing.
``mkdocs.yml`` names this file as an extension of griffe.

Authors
 * sb_sed contributors 2026
"""

import re

import griffe

HEADINGS = {"Arguments": "Parameters", "Example": "Examples"}
_HEADING = re.compile(rf"^({'|'.join(HEADINGS)})\n-+$", re.M)
_ROLE = re.compile(r":(?:class|func|meth|mod|attr):`~?([^`]+)`")
_LITERAL = re.compile(r"::$", re.M)  # what is indented is code, too
_AUTHORS = re.compile(r"\n+Authors\n( \* .*\n?)+\Z")


def as_numpy(text: str) -> str:
    """Return a docstring with the headings of the numpy style.

    Example
    -------
    >>> as_numpy("Of :class:`~a.B`.\\n\\nExample\\n-------\\n>>> 1")
    'Of `a.B`.\\n\\nExamples\\n--------\\n>>> 1'
    """
    text = _AUTHORS.sub("", text)
    text = _ROLE.sub(r"`\1`", text)
    text = _LITERAL.sub(":", text)
    return _HEADING.sub(_renamed, text)


class ReadDocstrings(griffe.Extension):
    """Rewrites the docstring of each object as it is found."""

    def on_instance(self, *, obj: griffe.Object, **others) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = as_numpy(obj.docstring.value)


def _renamed(match: re.Match) -> str:
    name = HEADINGS[match[1]]
    return f"{name}\n{'-' * len(name)}"
