"""Process, session and day: which level varies, and what an audit says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from paretobench.analysis import levels, stats
from paretobench.analysis.levels import Spread
from paretobench.domain.records import Cell


def cell(median_s: float, at: str, samples: Sequence[float] = (), **more: Any) -> Cell:
    """An audited process that started at this time of a day in January."""
    taken = tuple(samples) or tuple(median_s * (1 + 0.001 * (i % 3 - 1)) for i in range(20))
    fields: dict[str, Any] = {"fidelity": "audit", "round_index": hash(at) % 10**9, **more}
    return Cell(
        "w", "here", f"2026-01-{at}+00:00", load_s=1.0, first_run_s=median_s, warmup_s=(),
        samples_s=taken, canary_before_s=0.02, canary_after_s=0.02, wall_s=20.0,
        peak_memory_bytes=None, sweep_key="s", **fields,
    )  # fmt: skip


def sitting(day: int, hour: int, medians_s: Sequence[float]) -> list[Cell]:
    return [cell(m, f"{day:02d}T{hour:02d}:{i:02d}:00") for i, m in enumerate(medians_s)]


def test_a_session_ends_an_hour_after_the_last_process_of_it() -> None:
    cells = [*sitting(1, 8, [1.0, 1.0]), *sitting(1, 9, [1.0]), *sitting(1, 11, [1.0])]
    assert [len(each) for each in levels.sessions(cells)] == [3, 1]
    assert [len(each) for each in levels.sessions(cells[::-1])] == [3, 1]


def drawn(rng: np.random.Generator, session_sd: float, process_sd: float, n: int) -> list[Cell]:
    """Processes of `n` sessions of five, each on a day of its own."""
    found = []
    for session in range(n):
        shift = rng.normal(0, session_sd)
        medians = np.exp(shift + rng.normal(0, process_sd, 5))
        found += sitting(session + 1, 8, [float(m) for m in medians])
    return found


def test_what_each_level_adds_is_found_from_many_sessions() -> None:
    cells = drawn(np.random.default_rng(0), 0.03, 0.01, 28)
    known = {spread.level: spread for spread in levels.spreads(cells)}
    assert known["process"].log_sd == pytest.approx(0.01, rel=0.2)
    assert known["day"].log_sd == pytest.approx(0.03, rel=0.3)
    assert known["run"].groups == 28 * 5 * 20
    assert known["session"] == Spread("session", 28, None), "one session a day says nothing"


def test_the_interval_belongs_to_sessions_where_they_vary_and_to_processes_where_not() -> None:
    apart = [*sitting(1, 0, [1.0, 1.01]), *sitting(1, 4, [1.1, 1.11]), *sitting(1, 8, [1.2, 1.21])]
    level, groups = levels.highest_level(apart)
    assert (level, len(groups)) == ("session", 3)
    alike = [*sitting(1, 0, [1.0, 1.1]), *sitting(1, 4, [1.1, 1.0]), *sitting(1, 8, [1.0, 1.1])]
    assert levels.highest_level(alike)[0] == "process"


def test_two_sessions_are_too_few_to_tell_them_apart() -> None:
    assert levels.highest_level([*sitting(1, 0, [1.0]), *sitting(1, 8, [1.2])])[0] == "process"


def test_an_audited_value_is_that_of_all_processes_with_the_wider_interval() -> None:
    cells = [*sitting(1, 0, [1.0, 1.01]), *sitting(1, 4, [1.1]), *sitting(1, 8, [1.2, 1.21])]
    found, plain = levels.measurement(cells).latency, stats.measurement(cells).latency
    assert found.value == pytest.approx(plain.value) and found.n == 5
    assert found.low is not None and found.high is not None
    assert plain.low is not None and plain.high is not None
    assert found.high / found.low > plain.high / plain.low


def test_other_levels_have_the_interval_that_they_had() -> None:
    cells = [cell(m, f"01T0{i}:00:00", fidelity="standard") for i, m in enumerate((1.0, 1.1, 1.3))]
    assert levels.measurement(cells) == stats.measurement(cells)
    assert levels.audit(cells) is None


def test_a_p99_needs_a_hundred_runs_of_each_process() -> None:
    rng = np.random.default_rng(1)
    few = [cell(1.0, f"01T0{i}:00:00", rng.normal(1, 0.01, 60)) for i in range(3)]
    many = [cell(1.0, f"01T0{i}:00:00", rng.normal(1, 0.01, 400)) for i in range(3)]
    short, long = levels.audit(few), levels.audit(many)
    assert short is not None and long is not None
    assert [found is not None for _, found in short.quantiles] == [True, True, False]
    p50, p90, p99 = (found.value for _, found in long.quantiles if found is not None)
    assert p50 == pytest.approx(1.0, abs=0.003)
    assert p90 == pytest.approx(1.0128, abs=0.003) and p99 == pytest.approx(1.0233, abs=0.006)


def test_what_heats_up_is_slower_sustained_than_in_a_burst() -> None:
    rising = [1.0 + 0.2 * (1 - math.exp(-i / 10)) for i in range(100)]
    found = levels.audit([cell(1.0, f"01T0{i}:00:00", rising) for i in range(3)])
    assert found is not None and found.sustained is not None
    assert found.sustained.value > 1.05 and found.steady == 1.0
    climbing = [1.0 + 0.01 * i for i in range(100)]
    never = levels.audit([cell(1.0, "01T00:00:00", climbing)])
    assert never is not None and never.steady == 0.0
