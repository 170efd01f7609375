"""How a detector learns not to tell synthetic clips from recorded ones.

An adaptation names the modules that it adds to the Brain's, and turns the
detector's losses into those of one or two steps. The domain is 1 for synthetic
clips, 0 for recorded ones.

Authors
 * sb_sed contributors 2026
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import binary_cross_entropy_with_logits

from sb_sed.errors import InputError

Terms = dict[str, Tensor]  # scalars
Modules = Mapping[str, nn.Module]


class Adaptation(ABC):
    """From the detector's losses to what each step minimises.

    Attributes
    ----------
    modules : Mapping[str, nn.Module]
        Modules to train beside the detector.
    opt_classes : Mapping[str, Callable]
        Makes the optimiser of each from its parameters.
    logits : Tensor | None
        Of the domain, of each clip of the last batch, [B], detached; None
        where nothing estimates it.
    """

    modules: Modules = {}
    opt_classes: Mapping[str, Callable] = {}
    logits: Tensor | None = None

    @abstractmethod
    def objectives(
        self,
        terms: Terms,
        modules: Modules,
        embedding: Tensor,
        lens: Tensor,
        domains: Tensor,
    ) -> tuple[Terms, Tensor | None]:
        """Return what the two steps minimise.

        Both are back-propagated, one after the other, before the optimisers
        step.

        Arguments
        ---------
        terms : dict[str, Tensor]
            The detector's weighted losses, scalars.
        modules : Mapping[str, nn.Module]
            The Brain's, perhaps wrapped for several devices.
        embedding : Tensor
            The student's, [B, T', D].
        lens : Tensor
            Relative lengths, [B].
        domains : Tensor
            1 for synthetic clips, else 0, [B].

        Returns
        -------
        dict[str, Tensor]
            The scalars whose sum the first step minimises.
        Tensor | None
            The scalar that the second step minimises; None if there is none.
        """


class NoAdaptation(Adaptation):
    """The detector is trained as if all clips were of one domain."""

    def objectives(
        self,
        terms: Terms,
        modules: Modules,
        embedding: Tensor,
        lens: Tensor,
        domains: Tensor,
    ) -> tuple[Terms, None]:
        """Return the detector's losses, and no second step."""
        return terms, None


class TwoStep(Adaptation):
    """Domain-adversarial training in two steps, as of a GAN.

    The first minimises ``main * L - adversarial * BCE(D(h), d)`` over the
    detector, with the discriminator D frozen: otherwise this step would leave
    in D the negative of what the second gives it. The second minimises
    ``BCE(D(h), d)`` over D on the same embedding h, detached. Then both
    optimisers step. So both steps have the same D and h, and share D's forward
    and backward pass. (Section 3.1 of the UNIVPM-INRIA paper. Its released code
    weighs D's loss too, which makes no difference to Adam.)

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
        Weight of the adversarial loss. At 0 the discriminator is trained
        without any effect on the detector.

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

    def objectives(
        self,
        terms: Terms,
        modules: Modules,
        embedding: Tensor,
        lens: Tensor,
        domains: Tensor,
    ) -> tuple[Terms, Tensor]:
        """Return the detector's losses less D's, and D's."""
        detached = embedding.detach().requires_grad_()
        discriminator = modules["discriminator"]
        logits = discriminator(detached, lens)
        self.logits = logits.detach()
        loss = binary_cross_entropy_with_logits(logits, domains)
        # One pass for both steps; each back-propagates its part of it.
        parameters = [p for p in discriminator.parameters() if p.requires_grad]
        gradient, *gradients = torch.autograd.grad(
            loss, [detached, *parameters], allow_unused=True
        )
        used = [n for n, found in enumerate(gradients) if found is not None]
        parameters, gradients = (
            [values[n] for n in used] for values in (parameters, gradients)
        )
        loss = loss.detach()
        adversarial = _KnownGradients.apply(loss, [gradient], embedding)
        terms = _weighted(terms, self.main)
        return (
            terms | {"adversarial": -self.adversarial * adversarial},
            _KnownGradients.apply(loss, gradients, *parameters),
        )


class GradientReversal(Adaptation):
    """Domain-adversarial training in one step, through a reversed gradient.

    The discriminator minimises its loss; what reaches the detector of its
    gradient is multiplied by ``-adversarial`` (Ganin et al., 2016). The
    gradients are those of ``TwoStep``.

    Arguments
    ---------
    discriminator, opt_class, main, adversarial
        As for ``TwoStep``.

    Example
    -------
    >>> adaptation = GradientReversal(nn.Linear(1, 1), torch.optim.SGD)
    >>> adaptation.main, adaptation.adversarial
    (1.0, 0.1)
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

    def objectives(
        self,
        terms: Terms,
        modules: Modules,
        embedding: Tensor,
        lens: Tensor,
        domains: Tensor,
    ) -> tuple[Terms, None]:
        """Return the detector's losses with D's, and no second step."""
        reversed_ = reverse_gradient(embedding, self.adversarial)
        logits = modules["discriminator"](reversed_, lens)
        self.logits = logits.detach()
        loss = binary_cross_entropy_with_logits(logits, domains)
        return _weighted(terms, self.main) | {"discriminator": loss}, None


def reverse_gradient(x: Tensor, weight: float) -> Tensor:
    """Return the same tensor; its gradient is multiplied by ``-weight``.

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
    """Return a module without its wrapper for several devices."""
    return getattr(module, "module", module)


def _weighted(terms: Terms, weight: float) -> Terms:
    return {name: weight * term for name, term in terms.items()}


class _KnownGradients(torch.autograd.Function):
    """A scalar whose gradients with respect to some tensors are at hand."""

    @staticmethod
    def forward(ctx, value, gradients, *tensors):
        """Return the value."""
        ctx.save_for_backward(*gradients)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Return the gradients, each times that of the value."""
        return (
            None,
            None,
            *torch._foreach_mul(ctx.saved_tensors, gradient),
        )


def check_domains(streams: Mapping, clips: Mapping) -> None:
    """Make sure that there are clips of both domains to adapt to each other.

    Arguments
    ---------
    streams : Mapping
        Name of each stream in a batch.
    clips : Mapping
        Name of each kind of clips that the data set has.

    Raises
    ------
    InputError
        If synthetic or unlabelled clips are missing.
    """
    if "unlabelled" not in clips or not {"synthetic"} < streams.keys():
        raise InputError(
            "The adaptation needs both domains: batches of synthetic and of "
            "other clips, and a data set with unlabelled ones (the batches "
            f"have {sorted(streams)}, the data {sorted(clips)})."
        )
