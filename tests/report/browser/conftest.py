"""Pages of reports for the one browser; each test starts from a page loaded afresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.report.page import page_text
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Caution, View
from tests.report.browser.chromium import Page
from tests.report.grids import estimate, family_view, guessed, row, view
from tests.report.pages import hostile_view, random_view, two_places_view

ODD = Caution("weights", "other weights")

VIEWS: dict[str, Callable[[], View]] = {
    "published": published_view,
    "measured": lambda: family_view("all"),
    "some": family_view,
    "unscored": lambda: family_view("none"),
    "hostile": hostile_view,
    "two_places": two_places_view,
    "caution": lambda: view(
        row("a", 0.1, 0.5, cautions=(Caution("weights", "other weights"),)), row("b", 0.2, 0.6)
    ),
    "predicted": lambda: view(
        row("a", 0.1, 0.5), row("b", 0.2, 0.6), guessed("c", 0.05, 0.9), guessed("d", 3.0, None)
    ),
    "formulas": lambda: view(row("=HYPERLINK(1)", 0.1), row("+cmd|x", 0.2, 0.6), row("@SUM", 0.3)),
    "noisy": lambda: noisy_view(),
    "timed": lambda: random_view(24),
    "large": lambda: random_view(10_000),
}


def noisy_view() -> View:
    """The most accurate was measured on a machine that was never quiet; one has no interval."""
    bare = {name: replace(estimate(0.2), low=None, high=None) for name in ("prefill", "ttft")}
    best = replace(row("best", 0.05, 0.9), ttft=replace(estimate(0.05), is_disturbed=True))
    return with_front_membership(
        view(best, row("a", 0.1, 0.5), row("b", 0.3, 0.7), replace(row("c", 0.2, 0.6), **bare))
    )


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("pages")

    def path(name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(page_text(VIEWS[name]()), encoding="utf-8")
        return file

    return path


@pytest.fixture
def opened(chromium: Page, pages: Callable[[str], Path]) -> Iterator[Callable[..., Page]]:
    """Opens a view's page in a window of a size; afterwards no error may have been printed."""

    def open_page(name: str, width: int = 1280, height: int = 900, is_phone: bool = False) -> Page:
        chromium.prefer(prefers_color_scheme="light")
        chromium.size(width, height, is_phone)
        chromium.open(pages(name))
        return chromium

    yield open_page
    assert chromium.errors == []
