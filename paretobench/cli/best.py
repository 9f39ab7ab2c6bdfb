"""The verb best: the best point under a latency budget or above an accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli.console import emit_json
from paretobench.cli.contenders import SEED, contenders, rows_by_name
from paretobench.cli.options import as_json, chosen_view, view_options
from paretobench.errors import ConfigError, DataError
from paretobench.units import percent

if TYPE_CHECKING:
    from paretobench.analysis.points import Contender
    from paretobench.analysis.query import Answer
    from paretobench.report.view.rows import Row, View


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
        title: (rows, best(contenders(rows), asked, rng=np.random.default_rng(SEED)))
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


def _answer_json(title: str, rows: Sequence[Row], answer: Answer) -> dict[str, Any]:
    names = rows_by_name(rows)

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
    names = rows_by_name(rows)
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
