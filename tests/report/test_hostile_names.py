"""Names from data, whatever is in them: no formula, no markup, no lost file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from paretobench.report import figures, render, tables
from paretobench.report.files import file_stems
from paretobench.report.style import Style
from paretobench.report.summary import summary_text
from paretobench.report.view.rows import Row
from tests.report.grids import row, view

FORMULAS = ("=HYPERLINK(1)", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1")


def test_no_cell_of_a_csv_file_is_a_formula() -> None:
    rows = [row(name, 0.1 + at, 0.5) for at, name in enumerate(FORMULAS)]
    text = tables.csv_text(view(*rows))
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-[^0-9.]", cell)]
    assert {f"'{name}" for name in FORMULAS} <= set(cells)


def test_a_summary_holds_no_html_and_no_link_of_a_name() -> None:
    bad = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](z)"
    made = view(
        row(bad, 0.1, 0.5, bad),
        row("a", 0.2, 0.6, bad),
        title=bad,
        environment=bad,
        notes=(bad,),
        sources=(bad,),
        command="paretobench `rm`",
    )
    text = summary_text(made, [])
    assert "<script" not in text
    for line in text.splitlines():
        if line.startswith(("#", "- ")):
            assert not re.search(r"(?<!\\)\]\(", line), line


def test_files_of_names_that_look_alike_do_not_overwrite_each_other() -> None:
    names = ["a b", "a_b", "A_B", "名前", "имя", "x" * 400, "x" * 401, "CON/../x"]
    stems = file_stems(names)
    assert len({stem.lower() for stem in stems.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,70}", stem) for stem in stems.values())


def many(recipe: str) -> list[Row]:
    return [row(name, 0.1 * (at + 1), 0.5 + at / 50, recipe) for at, name in enumerate("abc")]


def test_every_recipe_has_a_figure_of_its_own_whatever_its_name() -> None:
    recipes = ["plain", "a b", "a_b", "名", "字", "x" * 400]
    made = view(*(each for recipe in recipes for each in many(recipe)))
    names = [name for name in figures.choose(made, Style()) if name.startswith("pareto")]
    assert len(names) == len(recipes)


def test_a_name_of_four_hundred_characters_is_reported_like_any_other(tmp_path: Path) -> None:
    long = "x" * 400
    made = view(*many("plain"), *many(long), *many("a"), *many("b"), *many("c"))
    paths = render(made, tmp_path, formats=["svg"], only=["pareto"])
    assert paths and all(path.exists() for path in paths)


@pytest.mark.parametrize(("formats", "shown"), [(["svg"], "svg"), (["png", "pdf"], "png")])
def test_a_summary_shows_pictures_that_are_there(formats: list[str], shown: str) -> None:
    text = summary_text(view(row()), ["pareto"], formats)
    assert f"![pareto](pareto.{shown})" in text
    assert "![" not in summary_text(view(row()), ["pareto"], ["pdf"])


def test_a_latex_table_tells_recipes_apart() -> None:
    made = view(row("a", 0.1, 0.5, "one"), row("a", 0.1, 0.6, "two"))
    text = tables.latex_text(made)
    assert "recipe" in text and "one" in text and "two" in text
    assert "recipe" not in tables.latex_text(view(row("a", 0.1, 0.5, "one")))
