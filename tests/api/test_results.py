"""The Python interface: the same answers as the command line, as values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import paretobench as pb
from paretobench.cli import main

EXAMPLE = Path(__file__).resolve().parents[2] / "results" / "examples" / "qwen2_family_cpu.db"


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit):
        main(args)
    return capsys.readouterr().out


def test_the_public_names_are_exactly_the_documented_ones() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    table = page.split("## Public names")[1]
    documented = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert documented == set(pb.__all__)
    assert set(dir(pb)) == set(pb.__all__)
    assert all(getattr(pb, name) is not None for name in pb.__all__)
    with pytest.raises(AttributeError, match="has no 'nothing'"):
        _ = pb.nothing


def test_importing_the_package_imports_neither_a_framework_nor_pandas() -> None:
    heavy = {"torch", "pandas", "numpy", "hydra"}
    code = f"import sys, paretobench; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_points_are_a_row_per_point_and_recipe_with_units_in_the_names() -> None:
    points = pb.open(EXAMPLE).points()
    assert len(points) == len(pb.open(EXAMPLE).view.rows)
    assert {"encoder", "resolution_px", "llm", "ttft_s", "recipe"} <= set(points.columns)
    assert (points["ttft_s"].dropna() > 0).all()


def test_a_front_is_of_one_recipe_and_within_a_budget() -> None:
    results = pb.published()
    front = results.front(recipe="llava-1.5", under_s=0.5)
    assert set(front["recipe"]) == {"llava-1.5"}
    assert (front["ttft_s"] <= 0.5).all()
    ordered = front.sort_values("ttft_s")
    assert ordered["score_fraction"].is_monotonic_increasing
    with pytest.raises(pb.ParetobenchError, match="unknown recipe 'nope'"):
        results.front(recipe="nope")


def test_the_command_line_prints_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answers = pb.published().best(under_s=0.2)
    assert printed(capsys, "best", "--published", "--under", "200ms").strip() == str(answers)
    text = printed(capsys, "best", "--published", "--under", "200ms", "--json")
    assert json.loads(text) == json.loads(json.dumps(answers.to_json()))


def test_an_answer_carries_its_point_its_runner_up_and_its_probability() -> None:
    first = pb.published(recipe="llava-1.5").best(under_s=0.2)[0]
    assert first.point is not None and first.point.encoder == "fastvithd"
    assert first.runner_up is not None and first.probability is not None
    assert 0.0 < first.probability <= 1.0
    assert str(first.point) in pb.published(recipe="llava-1.5").best(under_s=0.2)._repr_html_()


def test_a_limit_nobody_meets_has_no_point() -> None:
    answers = pb.published().best(under_s=0.001)
    assert not answers.is_satisfied and all(each.point is None for each in answers)


def test_a_comparison_is_the_one_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    compared = pb.published(recipe="llava-1.5").compare("fastvithd", "convnext_l")
    assert [each.title for each in compared] == ["recipe llava-1.5"]
    asked = ("compare", "fastvithd", "convnext_l", "--published", "--recipe", "llava-1.5")
    ours = compared[0]
    assert ours.result.bd_ttft is not None and "BD-TTFT" in ours._repr_html_()
    assert len(ours.speedups) == len(ours.result.speedups) > 0 and len(ours.gains) > 0
    assert str(compared) in printed(capsys, *asked)
    shown = json.loads(printed(capsys, *asked, "--json"))
    assert shown == json.loads(json.dumps(compared.to_json()))


def test_samples_are_every_timed_run_of_the_named_workloads() -> None:
    samples = pb.open(EXAMPLE).samples("fastvithd@512")
    assert len(samples) > 10 and (samples["seconds"] > 0).all()
    assert all("fastvithd@512" in name.lower() for name in samples["workload"])
    with pytest.raises(pb.ParetobenchError, match="unknown workload"):
        pb.open(EXAMPLE).samples("nothing@1")
    with pytest.raises(pb.ParetobenchError, match="no samples"):
        pb.published().samples("fastvithd@512")


def test_a_plot_draws_every_point_of_the_recipe_on_the_given_axes() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    results = pb.published()
    assert results.plot.pareto(recipe="llava-1.5", ax=ax) is ax
    rows = results.points()
    scored = rows[(rows["recipe"] == "llava-1.5") & rows["ttft_s"].notna()]
    low, high = ax.get_xlim()
    assert low <= scored["ttft_s"].min() * 1e3 and scored["ttft_s"].max() * 1e3 <= high
    with pytest.raises(pb.ParetobenchError, match="choose one"):
        results.plot.pareto(ax=ax)


def test_a_missing_database_is_named_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(pb.ParetobenchError, match="no database at"):
        pb.open(tmp_path / "none.db")


def test_what_is_next_is_the_same_as_a_value_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = pb.open(EXAMPLE, recipe="llava-1.5").next(under_s=0.5, count=1)
    assert [each.recipe for each in found] == ["llava-1.5"]
    shown = json.loads(
        printed(
            capsys,
            "next",
            "-d",
            str(EXAMPLE),
            "--recipe",
            "llava-1.5",
            "--under",
            "500ms",
            "--count",
            "1",
            "--json",
        )
    )
    assert shown == json.loads(json.dumps(found.to_json()))
    assert "--llm qwen2_1_5b --recipe llava-1.5" in found.command()
    with pytest.raises(pb.ParetobenchError, match="unknown recipe 'nope'"):
        pb.open(EXAMPLE, recipe="nope").next()


def test_one_recipe_s_suggestions_rest_on_the_scores_of_all() -> None:
    of_one = pb.open(EXAMPLE, recipe="llava-1.5").next()[0]
    assert of_one == pb.open(EXAMPLE).next()[0]
