"""What a sweep's exit status says: 0 when all that the plan promised was measured."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from paretobench.planning.plan import Plan, Refusal
from paretobench.sweeping.run import DeviceOutcome

REFUSED = Refusal("vit_l14", 336, "qwen2_7b", "none", "needs 29 GiB")


def outcome(
    untimed: list[tuple[str, int, str, str]], failures: tuple[str, ...] = (), **more: object
) -> DeviceOutcome:
    rows = [SimpleNamespace(identity=one) for one in untimed]
    view = SimpleNamespace(untimed=rows, failures=failures)
    return DeviceOutcome(Plan((), (), (REFUSED,)), view, None, (), 1.0, **more)  # type: ignore[arg-type]


def test_a_point_that_the_plan_refused_is_no_error() -> None:
    assert outcome([("vit_l14", 336, "qwen2_7b", "none")]).exit_status == 0


@pytest.mark.parametrize(
    "ended",
    [
        outcome([("vit_l14", 336, "qwen2_0_5b", "none")]),
        outcome([], unscored=("a: no score",)),
        outcome([], stopped="lost"),
    ],
)
def test_a_planned_point_without_a_latency_or_score_or_a_lost_device_is_one(
    ended: DeviceOutcome,
) -> None:
    assert ended.exit_status == 1


def test_a_point_that_a_question_did_not_need_is_no_error() -> None:
    assert outcome([("vit_l14", 336, "qwen2_0_5b", "none")], is_decided=True).exit_status == 0


@pytest.mark.parametrize(
    "ended",
    [
        outcome([], failures=("crashed",), is_decided=True),
        outcome([], stopped="lost", is_decided=True),
        outcome([], is_decided=True, is_budget_held=False),
    ],
)
def test_a_failed_part_a_lost_device_or_a_budget_that_was_not_held_is_one(
    ended: DeviceOutcome,
) -> None:
    assert ended.exit_status == 1
