"""The pooled logistic curves, against closed forms and scikit-learn."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sb_sed.reviewing.curves import Answers, Curves


def made(n, levels, seed=0):
    generator = np.random.default_rng(seed)
    group = generator.integers(len(levels), size=n)
    x = generator.uniform(-3, 4, n)
    p = expit(np.array(levels)[group] + x)
    return Answers(x, group, (generator.random(n) < p).astype(float))


def test_with_many_answers_it_is_maximum_likelihood():
    answers = made(20_000, [-1.0])
    curves = Curves(answers, np.ones(1))
    model = LogisticRegression(C=1e6).fit(answers.x[:, None], answers.y)
    at = np.linspace(-3, 4, 20)
    expected = model.predict_proba(at[:, None])[:, 1]
    got = curves(at, np.zeros(20, dtype=int))
    assert got == pytest.approx(expected, abs=0.01)


def test_classes_depart_as_their_answers_ask_for():
    curves = Curves(made(4000, [-2.0, 2.0]), np.ones(2))
    low, high = curves(np.zeros(2), np.array([0, 1]))
    assert low == pytest.approx(expit(-2), abs=0.05)
    assert high == pytest.approx(expit(2), abs=0.05)


def test_a_class_without_answers_has_the_common_curve():
    curves = Curves(made(600, [-1.0, -1.0]), np.ones(3))
    one, none = curves(np.zeros(2), np.array([0, 2]))
    assert none == pytest.approx(one, abs=0.06)


def test_classes_that_are_alike_are_pooled():
    answers = made(200, [-1.0] * 10)
    curves = Curves(answers, np.ones(10))
    pooled = curves(np.zeros(10), np.arange(10))
    assert np.std(pooled) < 0.05
    assert curves.weights[0] > curves.weights[-1]


def test_no_answer_at_all():
    none = Answers(np.empty(0), np.empty(0, dtype=int), np.empty(0))
    curves = Curves(none, np.ones(2))
    rising = curves(np.array([-3.0, 0.0, 3.0]), np.zeros(3, dtype=int))
    assert (np.diff(rising) > 0).all()


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_all_answers_alike_leave_a_doubt(right):
    answers = Answers(np.zeros(20), np.zeros(20, dtype=int), np.full(20, right))
    curves = Curves(answers, np.ones(1))
    generator = np.random.default_rng(0)
    counts = generator.exponential(size=(200, 20))
    at = np.zeros(1), np.zeros(1, dtype=int)
    drawn = curves.drawn(generator, counts, *at)[:, 0]
    # Not far from the rule of three: 1 - 3 / 20.
    wrong = np.abs(np.quantile(drawn, 0.025 if right else 0.975) - right)
    assert 0.05 < wrong < 0.3


def test_draws_spread_like_binomial_answers():
    """Where all answers are at one point, the interval is the known one."""
    n, share = 400, 0.3
    y = (np.arange(n) < share * n).astype(float)
    answers = Answers(np.full(n, 0.5), np.zeros(n, dtype=int), y)
    curves = Curves(answers, np.ones(1))
    generator = np.random.default_rng(1)
    at = np.full(1, 0.5), np.zeros(1, dtype=int)
    counts = generator.exponential(size=(400, n))
    drawn = curves.drawn(generator, counts, *at)[:, 0]
    expected = np.sqrt(share * (1 - share) / n)
    assert np.std(drawn) == pytest.approx(expected, rel=0.2)
    assert np.mean(drawn) == pytest.approx(share, abs=0.02)


def test_the_mode_is_that_of_a_general_search():
    """Also where the answers contradict the prior, and a Newton step of full
    length goes astray."""
    generator = np.random.default_rng(0)
    x, group = 2 * generator.normal(size=200), generator.integers(10, size=200)
    answers = Answers(x, group, (generator.random(200) < 0.4).astype(float))
    curves = Curves(answers, generator.integers(20, 900, size=10))
    prior, precision = curves._prior(), curves._precise(0.8)

    def loss(values):
        odds = curves._odds(values[None], x, group)[0]
        fit = answers.y @ odds - np.logaddexp(0, odds).sum()
        return 0.5 * precision @ (values - prior) ** 2 - fit

    found = minimize(loss, prior, method="BFGS").x
    one = prior[None]
    modes, evidence = curves._fit(precision[None], one, np.ones((1, 200)), one)
    assert modes[0] == pytest.approx(found, abs=1e-4)
    # Laplace's evidence, with the curvature as one matrix.
    rows = np.stack(
        [curves._odds(row[None], x, group)[0] for row in np.eye(len(prior))], 1
    )
    p = expit(rows @ found)
    curvature = (rows.T * (p * (1 - p))) @ rows + np.diag(precision)
    volume = np.log(precision).sum() - np.linalg.slogdet(curvature)[1]
    assert evidence[0] == pytest.approx(0.5 * volume - loss(found), abs=1e-3)


def test_sums_over_all_boxes_are_not_too_low():
    """Large classes are right more often here, and all have as many answers:
    what is drawn to the mean of the classes gives too low a sum."""
    generator = np.random.default_rng(1)
    sizes = np.geomspace(60, 900, 10).astype(int)
    group = np.repeat(np.arange(10), sizes)
    x = generator.uniform(-3, 4, len(group))
    levels = np.linspace(-2.2, 0.2, 10)[group]
    y = (generator.random(len(group)) < expit(levels + x)).astype(float)
    known, unknown = [], []
    for _ in range(15):
        some = np.concatenate(
            [
                generator.choice(np.flatnonzero(group == n), 18)
                for n in range(10)
            ]
        )
        answers = Answers(x[some], group[some], y[some])
        for errors, numbers in ((known, sizes), (unknown, np.ones(10))):
            sums = Curves(answers, numbers)(x, group).sum()
            errors.append(sums / y.sum() - 1)
    error = np.std(known) / np.sqrt(len(known))
    assert abs(np.mean(known)) < 0.02 + 2 * error
    assert np.mean(unknown) < np.mean(known) - 0.04
