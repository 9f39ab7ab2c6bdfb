from __future__ import annotations

from tests.report.grids import row, view


def test_tied_points_both_stay_on_the_front() -> None:
    shown = view(row("a", 0.1, 0.5), row("b", 0.1, 0.5), row("c", 0.2, 0.5))
    assert [r.front.is_on for r in shown.rows] == [True, True, False]


def test_recipes_never_share_a_front() -> None:
    shown = view(row("a", 0.1, 0.9, recipe="rich"), row("a", 0.1, 0.5, recipe="poor"))
    assert [panel.recipe for panel in shown.panels()] == ["rich", "poor"]
    assert all(r.front.is_on for r in shown.rows)


def test_environments_never_share_a_front() -> None:
    shown = view(row("a", 0.1, 0.9), row("a", 0.2, 0.5, environment="another chip"))
    assert len(shown.panels()) == 2
    assert all(r.front.is_on for r in shown.rows)


def test_a_family_has_a_front_of_its_own() -> None:
    shown = view(row("a", 0.1, 0.9), row("b", 0.2, 0.5), row("b", 0.3, 0.4))
    assert [r.front.is_on for r in shown.rows] == [True, False, False]
    assert [r.front.is_on_family for r in shown.rows] == [True, True, False]


def test_a_row_without_a_score_is_on_no_front() -> None:
    shown = view(row("a", 0.1, None), row("b", 0.2, 0.5))
    assert [r.front.is_on for r in shown.rows] == [False, True]
    assert [r.encoder for r in shown.unscored] == ["a"]


def test_narrowing_a_view_recomputes_its_fronts() -> None:
    shown = view(row("a", 0.1, 0.9), row("b", 0.2, 0.5, llm="other"))
    assert not shown.rows[1].front.is_on
    assert shown.where(llm="other").rows[0].front.is_on


def test_a_point_of_two_recipes_counts_once() -> None:
    assert view(row(recipe="one"), row(recipe="two")).points == 1
