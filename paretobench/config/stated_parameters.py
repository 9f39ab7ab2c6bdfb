"""Whether the parameters that a user's YAML states are those of the network that is built.

Plans rest on the stated number (memory, time), and a wrong architecture shows in it first. Bundled
models are compared by tests; here the others are, in a process of their own that imports the
frameworks. What was counted is kept in the cache, so that only the first sweep of a new file waits.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from paretobench.config.catalogue import load_catalogue
from paretobench.config.read_off import count_parameters, is_read_off
from paretobench.domain import Encoder, GridPoint, LanguageModel, content_key
from paretobench.durable import keep_json
from paretobench.errors import ConfigError
from paretobench.resources import cache_folder, sweeps_folder

TOLERANCE = 0.01
"""A ViT's position embeddings grow with the resolution that it is built for, by less than this."""


def refuse_wrong_parameters(points: Iterable[GridPoint]) -> None:
    """Build every model that is no bundled one without storage, and compare.

    Nothing is compared where torch is not installed: nothing is measured there either.

    Raises:
        ConfigError: naming the model, what its YAML states and what is built; or why it cannot
            be built.
    """
    models = list(_of_the_user(points))
    if not models or importlib.util.find_spec("torch") is None:
        return
    counted = _counted([description for _, _, description in models])
    for (kind, model, _), found in zip(models, counted, strict=True):
        if "error" in found:
            raise ConfigError(f"{kind}={model.name} cannot be built: {found['error']}")
        if abs(found["parameters"] / model.parameters - 1.0) > TOLERANCE:
            raise ConfigError(
                f"{kind}={model.name}: its YAML states parameters: {model.parameters}, and what is "
                f"built from it has {found['parameters']}.\nCorrect the number if the network is "
                "the one that you mean, else its architecture or dimensions."
            )


def _counted(descriptions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`count_parameters`, remembered for these versions of the frameworks."""
    versions = {name: _version(name) for name in ("torch", "timm", "transformers")}
    files = [
        cache_folder() / "parameters" / f"{content_key({'model': each, **versions})}.json"
        for each in descriptions
    ]
    known = {file: json.loads(file.read_text()) for file in files if file.is_file()}
    missing = [i for i, file in enumerate(files) if file not in known]
    if missing:
        found = count_parameters([descriptions[i] for i in missing], "parameters:")
        for i, answer in zip(missing, found, strict=True):
            known[files[i]] = answer
            if "error" not in answer:
                keep_json(files[i], answer)
    return [known[file] for file in files]


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _of_the_user(
    points: Iterable[GridPoint],
) -> Iterator[tuple[str, Encoder | LanguageModel, dict[str, Any]]]:
    """Models that are neither bundled nor read off the built network, with what builds them."""
    bundled = load_catalogue(sweeps_folder())
    known: list[Encoder | LanguageModel] = [*bundled.encoders.values(), *bundled.llms.values()]
    seen: list[Encoder | LanguageModel] = []
    for point in points:
        for encoder in [part.encoder for part in point.encoder.parts] or [point.encoder]:
            if not (encoder in known or encoder in seen or is_read_off(encoder.name)):
                seen.append(encoder)
                size_px = encoder.sweep_resolutions_px[0]
                yield "encoder", encoder, {"encoder": encoder.spec(), "resolution_px": size_px}
        llm = point.llm
        if not (llm in known or llm in seen or is_read_off(llm.name)):
            seen.append(llm)
            yield "llm", llm, {"llm": llm.spec()}
