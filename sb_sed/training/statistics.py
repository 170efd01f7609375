"""Statistics of the training data that a restarted run need not fit again.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from speechbrain.utils.distributed import run_on_main
from torch import Tensor, nn

from sb_sed.errors import UNREADABLE
from sb_sed.formats import atomic_path

STATISTICS = "statistics.pt"


def fit_once(
    featurizer: nn.Module,
    waveforms: Iterable[Tensor],
    run_folder: str | Path,
    prepared_folder: str | Path,
) -> nn.Module:
    """Fit a featurizer, or restore what the same run has fitted before.

    One of several processes fits, the others restore. The statistics are kept
    in ``<run>/save`` and are fitted again after any change of the recipe, of
    the lists of clips, of the featurizer's source or of PyTorch.

    Arguments
    ---------
    featurizer : nn.Module
        Has ``fit``, see ``sb_sed.features.featurizer``.
    waveforms : Iterable[Tensor]
        Batches of waveforms [B, N] of the training clips.
    run_folder : str | Path
        Output folder with the run's ``hyperparams.yaml``.
    prepared_folder : str | Path
        Has the manifests ``train_*.json``.

    Returns
    -------
    nn.Module
        The featurizer.
    """
    file = Path(run_folder) / "save" / STATISTICS
    origin = _origin(featurizer, Path(run_folder), Path(prepared_folder))

    def fit() -> None:
        """Fit and write, unless it is there."""
        if _saved(file, origin) is None:
            state = featurizer.fit(waveforms).state_dict()
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as temporary:
                torch.save({"origin": origin, "state": state}, temporary)

    run_on_main(fit)
    featurizer.load_state_dict(_saved(file, origin))
    return featurizer


def fit_networks(
    student: nn.Module,
    teacher: nn.Module,
    waveforms: Iterable[Tensor],
    run_folder: str | Path,
    prepared_folder: str | Path,
) -> None:
    """Fit the student's featurizer once; the teacher's becomes the same.

    Arguments
    ---------
    student, teacher : nn.Module
        Each has a ``featurizer``.
    waveforms, run_folder, prepared_folder
        As for :func:`fit_once`.
    """
    fitted = fit_once(
        student.featurizer, waveforms, run_folder, prepared_folder
    )
    teacher.featurizer.load_state_dict(fitted.state_dict())


def _saved(file: Path, origin: str) -> dict | None:
    """The state in a file; None if it is missing, damaged or of another run."""
    try:
        saved = torch.load(file, weights_only=True, map_location="cpu")
        return saved["state"] if saved["origin"] == origin else None
    except UNREADABLE:
        return None


def _origin(featurizer: nn.Module, run: Path, prepared: Path) -> str:
    """A digest of all that the statistics depend on."""
    modules = [sys.modules[type(x).__module__] for x in featurizer.modules()]
    sources = {getattr(module, "__file__", None) for module in modules}
    files = [
        run / "hyperparams.yaml",
        *sorted(prepared.glob("train_*.json")),
        *sorted(map(Path, filter(None, sources))),
    ]
    digest = hashlib.sha256(torch.__version__.encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
