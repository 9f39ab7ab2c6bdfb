"""Children that end in every way a child can end. Real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from paretobench.measure import cell
from paretobench.measure.child import write_answer
from paretobench.measure.preparation import prepare_all
from paretobench.measure.process import (
    ALLOCATOR_DEFAULTS,
    ChildExit,
    Children,
    ChildResult,
    child_environment,
    read_outcome,
)
from paretobench.planning.stopping import SamplingPlan
from tests.measure import pretend
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

PLAN = SamplingPlan(sample_s=0.02, sample_limit_s=0.02, warmup_limit_s=0.02, max_samples=20)
GIB = 2**30


def ask(act: str, timeout_s: float = 60.0, **more: object) -> ChildResult:
    children = Children(launcher=pretend.LAUNCHER)
    workload = pretend.workload(act, act, **more)
    return children.ask(
        "paretobench.measure.cell",
        lambda result: cell.orders(workload, PLAN, Path("artifacts"), result),
        timeout_s,
    )


def test_a_cell_answers_with_every_sample_and_what_surrounds_it() -> None:
    outcome = ask("sleep", run_s=0.002)
    answer = outcome.answer
    assert answer is not None
    assert answer["runs"] == len(answer["samples_s"]) >= PLAN.min_samples
    assert all(s >= 0.002 for s in answer["samples_s"])
    assert answer["first_run_s"] >= 0.002
    assert 0 < answer["canary_before_s"] < 2 and 0 < answer["canary_after_s"] < 2
    assert 2**20 < answer["peak_memory_bytes"] < GIB
    assert answer["facts"]["threads"] == 1
    assert outcome.wall_s > sum(answer["samples_s"])


@pytest.mark.parametrize(
    ("act", "kind", "reason"),
    [
        ("segfault", "crashed", "died of SIGSEGV: about to dereference null"),
        ("raise", "crashed", "KeyError: 'weights'"),
        ("unsupported", "unsupported", "use another backend"),
        ("does not fit", "out_of_memory", "needs 30.0 GiB"),
        ("abort", "out_of_memory", "memory ran out in native code: .*bad_alloc"),
        ("killed", "crashed", r"killed from outside \(SIGKILL\); it held"),
        ("exit", "crashed", "ended without an answer, exit status 3: it wrote nothing"),
    ],
)
def test_each_death_becomes_its_kind_of_failure(act: str, kind: str, reason: str) -> None:
    outcome = ask(act)
    assert (outcome.answer, outcome.kind) == (None, kind)
    assert re.search(reason, outcome.reason), outcome.reason


def test_real_exhaustion_of_memory_is_told_apart_from_a_crash() -> None:
    outcome = ask("allocate")
    assert outcome.kind == "out_of_memory"
    assert outcome.reason.startswith("MemoryError")


def test_a_hang_is_killed_with_all_it_started() -> None:
    outcome = ask("hang with a child", timeout_s=3.0)
    assert outcome.kind == "timed_out"
    assert outcome.reason.startswith("still running after 3 s")
    grandchild = int(outcome.details["log"][-1])
    deadline = time.monotonic() + 30
    while psutil.pid_exists(grandchild) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(grandchild)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_failure_keeps_the_last_lines() -> None:
    outcome = ask("raise")
    assert any("KeyError" in line for line in outcome.details["traceback"])


ORPHAN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.measure.test_process import ask
ask('hang')
"""


def test_a_child_dies_with_its_parent() -> None:
    root = Path(__file__).resolve().parents[2]
    before = set(psutil.pids())
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, str(root)])
    child = None
    deadline = time.monotonic() + 30
    while child is None and time.monotonic() < deadline:
        children = psutil.Process(parent.pid).children()
        child = children[0].pid if children and children[0].pid not in before else None
        time.sleep(0.05)
    assert child is not None
    time.sleep(1.0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(child)


def test_an_answer_counts_even_if_the_process_crashed_on_its_way_out(tmp_path: Path) -> None:
    write_answer(tmp_path / "a.json", {"status": "ok", "samples_s": [1.0]})
    ended = ChildExit(-signal.SIGSEGV, False, ("boom",), 0, 0, 1.0)
    assert read_outcome(tmp_path / "a.json", ended).answer is not None


def test_half_an_answer_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"status": "ok", "sam')
    assert read_outcome(tmp_path / "a.json", ChildExit(0, False, (), 0, 0, 1.0)).answer is None


def test_a_victim_of_the_kernels_oom_killer_is_out_of_memory(tmp_path: Path) -> None:
    ended = ChildExit(-signal.SIGKILL, False, (), 5 * GIB, 1, 9.0)
    outcome = read_outcome(tmp_path / "none", ended)
    assert outcome.kind == "out_of_memory"
    assert "it held 5.0 of" in outcome.reason
    total = psutil.virtual_memory().total
    unseen = ChildExit(-signal.SIGKILL, False, (), int(0.95 * total), 0, 9.0)
    assert read_outcome(tmp_path / "none", unseen).kind == "out_of_memory"


def test_an_answer_is_renamed_into_place(tmp_path: Path) -> None:
    write_answer(tmp_path / "a.json", {"x": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text())["x"] != 0


def test_the_users_own_allocator_settings_win() -> None:
    given = {"MALLOC_TRIM_THRESHOLD_": "5"}
    found = child_environment(given)
    assert found["MALLOC_TRIM_THRESHOLD_"] == "5"
    if sys.platform == "linux":
        assert found["MALLOC_MMAP_MAX_"] == ALLOCATOR_DEFAULTS["MALLOC_MMAP_MAX_"]
    assert given == {"MALLOC_TRIM_THRESHOLD_": "5"}


def test_no_file_of_the_parents_is_left_open() -> None:
    before = psutil.Process().num_fds()
    ask("raise")
    assert psutil.Process().num_fds() <= before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_child_that_a_signal_from_outside_ended_is_started_once_more(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "once.py").write_text(
        "import json, os\n"
        "from paretobench.measure import child\n"
        "orders = child.read_orders()\n"
        f"mark = {str(tmp_path / 'struck')!r}\n"
        "if not os.path.exists(mark):\n"
        "    open(mark, 'w').close()\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "child.write_answer(orders['result'], {'status': 'ok', 'tries': 2})\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", str(Path.cwd()))])
    children = Children(variables={"PYTHONPATH": path})
    done = children.ask("once", lambda result: {"result": str(result)}, 30.0)
    assert done.answer == {"status": "ok", "tries": 2}


def test_a_preparation_that_a_signal_from_outside_ended_is_tried_once_more(
    tmp_path: Path,
) -> None:
    class KilledOnce(ScriptedChildren):
        runs = 0

        def run(self, *given: Any, **more: Any) -> ChildExit:
            self.runs += 1
            if self.runs == 1:
                return ChildExit(-int(signal.SIGTERM), False, (), 0, 0, 1.0)
            return super().run(*given, **more)

    done = list(
        prepare_all([workload("a"), workload("b")], KilledOnce(), tmp_path, 9.0, lambda *_: None)
    )
    assert [one.workload.label for one in done] == ["a", "b"]
    assert all(one.prepared is not None for one in done)
