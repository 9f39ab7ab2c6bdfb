"""The pages of the YAML files: settings, the keys of each kind of file, and what is bundled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from paretobench.config import expand, load_catalogue, load_devices, load_vlms
from paretobench.config.groups import Groups
from paretobench.config.images import images_of
from paretobench.config.settings import CHOICES, Settings
from paretobench.domain import (
    Encoder,
    LanguageModel,
    Resolutions,
    Tiling,
    VisionLanguageModel,
)
from paretobench.planning.tiling import SCHEMES
from paretobench.resources import sweeps_folder
from scripts.reference.markup import GENERATED, attributes, code, leading_comment, table

TYPES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "float | None": "number or null",
    "str | None": "text with its unit, or null",
    "str | float | None": "number with its unit, or null",
    "bool": "`true`, `false`",
    "str | int": "text or whole number",
    "tuple[int, ...]": "list of whole numbers",
    "Mapping[str, Any]": "mapping",
    "Rounding": "`ceil`, `floor`",
    "Resolutions": "mapping, see below",
    "tuple[EncoderPart, ...]": "list of `{encoder, resolution_px, passes}`",
}
"""Annotations of the dataclasses in a reader's words."""


def settings_page() -> str:
    """Everything that stands left of `=` on a sweep's command line."""
    said = setting_comments()
    rows = [
        (code(each.name), _allowed(each), code(_default(each)), said.get(each.name, ""))
        for each in fields(Settings)
        if each.name != "accuracy"
    ]
    groups = [
        (
            "`vlm`",
            "a name, a list or `glob(...)`",
            "a [whole model](../models.md)'s three choices",
        ),
        ("`encoder`", "a name, a list or `glob(...)`", "[encoders](models.md#encoders)"),
        ("`llm`", "a name, a list or `glob(...)`", "[language models](models.md#language-models)"),
        ("`tiling`", "a name, a list or `glob(...)`", "[tilings](models.md#tilings)"),
        ("`image`", "a size, a list's name, or several", said["image"]),
        ("`resolution`", "pixels, a list or `range(256,1025,256)`", said["resolution"]),
        ("`precision`", "a precision or a list", said["precision"]),
        ("`encode.precision`", "a precision or a list", "of the encoder's weights, likewise"),
        ("`device`", "a name or a list", "[devices](models.md#devices), [machines](../devices.md)"),
        ("`accuracy`", "a name", "[sources of scores](models.md#accuracy)"),
        ("`executor/latency`", "a name", "[where cells run](models.md#executorlatency)"),
        ("`executor/accuracy`", "a name", "[where scoring runs](models.md#executoraccuracy)"),
        ("`+grid`", "a name", "[grids](models.md#grids)"),
    ]
    parts = [
        "# Settings of a sweep",
        GENERATED,
        "Written as `NAME=VALUE` after `paretobench sweep` or `paretobench plan`, or in a grid's "
        "file. `paretobench sweep --cfg job` prints them all composed.",
        "## Groups and axes",
        table(("name", "takes", "what it chooses"), groups),
        "## Settings",
        table(("name", "takes", "default", "what it does"), rows),
    ]
    return "\n\n".join(parts) + "\n"


def setting_comments() -> dict[str, str]:
    """What `sweeps/config.yaml` says beside each setting, continued lines joined."""
    found: dict[str, str] = {}
    name = ""
    for line in (sweeps_folder() / "config.yaml").read_text(encoding="utf-8").splitlines():
        if entry := re.match(r"(\w+): +([^#]*?) *(?:# (.*))?$", line):
            name, found[entry[1]] = entry[1], entry[3] or ""
        elif name and (more := re.match(r" {20,}# (.*)", line)):
            found[name] += " " + more[1]
    return found | {
        "name": found["name"] or "names the report's folder",
        "database": found["database"] or "where everything is stored",
    }


def keys_page() -> str:
    """The keys of an encoder's, a language model's, a tiling's and a device's file."""
    schemes = ", ".join(code(name) for name in SCHEMES)
    parts = [
        "# Keys of the YAML files",
        GENERATED,
        "A file's name is the name of what it describes. [Extending](../extending.md) has an "
        "example of each kind.",
        _fields("## An encoder: `sweeps/encoder/NAME.yaml`", Encoder),
        _fields("### `resolutions` of an encoder", Resolutions),
        _fields("## A language model: `sweeps/llm/NAME.yaml`", LanguageModel),
        _fields("## A tiling: `sweeps/tiling/NAME.yaml`", Tiling),
        f"`scheme` is one of {schemes}. Any scheme takes the options `queries` (tokens that a "
        "resampler or a pruning method keeps of each pass) and `pool` (that many tokens by that "
        "many become one).",
        table(("scheme", "what it does"), [(code(n), _first(f)) for n, f in SCHEMES.items()]),
        "## A list of images: `sweeps/image/NAME.yaml`",
        table(
            ("key", "takes", "required", "what it is"),
            [
                ("`label`", "text", "no", "how a plot and a table write it"),
                (
                    "`sizes`",
                    "mapping of `WIDTHxHEIGHT` to a whole number",
                    "yes",
                    "each size, and how often it occurs beside the others",
                ),
                ("`source`", "text", "no", "where the sizes come from"),
            ],
        ),
        _fields("## A vision-language model: `sweeps/vlm/NAME.yaml`", VisionLanguageModel),
        "Rules, settings and sources of the bundled ones are in [Models of today](../models.md).",
        "## A device: `sweeps/device/NAME.yaml`",
        _DEVICE,
    ]
    return "\n\n".join(parts) + "\n"


_DEVICE = table(
    ("key", "takes", "required", "what it is"),
    [
        ("`name`", "text", "no", "what reports call it; the file's name if it is left out"),
        ("`encode`, `prefill`", "mapping of the three keys below", "yes", "one half of the work"),
        (
            "`backend`",
            "`auto`, `openvino`, `onnxruntime`, `torch`, `mlx`, `coreml`",
            "no, `auto`",
            "the runtime",
        ),
        (
            "`precision`",
            "`auto`, `fp32`, `bf16`, `fp16`, `int8`, `int4`",
            "no, `auto`",
            "of the arithmetic, or of the weights below 16 bits",
        ),
        ("`options`", "mapping", "no", "the backend's own: `device`, `threads`, `compute_units`"),
        ("`executor`", "text", "no, `local`", "where cells run"),
    ],
)


_ENCODER_HEAD = ("name", "label", "M params", "stride px", "accepts px", "swept px", "source")


def models_page() -> str:
    """What is bundled: every member of every group."""
    catalogue = load_catalogue(Path("no such folder"))
    encoders = [
        (code(e.name), e.label, _millions(e.parameters), e.token_stride_px,
         e.resolutions.describe(), ", ".join(map(str, e.sweep_resolutions_px)), e.source)
        for e in catalogue.encoders.values()
    ]  # fmt: skip
    llms = [
        (code(m.name), m.label, _millions(m.parameters), m.architecture, m.source)
        for m in catalogue.llms.values()
    ]
    tilings = [
        (code(t.name), t.label, code(t.scheme), _options(t.options), comment("tiling", t.name))
        for t in catalogue.tilings.values()
    ]
    devices = [
        (code(d.name), _half(d.encode), _half(d.prefill), comment("device", d.name))
        for d in load_devices(Path("no such folder"))
    ]
    parts = [
        "# Models, tilings, devices and grids",
        GENERATED,
        "What is bundled. Files of your own in `./sweeps` join these.",
        "## Encoders\n\nA resolution is the side of a square image in pixels.",
        table(_ENCODER_HEAD, encoders),
        "## Language models",
        table(("name", "label", "M params", "architecture", "source"), llms),
        "## Tilings\n\nAlso methods that keep fewer tokens of each pass.",
        table(("name", "label", "scheme", "options", "what it does"), tilings),
        "## Images\n\nLists of sizes, each with how often it occurs.",
        table(("name", "sizes", "what it is"), [_images(name) for name in members("image")]),
        "## Vision-language models\n\nTheir token rules, for `paretobench tokens`.",
        table(("name", "label", "rule", "source"), _vlms()),
        "## Devices",
        table(("name", "encodes with", "prefills with", "what it is"), devices),
        "## Accuracy",
        table(
            ("name", "what it does"),
            [(code(n), comment("accuracy", n)) for n in members("accuracy")],
        ),
        *(_executors(group) for group in ("executor/latency", "executor/accuracy")),
        "## Grids",
        table(("name", "points", "what it is"), [_grid(name) for name in members("grid")]),
    ]
    return "\n\n".join(parts) + "\n"


def _images(name: str) -> tuple[str, str, str]:
    sizes = images_of(name, Groups(Path("no such folder"))).sizes
    return code(name), ", ".join(f"{one} x {one.weight}" for one in sizes), comment("image", name)


def _vlms() -> list[tuple[str, ...]]:
    return [
        (code(name), model.label, code(model.rule), model.source)
        for name, model in sorted(load_vlms(Path("no such folder")).items())
    ]


def _executors(group: str) -> str:
    """The members of an executor's group, and the settings of those that have any."""
    rows = [(code(name), comment(group, name)) for name in members(group)]
    parts = [f"## {group}", table(("name", "what it does"), rows)]
    for name in members(group):
        text = (sweeps_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
        keys = re.findall(r"^(\w+): +([^#\n]*?) *(?:# (.*))?$", text, flags=re.M)
        said = [(code(f"{key}"), code(value), why) for key, value, why in keys if key != "name"]
        if said:
            head = ("key", "default", "what it is")
            parts.append(f"Keys of `{name}`, set as `{group.replace('/', '.')}.KEY=VALUE`:")
            parts.append(table(head, said))
    return "\n\n".join(parts)


def members(group: str) -> list[str]:
    """The bundled names of a group."""
    return sorted(path.stem for path in (sweeps_folder() / group).glob("*.yaml"))


def comment(group: str, name: str) -> str:
    """What a bundled file says of itself at its head."""
    return leading_comment(sweeps_folder() / group / f"{name}.yaml")


def _grid(name: str) -> tuple[str, int, str]:
    request = expand([f"+grid={name}"], Path("no such folder"))
    return code(name), len(request.points), comment("grid", name)


def _fields(title: str, kind: type) -> str:
    said = attributes(kind)
    rows = [
        (
            code(each.name),
            TYPES.get(str(each.type), code(each.type)),
            "yes" if _is_required(each) else f"no{_shown(each)}",
            said[each.name],
        )
        for each in fields(kind)
        if each.name != "name" and not each.metadata.get("set_by")
    ]
    return title + "\n\n" + table(("key", "takes", "required", "what it is"), rows)


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _shown(each: Field[Any]) -> str:
    default = _default(each)
    return f", `{default}`" if default not in ("", "{}", "()") else ""


def _default(each: Field[Any]) -> str:
    value = each.default if each.default is not MISSING else ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _allowed(each: Field[Any]) -> str:
    if each.name in CHOICES:
        return ", ".join(code(word) for word in CHOICES[each.name])
    return TYPES.get(str(each.type), code(each.type))


def _first(function: Any) -> str:
    return (function.__doc__ or "").split("\n\n")[0]


def _millions(count: int) -> str:
    return f"{count / 1e6:,.1f}"


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in options.items() if value is not None)


def _half(half: Mapping[str, Any]) -> str:
    more = _options(half["options"])
    return f"{half['backend']} {half['precision']}" + (f", {more}" if more else "")
