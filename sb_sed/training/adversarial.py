"""Mean teacher with an adaptation from synthetic to recorded clips.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from speechbrain.dataio.batch import PaddedBatch
from torch import nn

from sb_sed.models.crnn import Predictions
from sb_sed.training.adaptation import Adaptation, unwrapped
from sb_sed.training.brains import MeanTeacherBrain
from sb_sed.training.schedules import ExponentialRampUp


class DomainAdversarialBrain(MeanTeacherBrain):
    """``MeanTeacherBrain`` with an adaptation of the student's embedding.

    The adaptation adds to the losses of a step, and may train a discriminator
    in a second one. Both are back-propagated before the optimisers step
    together; then the teacher follows. With ``NoAdaptation`` this is
    ``MeanTeacherBrain``.

    A clip's domain goes by its stream: those with strong labels are synthetic.
    The embedding is that of the student's view, of all clips of a batch. The
    padding of a clip is left out, as it would identify recorded clips.

    Each epoch logs the discriminator's loss (``discriminator``), the norms of
    its gradient (``discriminator_gradient``, before clipping) and of the one
    that the student's embedding gets from it (``adversarial_gradient``), and
    how well it tells clips apart: those that it is trained on, as it goes, and
    held-out ones (``domain_accuracy_<domain>``). The latter is no measure of
    what is left of the domains: a discriminator that has not learned yet, or
    is behind the student, cannot tell either. That is what a probe fitted to
    the embeddings says (:func:`sb_sed.plots.embeddings.probe`).

    Arguments
    ---------
    modules : Mapping[str, nn.Module]
        As for ``MeanTeacherBrain``; the adaptation's are added.
    opt_class : Callable
        As for ``MeanTeacherBrain``, for the student.
    adaptation : Adaptation
        One of ``sb_sed.training.adaptation``.
    adversarial_ramp_up : ExponentialRampUp, optional
        Factor of what the student's embedding gets of the discriminator, by
        the optimiser's step; without it, 1 from the start.
    held_out : Iterable[PaddedBatch]
        Batches of clips of both domains that nothing is trained on, mixed as
        those that are trained on; of their labels, only ``has_strong`` is read.
    **kwargs
        Passed to ``MeanTeacherBrain``.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        opt_class: Callable,
        *,
        adaptation: Adaptation,
        adversarial_ramp_up: ExponentialRampUp | None = None,
        held_out: Iterable[PaddedBatch] = (),
        **kwargs,
    ):
        super().__init__({**modules, **adaptation.modules}, opt_class, **kwargs)
        self.adaptation = adaptation
        self.adversarial_ramp_up = adversarial_ramp_up
        self.held_out = held_out
        if self.checkpointer is not None:
            self.checkpointer.add_recoverables(adaptation.modules)

    def init_optimizers(self) -> None:
        """Make the student's optimiser and the adaptation's."""
        super().init_optimizers()
        for name, opt_class in self.adaptation.opt_classes.items():
            self.add_optimizer(name, opt_class, recoverable=f"optimizer_{name}")

    def training_losses(
        self, predictions: dict[str, Predictions], batch: PaddedBatch
    ) -> list[torch.Tensor]:
        """Return the losses of the adaptation's steps, one or two scalars."""
        embedding = predictions["student"].embedding
        lens, domains = self._lens_and_domains(embedding, batch)
        with self._no_autocast():
            terms, second = self.adaptation.objectives(
                self.training_terms(predictions, batch),
                self.modules,
                self._attached(embedding),
                lens,
                domains,
            )
            first = self._logged_sum(terms)
        if self.adaptation.logits is not None:
            self.terms.add(domain_shares(self.adaptation.logits, domains))
        if second is None:
            return [first]
        self.terms.add({"discriminator": second})
        return [first, second]

    def optimizers_step(self) -> None:
        """Note the norms of the adaptation's gradients and step."""
        for name in self.adaptation.modules:
            gradients = [p.grad for p in self.modules[name].parameters()]
            norm = nn.utils.get_total_norm(gradients) / self.scaler.get_scale()
            self.terms.add({f"{name}_gradient": norm})
        super().optimizers_step()

    def valid_stats(self) -> dict[str, float]:
        """Return the mean teacher's, and the discriminator's accuracy."""
        return super().valid_stats() | self.domain_accuracy()

    @torch.no_grad()
    def domain_accuracy(self) -> dict[str, float]:
        """Measure how well the discriminator tells the held-out clips apart.

        Returns
        -------
        dict[str, float]
            The share of each domain that it recognises as
            ``domain_accuracy_<domain>``, the mean of the two as
            ``domain_accuracy_mean``, and as ``domain_auc`` the probability that
            a synthetic clip has a higher logit than a recorded one, which does
            not depend on a threshold. Both are 0.5 for a guess, whatever the
            numbers of clips. Empty without held-out clips.
        """
        logits, synthetic = [], []
        for batch in self.held_out:
            # Not wrapped: the processes need not meet here.
            student, discriminator = (
                unwrapped(self.modules[name])
                for name in ("student", "discriminator")
            )
            with self.evaluation_ctx:
                embedding = student(*self.inputs(batch)["student"]).embedding
            lens, _ = self._lens_and_domains(embedding, batch)
            logits.append(discriminator(embedding, lens).cpu())
            synthetic.append(batch.has_strong)
        if not logits:
            return {}
        logits, synthetic = torch.cat(logits), torch.cat(synthetic)
        shares = domain_shares(logits, synthetic.float())
        pairs = (logits[synthetic][:, None] - logits[~synthetic]).sign()
        return {name: float(share) for name, share in shares.items()} | {
            "domain_auc": float(pairs.mean() / 2 + 0.5)
        }

    def _lens_and_domains(
        self, embedding: torch.Tensor, batch: PaddedBatch
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Relative lengths, and 1 for synthetic clips, [B] each."""
        seconds = embedding.shape[1] * self.encoder.frame_shift
        lens = (batch.duration / seconds).clamp(max=1.0)
        return lens, self.on_device(batch.has_strong.float())

    def _attached(self, embedding: torch.Tensor) -> torch.Tensor:
        """The embedding; the gradient that comes back is ramped and noted."""

        def _ramp(gradient: torch.Tensor) -> torch.Tensor:
            if self.adversarial_ramp_up is not None:
                gradient = gradient * self.adversarial_ramp_up(
                    self.optimizer_step
                )
            scale = self.scaler.get_scale() / self.grad_accumulation_factor
            self.terms.add({"adversarial_gradient": gradient.norm() / scale})
            return gradient

        if self.adaptation.modules:
            embedding = embedding.view_as(embedding)
            embedding.register_hook(_ramp)
        return embedding


def domain_shares(
    logits: torch.Tensor, domains: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the share of each domain that the logits recognise.

    Arguments
    ---------
    logits : torch.Tensor
        Above 0 where a clip is taken for a synthetic one, [B].
    domains : torch.Tensor
        1 for synthetic clips, else 0, [B]; there are some of both.

    Returns
    -------
    dict[str, torch.Tensor]
        ``domain_accuracy_recorded``, ``_synthetic`` and ``_mean``, scalars.

    Example
    -------
    >>> logits, domains = (
    ...     torch.tensor([-1.0, 2.0, 3.0]),
    ...     torch.tensor([0, 0, 1]),
    ... )
    >>> [float(share) for share in domain_shares(logits, domains).values()]
    [0.5, 1.0, 0.75]
    """
    domains = domains.to(logits.dtype)
    positive = (logits > 0).to(logits.dtype)
    recorded = ((1 - domains) * (1 - positive)).sum() / (1 - domains).sum()
    synthetic = (domains * positive).sum() / domains.sum()
    return {
        "domain_accuracy_recorded": recorded,
        "domain_accuracy_synthetic": synthetic,
        "domain_accuracy_mean": (recorded + synthetic) / 2,
    }
