#!/usr/bin/env python3
"""Recipe for training a sound event detector on DESED (DCASE 2020 Task 4).

The detector learns by mean teacher from synthetic soundscapes with strong
labels, from recordings with weak labels and from recordings without labels. To
train the challenge's baseline:
> python train.py hparams/baseline.yaml --data_folder=/path/to/DESED

The same command resumes a run that was interrupted; after the last epoch it
scores the best checkpoint again.

Authors
 * sb_sed contributors 2026
"""

import speechbrain as sb
from hyperpyyaml import load_hyperpyyaml
from speechbrain.utils.distributed import ddp_init_group


def load_recipe(arguments: list[str]) -> tuple[dict, dict]:
    """Read the command line and the YAML; prepare the data.

    Returns
    -------
    tuple[dict, dict]
        The hyperparameters and SpeechBrain's run options.
    """
    hparams_file, run_opts, overrides = sb.parse_arguments(arguments)
    ddp_init_group(run_opts)
    with open(hparams_file, encoding="utf-8") as file:
        hparams = load_hyperpyyaml(file, overrides)
    sb.create_experiment_directory(
        experiment_directory=hparams["output_folder"],
        hyperparams_to_save=hparams_file,
        overrides=overrides,
    )
    if not hparams["skip_prep"]:
        prepare(hparams)
    return hparams, run_opts
