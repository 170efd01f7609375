"""Where the events of recordings go as they come, in the order of these.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sb_sed.cli.journal import Entry, Journal
from sb_sed.cli.outputs import EventFormat, Json
from sb_sed.errors import InputError

if TYPE_CHECKING:
    from sb_sed.inference.batch import FileResult


class Destination(ABC):
    """Takes the results of recordings one by one."""

    def begin(self) -> list[Entry]:
        """Make ready; return what is done already."""
        return []

    @abstractmethod
    def add(self, result: FileResult, is_next: bool) -> None:
        """Take a result.

        Arguments
        ---------
        result : FileResult
            Of the next recording.
        is_next : bool
            False once recordings before it are missing, which a later process
            will have to come back to.
        """

    @abstractmethod
    def finish(self, is_complete: bool) -> None:
        """End; ``is_complete`` tells whether all recordings have come."""


class _Table:
    """The pieces of a table; of what is skipped, JSON keeps the reasons."""

    def __init__(self, form: EventFormat):
        self.form = form
        self.n_processed = 0
        self.skipped: list[tuple[str, str]] = []

    def count(self, filename: str, reason: str) -> None:
        """Note that a recording is done with."""
        self.n_processed += not reason
        if reason and isinstance(self.form, Json):
            self.skipped.append((filename, reason))

    def piece(self, result: FileResult) -> str:
        """Return the text of a result."""
        text = ""
        if not result.reason:
            text = self.form.piece(result, is_first=self.n_processed == 0)
        self.count(result.filename, result.reason)
        return text

    def end(self) -> str:
        """Return what comes after the last result."""
        return self.form.end(self.n_processed, self.skipped)

    @property
    def is_worth_it(self) -> bool:
        """Whether there is something to tell: JSON has the reasons."""
        return self.n_processed > 0 or isinstance(self.form, Json)


class StandardOutput(Destination):
    """The standard output.

    Arguments
    ---------
    form : EventFormat
        How events are written.
    """

    def __init__(self, form: EventFormat):
        self._table = _Table(form)
        self._has_begun = False

    def add(self, result: FileResult, is_next: bool) -> None:
        """Print a result."""
        piece = self._table.piece(result)
        if not piece:
            return
        if not self._has_begun:
            piece, self._has_begun = self._table.form.begin() + piece, True
        self._print(piece)

    def finish(self, is_complete: bool) -> None:
        """Print what comes after the last one."""
        if self._has_begun:
            self._print(self._table.end())
        elif self._table.is_worth_it and (is_complete or self._table.skipped):
            self._print(self._table.form.begin() + self._table.end())

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class OneFile(Destination):
    """One table, which appears under its name once it is complete.

    Until then it is ``<name>.part``, with a journal. If the work is interrupted
    it gets its name with what there is, and a later process can go on.

    Arguments
    ---------
    path : Path
        The file.
    form : EventFormat
        How events are written.
    journal : Journal
        Beside it.
    resumes : bool
        Whether to go on with what is there.
    """

    def __init__(
        self, path: Path, form: EventFormat, journal: Journal, resumes: bool
    ):
        self.path, self.journal, self.resumes = path, journal, resumes
        self._part = path.with_name(f"{path.name}.part")
        self._table = _Table(form)
        self._file: BinaryIO | None = None

    def begin(self) -> list[Entry]:
        """Open the file, cut off behind the last result of the journal."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entries = self.journal.read() if self.resumes else []
        if self.resumes and not self.journal.path.exists():
            if self.path.exists():
                raise InputError(
                    f"{self.path} is there, and no {self.journal.path.name}, "
                    "with which one could go on: leave out --resume to replace "
                    "it."
                )
        if self.resumes and not self._part.exists() and self.path.exists():
            os.replace(self.path, self._part)  # an interrupted one
        head = self._table.form.begin().encode("utf-8")
        size = self._part.stat().st_size if self._part.exists() else 0
        entries = [entry for entry in entries if entry.end <= size]
        end = entries[-1].end if entries else 0
        self._file = open(self._part, "r+b" if end else "wb")
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._file.write(head)
            self._file.flush()
            entries = []
        for entry in entries:
            self._table.count(entry.filename, entry.reason)
        self.journal.begin(entries)
        return entries

    def add(self, result: FileResult, is_next: bool) -> None:
        """Write a result, and then that it is there."""
        self._file.write(self._table.piece(result).encode("utf-8"))
        self._file.flush()
        if is_next:
            self.journal.add(_entry(result, self._file.tell()))

    def finish(self, is_complete: bool) -> None:
        """Give the file its name, if there is anything in it."""
        is_empty = not self._table.is_worth_it
        if not is_complete and not self._table.n_processed:
            is_empty = not self._table.skipped
        if not is_empty:
            self._file.write(self._table.end().encode("utf-8"))
        self._file.close()
        self.journal.close()
        if is_empty:
            self._part.unlink()
        else:
            os.replace(self._part, self.path)
        if is_empty or (is_complete and not self.resumes):
            self.journal.remove()


class Folder(Destination):
    """A file for each recording, which those write that detect in it.

    Arguments
    ---------
    journal : Journal
        In the folder.
    resumes : bool
        Whether to go on with what is there.
    """

    def __init__(self, journal: Journal, resumes: bool):
        self.journal, self.resumes = journal, resumes

    def begin(self) -> list[Entry]:
        """Make the folder."""
        self.journal.path.parent.mkdir(parents=True, exist_ok=True)
        entries = self.journal.read() if self.resumes else []
        self.journal.begin(entries)
        return entries

    def add(self, result: FileResult, is_next: bool) -> None:
        """Write that a result is there."""
        if is_next:
            self.journal.add(_entry(result, 0))

    def finish(self, is_complete: bool) -> None:
        """Remove the journal if nobody will come back to it."""
        self.journal.close()
        if is_complete and not self.resumes:
            self.journal.remove()


def _entry(result: FileResult, end: int) -> Entry:
    return Entry(result.filename, end, result.reason, not result.unwritten)
