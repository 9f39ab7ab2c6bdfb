"""The verb `tokens`: passes, visual tokens and separators of an image in today's models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.api.databases import DATABASE
from paretobench.api.tokens import token_rows
from paretobench.cli import completion, options
from paretobench.cli.console import emit_json, print_table, warn
from paretobench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from paretobench.domain import VisionLanguageModel

HEAD = ("image", "model", "encoder inputs", "passes", "visual tokens", "separators", "total",
        "TTFT ms")  # fmt: skip


@click.command("tokens")
@click.option("--image", "-i", "images", multiple=True, required=True, metavar="WIDTHxHEIGHT",
              help="Size of the image in pixels; may be given several times.")  # fmt: skip
@click.option("--vlm", "names", multiple=True, metavar="NAME",
              shell_complete=completion.member_of("vlm"),
              help="One model of sweeps/vlm, or several [default: all].")  # fmt: skip
@click.option("--set", "changes", multiple=True, metavar="OPTION=VALUE",
              help="Another value for an option of the models' rule.")  # fmt: skip
@click.option("--database", "-d", metavar="FILE", shell_complete=completion.files,
              help=f"Whose measurements give a TTFT [default: {DATABASE}].")  # fmt: skip
@options.as_json
def tokens_command(
    images: tuple[str, ...],
    names: tuple[str, ...],
    changes: tuple[str, ...],
    database: str | None,
    as_json: bool,
) -> None:
    """What an image costs each vision-language model: passes and tokens.

    Settings are those that the models are published with. Visual tokens carry image content;
    separators are the other tokens that the model's processor writes for the image. Text and
    chat template are not counted.
    """
    from paretobench.config import load_vlms
    from paretobench.planning.tokens.images import parse_size

    known = load_vlms()
    if strange := [name for name in names if name not in known]:
        raise UnknownNameError("vlm", strange[0], known)
    if changes and not names:
        raise ConfigError("--set changes an option of one rule: name its models with --vlm NAME")
    chosen = [known[name] for name in names or known]
    changed = dict(_change(each) for each in changes)
    rows = token_rows([parse_size(image) for image in images], chosen, changed)
    _add_ttft(rows, known, database)
    if as_json:
        emit_json(rows)
        return
    print_table("", HEAD, [_cells(each) for each in rows if "refused" not in each])
    for each in rows:
        if "refused" in each:
            warn(f"{each['label']} at {each['image']}: {each['refused']}")


def _cells(line: Mapping[str, Any]) -> tuple[Any, ...]:
    inputs = ", ".join(map(str, line["encoder_inputs"]))
    names = ("passes", "visual_tokens", "separator_tokens", "total_tokens")
    ttft = f"{1000 * line['ttft_s']:.0f}" if line.get("ttft_s") else ""
    return line["image"], line["label"], inputs, *(line[name] for name in names), ttft


def _add_ttft(
    rows: list[dict[str, Any]], known: Mapping[str, VisionLanguageModel], database: str | None
) -> None:
    """The TTFT of each row whose parts the database has measured, `ttft_s` in seconds."""
    if database is None and not Path(DATABASE).exists():
        return
    from paretobench.api.databases import open_store
    from paretobench.api.measured_vlms import measured_ttft
    from paretobench.config import load_catalogue
    from paretobench.planning.tokens import count_tokens
    from paretobench.planning.tokens.images import parse_size

    catalogue = load_catalogue()
    with open_store(database) as store:
        for row in rows:
            if "refused" not in row:
                found = count_tokens(row["rule"], parse_size(row["image"]), row["options"])
                ttft = measured_ttft(store, catalogue, known[row["vlm"]], found)
                row["ttft_s"] = ttft.value if ttft else None


def _change(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text!r} must be OPTION=VALUE, such as max_pixels=1003520")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {text!r}: {value!r} is no number, word or list") from None
