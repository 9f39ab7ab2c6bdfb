from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from paretobench.domain.records import Estimate
from paretobench.report import tables
from paretobench.report.formatting import estimate_ms, score_percent
from paretobench.report.named_styles import named_style
from paretobench.report.page import page_text, script_text
from paretobench.report.page.colours import family_colours
from paretobench.report.page.data import RAW
from paretobench.report.page.story import story
from paretobench.report.style import Style
from paretobench.report.tables.columns import general_columns
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import FrontPlace, View
from tests.report.grids import family_view, guessed, row, view
from tests.report.pages import HOSTILE, Document, hostile_view, random_view, unpacked

VIEWS = {
    "published": published_view,
    "measured": family_view,
    "hostile": hostile_view,
    "empty": lambda: View(()),
}


@pytest.fixture(params=VIEWS, scope="module")
def shown(request: pytest.FixtureRequest) -> tuple[View, Document]:
    made = VIEWS[request.param]()
    return made, Document(page_text(made))


def test_the_page_needs_no_network_and_no_other_file(shown: tuple[View, Document]) -> None:
    _, page = shown
    assert not page.named("link") and not page.named("img") and not page.named("iframe")
    for _, attributes in page.elements:
        assert not {"src", "srcset", "data", "action"} & set(attributes)
        assert re.fullmatch(r"#[\w-]*|[\w.]+", attributes.get("href") or "#")
    assert "url(" not in page.inside["style"][0] and "@import" not in page.inside["style"][0]
    assert not re.search(r"\bfetch\(|XMLHttpRequest|import\(|WebSocket", script_text())


def test_only_the_pages_own_script_and_style_may_act(shown: tuple[View, Document]) -> None:
    _, page = shown
    policy = next(m["content"] for m in page.named("meta") if "http-equiv" in m) or ""
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for kind, text in (("script", page.inside["script"][1]), ("style", page.inside["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_no_text_of_a_view_becomes_markup(shown: tuple[View, Document]) -> None:
    made, page = shown
    plain = Document(page_text(replace(made, rows=(), title="t", notes=(), sources=())))
    assert len(page.named("script")) == 2
    assert "b" not in {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    extra = {tag for tag, _ in page.elements} - {tag for tag, _ in plain.elements}
    written = {"li", "ul", "h3", "span", "p", "code", "tr", "td", "details", "summary"}
    assert extra <= written
    assert page.inside["title"] == [made.title or made.name]


def test_a_predicted_time_travels_apart_from_those_that_fronts_are_made_of() -> None:
    page = Document(page_text(view(row("a", 0.1, 0.5), guessed("b", 0.05, 0.9)))).data
    [measured, predicted] = unpacked(page, "predicted")
    assert measured == 0 and predicted[:3] == [0.05, 0.04, 0.0625]
    assert page["strings"][predicted[3]] == "~50.0 [90%: 40.0, 62.5]"
    raw = [dict(zip(page["raw"], one, strict=True)) for one in unpacked(page, "raw")]
    assert [one["ttft_s"] for one in raw] == [0.1, None]
    assert [one["predicted_ttft_s"] for one in raw] == [None, 0.05]
    facts = {fact.term: fact.text for part in story(guessed("b", 0.05)) for fact in part.facts}
    assert facts["Predicted from"] == "the same model at other sizes"


def test_the_script_never_parses_markup_or_code() -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc"
    assert not re.search(forbidden, script_text())


def test_hostile_texts_arrive_whole() -> None:
    made = hostile_view()
    text = page_text(made)
    page = Document(text)
    assert set(HOSTILE) <= set(page.data["strings"])
    assert page.inside["title"] == [HOSTILE[0]]
    for bad in HOSTILE[:3]:
        assert any(bad in item for item in page.inside["li"])
    data = text.split('id="data">')[1].split("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(data)


def test_a_text_that_looks_like_a_slot_of_the_template_stays_as_it_is() -> None:
    page = Document(page_text(View((), title="{{script}} {{data}}")))
    assert page.inside["title"] == ["{{script}} {{data}}"]


def test_every_cell_is_the_general_tables_text(shown: tuple[View, Document]) -> None:
    made, page = shown
    columns = general_columns(made)
    assert [c["heading"] for c in page.data["columns"]] == [c.heading for c in columns]
    assert [c["align"] for c in page.data["columns"]] == [c.align for c in columns]
    expected = [[column.text(each) for column in columns] for each in made.rows]
    assert unpacked(page.data, "cells") == expected


def test_every_raw_value_is_that_of_the_tidy_table(shown: tuple[View, Document]) -> None:
    made, page = shown
    assert page.data["raw"] == list(RAW)
    for raw, record in zip(unpacked(page.data, "raw"), tables.records(made), strict=True):
        found = [page.data["strings"][v[0]] if isinstance(v, list) else v for v in raw]
        assert found == [record[name] for name in RAW]


def test_scores_and_stories_say_the_reports_words(shown: tuple[View, Document]) -> None:
    made, page = shown
    strings, outlines = page.data["strings"], page.data["outlines"]
    packed = zip(
        made.rows, unpacked(page.data, "scores"), unpacked(page.data, "story"), strict=True
    )
    for each, scores, told in packed:
        named = {score.benchmark: score for score in each.task_scores}
        named |= {each.score.benchmark: each.score} if each.score else {}
        said = {score_percent(score) for score in named.values()}
        assert {strings[number] for number in scores[2::3]} == said
        facts = [fact for part in story(each) for fact in part.facts]
        assert [strings[number] for number in told[1:]] == [fact.text for fact in facts]
        outline = [term for _, terms in outlines[told[0]] for term, _ in terms]
        assert outline == [fact.term for fact in facts]


def test_a_story_gives_both_parts_and_where_they_come_from() -> None:
    each = row(
        "v", 0.1, passes=5, newline_tokens=24, peak_memory_bytes=2**31, fidelity="standard",
        encode_backend="openvino", encode_precision="bf16", prefill_backend="torch",
        prefill_precision="bf16", front=FrontPlace(probability=0.93, verdict="ambiguous"),
        encoder_parameters=125.1e6, end_to_end=Estimate(0.11, None, None, 3, "single"),
    )  # fmt: skip
    said = {fact.term: fact.text for part in story(each) for fact in part.facts}
    assert said["Encoder"] == "v, 125 M parameters"
    assert said["Encoder passes"] == "5"
    assert said["Visual tokens"] == "16 and 24 newline tokens"
    assert said["One encoder pass"] == estimate_ms(each.encode)
    assert said["Prefill"] == estimate_ms(each.prefill)
    assert said["In one piece, as a check"] == "110"
    assert said["Runtime"] == "openvino bf16 + torch bf16"
    assert said["Processes"] == "4 encode, 4 prefill, 3 in one piece"
    assert said["Peak memory"] == "2.00 GiB"
    assert said["Probability to be on its front"] == "93 % (ambiguous)"
    assert said["Score from"] == "A paper, Table 1"
    assert each.score is not None
    ruled = replace(each, score=replace(each.score, protocol="lmms"))
    facts = [fact for part in story(ruled) for fact in part.facts]
    assert "A paper, Table 1, rules 'lmms'" in [fact.text for fact in facts]


def test_the_recipe_on_show_is_the_one_with_most_points() -> None:
    rows = [row("a", 0.1, 0.5, "rare"), row("b", 0.1, 0.5, "usual"), row("c", 0.2, 0.6, "usual")]
    data = Document(page_text(view(*rows))).data
    assert data["recipes"] == ["usual", "rare"]


def test_rows_without_a_score_or_a_time_say_why() -> None:
    rows = [row("a", 0.1, None, hint="score it"), row("b", None, None, reason="out of memory")]
    assert unpacked(Document(page_text(view(*rows))).data, "reason") == [
        "score it",
        "out of memory",
    ]


def test_costs_that_no_row_has_are_not_offered() -> None:
    bare = {"prefill": None, "encode": None, "encode_total": None, "visual_tokens": None}
    data = Document(page_text(view(row("a", 0.1, **bare)))).data
    assert [cost["key"] for cost in data["costs"]] == ["ttft"]
    full = Document(page_text(view(row("a", 0.1, peak_memory_bytes=1)))).data
    assert [c["key"] for c in full["costs"]] == ["ttft", "prefill", "encode", "memory", "tokens"]


def test_a_number_that_is_not_finite_does_not_break_the_page() -> None:
    lost = Estimate(float("nan"), float("nan"), float("inf"), 1, "single")
    data = Document(page_text(View((row("a", 0.1, None, ttft=lost),)))).data
    assert unpacked(data, "raw")[0][RAW.index("ttft_s")] is None


def test_five_hundred_measured_points_stay_under_550_kb() -> None:
    assert len(page_text(random_view(500)).encode()) < 550_000


def test_refusals_failures_sources_and_command_are_on_the_page() -> None:
    from paretobench.report.view.rows import MissingResult

    made = view(
        row(),
        refusals=(MissingResult("A@1", "refused", "too small"),),
        failures=(MissingResult("B", "out_of_memory", "needs 30 GiB"),),
        sources=("A paper, Table 1",),
        command="paretobench sweep",
    )
    page = Document(page_text(made))
    assert {"A@1: too small", "B: needs 30 GiB", "A paper, Table 1"} <= set(page.inside["li"])
    assert "<code>paretobench sweep</code>" in page_text(made)


def test_controls_have_labels_and_tables_captions(shown: tuple[View, Document]) -> None:
    _, page = shown
    assert [attributes["lang"] for attributes in page.named("html")] == ["en"]
    for landmark in ("header", "main", "footer", "h1"):
        assert len(page.named(landmark)) == 1
    assert len(page.named("caption")) == 2
    labels = {attributes.get("for") for attributes in page.named("label")}
    for control in page.named("input"):
        assert control.get("aria-label") or control["id"] in {*labels, "everything", "search"}


def test_families_have_the_colours_of_the_figures_in_the_same_folder() -> None:
    names = ["FastViTHD", "ViT", "my own", "Cambrian-1"]
    shown = {family["name"]: family for family in family_colours(names)}
    assert {name: f["light"] for name, f in shown.items()} == Style().colour_of(names)
    assert {name: f["dark"] for name, f in shown.items()} == named_style("slides").colour_of(names)


def test_the_dark_paper_is_the_style_sheets() -> None:
    assert f"--paper: light-dark(#ffffff, {named_style('slides').paper})" in page_text(View(()))
