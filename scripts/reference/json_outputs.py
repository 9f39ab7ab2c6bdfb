"""The page of what `--json` prints: every verb's schema, from the files in the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paretobench.cli
from scripts.reference.markup import GENERATED, code, table

FOLDER = Path(paretobench.cli.__file__).parent / "schemas"
IN_REPOSITORY = "../../paretobench/cli/schemas"
SHARED = "common.json#/$defs/"

INTRO = """\
Results go to stdout as one JSON document, everything else to stderr. Units end the names (`_s`
seconds, `_bytes`, `_px`), accuracies and probabilities are fractions in [0, 1], and what is not
known is `null`. Each output has a [JSON Schema](https://json-schema.org) (draft 2020-12) that
travels with the package:

```python
from importlib.resources import files

text = (files("paretobench.cli") / "schemas" / "best.json").read_text()
```

Keys that a schema requires stay; a release may add others, so a reader passes over what it does not
know. Types below: `?` is a value that may be `null`."""


def page() -> str:
    """The whole page."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    shared = _read("common")["$defs"]
    parts = ["# JSON output", GENERATED, INTRO]
    for name in names:
        if name != "common":
            schema = _read(name)
            parts.append(f"## {schema['title'].removeprefix('paretobench ')}\n\n{_source(name)}")
            parts += _forms(schema)
    parts.append(f"## Shared parts\n\n{_source('common')}")
    for name, schema in shared.items():
        parts.append(f"### {name} {{ #{name} }}")
        parts += _forms(schema)
    return "\n\n".join(parts) + "\n"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _source(name: str) -> str:
    return f"[{name}.json]({IN_REPOSITORY}/{name}.json)"


def _forms(schema: dict[str, Any]) -> Iterator[str]:
    """What an output may be: its description, then its keys."""
    for form in schema.get("anyOf", [schema]):
        keys = form.get("items", form)
        said = form.get("description", keys.get("description", ""))
        kind = _kind(form)
        yield f"{kind[0].upper()}{kind[1:]}. {said}".strip()
        if properties := keys.get("properties"):
            required = keys.get("required", [])
            yield table(
                ("key", "type", "what it is"),
                [
                    (
                        code(name) + ("" if name in required else " (not always)"),
                        _kind(each),
                        each.get("description", ""),
                    )
                    for name, each in properties.items()
                ],
            )


def _several(schema: dict[str, Any]) -> str:
    kind = _kind(schema)
    return kind if kind.startswith("[") or "list" in kind else f"{kind}s"


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type in a word or two, with a link where it is a shared part."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(SHARED).removesuffix(".json")
        return f"[{name}](#{name})"
    if "enum" in schema:
        return ", ".join(code(each) for each in schema["enum"])
    if "anyOf" in schema:
        some = [_kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(some) + ("?" if {"type": "null"} in schema["anyOf"] else "")
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    mark = "?" if "null" in kinds else ""
    kind = next((each for each in kinds if each != "null"), "any")
    if kind == "array":
        return f"list of {_several(schema['items'])}{mark}"
    return f"{kind}{mark}"
