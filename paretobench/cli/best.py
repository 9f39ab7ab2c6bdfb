"""The verb best: the best point under a latency budget or above an accuracy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import click

from paretobench.cli.console import emit_json, warn
from paretobench.cli.options import as_json, chosen_view, overrides_argument, view_options
from paretobench.errors import ConfigError

NOTHING_SATISFIES = 3
"""Exit status where the question was understood and no point satisfies it."""


@click.command("best")
@overrides_argument
@click.option(
    "--measure",
    "is_measured",
    is_flag=True,
    help="Measure what is missing to answer. OVERRIDES are a sweep's: +grid=qwen2_family.",
)
@click.option("--under", metavar="TIME", help="Latency budget: 200ms, 1.5s; bare is ms, from 1 on.")
@click.option(
    "--answer-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Judge by the time to an answer of N tokens: TTFT + N x time per token.",
)
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
    overrides: tuple[str, ...],
    is_measured: bool,
    under: str | None,
    answer_tokens: int | None,
    at_least: str | None,
    wheres: tuple[str, ...],
    as_json: bool,
    **chosen: Any,
) -> int:
    """The best point under a latency budget or above an accuracy.

    Exits with 3 if no point satisfies what was asked; the nearest ones are named.
    """
    from paretobench.api.answers import answer

    status = 0
    if is_measured:
        if wheres or answer_tokens:
            raise ConfigError(
                "--measure answers --under and --at-least; leave out other conditions"
            )
        status = _measure(overrides, under, at_least, chosen)
    elif overrides:
        raise ConfigError(f"{overrides[0]} says what to measure; add --measure, or leave it out")
    answers = answer(
        chosen_view(**chosen),
        where=_conditions(under, at_least, wheres),
        answer_tokens=answer_tokens or 0,
    )
    if as_json:
        emit_json(answers.to_json())
    else:
        click.echo(str(answers))
    return status or (0 if answers.is_satisfied else NOTHING_SATISFIES)


def _measure(
    overrides: Sequence[str], under: str | None, at_least: str | None, chosen: dict[str, Any]
) -> int:
    """Measure what the answer needs; `chosen` then names the sweep that was measured.

    Returns:
        The sweep's exit status.
    """
    from paretobench.api.sweeps import require_points, results_so_far
    from paretobench.cli.preparation import prepared_devices
    from paretobench.cli.sweep import carried_out, say_decision
    from paretobench.config import expand
    from paretobench.report.view.rows import HEADLINE

    if chosen["benchmark"] != HEADLINE:
        raise ConfigError(
            f"--measure decides by {HEADLINE}; measure first, then ask for {chosen['benchmark']}"
        )
    if chosen["published"] or chosen["sweep"] or chosen["environment"]:
        raise ConfigError(
            "--measure adds to a database here; leave out --published, --sweep, --environment"
        )
    words = ["check=0", *overrides, "until=best"]
    words += [f"under={under}"] if under else []
    words += [f"at_least={_percent(at_least)}"] if at_least else []
    words += [f"database='{chosen['database']}'"] if chosen["database"] else []
    words += [f"recipe='{chosen['recipe']}'", f"mix_protocols={chosen['mix_protocols']}"]
    request = expand(words)
    settings = request.settings
    with results_so_far(settings.database, only_looks=False) as known:
        prepared, _ = prepared_devices(request, known)
    with ExitStack() as cleanup:
        for one in prepared:
            cleanup.callback(one.site.close)
        require_points(prepared)
        outcome = carried_out(request, prepared, f"paretobench sweep {shlex.join(words)}")
    for ended in outcome.outcomes.values():
        say_decision(ended)
        for failure in ended.view.failures:
            warn(f"{failure.what} has no measurement: {failure.kind}: {failure.reason}")
    chosen.update(database=settings.database, sweep=request.name)
    return outcome.exit_status


def _conditions(under: str | None, at_least: str | None, wheres: Sequence[str]) -> list[str]:
    """All that was asked, as conditions with the units that people write."""
    texts = [f"ttft <= {under}"] if under else []
    texts += [f"accuracy >= {_percent(at_least)}"] if at_least else []
    return [*texts, *wheres]


def _percent(text: str) -> str:
    """The text of --at-least with its unit.

    Raises:
        ConfigError: if it may be meant as a fraction.
    """
    try:
        is_unclear = float(text) <= 1
    except ValueError:
        return text
    if is_unclear:
        raise ConfigError(
            f"--at-least {text} is {text} % or {float(text) * 100:g} %? "
            f"Write --at-least {text}% or --at-least {float(text) * 100:g}%"
        )
    return f"{text}%"
