"""Detectors on the Hugging Face hub, or names that only look like theirs.

Authors
 * sb_sed contributors 2026
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from sb_sed.errors import InputError

ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_ENDPOINT = "https://huggingface.co"
_SECONDS = 5.0
# It warns of each of its attempts.
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
logger = logging.getLogger(__name__)


def hub_options(source: str | Path, options: Mapping) -> dict:
    """Return the options for fetching a source, which is not a folder.

    Where the hub does not answer within seconds, only what was fetched before
    is looked for: its own client would try again for half a minute.

    Arguments
    ---------
    source : str | Path
        ``owner/name``.
    options : Mapping
        Of ``speechbrain.utils.fetching.fetch``.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If it cannot be the name of a repository.
    """
    if Path(source).exists():
        raise InputError(
            f"{source} is a file: give the folder of a detector or of a run."
        )
    # A name in a folder that exists is not a name on the hub.
    if not ON_HUB.fullmatch(str(source)) or Path(source).parent.is_dir():
        raise not_found(source, "no such folder")
    logger.warning(f"{source} is not a folder: asking the Hugging Face hub.")
    options = dict(options)
    if not answers(str(source)):
        from speechbrain.utils.fetching import FetchConfig

        config = options.get("fetch_config") or FetchConfig()
        options["fetch_config"] = replace(config, allow_network=False)
    return options


def is_offline(options: Mapping) -> bool:
    """Return whether nothing can be fetched with these options."""
    config = options.get("fetch_config")
    return config is not None and not config.allow_network


def not_found(source: str | Path, reason: str) -> InputError:
    """Return the error of a source that is neither here nor on the hub."""
    return InputError(
        f"{source} is neither a folder nor a detector on the hub ({reason}): "
        "check the name and the connection."
    )


def answers(source: str) -> bool:
    """Return whether the hub answers within seconds, whatever it says."""
    endpoint = os.environ.get("HF_ENDPOINT", _ENDPOINT).rstrip("/")
    answered = []

    def _ask() -> None:
        try:
            urlopen(f"{endpoint}/api/models/{source}", timeout=_SECONDS).close()
        except HTTPError:
            pass
        except URLError as error:
            # Its client may know certificates that Python does not.
            if "CERTIFICATE" not in str(error.reason):
                return
        except (OSError, ValueError):
            return
        answered.append(True)

    # Looking up a name knows no time limit.
    thread = Thread(target=_ask, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return bool(answered)
