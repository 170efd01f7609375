"""What ``train.py`` leaves behind, small."""

import pytest

_HYPERPARAMS = """\
__set_seed: !apply:torch.manual_seed [1]
output_folder: {folder}
filters: &id001 [3, 4]
features:
  mel: &id002 !new:sb_sed.features.MelSpectrogram
    sample_rate: 1000
    n_fft: 64
    hop_length: 20
    n_mels: 8
    f_max: 500.0
  featurizer: &id003 !new:sb_sed.features.Featurizer
    mel: *id002
    stages:
    - !new:sb_sed.features.AmplitudeToDB
    - !new:sb_sed.features.MinMax
    - !new:sb_sed.features.pcen.ParallelPCEN
      n_mels: 8
model:
  network: &id004 !new:sb_sed.models.crnn.CRNN
    n_classes: 2
    n_mels: 8
    n_channels: 2
    filters: *id001
    pooling: [[2, 2], [1, 2]]
    rnn_hidden: 4
    rnn_layers: 1
student: &id005 !new:sb_sed.models.detector.Detector
  featurizer: *id003
  network: *id004
teacher: !apply:copy.deepcopy [*id005]
checkpointer: !new:sb_sed.training.checkpoints.AtomicCheckpointer
  checkpoints_dir: {folder}/built_by_mistake
train_loggers:
- !new:sb_sed.training.logging.EpochTensorboardLogger
  save_dir: {folder}/built_by_mistake
"""


@pytest.fixture
def run_folder(tmp_path):
    """A run of three epochs: the strength of PCEN's gain, and the F1.

    In the first epoch alpha was 0.25 (F1 0.2), then 0.5 (0.9), then 0.75 (0.4).
    """
    import torch

    from sb_sed.runs.run import Run
    from sb_sed.training.checkpoints import AtomicCheckpointer
    from sb_sed.training.logging import EpochTensorboardLogger, monitored

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(_HYPERPARAMS.format(folder=folder))
    student = Run(folder).build(["student"])["student"]
    checkpointer = AtomicCheckpointer(folder / "save", {"student": student})
    logger = EpochTensorboardLogger(str(folder / "tensorboard"))
    for epoch, alpha, f1 in ((1, 0.25, 0.2), (2, 0.5, 0.9), (3, 0.75, 0.4)):
        logit = torch.tensor(alpha).logit()
        student.featurizer.stages[2].alpha_logit.data.fill_(logit)
        logger.log_stats(
            {"epoch": epoch, "lr_student": 0.1, **monitored(student)},
            train_stats={"loss": 1 / epoch},
            valid_stats={"loss": 2 / epoch, "student_event_f1": f1},
        )
        checkpointer.save_checkpoint({"event_f1": f1, "epoch": epoch})
    return folder
