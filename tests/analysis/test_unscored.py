"""What an unscored point could score: against dense refits, and against made-up truths."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from paretobench.analysis.held_out import LEVEL, HeldOut
from paretobench.analysis.points import Contender
from paretobench.analysis.unscored import FEWEST, TREND, ScoreModel

ERROR = 0.003


def world(seed: int, encoders: int = 4, llms: int = 2, scatter: float = 0.006) -> list[Contender]:
    """Points of made-up encoders and LLMs at four resolutions; `columns["true"]` is the truth."""
    rng = np.random.default_rng(seed)
    levels = [rng.normal(0, 0.03, count) for count in (encoders, llms)]
    slopes = rng.normal(0, 0.01, encoders)
    points = []
    for encoder, llm, step in itertools.product(range(encoders), range(llms), range(4)):
        x = 0.7 * step + 0.8 * llm + 0.2 * encoder
        true = 0.5 + 0.03 * x - 0.004 * x**2 + levels[0][encoder] + levels[1][llm]
        true += slopes[encoder] * x + rng.normal(0, scatter)
        points.append(
            Contender(
                f"{encoder}/{llm}/{step}",
                0.1 * math.exp(x),
                float(true + rng.normal(0, ERROR)),
                accuracy_se=ERROR,
                traits=(f"e{encoder}", f"l{llm}", "none"),
                columns={"true": float(true)},
            )
        )
    return points


def dense(model: ScoreModel, block: list[int]) -> np.ndarray:
    """Predictions of a block from the rest, each size fitted to the rest alone, densely."""
    observed, fits = model._observed, model._fits
    rest = [i for i in range(len(model.scored)) if i not in block]
    logs, means = [], []
    for tau, scales in zip(fits.taus, fits.scales, strict=True):
        columns = observed.design * scales
        whole = columns @ columns.T + np.diag(tau**2 + observed.errors**2)
        inverse = np.linalg.inv(whole[np.ix_(rest, rest)])
        left = inverse @ observed.values[rest]
        means.append(whole[np.ix_(block, rest)] @ left)
        prior = math.log(tau) + math.log(scales[TREND])
        logs.append((np.linalg.slogdet(inverse)[1] - observed.values[rest] @ left) / 2 + prior)
    shares = np.exp(np.array(logs) - max(logs))
    return np.asarray((shares / shares.sum()) @ np.array(means))


def test_what_was_held_out_is_predicted_as_a_fit_to_the_rest_predicts_it():
    model = ScoreModel(world(1))
    one_by_one = [abs(dense(model, [i])[0] - model._observed.values[i]) for i in range(32)]
    assert model.held_out().median_error == pytest.approx(np.median(one_by_one), rel=1e-4)
    blocks = [[i for i in range(32) if i // 8 == encoder] for encoder in range(4)]
    errors = [abs(dense(model, block) - model._observed.values[block]) for block in blocks]
    held = model.held_out_by_trait([0])
    assert held is not None and held.scores == 32
    assert held.median_error == pytest.approx(np.median(np.concatenate(errors)), rel=1e-4)


def test_intervals_hold_the_truth_of_unscored_points_as_often_as_they_promise():
    inside = []
    for seed in range(40):
        points = world(seed)
        hidden = np.random.default_rng(seed).choice(32, 8, replace=False)
        scored = [p for i, p in enumerate(points) if i not in hidden]
        model = ScoreModel(scored, [points[i] for i in hidden])
        drawn = model.draw(np.random.default_rng(seed), 500, range(24, 32))
        low, high = np.quantile(drawn, (0.05, 0.95), axis=0)
        true = np.array([points[i].columns["true"] for i in hidden])
        inside += ((low <= true) & (true <= high)).tolist()
    assert np.mean(inside) == pytest.approx(LEVEL, abs=0.05)


def test_holding_out_shows_the_coverage_that_there_is():
    held = [ScoreModel(world(seed)).held_out() for seed in range(20)]
    share = sum(each.held for each in held) / sum(each.scores for each in held)
    assert share == pytest.approx(LEVEL, abs=0.04)
    assert sum(each.is_calibrated for each in held) >= 17


def test_a_trait_that_no_score_has_makes_a_prediction_wide_and_is_named():
    points = world(3)
    known = next(p for p in points if p.name == "2/1/2")
    strange = Contender("new", known.ttft_s, 0.0, traits=("other", *known.traits[1:]))
    scored = [p for p in points if p is not known]
    model = ScoreModel(scored, [known, strange])
    spread = model.draw(np.random.default_rng(0), 2000, [31, 32]).std(axis=0)
    assert spread[1] > 2 * spread[0]
    assert model.unseen_traits(strange) == ("other",)
    assert model.unseen_traits(known) == ()


def test_a_scored_point_is_drawn_about_its_score():
    points = world(4, scatter=0.05)
    model = ScoreModel(points)
    drawn = model.draw(np.random.default_rng(0), 2000, range(32))
    assert np.abs(drawn.mean(axis=0) - model._observed.values).max() < ERROR
    assert drawn.std(axis=0).mean() == pytest.approx(ERROR, rel=0.1)


def test_the_order_of_points_does_not_matter():
    points = world(5)
    turned = ScoreModel(points[::-1]).held_out()
    straight = ScoreModel(points).held_out()
    assert turned.held == straight.held
    assert turned.median_error == pytest.approx(straight.median_error)


def test_too_few_scores_predict_nothing():
    with pytest.raises(ValueError, match=str(FEWEST)):
        ScoreModel(world(6)[: FEWEST - 1])
    assert ScoreModel(world(6)[:FEWEST]).held_out().scores == FEWEST


def test_a_trait_is_held_out_only_where_enough_scores_remain():
    assert ScoreModel(world(7)).held_out_by_trait([2]) is None


def test_points_of_one_latency_leave_the_levels_to_predict_from():
    points = [replace(p, ttft_s=0.5) for p in world(8)]
    assert ScoreModel(points).held_out().median_error < 0.05


@pytest.mark.parametrize(
    ("held", "is_calibrated"),
    [((9, 9), False), ((10, 10), True), ((10, 7), True), ((10, 6), False), ((100, 84), False)],
)
def test_calibrated_means_enough_scores_and_not_fewer_held_than_chance_allows(held, is_calibrated):
    assert HeldOut(*held, 0.01).is_calibrated is is_calibrated
