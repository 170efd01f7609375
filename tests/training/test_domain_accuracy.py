"""How well the discriminator tells the domains, as logged."""

import pytest
import torch
from sklearn.metrics import roc_auc_score
from speechbrain.dataio.batch import PaddedBatch

from sb_sed.training.adaptation import (
    GradientReversal,
    NoAdaptation,
    TwoStep,
)


@pytest.mark.parametrize("method", [TwoStep, GradientReversal])
def test_the_accuracy_in_training_is_logged_beside(make_dat, method):
    """That of the clips as they are trained on, counted by hand."""
    run, right = make_dat(method=method), {0: [], 1: []}
    objectives = run.brain.adaptation.objectives

    def watch(terms, modules, embedding, lens, domains):
        result = objectives(terms, modules, embedding, lens, domains)
        # Before the step; without dropout the discriminator says it again.
        logits = modules["discriminator"](embedding.detach(), lens)
        for logit, domain in zip(logits, domains, strict=True):
            right[int(domain)].append((logit.item() > 0) == (domain.item() > 0))
        return result

    run.brain.adaptation.objectives = watch
    run.fit(1)
    [(_, stats)] = run.log.epochs
    logged = stats["train_stats"]
    shares = [sum(right[domain]) / len(right[domain]) for domain in (0, 1)]
    assert 0 < sum(shares) < 2
    assert logged["domain_accuracy_recorded"] == pytest.approx(shares[0])
    assert logged["domain_accuracy_synthetic"] == pytest.approx(shares[1])
    assert logged["domain_accuracy_mean"] == pytest.approx(sum(shares) / 2)


def test_without_adaptation_no_accuracy_is_logged(make_dat):
    [(_, stats)] = make_dat(method=lambda *_: NoAdaptation()).fit(1).log.epochs
    assert not [n for n in stats["train_stats"] if n.startswith("domain")]


def test_the_domain_accuracy_against_one_by_hand(make_dat):
    run = make_dat()
    strong = [True, False, False, True, True, False, False]
    seconds = [1.0, 1.0, 0.5, 1.0, 0.7, 1.0, 0.3]
    clips = [
        run.clip(f"c{i}", duration=s, has_strong=has)
        for i, (has, s) in enumerate(zip(strong, seconds, strict=True))
    ]
    run.brain.held_out = [PaddedBatch(clips[:4]), PaddedBatch(clips[4:])]
    run.brain.modules.eval()
    discriminator = run.brain.modules.discriminator
    logits = []
    with torch.no_grad():
        for clip, s in zip(clips, seconds, strict=True):
            embedding = run.student.from_waveforms(clip["sig"][None]).embedding
            n_frames = round(s / run.student.frame_shift)
            logits.append(discriminator(embedding[:, :n_frames]).item())
        # So that some are right and some are not.
        median = sorted(logits)[3]
        discriminator.tail[1].bias -= median - 1e-4
        right = [
            (x - median + 1e-4 > 0) == has
            for x, has in zip(logits, strong, strict=True)
        ]
    found = run.brain.domain_accuracy()
    of = {
        domain: [r for r, has in zip(right, strong, strict=True) if has == d]
        for domain, d in (("synthetic", True), ("recorded", False))
    }
    assert found["domain_accuracy_synthetic"] == pytest.approx(
        sum(of["synthetic"]) / 3
    )
    assert found["domain_accuracy_recorded"] == sum(of["recorded"]) / 4
    assert found["domain_auc"] == pytest.approx(roc_auc_score(strong, logits))
    assert found["domain_accuracy_mean"] == pytest.approx(
        sum(of["synthetic"]) / 6 + sum(of["recorded"]) / 8
    )
