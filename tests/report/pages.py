"""Views for the page's tests: hostile ones, large ones, and what a page says of itself."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from paretobench.config.catalogue import Catalogue
from paretobench.domain.records import Source
from paretobench.report.page.commands import COMMANDS, device_options, plannable
from paretobench.report.runs import runs_of
from paretobench.report.view.rows import Accuracy, Row, Runs, View, with_fronts
from tests.report.grids import estimate, family_view, keyed, row, view

HOSTILE = (
    "</script><script>globalThis.hacked=1</script>",
    "\"'><img src=x onerror=globalThis.hacked=1>",
    "y" * 500,
    "\u202eيمين إلى اليسار\u2066",
    "a | b \\ `c` & <b>d</b> 🙂\u2028\u2029",
    "<!--<script>{{data}} ${1+1} __proto__",
)
TABLE_1, TABLE_2 = (Source("published", "A paper", table=f"Table {n}") for n in (1, 2))
TASKS = ("gqa", "textvqa", "pope", "docvqa", "seedbench_image")


def hostile_view() -> View:
    """Every text of a view is one of the hostile ones; scored, unscored and untimed rows."""
    rows = []
    for index, bad in enumerate(HOSTILE):
        texts = {
            "encoder_label": bad, "family": bad, "llm": bad, "llm_label": bad, "size_label": bad,
            "tiling": bad, "tiling_label": bad, "environment": HOSTILE[0], "labels": (bad,),
            "latency_from": Source("published", bad), "encode_backend": bad, "fidelity": bad,
        }  # fmt: skip
        tasks = (Accuracy(bad, 0.5, 0.01, 10, bad, (Source("imported", bad),)),)
        scored = row(bad, 0.1 * (index + 1), 0.5 + index / 50, HOSTILE[0], **texts)
        rows.append(replace(scored, task_scores=tasks))
        rows.append(row(bad, 0.15 * (index + 1), None, hint=bad, **texts))
        rows.append(row(bad, None, None, reason=bad, **texts))
    return view(
        *rows,
        title=HOSTILE[0],
        name=HOSTILE[1],
        environment=HOSTILE[3],
        command=HOSTILE[1],
        protocol=HOSTILE[0],
        date=HOSTILE[0],
        notes=HOSTILE,
        sources=HOSTILE,
    )


def two_places_view() -> View:
    """Two environments: every point of the first is better than all of the second."""
    places = {"fast chip": 0.1, "slow chip": 0.9}
    rows = [
        row(f"{name} {place}", ttft_s * factor, score, environment=place)
        for place, ttft_s in places.items()
        for name, factor, score in (("a", 1.0, 0.5), ("b", 1.5, 0.6))
    ]
    return view(*rows)


def random_view(n: int, seed: int = 0) -> View:
    """`n` measured points of one recipe with Avg-5 and five tasks, all digits random."""
    rng = random.Random(seed)
    base = family_view("all")
    return with_fronts(replace(base, rows=tuple(_random_row(i, base, rng) for i in range(n))))


def _random_row(index: int, base: View, rng: random.Random) -> Row:
    like, factor = base.rows[index % len(base.rows)], rng.uniform(0.5, 2)
    parts = {
        name: estimate(getattr(like, name).value * factor)
        for name in ("encode", "encode_total", "prefill", "ttft")
    }
    tasks = tuple(
        Accuracy(name, rng.random(), rng.random() / 100, 5000, "printed", (TABLE_2,))
        for name in TASKS
    )
    score = Accuracy("avg5", rng.random(), 0.002, sources=(TABLE_1,))
    changed = replace(
        like,
        **parts,
        resolution_px=256 + index // 48 * 32,
        peak_memory_bytes=rng.randrange(10**9, 10**10),
        score=score,
        task_scores=tasks,
        runs=tuple(_random_runs(name, rng) for name in ("encode", "prefill")),
    )
    return keyed(changed)


def _random_runs(part: str, rng: random.Random) -> Runs:
    """Four processes of a hundred runs, no two parts alike: what no real sweep would have."""
    return runs_of(part, [[rng.gauss(0.1, 0.002) for _ in range(100)] for _ in range(4)])


class Document(HTMLParser):
    """What tests ask of a page: its elements with their attributes, and the text in scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "title": [], "li": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> dict[str, Any]:
        """The embedded view."""
        found: dict[str, Any] = json.loads(self.inside["script"][0])
        return found


def unpacked(data: dict[str, Any], name: str) -> list[Any]:
    """One field of every row, numbers of texts replaced by the texts."""
    at = data["fields"].index(name)
    return [_texts(data, row[at]) if name in _TEXTS else row[at] for row in data["rows"]]


_TEXTS = ("name", "environment", "recipe", "reason", "cells", "costs")


def _texts(data: dict[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        return [data["strings"][each] for each in value]
    return data["strings"][value]


def commands_of(row: Row, catalogue: Catalogue) -> list[str]:
    """The commands of one row, as the page fills them in."""
    names = {
        "encoder": row.encoder,
        "resolution": row.resolution_px,
        "llm": row.llm,
        "tiling": row.tiling or "none",
        "device": device_options(row),
    }
    offered = plannable(row, catalogue)
    return [command.text.format(**names) for command in COMMANDS if command.needs <= offered]
