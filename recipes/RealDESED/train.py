#!/usr/bin/env python3
"""Trains a sound event detector on RealDESED and scores it.

To try it on a miniature data set, made on the spot, in minutes on a CPU:
> python train.py hparams/crnn.yaml

To run it on RealDESED:
> python train.py hparams/crnn.yaml --data_folder=/path/to/RealDESED

The same command resumes a run that was interrupted; after the last epoch it
scores the best checkpoint again.

Authors
 * sb_sed contributors 2026
"""

import sys
from pathlib import Path

import sb_sed  # noqa: F401 before PyTorch: says how its threads wait

# isort: split
import speechbrain as sb
from realdesed_prepare import prepare_realdesed
from speechbrain.utils.distributed import if_main_process, run_on_main

from sb_sed.cli.outputs import check_writable
from sb_sed.data.annotated_clips import AnnotatedClips
from sb_sed.data.clips import ClipReader
from sb_sed.data.prepared import PreparedData
from sb_sed.data.realdesed import ANNOTATIONS
from sb_sed.evaluation import Evaluator, summary_table
from sb_sed.minidesed import make_minirealdesed
from sb_sed.scoring.written import realdesed_figures
from sb_sed.training.brains import MeanTeacherBrain
from sb_sed.training.run_options import device_of
from sb_sed.training.start import Miniature, exit_cleanly, start
from sb_sed.training.statistics import fit_networks
from sb_sed.training.testing import score_sets

MINIATURE = Miniature(
    "MiniRealDESED",
    Path(__file__).resolve().parent / "data/minirealdesed",
    make_minirealdesed,
)
# What is read of the YAML, here or by what it refers to.
KEYS = (
    *("__set_seed", "seed", "data_folder", "prepared_folder", "skip_prep"),
    *("output_folder", "dataset", "num_workers", "test_batch_size"),
    *("streams", "aggregation", "chunks", "reviews", "batch_augment", "views"),
    *("smoothing", "selection", "training", "consistency_weight"),
    *("precision", "max_grad_norm", "epoch_counter", "encoder", "student"),
    *("teacher", "modules", "checkpointer", "train_loggers"),
)
# The best checkpoint is the best one on the first.
TEST_SETS = ("validation", "test")


def load_recipe(arguments: list[str]) -> tuple[dict, dict]:
    """Read the command line and the YAML; prepare the data.

    Returns
    -------
    tuple[dict, dict]
        The hyperparameters and SpeechBrain's run options.
    """
    recipe, hparams, run_opts = start(arguments, KEYS, MINIATURE)
    sb.create_experiment_directory(hparams["output_folder"])
    if not hparams["skip_prep"]:
        place = [("--prepared_folder", Path(hparams["prepared_folder"]))]
        run_on_main(check_writable, kwargs={"folders": place})
        MINIATURE.ensure(recipe)
        folders = [hparams["data_folder"], hparams["prepared_folder"]]
        options = {"sample_rate": hparams["dataset"]["sample_rate"]}
        run_on_main(prepare_realdesed, args=folders, kwargs=options)
    # Of a run that is scored again with other data, only once these are there.
    saved = Path(hparams["output_folder"]) / "hyperparams.yaml"
    run_on_main(recipe.save, args=[saved, KEYS])
    return hparams, run_opts


def dataio_prep(hparams: dict) -> tuple:
    """Read the prepared folder; aggregate what the annotators marked.

    Returns
    -------
    tuple[PreparedData, ConcatDataset, StreamBatchSampler]
        The data, the training clips, and the batches of indices into them.
    """
    dataset = hparams["dataset"]
    reader = ClipReader.for_detector(
        hparams["student"],
        dataset["classes"],
        dataset["sample_rate"],
        dataset["clip_seconds"],
        hparams["encoder"]["cache"],
    )
    data = PreparedData(
        hparams["prepared_folder"],
        reader,
        batch_size=hparams["test_batch_size"],
        num_workers=hparams["num_workers"],
    )
    clips = AnnotatedClips(
        data.folder / "train_annotated.json",
        data.folder / ANNOTATIONS,
        reader,
        hparams["aggregation"]["targets"],
        hparams["chunks"]["drawn"],
        hparams["reviews"],
        (hparams["seed"],),
    )
    streams = hparams["streams"]["batches"]
    return data, *streams.build({"annotated": clips}, hparams["seed"])


def make_brain(
    hparams: dict, run_opts: dict, data: PreparedData, batches
) -> MeanTeacherBrain:
    """Wire the Brain to what the YAML chose."""
    training = hparams["training"]
    accumulated = run_opts["grad_accumulation_factor"]
    steps = {"steps_per_epoch": len(batches) // accumulated}
    selection = hparams["selection"]["figure"](
        hparams["smoothing"]["selection"],
        data.reference("validation")[0],
        hparams["dataset"]["classes"],
    )
    brain = MeanTeacherBrain(
        modules=hparams["modules"],
        opt_class=training["opt_class"],
        encoder=data.reader.encoder,
        losses=training["losses"],
        views=hparams["views"],
        augmentations=hparams["batch_augment"]["augmentations"],
        ema=training["ema"],
        ramp_up=training["ramp_up"](**steps),
        ramp_down=training["ramp_down"](**steps),
        consistency_weight=hparams["consistency_weight"],
        selection=selection,
        train_loggers=hparams["train_loggers"],
        seed=hparams["seed"],
        encoder_groups=hparams["encoder"]["groups"],
        # Run options that the YAML sets
        hparams={key: hparams[key] for key in ("precision", "max_grad_norm")},
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    # SpeechBrain tells the epoch to the samplers that it knows of.
    brain.train_sampler = batches
    return brain


def main(arguments: list[str]) -> None:
    """Prepare, train, score."""
    hparams, run_opts = load_recipe(arguments)
    data, clips, batches = dataio_prep(hparams)
    encoded = [clips.datasets, TEST_SETS, device_of(run_opts)]
    run_on_main(data.encode_all, args=encoded)
    if hparams["checkpointer"].find_checkpoint() is None:
        fit_networks(
            hparams["student"],
            hparams["teacher"],
            data.waveforms(clips),
            hparams["output_folder"],
            hparams["prepared_folder"],
        )
    brain = make_brain(hparams, run_opts, data, batches)
    brain.fit(
        hparams["epoch_counter"],
        clips,
        data.test_loader("validation"),
        train_loader_kwargs={"batch_sampler": batches, **data.loader_options},
    )
    evaluator = Evaluator(
        hparams["smoothing"]["smoother"],
        hparams["smoothing"]["tuning"],
        hparams["dataset"]["classes"],
        hparams["output_folder"],
        brain.computation,
    )
    reports = score_sets(brain, data, evaluator, TEST_SETS)
    if if_main_process():
        table = summary_table(reports, brain.computation, realdesed_figures)
        print(table)


if __name__ == "__main__":
    exit_cleanly(main, sys.argv)
