"""Exported detectors are uploaded to the Hugging Face hub.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from sb_sed.errors import InputError, brief
from sb_sed.inference.exported import JSON_FILE, YAML_FILE
from sb_sed.inference.hub import ON_HUB, answers
from sb_sed.runs.description import WEIGHTS_FILE

_FILES = (JSON_FILE, YAML_FILE, WEIGHTS_FILE, "README.md", "LICENSE")


def upload(folder: str | Path, name: str, *, private: bool = False) -> str:
    """Upload an exported detector; what the repository has beside it stays.

    Arguments
    ---------
    folder : str | Path
        Made by ``export_run``.
    name : str
        ``owner/name`` on the hub; the repository is made if there is none.
    private : bool
        Whether a new one is for its owners alone.

    Returns
    -------
    str
        The address of the repository.

    Raises
    ------
    InputError
        If the folder has no detector, the name cannot be one, or the hub
        refuses the upload or cannot be reached.
    """
    from huggingface_hub import HfApi

    folder = Path(folder)
    present = [x for x in _FILES if (folder / x).is_file()]
    if WEIGHTS_FILE not in present:
        raise InputError(
            f"{folder} is not an exported detector: make one with sb-sed export."
        )
    if not ON_HUB.fullmatch(name):
        raise InputError(f"{name} is no name on the hub: give owner/name.")
    if not answers(name):
        raise InputError(
            f"{folder} is not uploaded, since the hub does not answer: try "
            "again when there is a connection."
        )
    api = HfApi()
    try:
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            allow_patterns=present,
            commit_message="Upload a sound event detector",
        )
    except OSError as error:  # what all errors of the hub are
        raise InputError(
            f"The hub did not take {folder} as {name} ({brief(error)}): log in "
            "with hf auth login, and check the name."
        ) from error
    return str(address)
