from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paretobench.errors import UnknownNameError
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Row, View


@pytest.fixture(scope="module")
def shown() -> View:
    return published_view()


def find(shown: View, encoder: str, side: int, llm: str, recipe: str) -> Row:
    wanted = ((encoder, side, llm, "none"), recipe)
    return next(row for row in shown.rows if (row.identity, row.recipe) == wanted)


def test_a_row_adds_up_to_its_table_s_parts(shown: View) -> None:
    row = find(shown, "fastvithd", 1024, "qwen2_0_5b", "llava-1.5")
    assert row.ttft and row.encode and row.prefill
    assert (row.encode.value, row.prefill.value) == (0.1163, 0.0505)
    assert row.ttft.value == pytest.approx(0.1668)
    assert row.ttft.low is None, "the paper states no spread"


def test_no_latency_of_the_slower_series_reaches_the_plot(shown: View) -> None:
    assert not any("Table 4" in row.latency_citation for row in shown.scored)
    assert find(shown, "fastvithd", 768, "vicuna_7b", "llava-1.5").encode.value == 0.0548  # type: ignore[union-attr]


def test_recipes_have_panels_of_their_own(shown: View) -> None:
    recipes = [panel.recipe for panel in shown.panels()]
    assert recipes[0] == "llava-1.5"
    assert len(recipes) == len(set(recipes)) >= 6


def test_composed_and_digitised_numbers_say_so(shown: View) -> None:
    composed = find(shown, "convnext_l", 320, "vicuna_7b", "llava-1.5")
    assert any("Table 4 row 2" in label for label in composed.labels)
    assert find(shown, "vit_l14", 336, "qwen2_0_5b", "llava-1.5").latency_source == "digitised"


def test_every_row_has_a_time_and_a_score_or_says_why_not(shown: View) -> None:
    assert all(row.reason for row in shown.untimed)
    assert all(row.hint for row in shown.rows if row.score is None)


def test_a_pruned_system_s_own_tokens_are_not_those_of_the_whole_image(shown: View) -> None:
    pruned = [row for row in shown.rows if row.tiling.startswith("fastv_")]
    assert pruned and all(row.visual_tokens != 576 for row in pruned)


def test_another_benchmark_can_stand_on_the_y_axis() -> None:
    other = published_view("textvqa")
    assert other.scored and all(r.score and r.score.benchmark == "textvqa" for r in other.scored)


def test_one_recipe_can_be_asked_for() -> None:
    assert {row.recipe for row in published_view(recipe="15M+1.1M").rows} == {"15M+1.1M"}


def test_an_unknown_benchmark_or_recipe_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown benchmark 'avg6'; did you mean 'avg5'"):
        published_view("avg6")
    with pytest.raises(UnknownNameError, match="unknown recipe 'llava-15'; did you mean 'llava-1"):
        published_view(recipe="llava-15")


def test_the_published_report_needs_no_framework(tmp_path: Path) -> None:
    code = f"""
import sys
for name in ("torch", "timm", "transformers", "mlx", "openvino", "onnxruntime", "coremltools"):
    sys.modules[name] = None  # an import of it now fails
from pathlib import Path
from paretobench.report import render
from paretobench.report.view.published import published_view
print(len(render(published_view(recipe="15M+1.1M"), Path({str(tmp_path)!r}), formats=("svg",))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 6
