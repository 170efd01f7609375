#!/usr/bin/env python3
"""Trains a sound event detector on DESED (DCASE 2020 Task 4) and scores it.

To try it on a miniature data set, made on the spot, in minutes on a CPU:
> python train.py hparams/baseline.yaml

To run it on DESED:
> python train.py hparams/baseline.yaml --data_folder=/path/to/DESED

The same command resumes a run that was interrupted; after the last epoch it
scores the best checkpoint again.

Authors
 * sb_sed contributors 2026
"""

import sys
from dataclasses import replace
from pathlib import Path

import sb_sed  # noqa: F401 before PyTorch: says how its threads wait

# isort: split
import speechbrain as sb
from desed_prepare import prepare_desed
from speechbrain.utils.distributed import if_main_process, run_on_main
from torch.utils.data import ConcatDataset

from sb_sed.cli.outputs import check_writable
from sb_sed.data.clips import ClipReader, hold_out, without
from sb_sed.data.prepared import PreparedData
from sb_sed.evaluation import Evaluator, summary_table
from sb_sed.minidesed import make_minidesed
from sb_sed.mixing.soundbank import Sources
from sb_sed.training.adaptation import check_domains
from sb_sed.training.adversarial import DomainAdversarialBrain
from sb_sed.training.run_options import device_of
from sb_sed.training.start import Miniature, exit_cleanly, start
from sb_sed.training.statistics import fit_networks
from sb_sed.training.testing import score_sets
from sb_sed.tuning.selection import EventF1

FOLDER = Path(__file__).resolve().parent
MINIATURE = Miniature("MiniDESED", FOLDER / "data/minidesed", make_minidesed)
# The kinds of training clips, and which labels each has for the losses.
STREAMS = {"synthetic": ["strong"], "unlabelled": [], "weak": ["weak"]}
# Of the streams' random numbers; held-out clips of the first three follow them.
NUMBERS = {"synthetic": 0, "unlabelled": 1, "weak": 2, "pseudo": 6}
# What is read of the YAML, here or by what it refers to.
KEYS = (
    *("__set_seed", "seed", "data_folder", "prepared_folder", "skip_prep"),
    *("output_folder", "dataset", "num_workers", "test_batch_size"),
    *("streams", "mixing", "batch_augment", "views", "smoothing", "training"),
    "adaptation",
    *("consistency_weight", "precision", "max_grad_norm", "epoch_counter"),
    *("encoder", "student", "teacher", "modules", "checkpointer"),
    "train_loggers",
)
TEST_SETS = ("validation", "public")


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
        prepare(hparams)
    # Of a run that is scored again with other data, only once these are there.
    saved = Path(hparams["output_folder"]) / "hyperparams.yaml"
    run_on_main(recipe.save, args=[saved, KEYS])
    return hparams, run_opts


def prepare(hparams: dict) -> None:
    """Prepare the data set and the sounds that are mixed."""
    folders = [hparams["data_folder"], hparams["prepared_folder"]]
    dataset = hparams["dataset"]
    rate = dataset["sample_rate"]
    options = {"valid_fraction": dataset["valid_fraction"]}
    options |= {"seed": dataset["split_seed"], "sample_rate": rate}
    run_on_main(prepare_desed, args=folders, kwargs=options)
    soundbank = hparams["mixing"]["soundbank"]
    run_on_main(soundbank.prepare, args=[*folders, rate])


def dataio_prep(hparams: dict) -> tuple:
    """Read the prepared folder; mix the training clips, in batches.

    Returns
    -------
    tuple[PreparedData, ConcatDataset, StreamBatchSampler, Iterable]
        The data, all training clips, the batches of indices into them, and the
        batches of held-out clips that the adaptation is measured on.
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
    clips = data.training_clips(STREAMS)
    streams, held_out = hparams["streams"]["batches"], {}
    if labels := hparams["streams"]["pseudo_labels"]:
        clips["pseudo"] = reader.training_clips(labels, pseudo=True)
    if most := hparams["adaptation"]["held_out"]:
        check_domains(streams.clips_per_batch, clips)
        clips["unlabelled"], held_out["unlabelled"] = hold_out(
            clips["unlabelled"], most, dataset["split_seed"]
        )
        held_out["synthetic"] = data.validation_clips("valid_synthetic")
        if "pseudo" in clips:
            clips["pseudo"] = without(clips["pseudo"], held_out["unlabelled"])
    mixing, seed = hparams["mixing"], hparams["seed"]
    sources = mixing["soundbank"].load(data.folder, reader.sample_rate)

    def mix(clips: dict, sources: Sources, first: int) -> dict:
        """Mix clips as their stream is mixed, with numbers of their own."""
        return {
            name: mixing["streams"][name if name in STREAMS else "unlabelled"](
                clips[name], reader, sources, (seed, first + number)
            )
            for name, number in NUMBERS.items()
            if name in clips
        }

    clips = mix(clips, sources, 0)
    if held_out:
        apart = replace(sources, foregrounds=sources.held_out)
        held_out = mix(held_out, apart, len(STREAMS))
        held_out = data.loader(ConcatDataset([*held_out.values()]))
    return data, *streams.build(clips, seed), held_out


def make_brain(
    hparams: dict, run_opts: dict, data: PreparedData, batches, held_out
) -> DomainAdversarialBrain:
    """Wire the Brain to what the YAML chose."""
    training = hparams["training"]
    selection = EventF1(
        hparams["smoothing"]["selection"],
        data.reference("valid_synthetic")[0],
        hparams["dataset"]["classes"],
    )
    accumulated = run_opts["grad_accumulation_factor"]
    steps = {"steps_per_epoch": len(batches) // accumulated}
    brain = DomainAdversarialBrain(
        modules=hparams["modules"],
        opt_class=training["opt_class"],
        adaptation=hparams["adaptation"]["method"],
        adversarial_ramp_up=hparams["adaptation"]["ramp_up"](**steps),
        held_out=held_out,
        encoder=data.reader.encoder,
        losses=training["losses"],
        views=hparams["views"],
        augmentations=hparams["batch_augment"]["augmentations"],
        ema=training["ema"],
        ramp_up=training["ramp_up"](**steps),
        ramp_down=training["ramp_down"](**steps),
        consistency_weight=hparams["consistency_weight"],
        pseudo_weight=hparams["streams"]["pseudo_weight"],
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
    data, clips, batches, held_out = dataio_prep(hparams)
    mixed = [*clips.datasets, *(held_out.dataset.datasets if held_out else [])]
    splits = ["valid_synthetic", *TEST_SETS]
    run_on_main(data.encode_all, args=[mixed, splits, device_of(run_opts)])
    if hparams["checkpointer"].find_checkpoint() is None:
        fit_networks(
            hparams["student"],
            hparams["teacher"],
            data.waveforms(clips),
            hparams["output_folder"],
            hparams["prepared_folder"],
        )
    brain = make_brain(hparams, run_opts, data, batches, held_out)
    brain.fit(
        hparams["epoch_counter"],
        clips,
        data.test_loader("valid_synthetic"),
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
        print(summary_table(reports, brain.computation))


if __name__ == "__main__":
    exit_cleanly(main, sys.argv)
