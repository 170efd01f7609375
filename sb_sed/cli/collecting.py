"""What ``sb-sed detect`` tells its user while results come, and at the end.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sb_sed.cli.destinations import Destination
from sb_sed.cli.journal import Entry
from sb_sed.errors import printable

if TYPE_CHECKING:
    from sb_sed.inference.batch import FileResult

_NAMED = 3  # of the files that were skipped for one reason


class _Reason:
    """Why some files were skipped, and the names of the first ones."""

    def __init__(self, text: str):
        self.text, self.number, self.names = text, 0, []

    def count(self, filename: str) -> None:
        """Count a file."""
        self.number += 1
        if self.number <= _NAMED:
            self.names.append(filename)

    def __str__(self) -> str:
        more = " and others" * (self.number > _NAMED)
        return f"{self.number} x {self.text}: {', '.join(self.names)}{more}."


class Summary:
    """What became of all recordings; it does not grow with their number.

    Arguments
    ---------
    n_files : int
        That are to be processed.
    """

    def __init__(self, n_files: int):
        self.n_files, self.n_done, self.n_skipped = n_files, 0, 0
        self.is_whole = True
        self._reasons: dict[str, _Reason] = {}

    def count(self, filename: str, reason: str, is_whole: bool) -> None:
        """Count a recording."""
        self.n_done += 1
        self.is_whole &= is_whole
        if reason:
            self.n_skipped += 1
            # What differs in numbers only, such as a time, is one reason.
            kind = self._reasons.setdefault(
                re.sub("[0-9.]+", "0", reason), _Reason(reason)
            )
            kind.count(filename)

    @property
    def is_complete(self) -> bool:
        """Whether no recording is missing."""
        return self.n_done == self.n_files

    def tell(self) -> int:
        """Print it; return the exit status."""
        if self.n_skipped and self.n_done > 1:
            _say(f"{self.n_skipped} of {self.n_done} files were skipped.")
        if self.n_skipped > _NAMED:
            for reason in sorted(
                self._reasons.values(), key=lambda x: -x.number
            ):
                _say(str(reason))
        if not self.is_complete:
            written = self.n_done > self.n_skipped
            _say(
                f"interrupted: {self.n_done} of {self.n_files} files were "
                f"processed, and {'their events' if written else 'nothing'} "
                "written."
            )
            return 130
        return 0 if self.is_whole and not self.n_skipped else 1


def collect(
    coming: Generator[FileResult, None, None],
    place: Destination,
    done: Sequence[Entry],
    left: Sequence[str],
) -> Summary:
    """Take the results as they come, also those after an interruption.

    After one, there are gaps between them, whatever processes the recordings;
    a later process has to come back to the first.

    Arguments
    ---------
    coming : Generator[FileResult]
        Of each recording that is left, in their order.
    place : Destination
        Where they go.
    done : Sequence[Entry]
        What an earlier process has done.
    left : Sequence[str]
        The names of the recordings whose results are to come, in their order.

    Returns
    -------
    Summary
    """
    from tqdm import tqdm

    from sb_sed.audio.reading import quiet_decoders

    summary = Summary(len(done) + len(left))
    for entry in done:
        summary.count(entry.filename, entry.reason, entry.is_whole)
    last, n_without_gap = None, 0

    def take(result: FileResult) -> None:
        """Report and write a result, once."""
        nonlocal last, n_without_gap
        if result.filename == last:
            return
        following = [*left[n_without_gap : n_without_gap + 1]]
        is_next = following == [result.filename]
        with _uninterrupted():
            place.add(result, is_next)
            n_without_gap += is_next
            last = result.filename
            summary.count(last, result.reason, not result.unwritten)
        if result.reason:
            _say(f"{last} was skipped: {result.reason}.")
        for note in [*result.notes, *result.unwritten]:
            _say(f"{last} {note}.")

    hide = None if summary.n_files > 1 else True
    # Not around ``coming``, which it would close when it is left.
    bar = tqdm(
        total=summary.n_files, initial=len(done), unit="file", disable=hide
    )
    with quiet_decoders(), bar:
        try:
            for result in coming:
                take(result)
                bar.update()
        except KeyboardInterrupt as interrupt:
            # Whether it came while a result was waited for or reported.
            with suppress(KeyboardInterrupt, StopIteration):
                take(coming.throw(interrupt))
                for result in coming:
                    take(result)
    return summary


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until the end of what must not be done by halves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(f"sb-sed: {printable(text)}", file=sys.stderr)
