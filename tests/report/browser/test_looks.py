"""What the page looks like to machines: themes, a phone, paper, axe, and hostile texts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report.browser.chromium import Page
from tests.report.test_page_front import (
    expected_best,
    expected_fronts,
    limits,
    random_sets,
)

pytestmark = pytest.mark.heavy

Opened = Callable[..., Page]
AXE = Path(__file__).parent / "vendor" / "axe.min.js.gz"
PAPER = "getComputedStyle(document.body).backgroundColor"
DARK = "rgb(21, 23, 27)"
WHITE = "rgb(255, 255, 255)"

OVERLAPS = """(() => {
  const boxes = (s) => [...document.querySelectorAll(s)].map((e) => e.getBoundingClientRect());
  const apart = (a, b) => a.left >= b.right - 1 || b.left >= a.right - 1
    || a.top >= b.bottom - 1 || b.top >= a.bottom - 1;
  const labels = boxes('#plot .labels text');
  const marks = boxes('#marks path');
  let found = 0;
  labels.forEach((a, i) => {
    found += [...labels.slice(i + 1), ...marks].filter((b) => !apart(a, b)).length;
  });
  const plot = document.getElementById('plot').getBoundingClientRect();
  const isCut = (b) => b.left < plot.left - 1 || b.right > plot.right + 1 || b.bottom > plot.bottom;
  found += boxes('#plot text').filter(isCut).length;
  return [labels.length, found];
})()"""


def test_dark_and_light_follow_the_system_and_the_toggle(opened: Opened) -> None:
    page = opened("published")
    assert page.run(PAPER) == WHITE
    page.prefer(prefers_color_scheme="dark")
    assert page.run(PAPER) == DARK
    page.click("#theme")
    assert page.run(PAPER) == WHITE and page.text("#theme") == "Dark"
    page.click("#theme")
    assert page.run(PAPER) == DARK and page.text("#theme") == "Light"


@pytest.mark.parametrize("name", ["published", "measured", "hostile", "unscored", "timed"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_window(opened: Opened, name: str, width: int) -> None:
    page = opened(name, width, 844, width == 390)
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("document.getElementById('plot').getBoundingClientRect().width") <= width


@pytest.mark.parametrize("name", ["published", "measured", "some"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_labels_touch_no_other_label_and_no_mark(opened: Opened, name: str, width: int) -> None:
    page = opened(name, width, 900)
    labels, overlaps = page.run(OVERLAPS)
    assert labels > 2
    assert overlaps == 0


def test_targets_of_a_finger_are_large_enough(opened: Opened) -> None:
    page = opened("published", 390, 844, True)
    small = page.run(
        "[...document.querySelectorAll('button, select, summary, input')]"
        ".filter((e) => e.checkVisibility())"
        ".filter((e) => (e.closest('label') || e).getBoundingClientRect().height < 24)"
        ".map((e) => e.outerHTML)"
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["published", "measured", "unscored", "hostile", "timed"])
def test_axe_finds_nothing(opened: Opened, name: str, scheme: str) -> None:
    page = opened(name)
    page.prefer(prefers_color_scheme=scheme)
    page.click("[data-filter=encoder] summary")
    page.run(gzip.decompress(AXE.read_bytes()).decode() + ";undefined")
    found = page.run(
        "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations"
        ".map((v) => [v.impact, v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))]))"
    )
    assert found == []


def test_hostile_texts_do_nothing_but_show(opened: Opened) -> None:
    page = opened("hostile")
    for index in range(page.run("document.querySelectorAll('#body button[data-row]').length")):
        page.run(f"document.querySelectorAll('#body button[data-row]')[{index}].click()")
    page.run("document.getElementById('copy-markdown').click()")
    assert page.run("globalThis.hacked") is None
    assert page.run("document.querySelectorAll('script').length") == 2
    assert page.run("document.querySelectorAll('img, b').length") == 0
    assert page.text("h1") == "</script><script>globalThis.hacked=1</script>"


def test_printed_it_shows_every_row_and_no_controls(opened: Opened) -> None:
    page = opened("published")
    page.click("#everything")
    assert len(page.texts("#body tr")) == 50
    page.run("dispatchEvent(new Event('beforeprint'))")
    page.command("Emulation.setEmulatedMedia", media="print")
    assert len(page.texts("#body tr")) == page.run("paretobench.onShow() && 92")
    assert page.run("getComputedStyle(document.querySelector('.controls')).display") == "none"
    page.run("dispatchEvent(new Event('afterprint'))")
    page.command("Emulation.setEmulatedMedia", media="")
    assert len(page.texts("#body tr")) == 50


def test_the_front_in_the_browser_is_pythons_on_a_thousand_random_sets(opened: Opened) -> None:
    page = opened("measured")
    sets = random_sets(4)
    budgets = limits(sets)
    given = json.dumps([sets, budgets])
    fronts = page.run(f"({given})[0].map(paretobench.nonDominated)")
    assert fronts == expected_fronts(sets)
    answers = page.run(f"(([s, b]) => s.map((p, i) => paretobench.bestTwo(p, b[i])[0]))({given})")
    assert answers == expected_best(sets, budgets)


def test_ten_thousand_points_stay_responsive(opened: Opened) -> None:
    before = opened("measured").seconds_of_work()
    page = opened("large")
    assert page.seconds_of_work() - before < 5
    assert page.run("paretobench.onShow().points.length") == 10_000
    assert 0 < len(page.texts("#marks > [role=option]")) <= 2_500
    drawn = page.run(
        "new Set([...document.querySelectorAll('#marks > g')].map((m) => Number(m.dataset.row)))"
        ".isSupersetOf(new Set(paretobench.onShow().points.filter((p) => p.isFront)"
        ".map((p) => p.row.index)))"
    )
    assert drawn
    assert page.text("#sample").startswith("Of 10000 points the front and an even sample")
    assert len(page.texts("#body tr")) == 50
    assert page.text("#range") == "1 to 50 of 10000"
    page.click("#next")
    assert page.text("#range") == "51 to 100 of 10000"
    before = page.seconds_of_work()
    page.run(
        "(() => { const b = document.getElementById('budget'); "
        "for (let v = 0; v <= 1000; v += 50) { "
        "b.value = v; b.dispatchEvent(new Event('input')); } })()"
    )
    assert (page.seconds_of_work() - before) / 21 < 0.1
    before = page.seconds_of_work()
    page.click("[data-filter=llm] summary")
    page.click("[data-filter=llm] label")
    assert page.run("paretobench.onShow().points.length") < 10_000
    assert page.seconds_of_work() - before < 2


def test_a_moving_budget_leaves_the_page_as_a_fresh_drawing_would(opened: Opened) -> None:
    page = opened("measured")
    state = (
        "JSON.stringify(['#answer', '#story', '.budget', '.rings', '#body'].map((s) => "
        "document.querySelector(s).outerHTML))"
    )
    event = "document.getElementById('budget').dispatchEvent(new Event('{}'))"
    for place in (0, 300, 700, 1000):
        page.run(f"document.getElementById('budget').value = '{place}'; {event.format('input')}")
        moved = page.run(state)
        page.run(event.format("change"))
        assert page.run(state) == moved
