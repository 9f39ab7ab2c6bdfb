from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paretobench.analysis.probability import memberships
from paretobench.domain.records import Estimate
from paretobench.report.view.front_membership import (
    contenders,
    split_by_reach,
    with_front_membership,
)
from paretobench.report.view.rows import Accuracy
from tests.report.grids import row, view


def test_a_clear_winner_is_on_and_a_clear_loser_off_the_front() -> None:
    shown = with_front_membership(view(row("a", 0.1, 0.9), row("b", 0.9, 0.1)))
    assert [r.front.verdict for r in shown.rows] == ["on", "off"]
    assert shown.rows[0].front.probability == 1.0


def test_two_points_within_the_noise_are_ambiguous() -> None:
    shown = with_front_membership(view(row("a", 0.1, 0.5), row("b", 0.1001, 0.4999)))
    assert {r.front.verdict for r in shown.rows} == {"ambiguous"}


def test_the_same_view_gives_the_same_probabilities() -> None:
    rows = view(row("a", 0.1, 0.5), row("b", 0.1001, 0.4999))
    assert with_front_membership(rows) == with_front_membership(rows)


def test_published_points_without_an_interval_get_no_probability() -> None:
    bare = replace(row("a"), ttft=Estimate(0.1, None, None, 0, "as published"))
    assert with_front_membership(view(bare)).rows[0].front.probability is None


def test_points_that_share_an_encoder_share_its_part() -> None:
    first, second = contenders([row("a", llm="small"), row("a", llm="large")])
    assert first.parts[0].workload == second.parts[0].workload
    assert first.parts[1].workload != second.parts[1].workload


def test_a_part_carries_the_score_s_own_error() -> None:
    shown = replace(row("a"), score=Accuracy("avg5", 0.5, 0.01))
    assert contenders([shown])[0].accuracy_se == 0.01


def test_leaving_out_hopeless_points_changes_no_probability() -> None:
    random = np.random.default_rng(5)
    rows = [
        row(f"e{i}", float(t), float(a), encode_total=None)
        for i, (t, a) in enumerate(random.uniform((0.1, 0.4), (0.3, 0.45), (60, 2)))
    ]
    shown = with_front_membership(view(*rows))
    _, settled = split_by_reach(shown.rows)
    assert 5 < len(settled) < 60
    everyone = memberships(contenders(shown.rows), np.random.default_rng(1), draws=4000)
    for each, full in zip(shown.rows, everyone, strict=True):
        assert each.front.probability == pytest.approx(full.probability, abs=0.05)
        assert each not in settled or full.probability < 0.002
