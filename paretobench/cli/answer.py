"""Verbs that answer a question: best, compare, claims, audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion, items
from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.cli.options import as_json, chosen_view, view_options
from paretobench.errors import ConfigError, DataError
from paretobench.units import MISSING, counted, percent

if TYPE_CHECKING:
    from paretobench.analysis.claims import AtVertex
    from paretobench.analysis.compare import Comparison
    from paretobench.analysis.points import Contender
    from paretobench.analysis.query import Answer
    from paretobench.report.view.rows import Row, View

SEED = 0
"""Seed of the draws, so that the same question has the same answer."""


@click.command("best")
@click.option("--under", metavar="TIME", help="Latency budget: 200ms, 1.5s; bare is ms.")
@click.option("--at-least", metavar="PERCENT", help="Accuracy to reach, in percent.")
@click.option(
    "--where",
    "wheres",
    multiple=True,
    metavar="CONDITION",
    help="Another condition, such as 'peak_memory<4GiB' or 'textvqa>=60'.",
)
@view_options
@as_json
def best_command(
    under: str | None,
    at_least: str | None,
    wheres: tuple[str, ...],
    as_json: bool,
    **chosen: Any,
) -> None:
    """The best point under a latency budget or above an accuracy."""
    import numpy as np

    from paretobench.analysis.query import best

    view = chosen_view(**chosen)
    asked = _constraints(under, at_least, wheres, view)
    answers = {
        title: (rows, best(_contenders(rows), asked, rng=np.random.default_rng(SEED)))
        for title, rows in _by_recipe(view).items()
    }
    if not answers:
        raise DataError(
            "no point has both a TTFT and a score, so nothing can be best;\n"
            "'paretobench import' brings scores, --published looks at the paper's own points"
        )
    if as_json:
        emit_json([_answer_json(title, *found) for title, found in answers.items()])
        return
    for title, (rows, answer) in answers.items():
        _print_answer(title, rows, answer)


def _constraints(
    under: str | None, at_least: str | None, wheres: Sequence[str], view: View
) -> list[Any]:
    from paretobench.analysis.constraints import parse_constraint

    texts = [f"ttft <= {under}"] if under else []
    texts += [f"accuracy >= {at_least}"] if at_least else []
    if not [*texts, *wheres]:
        raise ConfigError("ask for something: --under 200ms, --at-least 60, or --where CONDITION")
    benchmarks = {task.benchmark for row in view.rows for task in row.task_scores}
    return [parse_constraint(text, benchmarks) for text in (*texts, *wheres)]


def _by_recipe(view: View) -> dict[str, list[Row]]:
    """Rows that may be compared: one recipe and one environment each."""
    return {
        f"recipe {panel.recipe}" + (f" on {panel.environment}" if panel.environment else ""): list(
            panel.rows
        )
        for panel in view.panels()
    }


def _contenders(rows: Sequence[Row]) -> list[Contender]:
    from paretobench.report.view.front_membership import contenders

    return contenders(rows)


def _names(rows: Sequence[Row]) -> dict[str, Row]:
    return {each.name: row for each, row in zip(_contenders(rows), rows, strict=True)}


def _answer_json(title: str, rows: Sequence[Row], answer: Answer) -> dict[str, Any]:
    names = _names(rows)

    def point(contender: Contender | None) -> dict[str, Any] | None:
        if contender is None:
            return None
        row = names[contender.name]
        return {
            "point": str(row),
            "encoder": row.encoder,
            "resolution_px": row.resolution_px,
            "llm": row.llm,
            "tiling": row.tiling,
            "recipe": row.recipe,
            "ttft_s": contender.ttft_s,
            "accuracy": contender.accuracy,
        }

    nearest = None
    if answer.nearest:
        misses = {"misses": list(answer.nearest.reasons)}
        nearest = (point(answer.nearest.point) or {}) | misses
    return {
        "panel": title,
        "constraints": [str(each) for each in answer.constraints],
        "best": point(answer.point),
        "tied": [point(each) for each in answer.tied],
        "runner_up": point(answer.runner_up),
        "probability": answer.probability,
        "meets_constraints_probability": answer.meets,
        "assumed_noise": list(answer.assumed),
        "satisfying": answer.satisfying,
        "nearest": nearest,
    }


def _print_answer(title: str, rows: Sequence[Row], answer: Answer) -> None:
    names = _names(rows)
    asked = " and ".join(str(each) for each in answer.constraints)
    if answer.point is None:
        click.echo(f"{title}: nothing satisfies {asked}")
        if answer.nearest:
            nearest = names[answer.nearest.point.name]
            misses = "; ".join(answer.nearest.reasons)
            click.echo(f"  nearest: {_describe(nearest)}, but {misses}")
        return
    click.echo(f"{title}: best with {asked}")
    click.echo(f"  {_describe(names[answer.point.name])}")
    for tied in answer.tied:
        click.echo(f"  equally good: {_describe(names[tied.name])}")
    if answer.runner_up:
        click.echo(f"  runner-up: {_describe(names[answer.runner_up.name])}")
    sure = f"  probability of being the answer {percent(answer.probability, 0)} %"
    if answer.assumed:
        sure += f" (the noise of its {' and '.join(answer.assumed)} is not known and was assumed)"
    click.echo(sure)


def _describe(row: Row) -> str:
    from paretobench.report.formatting import estimate_ms, score_percent

    return f"{row}: TTFT {estimate_ms(row.ttft)} ms, accuracy {score_percent(row.score)} %"


@click.command("compare")
@click.argument("a", shell_complete=completion.member_of("encoder"))
@click.argument("b", shell_complete=completion.member_of("encoder"))
@click.option(
    "--protocol",
    type=click.Choice(["lmms", "llava"]),
    default="lmms",
    show_default=True,
    help="Two checkpoints: the rules their answers are scored by.",
)
@click.option(
    "--keep",
    default=items.KEPT,
    show_default=True,
    metavar="DIR",
    shell_complete=completion.files,
    help="Two checkpoints: where 'paretobench score' kept their answers.",
)
@view_options
@as_json
def compare_command(a: str, b: str, protocol: str, keep: str, as_json: bool, **chosen: Any) -> None:
    """Two encoders, sweeps or databases: ratio, gain, BD-TTFT.

    Or two checkpoints: name two folders of lmms-eval results with samples, or two checkpoints
    that 'paretobench score' scored (by name or hash), and each benchmark's difference on the
    items that both answered is shown with its interval.
    """
    import numpy as np

    from paretobench.analysis.compare import compare
    from paretobench.cli.sides import sides

    if items.compare_items(a, b, protocol, keep, as_json):
        return
    found = False
    for title, ours, theirs in sides(a, b, chosen):
        found = True
        result = compare(_contenders(ours), _contenders(theirs), np.random.default_rng(SEED))
        if as_json:
            emit_json({"panel": title, "candidate": a, "baseline": b, "result": result})
        else:
            _print_comparison(title, a, b, result, _names([*ours, *theirs]))
    if not found:
        raise DataError(
            f"{a} and {b} have no recipe in which both carry a TTFT and a score;\n"
            "'paretobench report' shows what each has"
        )


def _print_comparison(
    title: str, a: str, b: str, result: Comparison, names: dict[str, Row]
) -> None:
    click.echo(f"{title}: {a} against {b}")
    if result.bd_ttft:
        value = result.bd_ttft
        click.echo(
            f"  BD-TTFT {value.value:.2f}x faster at equal accuracy{_range(value.low, value.high)},"
            f" over {percent(value.overlap, 0)} % of the joint accuracy range"
        )
    if result.bd_accuracy:
        gain = result.bd_accuracy
        low, high = (None if end is None else end * 100 for end in (gain.low, gain.high))
        click.echo(f"  BD-accuracy {gain.value * 100:+.2f} points{_range(low, high)}")
    for refusal in result.refusals:
        click.echo(f"  {refusal}")
    for delta in (result.bd_ttft, result.bd_accuracy):
        for text in delta.warnings if delta else ():
            warn(text)
    _print_vertices("faster at the same accuracy", result.speedups, names, lambda x: f"{x:.2f}x")
    _print_vertices(
        "points more at the same budget", result.gains, names, lambda x: f"{x * 100:+.2f}"
    )
    if result.common_ratio:
        mean = result.common_ratio
        click.echo(
            f"  common points: {b} over {a} {mean.value:.3f}{_range(mean.low, mean.high, 3)},"
            f" {mean.name}"
        )
    if result.assumed:
        say(f"  the noise of {counted(len(result.assumed), 'point')} is not known and was assumed")


def _range(low: float | None, high: float | None, digits: int = 2) -> str:
    if low is None or high is None:
        return ""
    return f" (95% CI {low:.{digits}f} to {high:.{digits}f})"


def _print_vertices(
    what: str, vertices: Sequence[AtVertex], names: dict[str, Row], show: Any
) -> None:
    rows = [
        (
            str(names[vertex.baseline.name]),
            str(names[vertex.candidate.name]) if vertex.candidate else MISSING,
            vertex.note if vertex.effect is None else show(vertex.effect),
        )
        for vertex in vertices
    ]
    print_table("", ("baseline on its front", "candidate", what), rows)


@click.command("claims")
@click.option("--file", "path", metavar="FILE", help="Claims of your own, in the same form.")
@as_json
def claims_command(path: str | None, as_json: bool) -> None:
    """Recompute the paper's headline claims and say which hold."""
    from pathlib import Path

    from paretobench.paper.claims import claims

    results = claims(Path(path)) if path else claims()
    if as_json:
        emit_json(results)
        return
    rows = [(each.id, each.claim, each.arithmetic, each.verdict) for each in results]
    print_table("", ("claim", "what it says", "recomputed", "verdict"), rows)
    holding = sum(each.verdict == "holds" for each in results)
    say(f"{holding} of {counted(len(results), 'claim')} hold; --json has readings and sources")


@click.command("audit")
@click.option("--all", "everything", is_flag=True, help="List what agrees, too.")
@as_json
def audit_command(everything: bool, as_json: bool) -> None:
    """Recompute the published tables and list every mismatch."""
    from paretobench.paper.audit import audit

    rows = audit()
    wrong = [row for row in rows if row.verdict != "agrees"]
    shown = rows if everything else wrong
    if as_json:
        emit_json({"checked": len(rows), "mismatches": len(wrong), "rows": shown})
        return
    print_table(
        "",
        ("check", "what", "printed", "recomputed", "difference", "how"),
        [
            (
                row.check,
                row.what,
                f"{row.printed:g} {row.unit}",
                f"{row.recomputed:.4g}",
                f"{row.difference:+.3g}",
                row.arithmetic + (" (input rounding)" if row.within_input_rounding else ""),
            )
            for row in shown
        ],
    )
    found = counted(len(wrong), "mismatch", "mismatches")
    say(f"{counted(len(rows), 'number')} recomputed, {found}")


__all__ = ["audit_command", "best_command", "claims_command", "compare_command"]
