"""The verb best: the best point under a latency budget or above an accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from paretobench.cli.console import emit_json
from paretobench.cli.options import as_json, chosen_view, view_options
from paretobench.errors import ConfigError

NOTHING_SATISFIES = 3
"""Exit status where the question was understood and no point satisfies it."""


@click.command("best")
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

    answers = answer(
        chosen_view(**chosen),
        where=_conditions(under, at_least, wheres),
        answer_tokens=answer_tokens or 0,
    )
    if as_json:
        emit_json(answers.to_json())
    else:
        click.echo(str(answers))
    return 0 if answers.is_satisfied else NOTHING_SATISFIES


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
