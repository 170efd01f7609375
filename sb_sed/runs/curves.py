"""The curves of a run, read from its TensorBoard files.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import pandas as pd

from sb_sed.errors import InputError


def read_curves(run_folder: str | Path) -> dict[str, pd.Series]:
    """Read what a run logged, epoch by epoch.

    A run that was resumed has several files. Where it went back to an earlier
    epoch, what it had logged from there on no longer counts.

    Arguments
    ---------
    run_folder : str | Path
        The output folder of a training.

    Returns
    -------
    dict[str, pd.Series]
        For each name that was logged (such as ``loss/valid``), in the order of
        the log, its values with the epochs as index.

    Raises
    ------
    InputError
        If there is no such folder, nothing was logged in it, or TensorBoard
        is not installed.

    Example
    -------
    >>> from sb_sed.training.logging import EpochTensorboardLogger
    >>> folder = getfixture("tmp_path")
    >>> logger = EpochTensorboardLogger(str(folder / "tensorboard"))
    >>> for epoch, loss in [(1, 3.0), (2, 2.5), (3, 9.0), (2, 2.0)]:
    ...     logger.log_stats({"epoch": epoch}, valid_stats={"loss": loss})
    >>> read_curves(folder)["loss/valid"].to_dict()
    {1: 3.0, 2: 2.0}
    """
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError:
        raise InputError(
            "The curves of a run need TensorBoard: pip install tensorboard."
        ) from None
    folder = Path(run_folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give that of a run.")
    files = folder / "tensorboard"
    curves = {}
    if files.is_dir():
        read = event_accumulator.EventAccumulator(
            str(files), size_guidance={"scalars": 0}
        )
        names = read.Reload().Tags()["scalars"]
        curves = {name: _latest(read.Scalars(name)) for name in names}
    if not curves:
        raise InputError(
            f"{folder} has no curves in tensorboard/: give the output folder of "
            "a training that ended its first epoch."
        )
    return curves


def _latest(points: list) -> pd.Series:
    """Keep the last value of each epoch, and of none that was repeated."""
    kept = []
    for point in sorted(points, key=lambda point: point.wall_time):
        while kept and kept[-1].step >= point.step:
            kept.pop()
        kept.append(point)
    return pd.Series(
        [point.value for point in kept],
        index=pd.Index([point.step for point in kept], name="epoch"),
        dtype=float,
    )
