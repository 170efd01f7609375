#!/usr/bin/env python3
"""Trains a sound event detector on recordings and classes of your own.

> python train.py train.yaml --audio_folder=my/audio --events_file=my/events.tsv

The same command goes on where an interrupted one was. To follow the code, begin
with main, at the bottom; README.md says what the other files are.

Authors
 * sb_sed contributors 2026
"""

import json
import sys
from pathlib import Path

import sb_sed  # noqa: F401 before PyTorch: says how its threads wait

# isort: split
import speechbrain as sb
from hyperpyyaml import load_hyperpyyaml
from prepare_my_dataset import prepare_my_dataset, read_classes
from speechbrain.utils.distributed import if_main_process, run_on_main

from sb_sed.data.clips import ClipReader
from sb_sed.data.prepared import PreparedData
from sb_sed.data.streams import Streams
from sb_sed.errors import InputError
from sb_sed.evaluation import Evaluator, summary_table
from sb_sed.runs.description import check_fit
from sb_sed.training.brains import MeanTeacherBrain
from sb_sed.training.recipe import Recipe
from sb_sed.training.run_options import (
    check_run_options,
    device_of,
    join_processes,
)
from sb_sed.training.statistics import fit_once
from sb_sed.tuning.crossfit import AsGiven
from sb_sed.tuning.selection import EventF1

# What of the YAML the preparation needs
PREPARATION = (
    "audio_folder events_file reviewed_file weak_file unlabelled_folder "
    "prepared_folder split_file valid_fraction test_fraction classes "
    "sample_rate clip_seconds seed"
).split()
# Each kind of training clips, and which labels it has for the losses.
STREAMS = {"strong": ["strong", "weak"], "weak": ["weak"], "unlabelled": []}
# The clips that are scored.
SPLITS = ("validation", "test")


def load_recipe(arguments: list[str]) -> tuple[dict, dict]:
    """Read the command line and the YAML; prepare the data.

    The data come first, as the network has an output for each class in them.

    Returns
    -------
    tuple[dict, dict]
        The hyperparameters and SpeechBrain's run options.
    """
    hparams_file, run_opts, overrides = sb.parse_arguments(arguments)
    run_opts = join_processes(run_opts)
    recipe = Recipe(hparams_file, overrides)
    parts = load_hyperpyyaml(recipe.stream(PREPARATION))
    settings = {key: parts[key] for key in PREPARATION}
    run_on_main(prepare_my_dataset, kwargs=settings)
    classes = read_classes(settings["prepared_folder"])
    recipe.set_default("classes", json.dumps(classes))
    recipe.set_default("n_classes", str(len(classes)))
    hparams = recipe.build()
    check_run_options(run_opts, hparams)
    folder = Path(hparams["output_folder"])
    sb.create_experiment_directory(folder)
    # All that it takes to load the detector again, see detect_file.py.
    run_on_main(recipe.save, args=[folder / "hyperparams.yaml"])
    return hparams, run_opts


def dataio_prep(hparams: dict) -> tuple:
    """Read the prepared folder; divide the training clips into batches.

    Returns
    -------
    tuple[PreparedData, ConcatDataset, StreamBatchSampler]
        The data, all training clips, and the batches of indices into them.
    """
    reader = ClipReader.for_detector(
        hparams["student"],
        hparams["classes"],
        hparams["sample_rate"],
        hparams["clip_seconds"],
        hparams["encoder"]["cache"],
    )
    data = PreparedData(
        hparams["prepared_folder"],
        reader,
        batch_size=hparams["test_batch_size"],
        num_workers=hparams["num_workers"],
    )
    clips = data.training_clips(STREAMS)
    sizes = hparams["clips_per_batch"]
    streams = Streams(
        {name: min(sizes[name], len(clips[name])) for name in clips},
        "strong",
        hparams["steps_per_epoch"],
    )
    return data, *streams.build(clips, hparams["seed"])


def make_brain(
    hparams: dict, run_opts: dict, data: PreparedData, clips, batches
) -> MeanTeacherBrain:
    """Give the Brain, which trains, what the YAML chose."""
    selection = EventF1(
        hparams["selection"],
        data.reference("validation")[0],
        hparams["classes"],
    )
    accumulated = run_opts["grad_accumulation_factor"]
    steps = {"steps_per_epoch": len(batches) // accumulated}
    brain = MeanTeacherBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        encoder=data.reader.encoder,
        losses=hparams["losses"],
        views=hparams["views"],
        ema=hparams["ema"],
        ramp_up=hparams["ramp_up"](**steps),
        ramp_down=hparams["ramp_down"](**steps),
        # With strong labels alone there is nothing that a teacher could add.
        consistency_weight=(
            hparams["consistency_weight"] if len(clips.datasets) > 1 else 0.0
        ),
        selection=selection,
        train_loggers=hparams["train_loggers"],
        seed=hparams["seed"],
        hparams={key: hparams[key] for key in ("precision", "max_grad_norm")},
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    # SpeechBrain tells the epoch to the sampler that it finds here.
    brain.train_sampler = batches
    return brain


def main(arguments: list[str]) -> None:
    """Prepare, train, score."""
    hparams, run_opts = load_recipe(arguments)
    data, clips, batches = dataio_prep(hparams)
    student = hparams["student"]
    if data.reader.embeddings is not None:
        parts = [*clips.datasets, *map(data.test_clips, SPLITS)]
        run_on_main(data.encode, args=[parts, device_of(run_opts)])
    if hparams["checkpointer"].find_checkpoint() is None:
        fit_once(
            student.featurizer,
            data.waveforms(clips),
            hparams["output_folder"],
            hparams["prepared_folder"],
        )
        check_fit(student.eval(), hparams, "cpu")
        hparams["teacher"].load_state_dict(student.state_dict())
    brain = make_brain(hparams, run_opts, data, clips, batches)
    brain.fit(
        hparams["epoch_counter"],
        clips,
        data.test_loader("validation"),
        train_loader_kwargs={"batch_sampler": batches, **data.loader_options},
    )
    # Clips are decoded with what was tuned on others, if there are any.
    n_clips = len(data.test_clips("validation"))
    evaluator = Evaluator(
        hparams["smoother"],
        hparams["tuning"] if n_clips > 1 else AsGiven(),
        hparams["classes"],
        hparams["output_folder"],
        brain.computation,
    )
    reports = {}
    for split in SPLITS:
        brain.evaluate(data.test_loader(split), max_key=EventF1.name)
        if if_main_process():
            reports[split] = evaluator.score(
                split,
                brain.scores,
                *data.reference(split),
                brain.weak_scores,
            )
    if if_main_process():
        print(summary_table(reports, brain.computation))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        print(f"train.py: {error}", file=sys.stderr)
        sys.exit(2)
