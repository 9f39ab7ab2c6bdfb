"""One view behind everything: the same digits everywhere, and nothing but the core needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from paretobench.report import tables
from paretobench.report.figures.latency import breakdown_info
from paretobench.report.figures.pareto import pareto_info
from paretobench.report.formatting import score_percent, value_ms
from paretobench.report.model_card import results
from paretobench.report.page import page_text
from paretobench.report.page.story import story
from tests.report.grids import family_view
from tests.report.pages import Document

ABSENT = ("torch", "torchvision", "timm", "transformers", "openvino", "onnxruntime", "onnx",
          "mlx", "coremltools", "lmms_eval", "datasets", "pyarrow", "huggingface_hub", "moocore",
          "datasette", "playwright")  # fmt: skip
"""What only extras bring; a core installation has none of it."""

CORE = f"""\
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
from paretobench.cli import main
main(sys.argv[1:])
"""


def test_table_page_figure_and_card_show_a_point_with_the_same_digits() -> None:
    view = family_view("all")
    markdown, page = tables.markdown_text(view), Document(page_text(view))
    totals = [bar.total for _, bars in breakdown_info(view).groups for bar in bars]
    drawn = {
        (round(mark.ttft_ms, 6), round(mark.score_percent or 0.0, 6))
        for panel in pareto_info(view).panels
        for mark in panel.marks
    }
    for row in view.rows:
        assert row.ttft and row.score
        time, score = value_ms(row.ttft), score_percent(row.score)
        assert f"{time} [" in markdown and score in markdown
        assert score in page.data["strings"] and time in totals
        said = {fact.term: fact.text for part in story(row) for fact in part.facts}
        assert said["Time to first token"].startswith(f"{time} [")
        assert said["Time to first token"] in page.data["strings"]
        card = results(view, row)
        assert card[-1]["metrics"][0]["value"] == float(time)
        assert card[0]["metrics"][0]["value"] == float(score.split(" ")[0])
        at = (round(row.ttft.value * 1e3, 6), round(row.score.value * 100, 6))
        assert at in drawn


def run_without_extras(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CORE, *args], cwd=folder, capture_output=True, text=True, check=False
    )


def test_report_and_export_run_with_the_core_installation_alone(tmp_path: Path) -> None:
    drawn = run_without_extras(
        tmp_path, "report", "--published", "--quiet", "--figure", "pareto", "--out", "out"
    )
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "out" / "pareto.pdf").stat().st_size > 1000
    for kind in ("csv", "markdown", "latex", "json"):
        exported = run_without_extras(tmp_path, "export", "--published", "--format", kind)
        assert exported.returncode == 0, exported.stderr
        assert "fastvithd" in exported.stdout.lower()
