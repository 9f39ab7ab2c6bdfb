"""The fingerprint of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paretobench.domain.records import Environment
from paretobench.measure import environment, hardware


def test_two_fingerprints_in_a_row_have_one_key() -> None:
    first, second = environment.fingerprint(False), environment.fingerprint(False)
    assert first.key == second.key
    assert environment.differences(first, second) == []


def test_another_process_finds_the_same_key() -> None:
    code = (
        "import json; from paretobench.measure.environment import fingerprint; "
        "found = fingerprint(False); print(json.dumps([found.identity, found.key]))"
    )
    # Stated, as for a cell: libraries that were loaded here set variables that only C sees.
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    identity, key = json.loads(said.stdout)
    here = environment.fingerprint(False)
    assert environment.differences(Environment(identity), here) == []
    assert identity.get("settings") == here.identity.get("settings")
    assert key == here.key


def test_the_identity_names_what_moves_a_latency() -> None:
    identity = environment.identity({})
    assert {"chip", "cores", "memory_gib", "os", "kernel", "python", "blas", "packages"} <= set(
        identity
    )
    assert "numpy" in identity["packages"]


def test_settings_of_allocators_and_thread_pools_are_part_of_the_identity() -> None:
    plain = Environment(environment.identity({}))
    tuned = Environment(environment.identity({"OMP_NUM_THREADS": "1", "HOME": "/root"}))
    assert environment.differences(plain, tuned) == ["settings"]
    assert tuned.identity["settings"] == {"OMP_NUM_THREADS": "1"}


def test_the_childrens_settings_are_recorded_not_the_parents() -> None:
    if sys.platform == "linux":
        assert "MALLOC_MMAP_MAX_" in environment.fingerprint(False).identity["settings"]


def test_what_moves_by_itself_is_not_part_of_the_key() -> None:
    observed = environment.observed(measure_speed=True)
    assert observed["gflops"] > 0.1
    assert observed["memory_bytes"] >= observed["memory_available_bytes"] > 0
    assert not set(observed) & set(environment.identity({}))


def test_a_tool_that_is_missing_or_fails_answers_none() -> None:
    assert hardware.answer_of("no-such-tool-anywhere") is None
    assert hardware.answer_of("false") is None
    assert hardware.answer_of("echo", "here") == "here"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_chip_is_told_from_its_generations() -> None:
    assert hardware.chip()
    assert hardware.operating_system()


def test_a_slow_reading_does_not_replace_the_fastest_that_the_machine_has_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path))
    readings = iter([100.0, 20.0, 150.0])
    monkeypatch.setattr(environment, "measure_gflops", lambda repetitions: next(readings))
    assert [environment.fastest_gflops() for _ in range(3)] == [100.0, 100.0, 150.0]
    (tmp_path / "gflops.json").write_text("[torn")
    monkeypatch.setattr(environment, "measure_gflops", lambda repetitions: 20.0)
    assert environment.fastest_gflops() == 20.0
