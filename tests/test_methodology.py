"""What docs/methodology.md says is what the code does."""

import re
from pathlib import Path

import pytest

from paretobench.measure import canary
from paretobench.planning.stopping import SamplingPlan, cell_plan

TEXT = (Path(__file__).parent.parent / "docs" / "methodology.md").read_text(encoding="utf-8")
LEVELS = ("quick", "standard", "rigorous")


def row(name: str) -> dict[str, str]:
    """The three levels' cells of the row that begins with a name."""
    found = re.search(rf"^\| {re.escape(name)} \| (.+?) \| (.+?) \| (.+?) \|", TEXT, re.MULTILINE)
    assert found, name
    return dict(zip(LEVELS, found.groups(), strict=True))


def sampling(level: str) -> SamplingPlan:
    return cell_plan(level).sampling


@pytest.mark.parametrize("level", LEVELS)
def test_the_sampling_constants_stand_in_the_table(level):
    plan = sampling(level)
    assert row("time")[level] == f"{plan.sample_s:g} s"
    assert row("but at most")[level] == f"{plan.sample_limit_s:g} s"
    assert row("least samples")[level] == str(plan.min_samples)
    assert row("least slow samples")[level] == str(plan.min_slow_samples)
    assert row("most samples")[level] == str(plan.max_samples)
    if level != "quick":
        assert row("share of the process's time")[level] == f"{plan.share:.0%}".replace("%", " %")


def test_the_warm_up_constants_stand_in_the_table():
    limits = {level: sampling(level).warmup_limit_s for level in LEVELS}
    wanted = "limit | {rigorous:g} s (standard: {standard:g} s, quick: {quick:g} s) |"
    assert wanted.format(**limits) in TEXT
    assert f"| window | {sampling('standard').window} runs |" in TEXT
    assert f"| slow run | {sampling('standard').slow_run_s:g} s |" in TEXT


@pytest.mark.parametrize("level", LEVELS)
def test_the_numbers_of_processes_stand_in_the_table(level):
    plan = cell_plan(level)
    cells = f"{plan.min_cells} to {plan.max_cells}" if plan.max_cells > 1 else "1"
    assert re.search(rf"^\| {level} \| {cells} \|", TEXT, re.MULTILINE)


def test_the_budgets_stand_in_the_text():
    plan = cell_plan("standard")
    assert f"would exceed {plan.budget_s:g} s for the workload" in TEXT
    assert f"if a second would exceed {plan.budget_limit_s:g} s" in TEXT


def test_the_canary_pauses_and_tolerates_what_the_text_says():
    assert f"the pause of {canary.SETTLE_S:g} s" in TEXT
    assert f"The tolerance is {canary.TOLERANCE:.0%}".replace("%", " %") in TEXT
