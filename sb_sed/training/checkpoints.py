"""Checkpoints of which a killed process leaves no incomplete ones.

Authors
 * sb_sed contributors 2026
"""

import shutil
import warnings
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Protocol

import yaml
from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    METAFNAME,
    Checkpoint,
    Checkpointer,
)
from speechbrain.utils.distributed import if_main_process
from speechbrain.utils.logger import get_logger

from sb_sed.errors import UNREADABLE, InputError, brief
from sb_sed.formats import atomic_path

BEGUN, CONTENTS = "begun.txt", "contents.txt"
# Of the meta data: the name of the figure that the best has the highest of.
SELECTED_BY = "selected_by"

logger = get_logger(__name__)


class Selection(Protocol):
    """A figure of scores; the best checkpoint has the highest.

    Those of ``sb_sed.tuning.selection`` are.
    """

    name: str  # in logs and checkpoints

    def __call__(self, scores: Mapping, weak: Mapping) -> float:
        """Return it for scores (clip to table) and weak scores."""


class AtomicCheckpointer(Checkpointer):
    """SpeechBrain's Checkpointer, restricted to complete checkpoints.

    SpeechBrain writes the file that makes a folder a checkpoint before the
    others and deletes file by file, so that a killed process can leave a
    folder that the next run fails to load. Here a list of the contents is
    written last, and a folder that lacks any of them is no checkpoint; the
    remains of a killed process are removed at the start. Checkpoints without
    such a list, of other programs, are neither used nor removed.

    Arguments
    ---------
    checkpoints_dir : str | Path
        The folder of the checkpoints.
    *args, **kwargs
        Passed to SpeechBrain's Checkpointer.

    Example
    -------
    >>> import torch
    >>> folder = getfixture("tmp_path")
    >>> checkpointer = AtomicCheckpointer(
    ...     folder, {"net": torch.nn.Linear(1, 1)}
    ... )
    >>> path = checkpointer.save_checkpoint(name="a").path
    >>> len(checkpointer.list_checkpoints())
    1
    >>> (path / "net.ckpt").unlink()
    >>> len(checkpointer.list_checkpoints())
    0
    """

    def __init__(self, checkpoints_dir: str | Path, *args, **kwargs):
        super().__init__(checkpoints_dir, *args, **kwargs)
        if if_main_process():
            for folder in self.checkpoints_dir.glob(f"{CKPT_PREFIX}+*"):
                if _is_complete(folder):
                    continue
                if _is_of_a_killed_process(folder):
                    shutil.rmtree(folder)
                else:
                    logger.warning(
                        f"{folder} is not used: it is of another program or "
                        "damaged."
                    )

    def _new_checkpoint_dirpath(self) -> Path:
        return _begin(super()._new_checkpoint_dirpath())

    def _custom_checkpoint_dirpath(self, name: str) -> Path:
        return _begin(super()._custom_checkpoint_dirpath(name))

    def save_checkpoint(self, *args, **kwargs) -> Checkpoint | None:
        """Save as SpeechBrain does; the list of contents comes last."""
        checkpoint = super().save_checkpoint(*args, **kwargs)
        if checkpoint is not None:  # on the main process
            files = {file.name for file in checkpoint.path.iterdir()}
            files -= {CONTENTS}
            with atomic_path(checkpoint.path / CONTENTS) as path:
                path.write_text("\n".join(sorted(files)), encoding="utf-8")
        return checkpoint

    def load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Load as SpeechBrain does; a misfit is an ``InputError``."""
        try:
            with warnings.catch_warnings():
                # PyTorch warns before it fails on a damaged file.
                warnings.filterwarnings("ignore", module="torch")
                super().load_checkpoint(checkpoint)
        except UNREADABLE as error:
            raise InputError(
                f"The checkpoint {checkpoint.path} is of another architecture "
                f"or damaged ({brief(error)}): choose another --output_folder or "
                "delete it."
            ) from error

    def _list_checkpoint_dirs(self) -> list[Path]:
        """The latest first, which is so the best of equals: where nothing is
        found in few validation clips, all are, and the order of a folder's
        files is any."""
        found = [f for f in super()._list_checkpoint_dirs() if _is_complete(f)]
        return sorted(found, key=_unixtime, reverse=True)


class WholeCheckpoints(AtomicCheckpointer):
    """Finds whole checkpoints; removes none, as a run may be saving one."""

    def __init__(self, folder: str | Path):
        super(AtomicCheckpointer, self).__init__(folder)

    def best(self) -> Checkpoint | None:
        """Return the best one, by what the latest was selected by."""
        latest = self.find_checkpoint()
        if latest is None:
            return None
        return self.find_checkpoint(max_key=selected_by(latest.meta))


def selected_by(meta: Mapping) -> str:
    """Return the name of the figure that a checkpoint was selected by."""
    return meta.get(SELECTED_BY, "event_f1")


def _begin(folder: Path) -> Path:
    """Make the folder of a checkpoint that is about to be saved."""
    folder.mkdir(exist_ok=True)
    (folder / BEGUN).touch()
    return folder


def read_meta(folder: Path) -> dict | None:
    """Return the meta data of a checkpoint's folder, such as its scores.

    Arguments
    ---------
    folder : Path
        Of a checkpoint.

    Returns
    -------
    dict | None
        None if it is missing or damaged.
    """
    try:
        meta = yaml.safe_load((folder / METAFNAME).read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    valid = (
        isinstance(meta, dict)
        and "end-of-epoch" in meta
        and isinstance(meta.get("unixtime"), float)
        and all(isfinite(x) for x in meta.values() if isinstance(x, float))
        and isinstance(selected_by(meta), str)
        and isinstance(meta.get(selected_by(meta), 0.0), (int, float))
    )
    return meta if valid else None


def _unixtime(folder: Path) -> float:
    """When a complete checkpoint was saved."""
    meta = read_meta(folder)
    return meta["unixtime"] if meta else 0.0


def _is_complete(folder: Path) -> bool:
    """Whether a checkpoint's folder has all the files that were saved."""
    names = _listed(folder)
    try:
        complete = all((folder / name).exists() for name in names)
    except (OSError, ValueError):  # an entry is no name of a file
        return False
    return bool(names) and complete and read_meta(folder) is not None


def _is_of_a_killed_process(folder: Path) -> bool:
    """Whether files of a checkpoint were not yet written, or deleted.

    Not if all exist but are damaged: the weights may still be usable.
    """
    if not (folder / CONTENTS).exists():
        return (folder / BEGUN).exists()
    return len(list(folder.iterdir())) <= len(_listed(folder))


def _listed(folder: Path) -> list[str]:
    """The files of a complete checkpoint; none if there is no such list."""
    try:
        return (folder / CONTENTS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
