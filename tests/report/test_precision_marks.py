"""Points of several precisions in one figure: marks of their own, and scores of other weights."""

from __future__ import annotations

from paretobench.report.figures.pareto import pareto_info
from paretobench.report.style import markers_of
from tests.report.grids import row, view

SIZES = ("0.5B", "1.5B", "7B")
PRECISIONS = ("fp16", "int8", "int4")


def test_each_size_in_each_precision_has_a_mark_and_a_name_of_its_own() -> None:
    rows = [
        row(llm=f"q{size}:{precision}", llm_label=f"Q-{size} {precision}", size_label=size)
        for size in SIZES
        for precision in PRECISIONS
    ]
    info = pareto_info(view(*rows))
    assert set(info.llms) == {f"Q-{size} {one}" for size in SIZES for one in PRECISIONS}
    assert len(set(markers_of(info.llms).values())) == 9


def test_the_sizes_of_a_model_stay_together_in_the_legend() -> None:
    rows = [
        row(llm=f"q{size}:{precision}", llm_label=f"Q-{size} {precision}", size_label=size)
        for precision in PRECISIONS
        for size in SIZES
    ]
    sizes = [name.split()[0] for name in pareto_info(view(*rows)).llms]
    assert sizes == sorted(sizes, key=sizes.index) == [f"Q-{s}" for s in SIZES for _ in range(3)]
