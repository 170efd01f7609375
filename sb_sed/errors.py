"""The one exception for bad input, and what libraries raise instead of it.

Authors
 * sb_sed contributors 2026
"""

import re
import struct
from pickle import UnpicklingError

# What libraries raise on a file that is damaged or of another kind.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    UnpicklingError,
    ValueError,
    struct.error,
)
# What building objects raises where names or arguments are wrong.
UNBUILDABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def printable(text: str) -> str:
    """Return a text as one line without control codes.

    Names of files and messages of libraries can hold line breaks and control
    codes, which a terminal would execute.

    Example
    -------
    >>> printable("a\\x1bb.wav is\\n  empty.")
    'a\\\\x1bb.wav is empty.'
    """
    text = re.sub(r"\s*[\r\n]\s*", " ", text)
    return "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)


def brief(error: BaseException) -> str:
    """Return the message of an error of any library in one short line.

    Example
    -------
    >>> brief(ValueError("no such\\n  thing.")), brief(EOFError())
    ('no such thing', 'EOFError')
    """
    text = str(error)
    # HyperPyYAML puts the names of the enclosing objects before the message.
    if len(error.args) > 1 and isinstance(error.args[0], str):
        text = ": ".join(map(str, error.args[-2:]))
    text = " ".join(text.split())
    text = text if len(text) < 200 else f"{text[:197]}..."
    return text.rstrip(".") or type(error).__name__


class InputError(ValueError):
    """Bad input, described in one sentence that names the file and the remedy.

    Commands (``train.py``, ``sb-sed``) print the sentence without a traceback
    and end with exit status 2; library code lets it pass.

    Example
    -------
    >>> raise InputError("clip.wav is empty: delete it or fetch it again.")
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: clip.wav is empty: delete it or fetch it again.
    """

    def __str__(self) -> str:
        """Return the sentence, also of an error in a ``DataLoader``'s worker.

        PyTorch passes that on as the text of the worker's traceback.
        """
        name = f"{type(self).__module__}.{type(self).__qualname__}: "
        return printable(super().__str__().rpartition(name)[-1].strip())
