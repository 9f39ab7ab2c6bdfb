"""Two sides in turn: order, what counts, what is said, and how often equal sides are told apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from paretobench.analysis import duel as rules
from paretobench.cli import group
from paretobench.domain.contention import Contention
from paretobench.errors import ConfigError, MeasurementError
from paretobench.measure import duel
from tests import json_schemas
from tests.measure.pretend import workload
from tests.measure.scripted import Script, ScriptedChildren


@pytest.fixture(autouse=True)
def steady_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duel, "canary", lambda: 0.02)


def scripted(factor: float, seed: int = 0, sd: float = 0.005) -> Script:
    rng = np.random.default_rng(seed)

    def script(label: str, visit: int) -> Mapping[str, Any]:
        middle = 0.1 * factor * float(np.exp(rng.normal(0.0, sd)))
        return {"samples_s": [middle * 0.999, middle, middle * 1.001]}

    return script


def run(a: Script, b: Script, **more: Any) -> duel.DuelRun:
    sides = (ScriptedChildren(a), ScriptedChildren(b))
    (found,) = duel.duel(
        [workload("a")], duel.Side("."), duel.Side("."), Path("artifacts"), sides=sides, **more
    )
    return found


def test_a_slower_side_is_found_and_an_equal_one_is_not() -> None:
    slower = run(scripted(1.0, 1), scripted(1.03, 2))
    assert rules.verdict_of(slower.pairs) == "A is faster"
    ratio = rules.ratio_of(slower.pairs)
    assert ratio is not None and ratio.low is not None and 1.0 < ratio.low < 1.03
    equal = run(scripted(1.0, 3), scripted(1.0, 4))
    assert rules.verdict_of(equal.pairs) == "no difference found"


def test_a_large_difference_needs_no_narrow_interval() -> None:
    found = run(scripted(1.0, 1, sd=0.03), scripted(1.5, 2, sd=0.03))
    assert len(found.pairs) == rules.MIN_ROUNDS
    assert rules.verdict_of(found.pairs) == "A is faster"


def test_a_few_slow_processes_do_not_move_the_ratio() -> None:
    pairs = [(1.0, 1.03 + 0.001 * k) for k in range(12)]
    ratio, moved = rules.ratio_of(pairs), rules.ratio_of([*pairs, (1.0, 5.0), (4.0, 1.0)])
    assert ratio is not None and moved is not None
    assert moved.value == pytest.approx(ratio.value, abs=0.003)
    assert rules.verdict_of([*pairs, (1.0, 5.0)]) == "A is faster"


@pytest.mark.parametrize("rounds", [7, 8, 13, 40])
def test_the_interval_holds_what_the_exact_test_of_signed_ranks_does_not_reject(
    rounds: int,
) -> None:
    from scipy import stats as reference

    logs = np.random.default_rng(rounds).normal(0.02, 0.03, rounds)
    ratio = rules.ratio_of([(1.0, float(np.exp(each))) for each in logs])
    assert ratio is not None and ratio.low is not None and ratio.high is not None
    for end, outwards in ((ratio.low, -1e-9), (ratio.high, 1e-9)):
        inside, outside = (
            reference.wilcoxon(logs - np.log(end) - step, method="exact").pvalue
            for step in (-outwards, outwards)
        )
        assert outside <= 0.03 < inside


def test_six_rounds_have_no_interval() -> None:
    ratio = rules.ratio_of([(1.0, 1.1)] * 6)
    assert ratio is not None and ratio.low is None
    assert rules.verdict_of([(1.0, 1.1)] * 6) == "too few rounds"


def test_an_interrupt_ends_it_with_the_rounds_so_far() -> None:
    steady = scripted(1.0, 1)

    def interrupted(label: str, visit: int) -> Any:
        if visit == 4:
            raise KeyboardInterrupt
        return steady(label, visit)

    found = run(scripted(1.0, 2), interrupted)
    assert len(found.pairs) == 4 and found.stop is not None and "not stored" in found.failure


class InterruptedBeforeB(ScriptedChildren):
    """Ctrl-C while the artifacts of workload b are made."""

    def run(self, module: str, orders: Mapping[str, Any], *more: Any) -> Any:
        if any(one["label"] == "b" for one in orders["workloads"]):
            raise KeyboardInterrupt
        return super().run(module, orders, *more)


def test_an_interrupted_preparation_keeps_what_was_measured_before() -> None:
    sides = tuple(InterruptedBeforeB(scripted(1.0, seed)) for seed in (1, 2))
    both = [workload("a"), workload("b")]
    done, cut = duel.duel(both, duel.Side("."), duel.Side("."), Path("artifacts"), sides=sides)
    assert len(done.pairs) >= rules.MIN_ROUNDS and not done.failure
    assert not cut.pairs and cut.stop is not None


def test_the_sides_take_turns_in_mirrored_rounds() -> None:
    order: list[str] = []

    def noting(side: str, script: Script) -> Script:
        def note(label: str, visit: int) -> Any:
            order.append(side)
            return script(label, visit)

        return note

    run(noting("A", scripted(1.0, 1)), noting("B", scripted(1.0, 2)))
    assert "".join(order[:8]) == "ABBAABBA"


def test_noisy_sides_get_more_rounds_and_no_more_than_allowed() -> None:
    quiet = run(scripted(1.0, 1, sd=0.002), scripted(1.0, 2, sd=0.002))
    noisy = run(scripted(1.0, 3, sd=0.1), scripted(1.0, 4, sd=0.1))
    assert len(quiet.pairs) == rules.MIN_ROUNDS
    assert len(noisy.pairs) == rules.MAX_ROUNDS


def test_a_round_with_a_throttled_process_does_not_count() -> None:
    steady = scripted(1.0, 5, sd=0.002)

    def throttled(label: str, visit: int) -> Any:
        slow = {"canary_after_s": 0.03} if visit == 1 else {}
        return {**steady(label, visit), **slow}

    found = run(scripted(1.0, 6, sd=0.002), throttled)
    assert found.dropped == 1 and len(found.cells) == rules.MIN_ROUNDS + 1


def test_a_machine_that_is_never_quiet_ends_the_duel() -> None:
    record = Contention(2, (0.6,) * 3, (0, 1, 2), canary_foreign=(0.0, 0.0)).to_json()

    def disturbed(label: str, visit: int) -> Any:
        return {"contention": record}

    with pytest.raises(MeasurementError, match="60%"):
        run(disturbed, disturbed)


def test_a_side_that_cannot_run_is_named() -> None:
    from paretobench.measure.process import ChildResult

    found = run(scripted(1.0), lambda *_: ChildResult(1.0, None, "crashed", "no module named x"))
    assert found.failure == "B: no module named x"


def test_a_side_is_an_interpreter_variables_and_the_runtimes_settings() -> None:
    side = duel.parse_side(f"{sys.executable},OMP_NUM_THREADS=1,precision=bf16,threads=2")
    assert side.python == Path(sys.executable)
    assert side.variables == {"OMP_NUM_THREADS": "1"}
    changed = side.workload(workload("a")).runtime
    assert (changed.precision, changed.options["threads"]) == ("bf16", 2)
    assert duel.parse_side(".") == duel.Side(".")
    with pytest.raises(ConfigError, match="nowhere"):
        duel.parse_side("nowhere/at/all")


def test_a_virtual_environment_is_its_interpreter(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert duel.parse_side(str(tmp_path)).python == tmp_path / "bin" / "python"


def test_equal_sides_are_told_apart_in_about_one_case_of_twenty() -> None:
    rng = np.random.default_rng(7)
    runs = []
    for _ in range(30):
        sides = np.exp(rng.normal(0.0, 0.015, (20, 2)))
        runs.append([(float(a), float(b)) for a, b in sides])
    found = rules.false_alarms(runs, rng, 3000)
    assert found.replays == 3000 and 0.01 < found.rate <= 0.06


def test_too_few_rounds_say_nothing_of_false_alarms() -> None:
    found = rules.false_alarms([[(1.0, 1.0)] * 3], np.random.default_rng(0))
    assert (found.replays, found.rate) == (0, 0.0)
    assert rules.verdict_of([(1.0, 1.1)]) == "too few rounds"


def test_a_plan_without_workloads_is_refused(tmp_path: Path) -> None:
    for content in ({"workloads": []}, {"points": 3}, [1]):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(content))
        result = CliRunner().invoke(group, ["duel", ".", ".", str(path)])
        assert isinstance(result.exception, ConfigError)
        assert "no workload" in str(result.exception)


def test_what_is_printed_as_json_is_what_the_schema_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_of_a = run(scripted(1.0, 1), scripted(1.0, 2))
    monkeypatch.setattr(duel, "duel", lambda *given, **more: [run_of_a])
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"workloads": [workload("a").to_json()]}))
    result = CliRunner().invoke(group, ["duel", ".", ".", str(path), "--json"])
    assert result.exception is None, result.output
    json_schemas.check("duel", json.loads(result.stdout))
