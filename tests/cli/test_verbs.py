"""Verbs that need no measuring: what they print, and how they refuse."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import ParetobenchError
from paretobench.store import Store
from tests.store import examples


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench")

    return run


def refusal(result: Result) -> str:
    """The message of a deliberate error; at most three lines."""
    assert isinstance(result.exception, ParetobenchError), result.output
    message = str(result.exception)
    assert len(message.splitlines()) <= 3
    assert result.exception.exit_status != 0
    return message


def plan(cli, *overrides: str) -> dict:
    result = cli("plan", *overrides, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_qwen2_grid_has_48_points_and_40_workloads(cli, roomy_machine: None) -> None:
    planned = plan(cli, "+grid=qwen2_family", "horizon=none")
    assert len(planned["points"]) == 48
    assert len(planned["workloads"]) == 40
    assert planned["refused"] == []
    tokens = {(p["encoder"], p["resolution_px"]): p["visual_tokens"] for p in planned["points"]}
    assert tokens["fastvithd", 1024] == 256
    assert tokens["convnext_l", 768] == 576
    assert tokens["siglip_so400m", 384] == 729
    for name in ("encoder", "resolution_px", "llm", "tiling", "passes", "visual_tokens"):
        assert name in planned["points"][0]


def test_an_override_narrows_a_grid(cli, roomy_machine: None) -> None:
    planned = plan(cli, "+grid=qwen2_family", "llm=qwen2_0_5b", "horizon=none")
    assert len(planned["points"]) == 16


def test_an_impossible_combination_is_listed_as_refused(cli, roomy_machine: None) -> None:
    planned = plan(
        cli, "+grid=qwen2_family", "encoder=fastvithd,vit_l14", "resolution=336,512", "horizon=none"
    )
    asked = 2 * 2 * 3
    assert len(planned["points"]) + len(planned["refused"]) == asked
    assert all("vit_l14" in r["encoder"] and r["reason"] for r in planned["refused"])


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["encoder=fastvithdd"], "did you mean 'fastvithd'?"),
        (["encoder=vit_l14", "resolution=512"], "336"),
        (["+grid=smoke", "encodr=fastvit"], "encoder"),
        (["grid=smoke"], "+grid=smoke"),
        (["+grid=smoke", "fidelity=best"], "quick"),
        (["+grid=smoke", "device=tpu"], "auto"),
    ],
)
def test_a_word_that_is_wrong_is_answered_with_what_is_right(
    cli,
    overrides: list[str],
    says: str,
) -> None:
    assert says in refusal(cli("plan", *overrides))


def test_broken_yaml_of_the_user_is_named_with_its_line(cli, tmp_path: Path) -> None:
    (tmp_path / "sweeps" / "grid").mkdir(parents=True)
    (tmp_path / "sweeps" / "grid" / "mine.yaml").write_text("name: mine\nhydra: [1, 2\nx: :\n")
    message = refusal(cli("plan", "+grid=mine"))
    assert "mine.yaml" in message and "line" in message


def test_a_grid_written_by_init_can_be_planned(cli) -> None:
    assert cli("init", "mine").exit_code == 0
    assert len(plan(cli, "+grid=mine")["points"]) == 6
    assert "exists already" in refusal(cli("init", "mine"))


def test_a_file_that_is_no_database_is_refused(cli, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are notes, and quite a few of them\n" * 50)
    message = refusal(cli("report", "--database", "notes.db"))
    assert "notes.db" in message
    assert "notes.db" in refusal(cli("plan", "+grid=smoke", "database=notes.db"))


def test_without_a_database_the_message_says_how_to_get_one(cli) -> None:
    message = refusal(cli("report"))
    assert "paretobench sweep +grid=smoke" in message and "--published" in message


def test_the_published_report_is_drawn_without_a_database(cli, tmp_path: Path) -> None:
    result = cli("report", "--published", "--format", "svg", "--out", "out")
    assert result.exit_code == 0, result.output
    assert "FastViTHD" in result.stdout
    with (tmp_path / "out" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert any(row["encoder"] == "fastvithd" for row in rows)
    assert (tmp_path / "out" / "pareto.svg").read_text().startswith("<?xml")


def test_best_under_a_budget_names_the_point_and_its_runner_up(cli) -> None:
    result = cli("best", "--published", "--under", "200ms", "--recipe", "llava-1.5", "--json")
    (answer,) = json.loads(result.stdout)
    assert answer["best"]["point"] == "FastViTHD@1024 + Qwen2-0.5B"
    assert answer["runner_up"]["ttft_s"] <= 0.2
    assert 0 < answer["probability"] <= 1


def test_best_at_an_accuracy_nobody_reaches_names_the_nearest(cli) -> None:
    result = cli("best", "--published", "--at-least", "99", "--recipe", "llava-1.5")
    assert "nothing satisfies" in result.stdout and "nearest" in result.stdout


def test_best_asks_for_a_question(cli) -> None:
    assert "--under" in refusal(cli("best", "--published"))


def test_next_names_points_with_the_calibration_of_what_predicts_them(cli) -> None:
    result = cli("next", "--published", "--recipe", "llava-1.5", "--under", "200ms")
    assert result.exit_code == 0
    assert "FastViTHD@768 + Qwen2-1.5B" in result.stdout
    assert "predicted from the others" in result.stdout
    assert "paretobench score CHECKPOINT --encoder" in result.stderr


def test_next_refuses_a_limit_that_is_no_time(cli) -> None:
    assert "--under soon" in refusal(cli("next", "--published", "--under", "soon"))


def test_compare_says_how_much_faster_and_how_sure(cli) -> None:
    result = cli("compare", "fastvithd", "convnext_l", "--published")
    assert "BD-TTFT" in result.stdout and "95% CI" in result.stdout


def test_compare_suggests_a_name(cli) -> None:
    assert "fastvithd" in refusal(cli("compare", "fastvithdd", "convnext_l", "--published"))


def test_claims_come_with_arithmetic_and_verdict(cli) -> None:
    claims = json.loads(cli("claims", "--json").stdout)
    assert {claim["verdict"] for claim in claims} <= {"holds", "does not hold", "not recomputable"}
    assert all(claim["arithmetic"] for claim in claims if claim["verdict"] != "not recomputable")


def test_audit_lists_mismatches_only_unless_asked(cli) -> None:
    some = json.loads(cli("audit", "--json").stdout)
    everything = json.loads(cli("audit", "--all", "--json").stdout)
    assert len(some["rows"]) == some["mismatches"] < len(everything["rows"]) == some["checked"]


def test_all_rows_of_table_6_can_be_listed_and_filtered(cli) -> None:
    rows = json.loads(cli("ls", "published", "--table", "v1_table6", "--json").stdout)
    assert len(rows) == 41
    some = cli("ls", "published", "--table", "v1_table6", "--where", "llm=Vicuna", "--json")
    assert 0 < len(json.loads(some.stdout)) < 41


def test_a_listing_suggests_a_table_and_a_column(cli) -> None:
    assert "v1_table6" in refusal(cli("ls", "published", "--table", "v1_table66"))
    bad = cli("ls", "published", "--table", "v1_table6", "--where", "lm=Vicuna")
    assert "did you mean 'llm'?" in refusal(bad)


def test_show_prints_one_point(cli) -> None:
    result = cli("show", "fastvithd@1024+qwen2_0_5b", "--published", "--json")
    rows = json.loads(result.stdout)
    assert {row["resolution_px"] for row in rows} == {1024}


@pytest.mark.parametrize("kind", ["csv", "markdown", "latex", "json"])
def test_export_writes_every_text_format(cli, kind: str) -> None:
    result = cli("export", "--published", "--format", kind)
    assert result.exit_code == 0 and "FastViTHD" in result.stdout


def test_scores_of_ones_own_are_imported_once(cli, tmp_path: Path) -> None:
    header = "encoder,resolution_px,llm,recipe,benchmark,value_percent,source\n"
    (tmp_path / "s.csv").write_text(header + "fastvithd,512,qwen2_0_5b,mine,gqa,61.5,our run\n")
    first, second = cli("import", "s.csv"), cli("import", "s.csv")
    assert first.exit_code == 0, first.output or first.exception
    assert "1 new" in first.output and "0 new" in second.output


def test_a_mean_of_some_tasks_is_listed_until_that_of_all_is_there(cli) -> None:
    part = examples.score(0, 0.25, is_partial=True, checkpoint="c" * 64)
    with Store.open("results/paretobench.db") as store:
        store.add_scores([part])
    (row,) = json.loads(cli("ls", "scores", "--json").stdout)
    assert (row["value"], row["partial"]) == (0.25, "yes")
    with Store.open("results/paretobench.db") as store:
        store.add_scores([replace(part, value=0.5, is_partial=False)])
    (row,) = json.loads(cli("ls", "scores", "--json").stdout)
    assert (row["value"], row["partial"]) == (0.5, "no")


def test_an_import_of_a_missing_file_stores_nothing(cli, tmp_path: Path) -> None:
    assert "nothing was imported" in refusal(cli("import", "missing.csv"))
    assert not (tmp_path / "results").exists()


def test_doctor_names_every_backend(cli) -> None:
    report = json.loads(cli("doctor", "--json").stdout)
    assert {each["backend"] for each in report["backends"]} >= {"openvino", "torch", "mlx"}
    assert report["quiet"]
