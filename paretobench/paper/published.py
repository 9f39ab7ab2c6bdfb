"""What other people found, placed where our points are: scores and latencies of the tables.

Every row of the bundled tables that states an encoder, a resolution and a language model
becomes scores and latencies under catalogue names, with the paper's version, table and row,
how the number came about (printed, derived, digitised), the recipe, the harness and the
protocol. Nothing is corrected here: `audit` says where the tables contradict themselves.

The rows themselves are in `tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.domain.records import Provenance, PublishedLatency, Score
from paretobench.paper import tables
from paretobench.paper.tables import Row, Table


@dataclass(frozen=True)
class PublishedPoint(ScorePoint):
    """Where a published row belongs, and the system that it is a row of."""

    system: str = ""


@cache
def _coordinates() -> dict[str, Any]:
    return tables.read_yaml("coordinates.yaml")


def placed() -> Iterator[tuple[Table, Row, PublishedPoint]]:
    """Every row of every table that can be placed, in the order of the paper."""
    for of in tables.every_table():
        for row in of.rows:
            if where := place(of, row):
                yield of, row, where


def place(of: Table, row: Row) -> PublishedPoint | None:
    """The catalogue names of a published row; None where it states no resolution.

    A system of several encoders is placed at the resolution of its largest input, unless
    `coordinates.yaml` says otherwise.
    """
    known = _coordinates()
    method = of.cell(row, "method")
    entry = known["methods"].get(method, {})
    sides = [int(part) for part in row.get("input_res_px", "").split(";") if part.isdigit()]
    resolution_px = entry.get("resolution_px") or max(sides, default=0)
    label = of.cell(row, "vision_encoder")
    encoder = entry.get("encoder") or known["encoders"].get(label, "")
    if not of.placed or not resolution_px or not encoder:
        return None
    return PublishedPoint(
        system=_system_name(entry, method, label),
        encoder=encoder,
        resolution_px=resolution_px,
        llm=entry.get("llm") or _llm_name(of, row),
        tiling=_tiling_name(entry, resolution_px, row.get("visual_tokens", "")),
        recipe=_recipe_name(of, row, entry),
    )


def _system_name(entry: Mapping[str, Any], method: str, label: str) -> str:
    own = entry.get("is_named_by_encoder_unless")
    return label if own and label != own else str(entry.get("system", method))


def _llm_name(of: Table, row: Row) -> str:
    if of.fill.get("method") == "CLIP":
        return ""
    name = _coordinates()["llms"][of.cell(row, "llm")]
    return name if isinstance(name, str) else str(name[of.cell(row, "group")])


def _tiling_name(entry: Mapping[str, Any], resolution_px: int, tokens: str) -> str:
    if "pruning" in entry:
        return f"{entry['pruning']}_{tokens}"
    by_px = entry.get("tiling_by_px", {}).get(resolution_px)
    by_tokens = entry.get("tiling_by_tokens", {}).get(int(tokens)) if tokens else None
    return str(by_px or by_tokens or entry.get("tiling", "none"))


def _recipe_name(of: Table, row: Row, entry: Mapping[str, Any]) -> str:
    """The recipe: the data sizes for FastVLM, with the method's name for everybody else."""
    if row.get("encoder_finetuned_stage2") == "no":
        return f"{of.recipe}-frozen-encoder"
    if of.recipe:
        return of.recipe
    data = row.get("data_M_pt_plus_it", "")
    if "likely 15+23.1" in row.get("flags", ""):
        data = "15+23.1"
    sizes = "+".join(f"{part}M" for part in data.split("+")) if data else ""
    prefix = entry.get("recipe", "")
    if entry.get("recipe_is_whole"):
        return str(prefix)
    if not prefix and data == "0.5+0.6":
        return "llava-1.5"
    return f"{prefix} {sizes}".strip()


def scores() -> list[Score]:
    """Every published score of a row that can be placed, as fractions in [0, 1].

    Rows with all five columns of Avg-5 but no printed mean get a derived one. A later version
    of the paper that repeats an earlier one's score adds nothing; where it changes the value,
    both are there. Standard errors are None: no source gives any
    (`suites.default_standard_error` says what to assume).
    """
    seen: set[tuple[object, ...]] = set()
    found = []
    for of, row, where in placed():
        for score in _scores_of(of, row, where) if where.llm else ():
            identity = (score.point, score.recipe, score.benchmark, score.value)
            if of.version == "v1" or identity not in seen:
                seen.add(identity)
                found.append(score)
    return found


def _scores_of(of: Table, row: Row, where: PublishedPoint) -> Iterator[Score]:
    printed = {}
    for column in row:
        entry = suites.of_column(column)
        cell = tables.numbers(of, row, column) if entry else ()
        if entry and cell:
            printed[entry.name] = round(cell[0] / 100, 6)
            yield _score(of, row, where, entry, printed[entry.name])
    mean = suites.suite_mean("avg5", printed)
    if mean is not None and "avg5" not in printed:
        yield _score(of, row, where, suites.benchmark("avg5"), mean, "derived")


def _score(
    of: Table,
    row: Row,
    where: PublishedPoint,
    entry: suites.Benchmark,
    value: float,
    provenance: Provenance | None = None,
) -> Score:
    harness = tables.harness_of(of, row, entry)
    is_own = harness == entry.harness
    notes = [where.system, row.get("flags", "")]
    if provenance == "derived":
        notes.append("mean of the row's five columns")
    return Score(
        *where.names,
        where.recipe,
        benchmark=entry.name,
        value=value,
        source=tables.source(of, row, provenance, "; ".join(filter(None, notes))),
        n=entry.n_items if is_own else None,
        harness=harness,
        protocol=entry.protocol if is_own else "reported",
    )


def latencies() -> list[PublishedLatency]:
    """Every published latency of a row that can be placed, in seconds.

    The series are kept apart by name: `table4` and `table9` time FastViTHD up to two times
    apart, and every printed TTFT rests on `table9`. `fig1b` and `table5_composed` are sums of
    printed parts; the arithmetic is in the source's note.
    """
    return [latency for found in placed() if (latency := _latency(*found))]


def _latency(of: Table, row: Row, where: PublishedPoint) -> PublishedLatency | None:
    encode_s = _seconds(of, row, "vision_encoder_latency_ms")
    prefill_s = _seconds(of, row, "llm_prefill_ms")
    ttft_s = _seconds(of, row, "TTFT_ms")
    if encode_s is None and prefill_s is None and ttft_s is None:
        return None
    is_sum = ttft_s is None and encode_s is not None and prefill_s is not None
    tokens = row.get("visual_tokens", "")
    note = row.get("arithmetic") or row.get("flags", "")
    return PublishedLatency(
        system=where.system,
        encoder=where.encoder,
        resolution_px=where.resolution_px,
        llm="" if prefill_s is None and ttft_s is None else where.llm,
        tiling=where.tiling,
        visual_tokens=int(tokens) if tokens else None,
        encode_s=encode_s,
        prefill_s=prefill_s,
        ttft_s=round((encode_s or 0) + (prefill_s or 0), 9) if is_sum else ttft_s,
        series=of.series,
        source=tables.source(of, row, "derived" if is_sum else None, note),
    )


def _seconds(of: Table, row: Row, column: str) -> float | None:
    """A latency of a row in seconds, summed over the encoders of a system that has several."""
    parts = tables.numbers(of, row, column) if column in row else ()
    return round(sum(parts) / 1e3, 9) if parts else None


def read_anew(stored: Iterable[Score]) -> list[Score]:
    """Stored scores, then the published ones as this version reads them.

    A database keeps what an older version read from the same row of the same table (by other names
    of scoring rules, say); that reading is left out, or one printed number would count twice.
    """
    current = scores()
    replaced = {_printed_at(score) for score in current}
    return [*(score for score in stored if _printed_at(score) not in replaced), *current]


def _printed_at(score: Score) -> tuple[object, ...]:
    """The point, the recipe, the benchmark, and the place in print that a score is read from."""
    source = score.source
    in_print = (source.kind, source.title, source.version, source.table, source.row)
    return (score.point, score.recipe, score.benchmark, *in_print)
