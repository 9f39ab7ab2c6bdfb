"""The prefill benchmark: its arguments, its turns, its ratios; candidates are stood in for."""

import argparse
import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "prefill.py"
if not FILE.exists():
    pytest.skip("benchmarks/ is not here", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("prefill_benchmark", FILE)
prefill = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(prefill)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(prefill, "SETTLE_S", 0.0)


def test_by_default_both_modes_meet_torch_at_the_four_lengths():
    options = prefill.parse([])
    assert options.tokens == [16, 64, 256, 576] and options.llm == "qwen2_0_5b"
    assert {"forward", "cache_prompt", "generate_step", "torch fp32"} <= set(options.candidates)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tokens", "1"], "at least 2"),
        (["--rounds", "0"], "--rounds at least 1"),
        (["--llm", "qwen9"], "invalid choice: 'qwen9'"),
        (["--candidates", "jax"], "invalid choice: 'jax'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, said, capsys):
    with pytest.raises(SystemExit):
        prefill.parse(arguments)
    assert said in capsys.readouterr().err


def test_candidates_take_turns_there_and_back_after_a_warm_up(at_once):
    order = []
    runs = {
        name: lambda n, name=name, took=took: order.append((name, n)) or took
        for name, took in (("forward", 0.1), ("torch fp32", 0.2))
    }
    samples = prefill.take_turns(runs, 64, rounds=3)
    assert samples == {"forward": [0.1] * 3, "torch fp32": [0.2] * 3}
    first, second = ("forward", 64), ("torch fp32", 64)
    assert order[4:] == [first, second, second, first, first, second]


def test_a_ratio_is_paired_by_round_so_that_drift_cancels(capsys):
    drift = [1.0, 2.0, 4.0]
    samples = {"cache_prompt": [3.0 * d for d in drift], "forward": [2.0 * d for d in drift]}
    result = prefill.report(16, samples)
    assert result["ratios"] == {"cache_prompt / forward": pytest.approx(1.5)}
    assert "cache_prompt / forward 1.50" in capsys.readouterr().out


def test_a_run_asks_every_candidates_own_process_and_writes_the_samples(
    at_once, monkeypatch, tmp_path, capsys
):
    closed = []

    class Child:
        def __init__(self, name, options):
            assert isinstance(options, argparse.Namespace)
            self.name, self.facts = name, {"device": "cpu"}

        def run(self, n_tokens):
            return n_tokens * {"forward": 1e-3, "cache_prompt": 2e-3}[self.name]

        def close(self):
            closed.append(self.name)

    monkeypatch.setattr(prefill, "Child", Child)
    arguments = ["--tokens", "16", "64", "--rounds", "2", "--json", str(tmp_path / "r.json")]
    assert prefill.main([*arguments, "--candidates", "forward", "cache_prompt"]) == 0
    assert "16 tokens: forward 16.0 ms, cache_prompt 32.0 ms" in capsys.readouterr().out
    assert sorted(closed) == ["cache_prompt", "forward"] and (tmp_path / "r.json").exists()
