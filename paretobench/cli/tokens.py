"""The verb `tokens`: passes, visual tokens and separators of an image in today's models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.api.databases import DATABASE, open_store
from paretobench.api.tokens import counted_images, token_rows
from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_table, warn
from paretobench.cli.options import as_json, path_option
from paretobench.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from paretobench.domain import Images, VisionLanguageModel

HEAD = ("image", "model", "encoder inputs", "passes", "visual tokens", "separators", "total",
        "90 %", "TTFT ms")  # fmt: skip


@click.command("tokens")
@click.option("--image", "-i", "images", multiple=True, required=True, metavar="WIDTHxHEIGHT|NAME",
              shell_complete=completion.member_of("image"),
              help="Size in pixels, or a list of sweeps/image; may be repeated.")  # fmt: skip
@click.option("--vlm", "names", multiple=True, metavar="NAME",
              shell_complete=completion.member_of("vlm"),
              help="One model of sweeps/vlm, or several [default: all].")  # fmt: skip
@click.option("--set", "changes", multiple=True, metavar="OPTION=VALUE",
              help="Another value for an option of the models' rule.")  # fmt: skip
@path_option("--database", "-d", help=f"Whose measurements give a TTFT [default: {DATABASE}].")
@as_json
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
    chat template are not counted. A list of images has one line of means, and in `90 %` the
    tokens that nine in ten of its images stay within.
    """
    from paretobench.config import load_images, load_vlms

    known = load_vlms()
    if strange := [name for name in names if name not in known]:
        raise UnknownNameError("vlm", strange[0], known)
    if changes and not names:
        raise ConfigError("--set changes an option of one rule: name its models with --vlm NAME")
    chosen = [known[name] for name in names or known]
    changed = dict(_change(each) for each in changes)
    asked = {each.name: each for each in map(load_images, images)}
    rows = token_rows(list(asked.values()), chosen, changed)
    _add_ttft(rows, known, asked, database)
    if as_json:
        emit_json(rows)
        return
    shown = [each for each in rows if "refused" not in each]
    has_lists = any("total_tokens_p90" in each for each in shown)
    columns = [name for name in HEAD if name != "90 %" or has_lists]
    lines = [dict(zip(HEAD, _cells(each), strict=True)) for each in shown]
    print_table("", columns, [[line[name] for name in columns] for line in lines])
    for each in rows:
        if "refused" in each:
            warn(f"{each['label']} at {each['image']}: {each['refused']}")


def _cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    inputs = ", ".join(map(str, line["encoder_inputs"]))
    names = ("passes", "visual_tokens", "separator_tokens", "total_tokens")
    ttft = f"{1000 * line['ttft_s']:.0f}" if line.get("ttft_s") else ""
    p90 = str(line.get("total_tokens_p90", ""))
    return line["image"], line["label"], inputs, *(_count(line[n]) for n in names), p90, ttft


def _count(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def _add_ttft(
    rows: list[dict[str, Any]],
    known: Mapping[str, VisionLanguageModel],
    asked: Mapping[str, Images],
    database: str | None,
) -> None:
    """The TTFT of each row whose parts the database has measured, `ttft_s` in seconds; the mean
    of a list of which every image is measured."""
    if database is None and not Path(DATABASE).exists():
        return
    from paretobench.api.measured_vlms import measured_ttft
    from paretobench.config import load_catalogue

    catalogue = load_catalogue()
    with open_store(database) as store:
        for row in rows:
            if "refused" in row:
                continue
            found = counted_images(row["rule"], asked[row["image"]], row["options"])
            timed = [(measured_ttft(store, catalogue, known[row["vlm"]], one), n)
                     for one, n in found]  # fmt: skip
            values = [(one.value, n) for one, n in timed if one]
            total = sum(n for _, n in timed)
            is_whole = len(values) == len(timed)
            row["ttft_s"] = sum(value * n for value, n in values) / total if is_whole else None


def _change(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text!r} must be OPTION=VALUE, such as max_pixels=1003520")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {text!r}: {value!r} is no number, word or list") from None
