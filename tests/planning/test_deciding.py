"""What a sweep starts next and when it stops, in made-up worlds with known truths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from paretobench.errors import ConfigError
from paretobench.planning.beliefs import beliefs, process_costs
from paretobench.planning.choices import Start
from paretobench.planning.claims import CandidateSet, running_ratios
from paretobench.planning.deciding import DRAWS, Decider
from paretobench.planning.question import Inquiry, PartRecord, Question
from paretobench.planning.stopping import cell_plan
from tests.planning.inquiries import UNSCORED, Machine, inquiry

FRONT, ALL = Question("front"), Question("all")
SCORED = {"encode small", "encode middle", "encode large", "prefill tiny", "prefill big"}


def wrong_answers(machine: Machine) -> int:
    """How many final judgements the true latencies contradict by more than is allowed."""
    standing = Decider(machine.about, cell_plan("standard")).standing(machine.records)
    among, question = standing.candidates, machine.about.question
    totals_s = among.passes @ np.array([machine.true_s(key) for key in among.keys])
    if question.under_s is not None:
        true = np.log(totals_s / question.under_s)
    else:
        true = running_ratios(totals_s[None], among.accuracies("recipe", range(len(totals_s))))[0]
    slack = math.log1p(question.indifference)
    right = {"in": true < slack, "out": true > -slack, "tied": abs(true) <= question.tie}
    return sum(not right[one.place][one.candidate] for one in standing.judgements.all)


def test_parts_of_scored_points_come_first_and_each_once() -> None:
    machine = Machine(inquiry(ALL))
    machine.until_stop()
    first = [key for phase, key in machine.started if phase == "first"]
    assert sorted(first) == sorted(SCORED)
    assert [key for _, key in machine.started[: len(first)]] == first
    assert UNSCORED in machine.counts()


def test_a_front_is_known_without_the_parts_that_no_scored_point_uses() -> None:
    machine = Machine(inquiry(FRONT))
    stop = machine.until_stop()
    assert stop.is_answered
    assert UNSCORED not in machine.counts()
    assert wrong_answers(machine) == 0


def test_the_members_of_a_known_front_are_timed_once_more() -> None:
    machine = Machine(inquiry(FRONT))
    machine.until_stop()
    standing = Decider(machine.about, cell_plan("standard")).standing(machine.records)
    members = [standing.candidates.candidates[i] for i in standing.judgements.members]
    again = {key for one in members for key in one.passes}
    assert {key for phase, key in machine.started if phase == "confirming"} >= again


def test_what_points_share_cancels_so_a_close_pair_gets_the_processes_that_tell_it_apart() -> None:
    about = inquiry(FRONT)
    machine = Machine(about, log_sd=0.03)
    machine.until_stop()
    decider = Decider(about, cell_plan("standard"))
    records = {key: PartRecord((0.1, 0.101), 5.0) for key in SCORED}
    choice = decider.decide(records)
    assert isinstance(choice, Start)
    assert choice.phase in ("deciding", "uniform")
    assert set(choice.parts) <= SCORED


def test_a_part_that_exceeds_the_limit_eliminates_every_point_that_uses_it() -> None:
    machine = Machine(inquiry(Question("best", under_s=0.3)))
    stop = machine.until_stop()
    assert stop.is_answered
    assert machine.counts()["prefill big"] >= 1
    assert UNSCORED not in machine.counts()
    assert wrong_answers(machine) == 0


def test_nothing_unmeasured_is_eliminated() -> None:
    question = Question("best", under_s=0.3)
    about = inquiry(question)
    decider = Decider(about, cell_plan("standard"))
    records = {key: PartRecord((0.05, 0.05), 5.0) for key in SCORED - {"prefill big"}}
    assert decider.standing(records).probability == 0.0
    records["prefill big"] = PartRecord((0.5, 0.5), 9.0)
    assert decider.standing(records).probability > 0.95


def test_the_fastest_point_above_an_accuracy_is_found() -> None:
    machine = Machine(inquiry(Question("best", at_least=0.55)))
    assert machine.until_stop().is_answered
    standing = Decider(machine.about, cell_plan("standard")).standing(machine.records)
    eligible = [one for one in machine.about.candidates if one.accuracies.get("recipe", 0) >= 0.55]
    fastest = min(eligible, key=lambda one: sum(machine.true_s(key) for key in one.passes))
    (member,) = standing.judgements.members
    assert standing.candidates.candidates[member].name == fastest.name


def test_equal_latencies_end_as_tied_or_indifferent() -> None:
    about = inquiry(FRONT)
    machine = Machine(about, log_sd=0.003, is_level=True)
    assert machine.until_stop().is_answered
    assert wrong_answers(machine) == 0


def test_a_front_that_no_number_of_processes_decides_ends_undecided() -> None:
    about = inquiry(Question("front", tie=0.0, indifference=0.0))
    machine = Machine(about, log_sd=0.01, is_level=True)
    stop = machine.until_stop()
    assert not stop.is_answered
    assert max(machine.counts().values()) == 20


@pytest.mark.parametrize("budget_s", [12.0, 30.0, 60.0, 200.0])
@pytest.mark.parametrize("question", [ALL, FRONT, Question("best", under_s=0.3)])
def test_no_process_is_started_that_does_not_fit(question: Question, budget_s: float) -> None:
    machine = Machine(inquiry(question))
    machine.until_stop(budget_s)
    assert machine.spent_s <= budget_s


def test_what_must_be_made_first_counts_against_the_time_left() -> None:
    decider = Decider(inquiry(FRONT), cell_plan("standard"))
    making = dict.fromkeys(SCORED - {"encode small"}, 100.0)
    choice = decider.decide({}, 50.0, preparation_s=making)
    assert isinstance(choice, Start)
    assert choice.parts == ("encode small",)


def test_a_scored_part_that_does_not_fit_leaves_the_time_to_the_rest_of_the_grid() -> None:
    about = inquiry(ALL)
    slow = tuple(replace(p, process_s=900.0) if p.key == "prefill big" else p for p in about.parts)
    machine = Machine(replace(about, parts=slow), log_sd=0.002)
    machine.until_stop(400.0)
    assert "prefill big" not in machine.counts()
    assert UNSCORED in machine.counts()


def test_a_part_that_failed_takes_its_points_out_of_the_question() -> None:
    decider = Decider(inquiry(FRONT), cell_plan("standard"))
    records = {key: PartRecord((0.1,), 5.0) for key in SCORED - {"prefill big"}}
    standing = decider.standing(records, {"prefill big"})
    assert (standing.unmeasured, standing.left_out) == (0, 3)
    assert len(standing.candidates.candidates) == 3


def test_a_grid_without_scores_is_measured_as_the_fidelity_decides() -> None:
    whole = inquiry(ALL)
    bare = tuple(type(one)(one.name, one.passes) for one in whole.candidates)
    machine = Machine(Inquiry(ALL, bare, whole.parts))
    assert machine.until_stop().why == "every part is measured"
    assert set(machine.counts()) == {part.key for part in whole.parts}
    assert {phase for phase, _ in machine.started} == {"rest"}


@pytest.mark.parametrize(
    "question", [ALL, FRONT, Question("best", under_s=0.3), Question("best", at_least=0.55)]
)
def test_a_sweep_cut_at_any_step_goes_on_with_the_same_decisions(question: Question) -> None:
    about = inquiry(question, seed=3)
    whole = Machine(about, log_sd=0.02)
    whole.until_stop()
    for cut in range(len(whole.started)):
        resumed = Machine(about, log_sd=0.02)
        again = Decider(Inquiry.from_json(about.to_json()), cell_plan("standard"))
        for phase, key in whole.started[:cut]:
            resumed.run(Start((key,), phase))
        choice = again.decide(resumed.records)
        assert isinstance(choice, Start)
        assert (choice.phase, choice.parts[0]) == whole.started[cut]


def test_a_part_that_drops_out_of_the_grid_changes_no_decision_about_the_others() -> None:
    about = inquiry(FRONT)
    fewer = replace(
        about,
        parts=tuple(part for part in about.parts if part.key != UNSCORED),
        candidates=about.candidates[:-1],
    )
    one, other = Machine(about, log_sd=0.02), Machine(fewer, log_sd=0.02)
    assert one.until_stop() == other.until_stop()
    assert one.started == other.started


@pytest.mark.parametrize("slow_chance", [0.0, 0.1])
@pytest.mark.parametrize("question", [FRONT, Question("best", under_s=0.3)])
def test_at_most_one_answer_in_twenty_is_wrong(question: Question, slow_chance: float) -> None:
    wrong = 0
    for seed in range(20):
        machine = Machine(inquiry(question, seed=seed), 0.02, slow_chance, seed)
        assert machine.until_stop().is_answered
        wrong += wrong_answers(machine) > 0
    assert wrong <= 1


def test_more_processes_narrow_a_belief_and_predictions_are_wider_than_measurements() -> None:
    parts = inquiry(ALL).parts
    once = {key: PartRecord((0.1,), 5.0) for key in SCORED}
    often = {key: PartRecord((0.1, 0.101, 0.099, 0.1), 5.0) for key in SCORED}
    one, four = (beliefs(parts, records, 0, DRAWS) for records in (once, often))
    measured, last = one.is_measured, one.keys.index(UNSCORED)
    assert (four.log_errors.std(axis=0)[measured] < one.log_errors.std(axis=0)[measured]).all()
    assert one.log_errors.std(axis=0)[last] > one.log_errors.std(axis=0)[measured].max()


def test_predictions_follow_the_rate_of_what_was_measured() -> None:
    parts = inquiry(ALL).parts
    twice = {
        p.key: PartRecord((2 * p.latency_s,), 3 * p.process_s) for p in parts if p.key in SCORED
    }
    known = beliefs(parts, twice, 0, DRAWS)
    assert known.seconds[known.keys.index(UNSCORED)] == pytest.approx(2.0)
    assert process_costs(parts, twice)[UNSCORED] == pytest.approx(3 * 25.0)


def test_the_place_of_every_point_on_a_clear_front_is_right() -> None:
    about = inquiry(FRONT)
    records = {p.key: PartRecord((p.latency_s,) * 5, 5.0) for p in about.parts}
    standing = Decider(about, cell_plan("standard")).standing(records)
    among = standing.candidates
    totals_s = among.passes @ np.array(
        [{p.key: p.latency_s for p in about.parts}[k] for k in among.keys]
    )
    heights = among.accuracies("recipe", range(len(totals_s)))
    on = [not any((totals_s < t) & (heights >= h)) for t, h in zip(totals_s, heights, strict=True)]
    assert [one.place == "in" for one in standing.judgements.all] == on


def test_a_point_without_a_more_accurate_one_is_compared_with_none() -> None:
    ratios = running_ratios(np.array([[1.0, 2.0, 1.5]]), np.array([0.6, 0.6, 0.5]))
    assert np.exp(ratios).tolist() == [[0.5, 2.0, 1.5]]
    among = CandidateSet(
        FRONT, inquiry(FRONT).candidates[:1], [p.key for p in inquiry(FRONT).parts]
    )
    assert among.fronts(np.ones(6), np.ones((3, 6))).members == {0}


@pytest.mark.parametrize(
    "question",
    [
        Question("best"),
        Question("front", under_s=0.2),
        Question("some"),  # type: ignore[arg-type]
        Question(confidence=0.3),
        Question(tie=-0.1),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(question: Question) -> None:
    with pytest.raises(ConfigError):
        question.check()
