"""The mean-teacher Brain: a batch in training and in evaluation.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from speechbrain import Brain, Stage
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.utils.distributed import get_rank
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.utils.data import Dataset

from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import StreamBatchSampler
from sb_sed.formats import scores_table
from sb_sed.models.crnn import Predictions
from sb_sed.training.adaptation import unwrapped
from sb_sed.training.checkpoints import SELECTED_BY, Selection
from sb_sed.training.inputs import NETWORKS, BatchInputs, NetworkInputs
from sb_sed.training.logging import RunningMeans, monitored
from sb_sed.training.processes import share_statistics
from sb_sed.training.schedules import EMATeacher, Schedule


class MeanTeacherBrain(Brain):
    """Train a detector by mean teacher and score clips with both networks.

    The student learns from strong labels, weak labels and the consistency of
    its scores with the teacher's on all clips; the teacher is the student's
    exponential moving average (Tarvainen and Valpola, 2017; DCASE 2020 Task 4
    baseline). Learning rate and consistency weight ramp up together.

    The random numbers of a step (dropout, noise) are a function of the seed,
    the epoch and the step, so that a run that was killed and resumed equals
    one that was not: to the bit on a CPU, on a GPU as far as PyTorch's
    kernels give the same sums twice.

    Both networks process ``sig`` (and ``encoded``, its embeddings by a frozen
    encoder), unless a batch has ``sig_teacher`` [B, N] for the teacher.

    Arguments
    ---------
    modules : Mapping[str, nn.Module]
        ``spectrogram`` (waveforms [B, N] to mel [B, T, F]), ``student`` and
        ``teacher`` (mel to ``Predictions``).
    opt_class : Callable
        Makes the optimiser from parameters, at the rate between the ramps.
    encoder : EventEncoder
        Classes and frame shift of the detector's outputs.
    losses : Mapping[str, Callable]
        ``strong`` and ``weak`` (scores, targets), ``consistency`` (student's
        scores, teacher's scores), each to a scalar.
    views : Mapping[str, nn.Module]
        The augmentation of each network's mel spectrograms in training.
    augmentations : sequence of nn.Module
        What comes before the views and changes labels too, one draw for both
        networks (:mod:`sb_sed.augment.batch`).
    ema : EMATeacher
        Moves the teacher after each step of the optimiser.
    ramp_up, ramp_down : Schedule
        Factors of learning rate and consistency weight, of the rate alone.
    consistency_weight : float
        Weight of the consistency terms after the ramp. With 0, the teacher is
        an average of the student that is not computed in training.
    selection : Selection
        Named figure by which the best checkpoint is chosen, of scores (clip
        to table) and weak scores (clip to class to score).
    train_loggers : list
        SpeechBrain's loggers.
    seed : int
        Of the random numbers in training.
    pseudo_weight : float
        Of the losses of clips whose labels a system gave (``has_pseudo``).
    encoder_groups : Callable, optional
        From the detector's encoder to groups of its parameters with learning
        rates of their own (``FrameEncoder.parameter_groups``).
    **kwargs
        Passed to SpeechBrain's Brain.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        opt_class: Callable,
        *,
        encoder: EventEncoder,
        losses: Mapping[str, Callable],
        views: Mapping[str, nn.Module],
        ema: EMATeacher,
        ramp_up: Schedule,
        ramp_down: Schedule,
        consistency_weight: float,
        selection: Selection,
        train_loggers: list,
        seed: int,
        pseudo_weight: float = 0.0,
        augmentations: Sequence[nn.Module] = (),
        encoder_groups: Callable[[nn.Module], list[dict]] | None = None,
        **kwargs,
    ):
        super().__init__(modules=modules, opt_class=opt_class, **kwargs)
        self.encoder = encoder
        self.losses = losses
        self.ema = ema
        self.ramp_up, self.ramp_down = ramp_up, ramp_down
        self.consistency_weight = consistency_weight
        self.selection = selection
        self.train_loggers = train_loggers
        self.seed = seed
        self.pseudo_weight = pseudo_weight
        self.encoder_groups = encoder_groups
        self.terms = RunningMeans()
        self.scores: dict[str, dict[str, pd.DataFrame]] = {}
        self.weak_scores: dict[str, dict[str, dict[str, float]]] = {}
        self.inputs = BatchInputs(
            self.modules, views, augmentations, self.on_device
        )
        self.modules.teacher.requires_grad_(False)
        if self.checkpointer is not None:
            self.checkpointer.add_recoverable("terms", self.terms)

    @property
    def computation(self) -> str:
        """Precision and device as a sentence: the scores depend on them."""
        return (
            f"Trained in {self.precision}, scored in {self.eval_precision}, on "
            f"{self.device}."
        )

    def init_optimizers(self) -> None:
        """Make one optimiser, of the student's parameters."""
        self.optimizers_dict = {}
        self.optimizer = self.add_optimizer(
            "student", self.opt_class, recoverable="optimizer"
        )

    def add_optimizer(
        self, name: str, opt_class: Callable, recoverable: str
    ) -> Optimizer:
        """Make a module's optimiser, ramped and saved with the rest."""
        optimizer = opt_class(self.parameter_groups(name))
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        self.optimizers_dict[name] = optimizer
        if self.checkpointer is not None:
            self.checkpointer.add_recoverable(recoverable, optimizer)
        return optimizer

    def parameter_groups(self, name: str) -> list[dict]:
        """Return a module's parameters; an encoder's at rates of their own."""
        encoder = getattr(unwrapped(self.modules[name]), "encoder", None)
        groups = []
        if encoder is not None and self.encoder_groups is not None:
            groups = self.encoder_groups(encoder)
        known = {id(p) for group in groups for p in group["params"]}
        parameters = self.modules[name].parameters()
        rest = [p for p in parameters if id(p) not in known]
        return [{"params": rest}, *groups]

    def _wrap_distributed(self) -> None:
        """As SpeechBrain's; the batch norms of all networks are shared.

        SpeechBrain shares those of modules that are optimised, which the
        teacher is not, and by means that PyTorch has for GPUs only.
        """
        if not self.distributed_launch:
            super()._wrap_distributed()
            return
        for name, module in self.modules.items():
            self.modules[name] = share_statistics(module, self.device_type)
        if self.device_type != "cpu":
            super()._wrap_distributed()
            return
        for name, module in self.modules.items():
            if any(p.requires_grad for p in module.parameters()):
                self.modules[name] = DistributedDataParallel(module)

    def _train_loader_specifics(
        self, dataset: Dataset, loader_kwargs: dict
    ) -> dict:
        """As SpeechBrain's, which would deal whole batches to the processes.

        That of ``Streams`` has divided each batch among them already, so that
        an epoch has as many steps, of as many clips, as on one process.
        """
        if isinstance(loader_kwargs.get("batch_sampler"), StreamBatchSampler):
            return loader_kwargs
        return super()._train_loader_specifics(dataset, loader_kwargs)

    def fit_batch(self, batch: PaddedBatch) -> torch.Tensor:
        """Train on one batch: a step of the student, then of the teacher."""
        should_step = self.step % self.grad_accumulation_factor == 0
        self.on_fit_batch_start(batch, should_step)
        with self.no_sync(not should_step):
            with self.training_ctx:
                inputs, batch = self.inputs.training(batch)
                outputs = self.predictions(inputs)
                losses = self.training_losses(outputs, batch)
            for loss in losses:
                self.backward(loss)
        if should_step:
            self.optimizers_step()
            networks = self.modules.student, self.modules.teacher
            self.ema.update(*networks, self.optimizer_step)
            if "teacher" not in outputs:
                self.ema.copy_buffers(*networks)
        self.on_fit_batch_end(batch, outputs, losses[0], should_step)
        # The only time in a step that the host waits for a GPU: at its end.
        values = torch.stack([loss.detach() for loss in losses]).cpu()
        for value in values:
            self.check_loss_isfinite(value)
        return values[0]

    def backward(self, loss: torch.Tensor) -> None:
        """Back-propagate a loss with SpeechBrain's scaling."""
        self.scaler.scale(loss / self.grad_accumulation_factor).backward()

    def on_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """Copy to the device; from pinned memory without waiting."""
        return tensor.to(self.device, non_blocking=True)

    def on_fit_batch_start(self, batch: PaddedBatch, should_step: bool) -> None:
        """Set the random numbers and the learning rate of this step."""
        self.seed_step(self.epoch, self.step)
        step = self.optimizer_step
        factor = self.ramp_up(step) * self.ramp_down(step)
        for optimizer in self.optimizers_dict.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    def seed_step(self, *position: int) -> None:
        """Make what follows a function of seed, rank and position alone."""
        source = np.random.SeedSequence([self.seed, get_rank() or 0, *position])
        torch.manual_seed(int(source.generate_state(1, np.uint64)[0]))

    def compute_forward(
        self, batch: PaddedBatch, stage: Stage
    ) -> dict[str, Predictions]:
        """Return the networks' predictions; in training, each of its view."""
        if stage == Stage.TRAIN:
            return self.predictions(self.inputs.training(batch)[0])
        return self.predictions(self.inputs(batch))

    def predictions(self, inputs: NetworkInputs) -> dict[str, Predictions]:
        """Return what the networks make of their inputs."""
        student = self.modules.student(*inputs["student"])
        if self.modules.training and not self.consistency_weight:
            return {"student": student}
        with torch.no_grad():
            teacher = self.modules.teacher(*inputs["teacher"])
        return {"student": student, "teacher": teacher}

    def compute_objectives(
        self,
        predictions: dict[str, Predictions],
        batch: PaddedBatch,
        stage: Stage,
    ) -> torch.Tensor:
        """Return the student's loss, in training the first of several."""
        if stage == Stage.TRAIN:
            return self.training_losses(predictions, batch)[0]
        with self._no_autocast():
            terms = self._supervised(predictions["student"], batch)
        return sum(terms.values())

    def training_losses(
        self, predictions: dict[str, Predictions], batch: PaddedBatch
    ) -> list[torch.Tensor]:
        """Return the scalars to back-propagate, in this order.

        Here one, the sum of the weighted losses. The terms go to the log.
        """
        with self._no_autocast():
            return [self._logged_sum(self.training_terms(predictions, batch))]

    def _no_autocast(self) -> torch.autocast:
        """The losses' context: CUDA refuses autocast for probabilities."""
        return torch.autocast(torch.device(self.device).type, enabled=False)

    def _logged_sum(self, terms: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The sum of the terms of a loss, whose means go to the log."""
        loss = sum(terms.values())
        self.terms.add({**terms, "loss": loss})
        return loss

    def training_terms(
        self, predictions: dict[str, Predictions], batch: PaddedBatch
    ) -> dict[str, torch.Tensor]:
        """Return the weighted losses that the student minimises in training."""
        student, teacher = map(predictions.get, NETWORKS)
        terms = self._supervised(student, batch)
        if self.pseudo_weight:
            for name in ("strong", "weak"):
                loss = self._labelled(name, student, batch, "has_pseudo")
                terms[f"{name}_pseudo"] = self.pseudo_weight * loss
        if teacher is None:
            return terms
        weight = self.consistency_weight * self.ramp_up(self.optimizer_step)
        for name in ("strong", "weak"):
            terms[f"{name}_consistency"] = weight * self.losses["consistency"](
                getattr(student, name), getattr(teacher, name)
            )
        return terms

    def _supervised(
        self, predictions: Predictions, batch: PaddedBatch
    ) -> dict[str, torch.Tensor]:
        """The losses of the clips that have strong and weak labels."""
        return {
            name: self._labelled(name, predictions, batch, f"has_{name}")
            for name in ("strong", "weak")
        }

    def _labelled(
        self, name: str, predictions: Predictions, batch: PaddedBatch, has: str
    ) -> torch.Tensor:
        """The loss by a kind of label of the clips that have a flag."""
        # Indices of the host: a mask on a GPU would make it wait for their sum.
        indices = [i for i, flag in enumerate(batch[has].tolist()) if flag]
        scores = getattr(predictions, name)
        if not indices:
            return scores.new_zeros(())
        labelled = self.on_device(torch.tensor(indices))
        targets = self.on_device(batch[name].data)[labelled]
        return self.losses[name](scores[labelled], targets)

    @torch.no_grad()
    def evaluate_batch(self, batch: PaddedBatch, stage: Stage) -> torch.Tensor:
        """Score a batch of whole clips; what is not known gets no score."""
        with self.evaluation_ctx:
            outputs = self.compute_forward(batch, stage)
            loss = self.compute_objectives(outputs, batch, stage)
        classes = self.encoder.classes
        unknown = self.on_device(batch.strong.data).isnan()
        for name in NETWORKS:
            strong = outputs[name].strong.float().masked_fill(unknown, 0.0)
            weak = outputs[name].weak.float().tolist()
            for clip, matrix, row, duration in zip(
                batch.id, strong.cpu(), weak, batch.duration, strict=True
            ):
                self.scores[name][clip] = scores_table(
                    matrix, self.encoder.frame_shift, classes, float(duration)
                )
                of_classes = dict(zip(classes, row, strict=True))
                self.weak_scores[name][clip] = of_classes
        return loss.detach().cpu()

    def on_stage_start(self, stage: Stage, epoch: int | None = None) -> None:
        """Discard the old scores; note the epoch."""
        self.scores = {name: {} for name in NETWORKS}
        self.weak_scores = {name: {} for name in NETWORKS}
        if stage == Stage.TRAIN:
            self.epoch = epoch
            self.seed_step(epoch)  # what the loader's workers start from

    def on_stage_end(
        self, stage: Stage, stage_loss: float, epoch: int | None = None
    ) -> None:
        """Log the epoch, score the validation clips and keep the best."""
        if stage == Stage.TRAIN:
            self.train_stats = self.terms.pop()
        elif stage == Stage.VALID:
            factor = self.ramp_up(self.optimizer_step)
            stats = {"loss": stage_loss} | self.valid_stats()
            rates = {
                f"lr_{name}": optimizer.param_groups[0]["lr"]
                for name, optimizer in self.optimizers_dict.items()
            }
            meta = {
                "epoch": epoch,
                **rates,
                "consistency_weight": self.consistency_weight * factor,
                **monitored(self.modules.student),
            }
            for train_logger in self.train_loggers:
                train_logger.log_stats(
                    meta, train_stats=self.train_stats, valid_stats=stats
                )
            if self.checkpointer is not None:
                name = self.selection.name
                figures = {SELECTED_BY: name, name: stats[f"student_{name}"]}
                self.checkpointer.save_and_keep_only(
                    {**figures, "epoch": epoch}, max_keys=[name]
                )

    def valid_stats(self) -> dict[str, float]:
        """Return what is measured on validation clips at an epoch's end."""
        figure, weak = self.selection, self.weak_scores
        return {
            f"{name}_{figure.name}": float(figure(scores, weak[name]))
            for name, scores in self.scores.items()
        }
