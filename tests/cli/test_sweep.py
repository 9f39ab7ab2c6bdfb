"""A whole sweep from the command line: real processes, real runtimes, models of a few megabytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import json_schemas

pytest.importorskip("torch")
pytest.importorskip("openvino")

ENCODER = """\
label: Tiny
family: Tiny
architecture: vit_tiny_patch16_224
token_stride_px: 16
token_rounding: floor
parameters: 5524416
output_channels: 192
resolutions: {multiple_px: 16, min_px: 16, max_px: 512, why: the patch grid has to be whole}
sweep_resolutions_px: [32, 64]
"""
LLM = """\
label: Small
family: Small
size_label: 1M
architecture: qwen2
hidden_size: 64
n_layers: 2
n_heads: 4
n_kv_heads: 2
intermediate_size: 128
vocab_size: 512
max_positions: 2048
parameters: 107072
rope_theta: 10000.0
attention_bias: true
tied_embeddings: true
"""
HUGE = LLM.replace("vocab_size: 512", "vocab_size: 1800000000000").replace(
    "parameters: 107072", "parameters: 115200000074304"
)
"""An LLM that fits on no machine."""

SCORES = """\
encoder,resolution_px,llm,recipe,benchmark,value_percent
tiny,32,small,ours,avg5,40.0
tiny,64,small,ours,avg5,50.0
"""
SWEEP = ["sweep", "encoder=tiny", "llm=small", "fidelity=quick", "name=tiny", "device=cpu"]


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paretobench", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def write_models(folder: Path, scores: str) -> None:
    """An encoder and an LLM of the user's own, and scores imported for them."""
    for group, text in (("encoder/tiny", ENCODER), ("llm/small", LLM)):
        path = folder / "sweeps" / f"{group}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "scores.csv").write_text(scores)
    assert run(folder, "import", "scores.csv").returncode == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, an LLM and scores of its own, swept once."""
    folder = tmp_path_factory.mktemp("sweep")
    write_models(folder, SCORES)
    result = run(folder, *SWEEP)
    assert result.returncode == 0, result.stderr
    (folder / "first.txt").write_text(result.stdout)
    return folder


def test_the_table_names_each_point_with_its_ttft(folder: Path) -> None:
    table = (folder / "first.txt").read_text()
    assert "Tiny" in table and "32" in table and "64" in table


def test_the_report_has_the_figure_in_three_formats_and_both_tables(folder: Path) -> None:
    names = {path.name for path in (folder / "reports" / "tiny").iterdir()}
    assert {"pareto.png", "pareto.svg", "pareto.pdf", "table.md", "table.csv"} <= names


def test_the_same_command_again_measures_nothing(folder: Path) -> None:
    again = run(folder, *SWEEP, "--json")
    assert again.returncode == 0, again.stderr
    json_schemas.check("sweep", json.loads(again.stdout))
    assert "nothing had to be measured" in again.stderr


def test_the_sum_was_checked_end_to_end(folder: Path) -> None:
    shown = run(folder, "show", "tiny@64+small", "--json")
    (row,) = json.loads(shown.stdout)
    assert row["end_to_end_s"] > 0


def test_both_points_of_the_front_come_out_of_best(folder: Path) -> None:
    answer = json.loads(run(folder, "best", "--at-least", "45", "--json").stdout)[0]
    assert answer["best"]["resolution_px"] == 64


def test_sweeps_and_workloads_are_listed(folder: Path) -> None:
    (sweep, *_) = json.loads(run(folder, "ls", "sweeps", "--json").stdout)
    assert sweep["name"] == "tiny" and sweep["exit_status"] == 0
    workloads = json.loads(run(folder, "ls", "workloads", "--json").stdout)
    assert all(workload["cells"] >= 1 for workload in workloads)


def test_a_dry_run_measures_nothing(folder: Path) -> None:
    result = run(folder, *SWEEP, "resolution=48", "dry_run=true", "--json")
    assert len(json.loads(result.stdout)["points"]) == 1
    assert "48" not in run(folder, "ls", "points", "--json").stdout


def test_a_workload_is_measured_from_its_json(folder: Path) -> None:
    planned = json.loads(run(folder, "plan", *SWEEP[1:], "--json").stdout)
    (folder / "one.json").write_text(json.dumps(planned["workloads"][0]))
    result = run(folder, "measure", "one.json", "--fidelity", "quick")
    measured = json.loads(result.stdout)
    json_schemas.check("measure", measured)
    assert measured["cells"][0]["samples_s"]


def test_a_point_that_does_not_fit_is_refused_with_the_numbers(folder: Path) -> None:
    (folder / "sweeps" / "llm" / "huge.yaml").write_text(HUGE)
    result = run(folder, "plan", "encoder=tiny", "resolution=32", "llm=huge", "device=cpu")
    assert "GiB" in result.stderr and "weights=shared" in result.stderr


def test_a_point_without_room_is_predicted_in_the_sweep_and_in_every_later_report(
    folder: Path,
) -> None:
    (folder / "sweeps" / "llm" / "huge.yaml").write_text(HUGE)
    grid = ["encoder=tiny", "llm=small,huge", "resolution=32", "fidelity=quick", "device=cpu"]
    result = run(folder, "sweep", *grid, "name=room", "check=0")
    assert result.returncode == 0, result.stderr
    assert "~" in result.stdout
    for chosen in (["--sweep", "room"], []):
        shown = run(folder, "export", *chosen, "--format", "json", "--out", "all.json")
        assert shown.returncode == 0, shown.stderr
        rows = json.loads((folder / "all.json").read_text())["rows"]
        (huge,) = [row for row in rows if row["llm"] == "huge"]
        assert huge["latency_source"] == "predicted" and huge["predicted_ttft_s"] > 0
        assert huge["ttft_s"] is None and huge["reason"].startswith("refused: Small in ")
        assert not huge["is_on_front"]
