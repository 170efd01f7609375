"""The one exception for input that its user has to mend.

Authors
 * sb_sed contributors 2026
"""


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
        """The sentence, also of an error in a worker of a ``DataLoader``.

        PyTorch passes that on as the text of the worker's traceback.
        """
        name = f"{type(self).__module__}.{type(self).__qualname__}: "
        return super().__str__().rpartition(name)[-1].strip()
