"""Timing runtimes on small networks: what is kept, what is shown, when nothing is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paretobench.backends import probes
from paretobench.config import load_catalogue
from paretobench.domain import Runtime
from paretobench.domain.records import Environment
from paretobench.measure import runtime_timing
from paretobench.measure.lock import DeviceLock
from paretobench.measure.process import Children, ChildResult

HERE = Environment({"chip": "EPYC", "cores": 2, "test": "runtime timing"})
CATALOGUE = load_catalogue()


class Scripted(Children):
    """Answers with the seconds of a backend, or with its failure, without a process."""

    def __init__(self, **seconds: float | str | None) -> None:
        super().__init__()
        self.seconds, self.asked = seconds, 0

    def ask(self, module: str, orders: Any, timeout_s: float) -> ChildResult:
        self.asked += 1
        found = {}
        for one in orders(Path("answer"))["workloads"]:
            answer = self.seconds[one["runtime"]["backend"]]
            if answer == "crashed":
                return ChildResult(1.0, None, "crashed", "died of SIGSEGV")
            is_reason = isinstance(answer, str)
            found[one["key"]] = {
                "median_s": 0.5 if is_reason else answer,
                "reason": answer if is_reason else "" if answer else "cannot export it",
            }
        return ChildResult(1.0, {"probes": found})


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def two_runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice is between two, whatever is installed."""
    both = [probes.workload("encode", "ViT", Runtime(one, "fp32")) for one in ("openvino", "torch")]
    monkeypatch.setattr(runtime_timing.choose, "wanted_probes", lambda request: both)


def asked(choose: str = "measured") -> dict[str, Any]:
    model = {"spec": CATALOGUE.encoders["vit_l14"].spec(), "precision": ""}
    half = {"backend": "auto", "precision": "auto", "options": {}}
    return {
        "name": "auto", "choose": choose,
        "encode": {**half, "models": {"vit_l14": model}},
        "prefill": {**half, "backend": "torch"},
    }  # fmt: skip


def decide(children: Children, permission: bool = True, choose: str = "measured") -> Any:
    lines: list[str] = []
    leave = runtime_timing.Permission(lines.append) if permission else None
    lock = DeviceLock()
    try:
        device, environment = runtime_timing.decide(asked(choose), HERE, lock, leave, children)
        return device, environment, lines, lock.is_held
    finally:
        lock.release()


def test_a_sweep_times_each_runtime_once_under_the_lock_and_a_second_one_looks_it_up() -> None:
    children = Scripted(openvino=0.02, torch=0.01)
    _, environment, lines, is_held = decide(children)
    assert children.asked == 2 and is_held
    assert ["timing openvino" in lines[0], "timing torch" in lines[1]] == [True, True]
    rows = environment.observed["probes"]
    assert {row["probe"]: row["seconds"] for row in rows} == {
        "encode ViT openvino fp32": 0.02,
        "encode ViT torch fp32": 0.01,
    }
    assert [row["gflops"] for row in rows] == [pytest.approx(2 * 6.892 / s, rel=0.01)
                                               for s in (0.02, 0.01)]  # fmt: skip
    again = decide(children)
    assert (children.asked, again[3]) == (2, False)
    assert again[1].observed == environment.observed


def test_a_plan_times_nothing_and_says_so() -> None:
    children = Scripted(openvino=0.02, torch=0.01)
    device, environment, *_ = decide(children, permission=False)
    assert children.asked == 0 and "not timed here yet" in device.why
    assert "probes" not in environment.observed


def test_the_listed_order_needs_no_probe() -> None:
    children = Scripted(openvino=0.02, torch=0.01)
    assert decide(children, choose="listed")[0].why.count("in the list") == 1
    assert children.asked == 0


def test_what_other_programs_disturbed_is_said_and_timed_again_later() -> None:
    device, _, lines, _ = decide(Scripted(openvino="disturbed by make", torch=0.01))
    assert any("disturbed by make" in line for line in lines)
    assert "not timed here yet" in device.why
    later = Scripted(openvino=0.02, torch=0.01)
    assert "not timed here yet" not in decide(later)[0].why
    assert later.asked == 1, "only the one that was disturbed"


@pytest.mark.parametrize("failure", [None, "crashed"])
def test_a_probe_that_fails_is_not_tried_again(failure: str | None) -> None:
    children = Scripted(openvino=failure, torch=0.01)
    _, environment, lines, _ = decide(children)
    seconds = {row["probe"]: row["seconds"] for row in environment.observed["probes"]}
    assert seconds == {"encode ViT openvino fp32": None, "encode ViT torch fp32": 0.01}
    assert any("cannot export" in line or "SIGSEGV" in line for line in lines)
    decide(children)
    assert children.asked == 2


def test_a_damaged_file_counts_as_nothing_known() -> None:
    file = runtime_timing.cache_folder() / "runtimes" / f"{HERE.key}.json"
    file.parent.mkdir(parents=True)
    for text in ("{", "[]", json.dumps({"a": "b"})):
        file.write_text(text)
        assert runtime_timing.known(HERE.key) == {}


@pytest.mark.heavy
def test_real_runtimes_time_every_family_and_none_disturbs_the_answer() -> None:
    """Every runtime exports, loads and runs its small networks in a process of its own."""
    pytest.importorskip("openvino")
    pytest.importorskip("torch")
    wanted = [
        probes.workload("encode", family, Runtime(name, "fp32", {"device": "cpu"}))
        for family in ("FastViT", "ConvNeXt", "ViT")
        for name in ("openvino", "onnxruntime", "torch")
    ]
    wanted += [
        probes.workload("prefill", "language models", Runtime(name, precision, {"device": "cpu"}))
        for name, precision in (("llamacpp", "int4"), ("openvino", "int4"), ("torch", "fp32"))
    ]
    lines: list[str] = []
    runtime_timing.time_probes(wanted, HERE.key, Children(), lines.append)
    found = runtime_timing.known(HERE.key)
    failed = [one.label + str(one.runtime) for one in wanted if not found.get(one.key)]
    assert not failed, lines


def test_a_prefills_rate_leaves_out_reading_its_weights() -> None:
    """Three blocks of Qwen2-0.5B at 64 tokens are 5.8 GFLOP and 93 MB in bf16."""
    probe = probes.workload("prefill", "language models", Runtime("torch", "bf16"))
    assert probes.gflops(probe, 0.0247) == pytest.approx(5.8 / 0.020, rel=0.03)
