"""What people take away from the page: a link, a figure, a table, a command, an embedding."""

from __future__ import annotations

import base64
import csv
import re
import struct
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paretobench.config.catalogue import load_catalogue
from paretobench.report.view.published import published_view
from tests.report.browser.chromium import Page, browser, find_chromium
from tests.report.browser.test_driven import ON_FRONT
from tests.report.grids import family_view
from tests.report.pages import commands_of

pytestmark = pytest.mark.heavy

Opened = Callable[..., Page]
VIEW = """JSON.stringify([
  document.querySelector('#plot').innerHTML, document.querySelector('#answer').textContent,
  document.querySelector('#answers-body').textContent, document.querySelector('#story').textContent,
  document.querySelector('#body').textContent, document.documentElement.dataset.theme,
  document.querySelector('#caption').textContent])"""


@pytest.fixture(scope="module")
def another_browser() -> Iterator[Page]:
    executable = find_chromium()
    assert executable is not None
    with browser(executable) as page:
        yield page


@pytest.fixture
def saved(opened: Opened, chromium: Page, tmp_path: Path) -> Callable[[str], Path]:
    """Clicks a button that saves; the file that came of it."""
    chromium.command("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))

    def save(button: str) -> Path:
        chromium.click(f"#{button}")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            files = [p for p in tmp_path.iterdir() if not p.name.endswith(".crdownload")]
            if files:
                return files[0]
            time.sleep(0.05)
        raise AssertionError("nothing was saved")

    return save


def set_everything(page: Page) -> None:
    """Another recipe, axes, filter, budget, point, zoom, order and theme."""
    page.choose("recipe", "15M+1.1M")
    page.choose("gain", "TextVQA")
    page.click("[data-filter=llm] summary")
    page.click("[data-filter=llm] label:nth-of-type(2)")
    page.press("Escape")
    page.run(
        "(() => { const b = document.getElementById('budget-value'); "
        "b.value = '321'; b.dispatchEvent(new Event('change')); })()"
    )
    page.click("[data-column=encoder]")
    page.click("#body tr:last-child button")
    page.click("#zoom-in")
    page.click("#theme")


def test_a_copied_link_restores_the_view_in_a_fresh_profile(
    opened: Opened, another_browser: Page, pages: Callable[[str], Path]
) -> None:
    page = opened("published")
    plain = page.run(VIEW)
    set_everything(page)
    link = page.run("paretobench.linkText()")
    page.run("document.activeElement.blur(); document.getElementById('tip').hidden = true")
    assert "#" in link and page.run("location.href") == link
    wanted = page.run(VIEW)
    assert wanted != plain
    other = another_browser
    other.prefer(prefers_color_scheme="light")
    other.size(1280, 900)
    other.errors.clear()
    other.command("Page.navigate", url="about:blank")
    other.command("Page.navigate", url=link)
    other.wait("document.readyState === 'complete' && 'paretobench' in globalThis")
    assert without_focus(other.run(VIEW)) == without_focus(wanted)
    assert other.errors == []


def without_focus(view: str) -> str:
    """Which mark the Tab key reaches first is no part of a view."""
    return re.sub(r'tabindex=\\"-?\d\\"', "", view)


def test_a_reload_keeps_the_view(opened: Opened) -> None:
    page = opened("published")
    page.choose("recipe", "15M+12.5M")
    before = page.text("#answer")
    page.command("Page.reload")
    time.sleep(0.3)
    page.wait("document.readyState === 'complete' && 'paretobench' in globalThis")
    assert page.text("#answer") == before


def test_a_link_from_another_report_says_what_this_one_lacks(
    opened: Opened, pages: Callable[[str], Path]
) -> None:
    page = opened("published")
    page.run("location.hash = '#recipe=unheard-of&budget=100&x=nonsense'")
    page.wait("document.getElementById('status').textContent.startsWith('This report has no')")
    assert "recipe unheard-of" in page.text("#status")
    assert page.text("#answer").startswith("Best within 100 ms")


def test_a_hostile_address_does_nothing(opened: Opened) -> None:
    page = opened("published")
    page.run(
        "location.hash = '#search=' + encodeURIComponent('<img src=x onerror=hacked=1>') + "
        "'&recipe=__proto__&hide=constructor&px=1e9&budget=-5&y=9..1&theme=x'"
    )
    page.wait("document.getElementById('search').value.startsWith('<img')")
    assert page.run("globalThis.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0


def test_the_figure_is_saved_as_svg_with_its_look_and_its_source(
    opened: Opened, saved: Callable[[str], Path]
) -> None:
    opened("measured")
    path = saved("save-svg")
    assert path.name == "qwen2_family.svg"
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert "class=" not in text and "var(" not in text
    said = "".join(root.itertext())
    for expected in ("FastViTHD", "time to first token (ms)", "An Example Processor 8000"):
        assert expected in said
    fills = {element.get("fill") for element in root.iter() if element.tag.endswith("path")}
    assert "rgb(87, 144, 252)" in fills


def test_the_figure_is_saved_as_png(opened: Opened, saved: Callable[[str], Path]) -> None:
    page = opened("measured")
    path = saved("save-png")
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, _ = struct.unpack(">II", head[16:24])
    assert width == 2 * page.run("paretobench.onShow().width")
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "data", "blob"}


def test_the_table_is_saved_as_csv(opened: Opened, saved: Callable[[str], Path]) -> None:
    opened("measured")
    path = saved("save-csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert path.name == "qwen2_family.csv" and len(rows) == len(family_view("all").rows)


def test_names_that_a_spreadsheet_would_run_are_texts_in_csv(opened: Opened) -> None:
    page = opened("formulas")
    page.run(
        "void (globalThis.copied = new Promise((done) => { "
        "navigator.clipboard.writeText = async (text) => done(text); }))"
    )
    page.click("#copy-csv")
    cells = [cell for line in csv.reader(page.run("copied").splitlines()) for cell in line]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-[^0-9.]", cell)]
    assert "'=HYPERLINK(1)" in cells


def test_every_point_offers_the_commands_that_python_makes(opened: Opened) -> None:
    page = opened("published")
    told = page.run("paretobench.rows.map((r) => paretobench.commandsOf(r).map((c) => c[1]))")
    catalogue = load_catalogue()
    assert told == [commands_of(row, catalogue) for row in published_view().rows]
    assert sum(map(bool, told)) > 50


def test_an_embedded_page_shows_the_plot_alone(
    opened: Opened, pages: Callable[[str], Path]
) -> None:
    page = opened("published")
    page.run("location.hash = '#embed=1'")
    page.wait("document.documentElement.classList.contains('is-embedded')")
    for gone in ("header", "footer", ".controls", "#table"):
        assert not page.run(f"document.querySelector('{gone}').checkVisibility()")
    assert page.run("document.getElementById('plot').checkVisibility()")


def test_a_rectangle_drawn_over_the_plot_is_looked_at_closer(opened: Opened) -> None:
    page = opened("measured")
    count = len(page.texts("#marks > [role=option]"))
    x, y, w, h = page.run(
        "(() => { const b = document.getElementById('plot').getBoundingClientRect(); "
        "return [b.x, b.y, b.width, b.height]; })()"
    )
    front = page.run(ON_FRONT)
    page.mouse("mousePressed", x + 0.3 * w, y + 0.3 * h, button="left", clickCount=1)
    page.mouse("mouseMoved", x + 0.6 * w, y + 0.7 * h, button="left", buttons=1)
    page.mouse("mouseReleased", x + 0.6 * w, y + 0.7 * h, button="left", clickCount=1)
    assert 0 < len(page.texts("#marks > [role=option]")) < count
    assert "x=" in page.run("location.hash")
    assert page.run(ON_FRONT) == front, "looking closer changes no front"
    page.click("#zoom-whole")
    assert len(page.texts("#marks > [role=option]")) == count


def test_a_familys_entry_in_the_legend_switches_it_off_and_on(opened: Opened) -> None:
    page = opened("measured")
    before = page.run("paretobench.onShow().points.length")
    page.click("#legend button")
    after = page.run("paretobench.onShow().points.length")
    assert after < before
    assert page.run("document.querySelector('#legend button').ariaPressed") == "false"
    assert page.run("document.activeElement.matches('#legend button')")
    page.click("#legend button")
    assert page.run("paretobench.onShow().points.length") == before


def test_each_press_of_an_arrow_key_moves_the_budget(opened: Opened) -> None:
    page = opened("published")
    page.run("document.getElementById('budget').focus()")
    seen = []
    for _ in range(40):
        page.press("ArrowRight")
        seen.append(page.run("paretobench.onShow().limit"))
    assert len(set(seen)) == 40 and seen == sorted(seen)


def test_a_budget_that_cannot_be_is_refused_and_the_old_one_stays(opened: Opened) -> None:
    page = opened("published")
    page.run(
        "(() => { const b = document.getElementById('budget-value'); "
        "b.value = '-5'; b.dispatchEvent(new Event('change')); })()"
    )
    assert page.run("document.getElementById('budget-value').value") == "200"
    assert "above 0" in page.text("#status")


def test_each_recipe_has_its_answer_and_one_click_shows_it(opened: Opened) -> None:
    page = opened("published")
    told = page.run(
        "[...document.querySelectorAll('#answers-body tr')].map((r) => r.cells[0].textContent)"
    )
    assert len(told) > 3 and "llava-1.5" in told
    page.click("#answers-body button")
    assert page.run("document.querySelector('#recipe').selectedOptions[0].text").startswith(told[0])
    assert page.run("document.activeElement.id") == "recipe"


def test_a_row_of_another_recipe_offers_to_show_it(opened: Opened) -> None:
    page = opened("published")
    page.click("#everything")
    page.click("[data-column=recipe]")
    page.click("#body tr:first-child button")
    assert page.text("#story .verdict").startswith("Of recipe 0.5M+1.1M")
    page.click("#story .verdict button")
    assert page.run("paretobench.onShow().byRow.size") > 0
    assert page.text(".eyebrow") == "Chosen point"


def test_an_axis_without_a_score_here_names_the_recipes_that_have_one(opened: Opened) -> None:
    page = opened("published")
    page.run(
        "(() => { const s = document.getElementById('gain'); "
        "s.value = s.querySelector('optgroup option').value; "
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert "other recipes have" in page.text("#answer")
    page.click("#answer button")
    assert page.run("paretobench.onShow().points.length") > 0


def test_filters_that_leave_the_points_leave_their_standing(opened: Opened) -> None:
    page = opened("some")
    standing = "paretobench.onShow().points.map((p) => [p.row.name, p.standing])"
    before = page.run(standing)
    page.click("[data-filter=llm] summary")
    page.click("[data-filter=llm] label")
    assert page.run(standing) == before


def test_the_axis_and_the_legend_are_on_the_first_screen(opened: Opened) -> None:
    for name in ("published", "measured"):
        page = opened(name, 1280, 800)
        for shown in ("#legend", "#plot"):
            box = page.run(
                f"(() => {{ const b = document.querySelector('{shown}').getBoundingClientRect(); "
                "return [b.top, b.bottom]; })()"
            )
            assert 0 <= box[0] < box[1] <= 800
        assert any(text.startswith("FastViTHD ") for text in page.texts("#plot .labels text"))


def test_without_a_script_the_page_still_has_its_numbers(
    opened: Opened, pages: Callable[[str], Path], chromium: Page
) -> None:
    opened("published")
    chromium.command("Emulation.setScriptExecutionDisabled", value=True)
    chromium.command("Page.navigate", url=pages("published").resolve().as_uri())
    try:
        time.sleep(0.5)
        tree = chromium.command("DOM.getDocument", depth=0)
        root = tree["root"]["nodeId"]
        rows = chromium.command("DOM.querySelectorAll", nodeId=root, selector="noscript table tr")
        assert len(rows["nodeIds"]) > 20
    finally:
        chromium.command("Emulation.setScriptExecutionDisabled", value=False)


def test_printed_it_takes_few_sheets_with_the_plot_on_the_first(opened: Opened) -> None:
    page = opened("measured")
    told = page.command("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
    pdf = base64.b64decode(told["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
