"""The verb `tokens`: passes, visual tokens and separators of an image in today's models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion, options
from paretobench.cli.console import emit_json, print_table, warn
from paretobench.errors import ConfigError, PlanError, UnknownNameError

if TYPE_CHECKING:
    from paretobench.domain import VisionLanguageModel

HEAD = ("image", "model", "encoder inputs", "passes", "visual tokens", "separators", "total")


@click.command("tokens")
@click.option("--image", "-i", "images", multiple=True, required=True, metavar="WIDTHxHEIGHT",
              help="Size of the image in pixels; may be given several times.")  # fmt: skip
@click.option("--vlm", "names", multiple=True, metavar="NAME",
              shell_complete=completion.member_of("vlm"),
              help="One model of sweeps/vlm, or several [default: all].")  # fmt: skip
@click.option("--set", "changes", multiple=True, metavar="OPTION=VALUE",
              help="Another value for an option of the models' rule.")  # fmt: skip
@options.as_json
def tokens_command(
    images: tuple[str, ...], names: tuple[str, ...], changes: tuple[str, ...], as_json: bool
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
    rows = [row(system, parse_size(image), changed) for image in images for system in chosen]
    if all("refused" in each for each in rows):
        raise PlanError(f"{rows[0]['label']}: {rows[0]['refused']}")
    if as_json:
        emit_json(rows)
        return
    print_table("", HEAD, [_cells(each) for each in rows if "refused" not in each])
    for each in rows:
        if "refused" in each:
            warn(f"{each['label']} at {each['image']}: {each['refused']}")


def row(
    system: VisionLanguageModel, image: tuple[int, int], changed: Mapping[str, Any]
) -> dict[str, Any]:
    """One line: the counts, or the reason why the model's processor refuses the image."""
    from paretobench.planning.tokens import count_tokens

    options = {**system.options, **changed}
    line: dict[str, Any] = {
        "image": f"{image[0]}x{image[1]}",
        "vlm": system.name,
        "label": system.label,
        "checkpoint": system.checkpoint,
        "rule": system.rule,
        "options": options,
        "source": system.source,
    }
    try:
        found = count_tokens(system.rule, image, options)
    except PlanError as error:
        return line | {"refused": str(error)}
    return line | {
        "encoder_inputs": found.inputs,
        "passes": found.passes,
        "visual_tokens": found.visual_tokens,
        "separator_tokens": found.separator_tokens,
        "total_tokens": found.prefill_tokens,
    }


def _cells(line: Mapping[str, Any]) -> tuple[Any, ...]:
    inputs = ", ".join(map(str, line["encoder_inputs"]))
    names = ("passes", "visual_tokens", "separator_tokens", "total_tokens")
    return line["image"], line["label"], inputs, *(line[name] for name in names)


def _change(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text!r} must be OPTION=VALUE, such as max_pixels=1003520")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {text!r}: {value!r} is no number, word or list") from None
