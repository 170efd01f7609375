"""TensorBoard curves that go on where they were.

Authors
 * sb_sed contributors 2026
"""

from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import TensorboardLogger


class EpochTensorboardLogger(TensorboardLogger):
    """SpeechBrain's TensorBoard logger with the epoch as its step.

    SpeechBrain counts the calls, so that a resumed run would write its curves
    from the beginning again.

    Arguments
    ---------
    save_dir : str
        Folder of the event files.
    """

    @main_process_only
    def log_stats(
        self,
        stats_meta: dict,
        train_stats: dict | None = None,
        valid_stats: dict | None = None,
        test_stats: dict | None = None,
        verbose: bool = False,
    ) -> None:
        """Write each value at ``stats_meta["epoch"]``."""
        epoch = stats_meta["epoch"]
        values = {k: v for k, v in stats_meta.items() if k != "epoch"}
        for stage, stats in (
            ("train", train_stats),
            ("valid", valid_stats),
            ("test", test_stats),
        ):
            for name, value in (stats or {}).items():
                values[f"{name}/{stage}"] = value
        for name, value in values.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()
