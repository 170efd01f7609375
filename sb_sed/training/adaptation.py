"""How a detector learns not to tell synthetic clips from recorded ones.

A way of adaptation says which modules it adds to the Brain's, what it adds to
the detector's losses, and what a second step teaches its discriminator. The
domain is 1 for synthetic clips, 0 for recorded ones.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits


class NoAdaptation:
    """The detector is trained as if all clips were of one domain."""

    modules: Mapping[str, nn.Module] = {}
    opt_classes: Mapping[str, Callable] = {}

    def detector_terms(
        self,
        terms: dict[str, torch.Tensor],
        modules: Mapping[str, nn.Module],
        embedding: torch.Tensor,
        lens: torch.Tensor,
        domains: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """What the first step minimises.

        Arguments
        ---------
        terms : dict[str, torch.Tensor]
            The detector's weighted losses, scalars.
        modules : Mapping[str, nn.Module]
            The Brain's, perhaps wrapped for several devices.
        embedding : torch.Tensor
            The student's, [B, T', D].
        lens : torch.Tensor
            Relative lengths, [B].
        domains : torch.Tensor
            1 for synthetic clips, else 0, [B].

        Returns
        -------
        dict[str, torch.Tensor]
            The scalars whose sum is back-propagated.
        """
        return terms

    def discriminator_loss(
        self,
        modules: Mapping[str, nn.Module],
        embedding: torch.Tensor,
        lens: torch.Tensor,
        domains: torch.Tensor,
    ) -> torch.Tensor | None:
        """What the second step minimises, a scalar; None for no second step.

        Arguments as for ``detector_terms``.
        """


class TwoStep(NoAdaptation):
    """Domain-adversarial training in two steps, as of a GAN.

    The first minimises ``main * L - adversarial * BCE(D(h), d)`` over the
    detector, with the discriminator D frozen: otherwise this step would leave
    in D the negative of what the second gives it. The second minimises
    ``BCE(D(h), d)`` over D on the same embedding h, detached. Then both
    optimisers step. So both steps have the same D and h, and share D's forward
    pass. (Section 3.1 of the UNIVPM-INRIA paper. Its released code
    weighs D's loss too, which Adam does not notice.)

    Arguments
    ---------
    discriminator : nn.Module
        From an embedding [B, T', D] and relative lengths [B] to logits [B].
    opt_class : Callable
        Makes the discriminator's optimiser from its parameters; the rate is
        the one after the ramp.
    main : float
        Weight of the detector's losses. The paper's equation, taken literally,
        has 0.1 here and 0.9 below; its released code has 1 and 0.1.
    adversarial : float
        Weight of the adversarial loss. At 0, the discriminator watches the
        training without a part in it.

    Example
    -------
    >>> discriminator = nn.Linear(1, 1)
    >>> adaptation = TwoStep(discriminator, torch.optim.SGD, adversarial=0.5)
    >>> list(adaptation.modules)
    ['discriminator']
    """

    def __init__(
        self,
        discriminator: nn.Module,
        opt_class: Callable,
        main: float = 1.0,
        adversarial: float = 0.1,
    ):
        self.modules = {"discriminator": discriminator}
        self.opt_classes = {"discriminator": opt_class}
        self.main = main
        self.adversarial = adversarial
        self._loss: torch.Tensor | None = None  # from the first step

    def detector_terms(self, terms, modules, embedding, lens, domains):
        """The detector's losses, less the discriminator's, which stays."""
        seen = embedding.detach().requires_grad_()
        logits = modules["discriminator"](seen, lens)
        self._loss = binary_cross_entropy_with_logits(logits, domains)
        # With respect to the embedding alone: nothing is left in D.
        (gradient,) = torch.autograd.grad(self._loss, seen, retain_graph=True)
        loss = _with_gradient(self._loss.detach(), embedding, gradient)
        return self._weigh(terms) | {"adversarial": -self.adversarial * loss}

    def discriminator_loss(self, modules, embedding, lens, domains):
        """The discriminator's loss on the detached embedding.

        That of the first step: neither has changed since, so that one forward
        pass does for both.
        """
        loss, self._loss = self._loss, None
        return loss

    def _weigh(self, terms):
        return {name: self.main * term for name, term in terms.items()}


class GradientReversal(TwoStep):
    """Domain-adversarial training in one step, through a reversed gradient.

    The discriminator minimises its loss; what reaches the detector of its
    gradient is multiplied by ``-adversarial`` (Ganin et al., 2016). The
    gradients are those of ``TwoStep``, of one forward and one backward pass of
    the discriminator instead of two. Arguments as for ``TwoStep``.
    """

    def detector_terms(self, terms, modules, embedding, lens, domains):
        """The detector's losses and the discriminator's."""
        reversed_ = reverse_gradient(embedding, self.adversarial)
        logits = modules["discriminator"](reversed_, lens)
        loss = binary_cross_entropy_with_logits(logits, domains)
        return self._weigh(terms) | {"discriminator": loss}

    def discriminator_loss(self, modules, embedding, lens, domains):
        """None: there is no second step."""


def reverse_gradient(x: torch.Tensor, weight: float) -> torch.Tensor:
    """The same tensor, whose gradient comes back times ``-weight``.

    Example
    -------
    >>> x = torch.ones(1, requires_grad=True)
    >>> (5 * reverse_gradient(x, 0.1)).backward()
    >>> x.grad
    tensor([-0.5000])
    """
    x = x.view_as(x)
    x.register_hook(lambda gradient: -weight * gradient)
    return x


def unwrapped(module: nn.Module) -> nn.Module:
    """A module without its wrapper for several devices."""
    return getattr(module, "module", module)


def _with_gradient(
    value: torch.Tensor, of: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor:
    """A scalar whose gradient with respect to a tensor is known."""
    return value + ((of - of.detach()) * gradient).sum()
