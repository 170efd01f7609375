"""What a command has finished, in a file beside its output.

A killed process leaves it behind, and the next one goes on where it ends.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sb_sed.errors import InputError

_FORMAT, _VERSION = "sb_sed journal", 1


@dataclass(frozen=True)
class Entry:
    """A recording that is done with.

    Arguments
    ---------
    filename : str
        Its name in the output.
    end : int
        Bytes of the output with it.
    reason : str
        Why it was skipped; empty if it was not.
    is_whole : bool
        Whether all that was wanted of it could be written.
    """

    filename: str
    end: int = 0
    reason: str = ""
    is_whole: bool = True


class Journal:
    """The recordings that are done with, in their order, a line each.

    A line is written once what it stands for has been written. So whenever the
    process is killed, what the output has beyond the last whole line is to be
    cut off, and nothing else is missing.

    Arguments
    ---------
    path : Path
        The file.
    about : object
        What the output depends on, as plain values: only a run of the same
        may go on with it.
    names : Iterable[str]
        The recordings, in their order.

    Example
    -------
    >>> path = getfixture("tmp_path") / "events.tsv.journal"
    >>> journal = Journal(path, {"detector": "abc"}, ["a.wav", "b.wav"])
    >>> journal.begin([])
    >>> journal.add(Entry("a.wav", end=52))
    >>> journal.close()
    >>> Journal(path, {"detector": "abc"}, ["a.wav", "b.wav"]).read()
    [Entry(filename='a.wav', end=52, reason='', is_whole=True)]
    >>> Journal(path, {"detector": "xyz"}, ["a.wav", "b.wav"]).read()
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: ...events.tsv.journal was begun with another
    detector, other recordings or other options: leave out --resume to begin
    anew.
    """

    def __init__(self, path: Path, about: object, names: Iterable[str]):
        self.path = path
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for name in names:
            digest.update(f"\n{name}".encode())
        self._head = {
            "format": _FORMAT,
            "version": _VERSION,
            "of": digest.hexdigest(),
        }
        self._file: TextIO | None = None

    def read(self) -> list[Entry]:
        """Return the recordings that are done with.

        Raises
        ------
        InputError
            If it is of another run, or no journal.
        """
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        # The last one may have been cut off.
        whole = [line for line in lines if line.endswith(b"\n")]
        if not whole:
            return []
        try:
            head, *rows = map(json.loads, whole)
            entries = [Entry(*row) for row in rows]
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"{self.path} is damaged: leave out --resume to begin anew."
            ) from error
        if head != self._head:
            raise InputError(
                f"{self.path} was begun with another detector, other recordings "
                "or other options: leave out --resume to begin anew."
            )
        return entries

    def begin(self, entries: Iterable[Entry]) -> None:
        """Start to write, with what is done already."""
        temporary = self.path.with_name(f"{self.path.name}.tmp-{os.getpid()}")
        self._file = open(temporary, "w", encoding="utf-8")
        self._line(self._head)
        for entry in entries:
            self._entry(entry)
        self._file.flush()
        os.replace(temporary, self.path)

    def add(self, entry: Entry) -> None:
        """Write that a recording is done with."""
        self._entry(entry)
        self._file.flush()

    def close(self) -> None:
        """End the writing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """End the writing and remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _entry(self, entry: Entry) -> None:
        self._line([entry.filename, entry.end, entry.reason, entry.is_whole])

    def _line(self, content: object) -> None:
        # ASCII, in which any name can be written.
        self._file.write(json.dumps(content) + "\n")
