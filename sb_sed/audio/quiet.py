"""Decoders that talk to themselves, kept from the user's terminal.

Authors
 * sb_sed contributors 2026
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Drops what C libraries write on the standard error.

    libmpg123 comments on every damaged MP3 there and has no switch for it.
    What Python writes goes on as before.

    Example
    -------
    >>> with quiet_decoders():
    ...     os.write(2, b"Warning: Xing stream size off by more than 1%")
    45
    """
    try:
        original = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    before = sys.stderr
    before.flush()
    with (
        open(os.devnull, "wb") as nowhere,
        open(original, "w", 1, before.encoding, before.errors) as ours,
    ):
        os.dup2(nowhere.fileno(), 2)
        if before is sys.__stderr__:
            sys.stderr = ours
        try:
            yield
        finally:
            sys.stderr = before
            os.dup2(original, 2)
