"""Adaptation, apart from the Brain: whose gradients go where."""

import copy
import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sb_sed.models.discriminator import (
    SpeechBrainTCNDiscriminator,
    TCNDiscriminator,
)
from sb_sed.training.adaptation import (
    GradientReversal,
    NoAdaptation,
    TwoStep,
    reverse_gradient,
    unwrapped,
)

SGD = functools.partial(torch.optim.SGD, lr=0.1)


class Linear(nn.Module):
    """The mean over time of a linear map of the frames, [B, T, D] to [B]."""

    def __init__(self, size):
        super().__init__()
        self.linear = nn.Linear(size, 1)

    def forward(self, embedding, lens=None):
        return self.linear(embedding.float()).mean((1, 2))


def tcn(size):
    return TCNDiscriminator(size, 6, 8, n_blocks=2, n_repeats=1)


def speechbrain_tcn(size):
    return SpeechBrainTCNDiscriminator(size, 6, 8, n_blocks=2, n_repeats=1)


class Toy:
    """A linear detector on random clips, and its gradients."""

    def __init__(self, make_adaptation, make_discriminator=tcn, **weights):
        torch.manual_seed(0)
        self.encoder = nn.Linear(3, 4).double()
        self.head = nn.Linear(4, 1).double()
        self.discriminator = make_discriminator(4)
        self.clips = torch.randn(6, 9, 3).double()
        self.labels = torch.randint(2, (6,)).double()
        self.lens = torch.tensor([1.0, 1.0, 0.6, 1.0, 1.0, 0.6])
        self.domains = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
        self.adaptation = make_adaptation(self.discriminator, SGD, **weights)

    def first(self):
        """The first step's terms, back-propagated."""
        self.embedding = self.encoder(self.clips)
        scores = self.head(self.embedding).mean((1, 2))
        loss = F.binary_cross_entropy_with_logits(scores, self.labels)
        terms, self.loss = self.adaptation.objectives(
            {"task": loss},
            self.adaptation.modules,
            self.embedding,
            self.lens,
            self.domains,
        )
        sum(terms.values()).backward()
        return terms

    def second(self):
        """The second step's loss, back-propagated if there is one."""
        if self.loss is not None:
            self.loss.backward()
        return self.loss

    def domain_loss(self):
        """The discriminator's loss, through which all is differentiable."""
        logits = self.discriminator(self.encoder(self.clips), self.lens)
        return F.binary_cross_entropy_with_logits(logits, self.domains)


def gradients(*modules):
    return [p.grad for module in modules for p in module.parameters()]


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("make", [Linear, tcn, speechbrain_tcn])
def test_no_step_reaches_the_parameters_of_the_other(make):
    toy = Toy(TwoStep, make)
    toy.first()
    assert gradients(toy.discriminator) == [None] * len(
        list(toy.discriminator.parameters())
    )
    before = copy.deepcopy(gradients(toy.encoder, toy.head))
    assert all(gradient.abs().sum() > 0 for gradient in before)
    toy.second()
    for gradient in gradients(toy.discriminator):
        assert gradient is not None
    for one, other in zip(
        gradients(toy.encoder, toy.head), before, strict=True
    ):
        assert torch.equal(one, other)
    # Frozen for the first step alone.
    assert all(p.requires_grad for p in toy.discriminator.parameters())


@pytest.mark.parametrize("make", [Linear, tcn, speechbrain_tcn])
def test_the_discriminators_gradients_are_those_of_its_loss_alone(make):
    toy, lone = Toy(TwoStep, make, adversarial=1.0), Toy(TwoStep, make)
    toy.first()
    toy.second()
    lone.domain_loss().backward()
    found = gradients(toy.discriminator)
    assert sum(float(g.abs().sum()) for g in found) > 0.01
    assert_close(found, gradients(lone.discriminator))


def test_not_frozen_they_would_cancel():
    """The reason for the class."""
    toy = Toy(TwoStep)
    (-toy.domain_loss()).backward()
    assert any(g.abs().sum() > 1e-3 for g in gradients(toy.discriminator))
    toy.domain_loss().backward()
    assert not any(g.any() for g in gradients(toy.discriminator))


@pytest.mark.parametrize("main, adversarial", [(1.0, 0.1), (0.1, 0.9)])
def test_the_terms_and_their_weights(main, adversarial):
    toy = Toy(TwoStep, main=main, adversarial=adversarial)
    terms, loss = toy.first(), toy.second()
    plain = Toy(lambda *_: NoAdaptation())
    task = plain.first()["task"]
    assert plain.second() is None
    assert terms["task"].item() == pytest.approx(main * task.item())
    assert loss.item() == pytest.approx(toy.domain_loss().item())
    assert terms["adversarial"].item() == pytest.approx(
        -adversarial * loss.item()
    )
    # The encoder's gradient: a difference of two.
    of_the_task = [p.clone() for p in gradients(plain.encoder)]
    plain.encoder.zero_grad()
    plain.domain_loss().backward()
    assert_close(
        gradients(toy.encoder),
        [
            main * one - adversarial * other
            for one, other in zip(
                of_the_task, gradients(plain.encoder), strict=True
            )
        ],
    )


def test_the_discriminator_is_trainable_after_an_error():
    toy = Toy(TwoStep)
    with pytest.raises(RuntimeError):
        toy.adaptation.objectives(
            {}, toy.adaptation.modules, torch.zeros(2, 9, 5), None, None
        )
    assert all(p.requires_grad for p in toy.discriminator.parameters())


@pytest.mark.parametrize("make", [Linear, tcn, speechbrain_tcn])
@pytest.mark.parametrize("main, adversarial", [(1.0, 0.1), (0.1, 0.9)])
def test_two_steps_are_a_reversed_gradient(make, main, adversarial):
    weights = {"main": main, "adversarial": adversarial}
    two, one = (
        Toy(TwoStep, make, **weights),
        Toy(GradientReversal, make, **weights),
    )
    terms = one.first()
    assert one.second() is None
    two.first()
    assert terms["discriminator"].item() == pytest.approx(two.second().item())
    assert_close(
        gradients(one.encoder, one.head, one.discriminator),
        gradients(two.encoder, two.head, two.discriminator),
    )


@pytest.mark.parametrize("adaptation", [TwoStep, GradientReversal])
def test_against_the_closed_form_of_the_linear_case(adaptation):
    # h = w x, logit = v h + c: dBCE/dlogit = sigmoid(logit) - d.
    w, v, c = 0.7, -1.3, 0.2
    x = torch.tensor([0.5, -2.0, 1.5, 0.3])
    d = torch.tensor([1.0, 1.0, 0.0, 0.0])
    discriminator = Linear(1)
    nn.init.constant_(discriminator.linear.weight, v)
    nn.init.constant_(discriminator.linear.bias, c)
    weight = torch.tensor(w, requires_grad=True)
    method = adaptation(discriminator, SGD, main=1.0, adversarial=0.25)
    embedding = (weight * x)[:, None, None]
    given = method.modules, embedding, torch.ones(4), d
    terms, second = method.objectives({"task": weight**2}, *given)
    sum(terms.values()).backward()
    if second is not None:
        second.backward()
    error = (torch.sigmoid(v * w * x + c) - d) / 4
    torch.testing.assert_close(
        weight.grad, 2 * weight.detach() - 0.25 * (error * v * x).sum()
    )
    torch.testing.assert_close(
        discriminator.linear.weight.grad.squeeze(), (error * w * x).sum()
    )
    torch.testing.assert_close(
        discriminator.linear.bias.grad.squeeze(), error.sum()
    )


def test_at_weight_zero_the_detector_is_unaffected():
    toy, plain = Toy(TwoStep, adversarial=0.0), Toy(lambda *_: NoAdaptation())
    for each in (toy, plain):
        each.first()
        each.second()
    for one, other in zip(
        gradients(toy.encoder, toy.head),
        gradients(plain.encoder, plain.head),
        strict=True,
    ):
        assert torch.equal(one, other)
    assert any(g.any() for g in gradients(toy.discriminator))


def test_the_reversed_gradient_is_that_of_one_branch():
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    (x.square() + 5 * reverse_gradient(x, 0.1)).sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach() - 0.5)
    assert torch.equal(reverse_gradient(x, 0.1), x)


def test_a_wrapped_module_is_unwrapped():
    module = nn.Linear(1, 1)
    assert unwrapped(module) is module
    assert unwrapped(nn.DataParallel(module)) is module


# A domain shift that can be removed


def shifted_clips(n):
    """Clips whose labels are in one direction, whose domain in another."""
    label, domain = torch.randint(2, (2, n)).float()
    clips = torch.randn(n, 5, 2) / 2
    clips[..., 0] += (2 * label - 1)[:, None]
    clips[..., 1] += (2 * domain - 1)[:, None]
    return clips, label, domain


def accuracies(make_adaptation, seed, **weights):
    """Train a linear detector; how well task and domain are recognised.

    The embedding is noisy, so that a small domain direction is a weak one. The
    domain is recognised by a linear regression fitted to the final detector:
    a poor discriminator of the training would prove less.
    """
    torch.manual_seed(seed)
    encoder, head = nn.Linear(2, 2), nn.Linear(2, 1)
    nn.init.eye_(encoder.weight)
    adaptation = make_adaptation(tcn(2), None, **weights)
    parameters = [*encoder.parameters(), *head.parameters()]
    for module in adaptation.modules.values():
        parameters += module.parameters()
    optimizer = torch.optim.Adam(parameters, lr=0.01)

    def embed(clips):
        embedding = encoder(clips)
        return embedding + torch.randn_like(embedding)

    for _ in range(400):
        clips, label, domain = shifted_clips(32)
        embedding = embed(clips)
        loss = F.binary_cross_entropy_with_logits(
            head(embedding).mean((1, 2)), label
        )
        given = adaptation.modules, embedding, None, domain
        terms, second = adaptation.objectives({"task": loss}, *given)
        sum(terms.values()).backward()
        if second is not None:
            second.backward()
        optimizer.step()
        optimizer.zero_grad()

    clips, label, domain = shifted_clips(2000)
    with torch.no_grad():
        embedding = embed(clips)
        task = (head(embedding).mean((1, 2)) > 0) == label
        means = F.pad(embedding.mean(1), (0, 1), value=1.0)
        fit = torch.linalg.lstsq(means, 2 * domain[:, None] - 1).solution
        told = ((means @ fit).squeeze(1) > 0) == domain
    return task.float().mean().item(), told.float().mean().item()


def test_the_domain_is_unlearned_and_the_task_is_not():
    task, told = accuracies(TwoStep, 0, adversarial=0.0)
    assert task > 0.95 and told > 0.85
    for adaptation in (TwoStep, GradientReversal):
        task, told = accuracies(adaptation, 0, adversarial=0.2)
        assert task > 0.95 and told < 0.65


def test_a_compiled_discriminator_gets_the_same_gradients():
    """As with the run option ``--compile``, in another backend."""
    gradients = []
    for backend in ("eager", "aot_eager"):
        toy = Toy(TwoStep, Linear, adversarial=0.5)
        toy.adaptation.modules["discriminator"] = torch.compile(
            toy.discriminator, backend=backend
        )
        toy.first()
        toy.second()
        gradients.append(
            [
                parameter.grad
                for part in (toy.encoder, toy.discriminator)
                for parameter in part.parameters()
            ]
        )
    torch.testing.assert_close(*gradients)
    assert all(gradient.abs().sum() > 0 for gradient in gradients[0])


def test_a_parameter_without_use_gets_no_gradient():
    toy = Toy(TwoStep, Linear)
    toy.discriminator.unused = nn.Parameter(torch.ones(1))
    toy.first()
    toy.second()
    assert toy.discriminator.unused.grad is None
    assert toy.discriminator.linear.weight.grad is not None
