"""The commands that a page offers: each plans exactly its point."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from io import StringIO
from pathlib import Path

import pytest

from paretobench.config.catalogue import load_catalogue
from paretobench.report.page.commands import device_options, plannable
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Row, View
from tests.report.grids import row
from tests.report.pages import commands_of

EXAMPLE = Path(__file__).parents[2] / "reports" / "examples" / "qwen2_family_cpu" / "table.json"


def example_view() -> View:
    """The points of the measured example, with the runtimes that measured them."""
    names = {field.name for field in fields(Row)} - {"encode", "encode_total", "prefill", "ttft"}
    texts = [
        {
            key: value
            for key, value in record.items()
            if key in names and isinstance(value, str | int)
        }
        for record in json.loads(EXAMPLE.read_text(encoding="utf-8"))["rows"]
    ]
    return View(tuple(Row(**{"size_label": "", "labels": (), **text}) for text in texts))


VIEWS: dict[str, Callable[[], View]] = {"published": published_view, "measured": example_view}


def distinct(view: View) -> Iterator[Row]:
    """One row of each point: its recipes share a command."""
    yield from {each.identity: each for each in view.rows}.values()


def planned(command: str) -> dict[str, object]:
    """What `plan --json` says of one copied command, run in this process."""
    from paretobench.cli import main

    program, *arguments = shlex.split(command)
    assert program == "paretobench" and arguments[0] == "plan"
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(StringIO()), pytest.raises(SystemExit) as end:
        main([*arguments, "--json"])
    assert end.value.code in (0, None), command
    found: dict[str, object] = json.loads(said.getvalue())
    return found


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.heavy
def test_every_copied_command_plans_exactly_its_point(name: str) -> None:
    catalogue = load_catalogue()
    count = 0
    for each in distinct(VIEWS[name]()):
        assert name == "published" or plannable(each, catalogue) == 2
        for command in commands_of(each, catalogue):
            if command.startswith("paretobench plan"):
                points = planned(command)["points"]
                assert isinstance(points, list)
                names = ("encoder", "resolution_px", "llm", "tiling")
                assert [tuple(p[n] for n in names) for p in points] == [each.identity]
                count += 1
    assert count > 15


def test_a_point_that_the_catalogue_lacks_or_refuses_offers_no_command() -> None:
    catalogue = load_catalogue()
    known = row("fastvithd", resolution_px=512, llm="qwen2_0_5b")
    assert len(commands_of(known, catalogue)) == 1, "without runtimes it can only be planned"
    assert commands_of(row("nobody", llm="qwen2_0_5b"), catalogue) == []
    refused = row("minigemini_hd", resolution_px=512, llm="qwen2_0_5b")
    assert plannable(refused, catalogue) == 0


def test_a_measured_point_is_planned_in_its_own_precision() -> None:
    runtimes = {
        "encode_backend": "openvino", "encode_precision": "bf16",
        "prefill_backend": "torch", "prefill_precision": "fp32",
    }  # fmt: skip
    each = row("fastvithd", resolution_px=512, llm="qwen2_0_5b", **runtimes)
    plan, again, sweep = commands_of(each, load_catalogue())
    assert plan.endswith("tiling=none horizon=none") and sweep.startswith("paretobench sweep ")
    for part in ("device.encode.precision=bf16", "device.prefill.backend=torch"):
        assert part in again and part in sweep


def test_names_that_a_shell_would_read_otherwise_are_never_offered() -> None:
    hostile = row("fastvithd", resolution_px=512, llm="qwen2_0_5b",
                  encode_backend="x; rm -rf ~", encode_precision="y",
                  prefill_backend="z", prefill_precision="w")  # fmt: skip
    assert device_options(hostile) == ""
    assert plannable(hostile, load_catalogue()) == 1


def test_most_published_points_offer_a_command() -> None:
    catalogue = load_catalogue()
    offered = [plannable(each, catalogue) > 0 for each in published_view().rows]
    assert sum(offered) > len(offered) / 2
