"""What a budget probably buys, by asking the decider with what is predicted."""

from __future__ import annotations

import pytest

from paretobench.planning.deciding import Decider
from paretobench.planning.foreseeing import Foresight, foresee
from paretobench.planning.question import PartRecord, Question
from paretobench.planning.stopping import cell_plan
from tests.planning.inquiries import UNSCORED, inquiry


def foreseen(question: Question, left_s: float | None = None, making_s: float = 0.0) -> Foresight:
    about = inquiry(question)
    costs = {part.key: part.process_s for part in about.parts}
    making = dict.fromkeys(costs, making_s)
    return foresee(Decider(about, cell_plan("standard")), {}, costs, making, left_s)


def test_without_an_end_every_point_is_measured() -> None:
    seen = foreseen(Question("all"))
    assert (seen.points, seen.scored) == (seen.of_points, seen.of_scored) == (7, 6)
    assert seen.stop is not None and seen.stop.is_answered


@pytest.mark.parametrize("left_s", [5.0, 30.0, 90.0])
def test_a_budget_is_not_foreseen_to_be_exceeded(left_s: float) -> None:
    assert foreseen(Question("all"), left_s).device_s <= left_s


def test_more_time_buys_no_fewer_points() -> None:
    bought = [foreseen(Question("all"), left_s).points for left_s in (10.0, 40.0, 80.0, 400.0)]
    assert bought == sorted(bought)


def test_what_must_be_made_takes_its_time_once() -> None:
    bare, made = foreseen(Question("front")), foreseen(Question("front"), making_s=10.0)
    assert made.device_s == pytest.approx(bare.device_s + 5 * 10.0)


def test_what_is_measured_already_is_not_foreseen_again() -> None:
    about = inquiry(Question("best", under_s=0.3))
    costs = {part.key: part.process_s for part in about.parts}
    records = {
        part.key: PartRecord((part.latency_s,) * 5, part.process_s, 1)
        for part in about.parts
        if part.key != UNSCORED
    }
    seen = foresee(Decider(about, cell_plan("standard")), records, costs, {})
    assert seen.processes == 0
