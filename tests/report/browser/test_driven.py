"""The page in a real browser, driven as people drive it: mouse, keyboard, clipboard."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import numpy as np
import pytest

from paretobench.analysis.constraints import under
from paretobench.analysis.query import best
from paretobench.report import tables
from paretobench.report.formatting import estimate_ms, front_class, score_percent
from paretobench.report.view.front_membership import contenders
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import View
from tests.report.browser.chromium import Page
from tests.report.grids import family_view

pytestmark = pytest.mark.heavy

Opened = Callable[..., Page]

ON_FRONT = "paretobench.onShow().points.filter((p) => p.isFront).map((p) => p.row.name).sort()"
LABELS = "#marks > [role=option]"


def main_panel(view: View) -> View:
    """The rows that the page shows at first."""
    return view.where(recipe=view.panels()[0].recipe)


def test_the_front_at_first_is_the_reports(opened: Opened) -> None:
    page = opened("published")
    shown = main_panel(published_view())
    assert page.run(ON_FRONT) == sorted(str(r) for r in shown.scored if r.front.is_on)
    assert page.requests == [page.run("location.href")]


def test_every_cell_of_the_table_is_the_reports(opened: Opened) -> None:
    page = opened("some")
    expected = [
        [column.text(row) for column in tables.general_columns(family_view())]
        for row in family_view().rows
    ]
    rows = page.run(
        "[...document.querySelectorAll('#body tr')]"
        ".map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert rows == expected


def test_a_filter_narrows_the_points_and_the_front_follows(opened: Opened) -> None:
    page = opened("measured")
    before = page.run("paretobench.onShow().points.length")
    page.click("[data-filter=llm] summary")
    page.click("[data-filter=llm] label")
    kept = family_view("all").where(llm="qwen2_0_5b")
    assert page.run("paretobench.onShow().points.length") == len(kept.scored) < before
    assert page.run(ON_FRONT) == sorted(str(r) for r in kept.scored if r.front.is_on)
    assert page.run("document.activeElement.type") == "checkbox"
    page.press("Escape")
    assert not page.run("document.querySelector('.filter[open]')")
    page.click("#clear")
    assert page.run("paretobench.onShow().points.length") == before


def test_a_predicted_point_is_seen_and_is_on_no_front_and_no_answer(opened: Opened) -> None:
    page = opened("predicted")
    assert page.run(ON_FRONT) == ["a@336 + Q-1B", "b@336 + Q-1B"]
    assert page.run("paretobench.onShow().predicted.map((p) => p.row.name)") == ["c@336 + Q-1B"]
    assert page.run("document.querySelectorAll('#marks > .is-predicted').length") == 2
    assert any("predicted" in text for text in page.texts("#legend li"))
    assert "90 % intervals" in page.text("#bars")
    page.run("(() => { const e = document.getElementById('budget-value'); e.value = 60; "
             "e.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert "Nothing fits" in page.text("#answer")
    cell = page.run("paretobench.rows.find((r) => r.encoder === 'c').index")
    page.run(f"document.querySelector('#body [data-row=\"{cell}\"]').click()")
    assert "Predicted, not measured" in page.text("#story-body .verdict")


def test_recipes_never_share_a_front(opened: Opened) -> None:
    page = opened("published")
    recipes = page.run("[...document.querySelectorAll('#recipe option')].map((o) => o.text)")
    assert recipes[0].startswith("llava-1.5 (20 points)")
    for index in range(len(recipes)):
        page.run(
            f"(() => {{ const s = document.getElementById('recipe'); s.selectedIndex = {index}; "
            "s.dispatchEvent(new Event('change')); })()"
        )
        shown = page.run(
            "[...new Set(paretobench.onShow().points.map((p) => p.row.recipe + p.row.environment))]"
        )
        assert len(shown) <= 1


def test_environments_never_share_a_front(opened: Opened) -> None:
    page = opened("two_places")
    for place in ("fast chip", "slow chip"):
        page.choose("environment", place)
        front = page.run("paretobench.onShow().points.filter((p) => p.isFront).length")
        assert front == 2
        assert page.run("paretobench.onShow().points.every((p) => p.isFront)")
        assert place in page.text("#caption")
    page.click("#everything")
    assert len(page.texts("#body tr")) == 4


def test_another_device_lies_behind_in_grey_with_its_front(opened: Opened) -> None:
    page = opened("two_places")
    assert page.run("document.querySelectorAll('.layer path').length") == 0
    page.choose("environment", "fast chip")
    page.choose("layer", "slow chip")
    assert len(page.texts("#plot .layer title")) == 2
    assert page.run("document.querySelectorAll('.layer .layer-front').length") == 1
    assert all("slow chip" in text for text in page.texts("#plot .layer title"))


def test_a_caution_is_marked_on_the_plot_and_told_in_the_story(opened: Opened) -> None:
    page = opened("caution")
    assert any(text.endswith("336†") for text in page.texts("#plot .labels text"))
    assert page.run("document.getElementById('dagger').checkVisibility()")
    page.click("#body tr:first-child button")
    assert "† other weights" in page.text("#story")
    assert not opened("measured").run("document.getElementById('dagger').checkVisibility()")


def test_a_disturbed_point_is_no_answer_under_any_filter(opened: Opened) -> None:
    page = opened("noisy")
    assert "Best within" in page.text("#answer") and "best@" not in page.text("#answer")
    assert page.run("paretobench.onShow().byRow.size") == 4
    assert page.run(ON_FRONT) == ["a@336 + Q-1B", "b@336 + Q-1B", "c@336 + Q-1B"]
    page.click("#legend button[data-family]:last-of-type")
    front = page.run(ON_FRONT)
    assert front and "best@336 + Q-1B" not in front


def test_a_time_without_interval_has_a_mark_of_its_own_and_a_column(opened: Opened) -> None:
    page = opened("noisy")
    assert page.run("document.querySelectorAll('.mark.is-bare').length") == 1
    assert "Of 1 point the time's interval is not known" in page.text("#bars")
    assert "interval" in page.texts("#head button")
    published = opened("published")
    assert published.run("document.querySelectorAll('.mark.is-bare').length") == 0
    assert "Of all points" in published.text("#bars")


@pytest.mark.parametrize("budget_ms", [40, 120, 200, 700, 5000])
def test_the_budget_gives_the_answer_of_the_query(opened: Opened, budget_ms: int) -> None:
    page = opened("published")
    page.run(
        "(() => { const b = document.getElementById('budget-value'); "
        f"b.value = '{budget_ms}'; b.dispatchEvent(new Event('change')); }})()"
    )
    shown = main_panel(published_view())
    asked = [under(budget_ms / 1e3)]
    answer = best(contenders(shown.scored), asked, rng=np.random.default_rng(0))
    named = dict(zip((each.name for each in contenders(shown.scored)), shown.scored, strict=True))
    assert answer.point is not None and answer.probability is not None
    row = named[answer.point.name]
    said = page.text("#answer")
    assert said.startswith(
        f"Best within {budget_ms} ms: {row}, Avg-5 {score_percent(row.score)} % "
        f"at {estimate_ms(row.ttft)} ms, best with a probability of "
    )
    probability = re.search(r"a probability of (?:[<>] )?(\d+) %", said)
    assert probability and abs(int(probability[1]) - 100 * answer.probability) <= 1
    if answer.runner_up is not None:
        assert f"; next {named[answer.runner_up.name]}, " in said
    assert page.run("paretobench.onShow().best.row.name") == str(row)
    assert len(page.texts("#plot .best")) == 1


def test_the_slider_moves_by_keyboard_and_says_its_value(opened: Opened) -> None:
    page = opened("published")
    page.run("document.getElementById('budget').focus()")
    page.press("Home")
    assert page.text("#answer").startswith("Nothing fits into ")
    low = page.run("document.getElementById('budget').getAttribute('aria-valuetext')")
    page.press("End")
    high = page.run("document.getElementById('budget').getAttribute('aria-valuetext')")
    assert low.endswith(" ms") and float(high.split()[0]) > float(low.split()[0])
    assert "FastViTHD@1024 + Vicuna-7B" in page.text("#answer")


def test_other_objectives_make_another_front(opened: Opened) -> None:
    page = opened("measured")
    page.choose("cost", "visual tokens")
    from paretobench.analysis.front import front_mask

    rows = family_view("all").scored
    pairs = [(r.visual_tokens or 0, r.score.value if r.score else 0.0) for r in rows]
    kept = [str(r) for r, is_kept in zip(rows, front_mask(pairs), strict=True) if is_kept]
    assert page.run(ON_FRONT) == sorted(kept)
    assert page.text("#budget-unit") == "tokens"


def test_another_benchmark_makes_another_axis_and_a_column(opened: Opened) -> None:
    page = opened("published")
    page.choose("gain", "TextVQA")
    assert "TextVQA %" in page.texts("#head button")
    shown = [r for r in main_panel(published_view()).rows if r.ttft]
    scores = {str(r): t for r in shown for t in r.task_scores if t.benchmark == "textvqa"}
    told = page.run("paretobench.onShow().points.map((p) => [p.row.name, p.gainText])")
    assert dict(told) == {name: score_percent(score) for name, score in scores.items()}


def test_the_keyboard_walks_through_the_points_and_opens_a_story(opened: Opened) -> None:
    page = opened("published")
    for _ in range(60):
        page.press("Tab")
        if page.run("document.activeElement.getAttribute('role') === 'option'"):
            break
    page.press("Home")
    labels = []
    for _ in range(4):
        labels.append(page.run("document.activeElement.getAttribute('aria-label')"))
        assert not page.run("document.getElementById('tip').hidden")
        page.press("ArrowRight")
    costs = [float(label.split(": ")[1].split(" ms")[0]) for label in labels]
    assert costs == sorted(costs) and len(set(labels)) == 4
    name = page.run("document.activeElement.getAttribute('aria-label')").split(": ")[0]
    page.press("Enter")
    assert page.run("document.activeElement.id") == "story-title"
    assert page.text("#story-title") == name
    assert page.run("document.querySelectorAll('[aria-selected=true]').length") == 1
    page.press("Escape")
    assert page.run("document.activeElement.getAttribute('aria-label')").startswith(name)


def test_focus_is_always_seen(opened: Opened) -> None:
    page = opened("measured")
    for _ in range(40):
        page.press("Tab")
        style = (
            "(() => { const e = document.activeElement; if (e === document.body) return true; "
            "const s = getComputedStyle(e); const p = e.querySelector('path'); "
            "const isBold = p && getComputedStyle(p).strokeWidth === '3px'; "
            "return s.outlineStyle !== 'none' || isBold; })()"
        )
        assert page.run(style), page.run("document.activeElement.outerHTML.slice(0, 200)")


def test_a_click_on_a_point_tells_its_story(opened: Opened) -> None:
    page = opened("measured")
    each = next(r for r in family_view("all").scored if str(r) == "ConvNeXt-L@320 + Qwen2-0.5B")
    x, y = page.run(
        "(() => { document.getElementById('plot').scrollIntoView({ block: 'center' }); const e = "
        f"[...document.querySelectorAll('{LABELS}')].find((m) => m.getAttribute('aria-label')"
        f".startsWith('{each}:')); const b = e.getBoundingClientRect(); "
        "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    page.mouse("mouseMoved", x, y)
    assert page.text("#tip").startswith(str(each))
    page.click_at(x, y)
    assert page.text("#story-title") == str(each)
    story = page.text("#story")
    for text in (estimate_ms(each.ttft), estimate_ms(each.prefill), estimate_ms(each.encode)):
        assert f"{text} ms" in story
    assert score_percent(each.score) in story and "A paper, Table 1" in story
    page.click("#unselect")
    assert page.text(".eyebrow").startswith("Best within")


def test_a_story_draws_the_timed_runs_of_both_parts(opened: Opened) -> None:
    page = opened("timed")
    page.click("#body tr button")
    captions = page.texts("#story-body .runs figcaption")
    assert captions == [
        f"{part}: 4 processes, 20 of 400 timed runs" for part in ("one encoder pass", "prefill")
    ]
    drawn = "[...document.querySelectorAll('#story-body .runs svg')]"
    assert page.run(f"{drawn}.map((s) => s.querySelectorAll('circle').length)") == [20, 20]
    away = "[...s.querySelectorAll('circle')].map((c) => Math.abs(c.cx.baseVal.value - 110))"
    ends = [round(end) for end in page.run(f"{drawn}.map((s) => Math.max(...{away}))")]
    assert ends == [104, 104], "the fastest and the slowest run end the axis"
    assert all(text.endswith("ms") for text in page.texts("#story-body .runs .ends span"))


def test_a_row_of_the_table_tells_its_story_too(opened: Opened) -> None:
    page = opened("published")
    page.click("#body tr:nth-child(3) button")
    name = page.run("document.querySelector('#body tr:nth-child(3) button').ariaLabel")
    assert name == f"{page.text('#story-title')}: show all about it"
    assert page.text(".eyebrow") == "Chosen point"


def test_the_table_sorts_both_ways_with_what_is_missing_last(opened: Opened) -> None:
    page = opened("published")
    heading = "[data-column='TTFT ms [95%]']"
    column = (
        "[...document.querySelectorAll('#body tr')].map((r) => r.cells[[...document"
        ".querySelectorAll('#head th')].findIndex((h) => h.ariaSort !== 'none')].textContent)"
    )
    for direction in ("ascending", "descending"):
        page.click(heading)
        assert page.run(f'document.querySelector("{heading}").closest("th").ariaSort') == direction
        assert page.run(f'document.activeElement === document.querySelector("{heading}")')
        told = page.run(column)
        known = [float(text) for text in told if text != "–"]
        assert known == sorted(known, reverse=direction == "descending")
        assert "–" not in told[: len(known)] and len(known) < len(told)


def test_markdown_copied_is_the_reports_table(opened: Opened) -> None:
    page = opened("measured")
    assert copied(page, "markdown") == tables.markdown_text(family_view("all"))
    assert page.text("#status") == "Copied 48 rows as Markdown."


def test_csv_copied_holds_the_reports_raw_numbers(opened: Opened) -> None:
    page = opened("measured")
    page.click("[data-filter=px] summary")
    page.click("[data-filter=px] label")
    page.press("Escape")
    found = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    shown = [r for r in tables.records(family_view("all")) if r["resolution_px"] == 256]
    assert len(found) == len(shown) > 0
    for line, record in zip(found, shown, strict=True):
        assert float(line["ttft_s"]) == record["ttft_s"]
        assert float(line["score_fraction"]) == record["score_fraction"]
        assert line["encoder"] == record["encoder"]


def copied(page: Page, kind: str) -> str:
    page.run(
        "void (globalThis.copied = new Promise((done) => { "
        "navigator.clipboard.writeText = async (text) => done(text); }))"
    )
    page.click(f"#copy-{kind}")
    return str(page.run("copied"))


def test_without_a_clipboard_copying_still_works(opened: Opened) -> None:
    page = opened("measured")
    page.run(
        "navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); "
        "document.execCommand = () => { globalThis.taken = document.activeElement.value; };"
    )
    page.click("#copy-csv")
    page.wait("document.getElementById('status').textContent.startsWith('Copied')")
    assert page.run("taken.split('\\n').length") == 48 + 2


def test_the_front_column_follows_the_selection(opened: Opened) -> None:
    page = opened("measured")
    front = "[...document.querySelectorAll('#body tr')].map((r) => r.cells[{}].textContent)"
    index = page.texts("#head button").index("front")
    assert page.run(front.format(index)) == [front_class(r) for r in family_view("all").rows]
    page.click("[data-filter=encoder] summary")
    page.click("[data-filter=encoder] label:last-of-type")
    assert set(page.run(front.format(index))) <= {"front", "family", "dominated"}
    assert "front" in page.run(front.format(index))


def test_a_view_without_scores_still_shows_times_and_says_what_is_missing(opened: Opened) -> None:
    page = opened("unscored")
    assert page.text("#answer").startswith("No point on show has a score in Avg-5.")
    assert page.run("paretobench.onShow().rug.length") == 48
    assert len(page.texts(LABELS)) == 48
