"""Models without a YAML: an encoder by its timm name, a language model by its `config.json`.

`encoder=timm/NAME` and `llm=config/PATH` name models that are described elsewhere: in the network
that timm builds, in the file its authors publish. What has to be built to be known (stride,
tokens, parameter counts) is read off in a process of its own, because this room imports no
framework. Both become ordinary models, stored with every point as any other. `tiling=vlm/NAME` is
the token rule of a vision-language model, which the composer reads in `sweeps/vlm`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from paretobench.errors import ConfigError

TIMM, CONFIG, RULE = "timm/", "config/", "vlm/"
"""What such a name begins with."""

READ_OFF_PREFIX = {"encoder": TIMM, "llm": CONFIG, "tiling": RULE}
"""By axis."""

_READER = "paretobench.backends.models.read_off"
_COUNTER = "paretobench.backends.models.count_parameters"

_KNOWN = {
    "hidden_size": "hidden_size",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "intermediate_size": "intermediate_size",
    "vocab_size": "vocab_size",
    "max_position_embeddings": "max_positions",
    "head_dim": "head_dim",
    "rms_norm_eps": "norm_epsilon",
    "norm_eps": "norm_epsilon",
    "attention_bias": "attention_bias",
    "tie_word_embeddings": "tied_embeddings",
    "rope_theta": "rope_theta",
}
"""Fields of a `config.json` and what they are called here."""

_NO_DIMENSIONS = re.compile(
    "_.*|.*token_id|.*dropout.*|architectures|auto_map|dtype|torch_dtype|initializer_range"
    "|model_type|transformers_version|use_cache|quantization_config|pretraining_tp|cache_.*"
)
"""Fields that say nothing about what is built."""


def is_read_off(name: str) -> bool:
    """Whether a name means a model without a YAML.

    >>> is_read_off("timm/resnet50"), is_read_off("config/x/config.json"), is_read_off("fastvithd")
    (True, True, False)
    """
    return name.startswith((TIMM, CONFIG, RULE))


@lru_cache(maxsize=256)
def timm_encoder(name: str) -> Mapping[str, Any]:
    """The fields of an encoder `timm/ARCHITECTURE`, read off the network.

    Raises:
        ConfigError: if timm is missing, has no such architecture, or the name is a pattern; a
            pattern's candidates are listed.
    """
    architecture = name.removeprefix(TIMM)
    if not re.fullmatch(r"[\w.*?\[\]-]+", architecture):
        raise ConfigError(
            f"encoder={name}: after timm/ comes the name of one of timm's architectures"
        )
    found = json.loads(_child(_READER, architecture, f"encoder={name}"))[architecture]
    if "error" in found:
        raise ConfigError(f"encoder={name}: {found['error']}")
    if "candidates" in found:
        listed = [TIMM + each for each in found["candidates"]]
        if not listed:
            raise ConfigError(f"encoder={name}: timm has no such architecture")
        raise ConfigError(f"encoder={name} matches {len(listed)}; name some:\n{', '.join(listed)}")
    described: Mapping[str, Any] = found["encoder"]
    return described


@lru_cache(maxsize=256)
def language_model_of(name: str) -> Mapping[str, Any]:
    """The fields of a language model `config/PATH`, with the parameters that are built.

    Raises:
        ConfigError: if there is no such file, it is no decoder's, or transformers cannot build it.
    """
    path = Path(name.removeprefix(CONFIG))
    if path.is_dir():
        path /= "config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"llm={name}: cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"llm={name}: {path} is no JSON: {error}") from None
    fields = dimensions(data, str(path))
    (counted,) = count_parameters([{"llm": fields}], f"llm={name}")
    if "error" in counted:
        raise ConfigError(f"llm={name}: {counted['error']}")
    label = path.parent.name or path.stem
    size = f"{counted['parameters'] / 1e9:.2g}B"
    named = {"label": label, "family": fields["architecture"], "size_label": size}
    return {**named, **fields, "parameters": counted["parameters"], "source": str(path)}


def dimensions(data: Any, at: str) -> dict[str, Any]:
    """A `config.json` by our names; what has none of ours becomes an option.

    A vision-language model's file holds its language model's under `text_config`.

    Raises:
        ConfigError: naming the file `at` and what it lacks.
    """
    if isinstance(data, Mapping) and isinstance(data.get("text_config"), Mapping):
        data = data["text_config"]
    if not isinstance(data, Mapping) or not re.fullmatch(r"\w+", str(data.get("model_type", ""))):
        raise ConfigError(f"{at} has no model_type, so it is no model's config.json")
    found: dict[str, Any] = {"architecture": str(data["model_type"])}
    found |= {ours: data[theirs] for theirs, ours in _KNOWN.items() if data.get(theirs) is not None}
    found.setdefault("n_kv_heads", found.get("n_heads"))
    rope = data.get("rope_parameters")
    if isinstance(rope, Mapping) and "rope_theta" in rope:
        found["rope_theta"] = rope["rope_theta"]
    found.setdefault("max_positions", 1 << 15)
    needed = ("hidden_size", "n_layers", "n_heads", "intermediate_size", "vocab_size")
    if missing := [name for name in needed if found.get(name) is None]:
        theirs = {ours: name for name, ours in _KNOWN.items()}
        raise ConfigError(f"{at} lacks {', '.join(theirs[name] for name in missing)}")
    found["options"] = {
        name: value
        for name, value in data.items()
        if name not in _KNOWN and value is not None and not _NO_DIMENSIONS.fullmatch(name)
    }
    return found


def count_parameters(models: Sequence[Mapping[str, Any]], what: str) -> list[dict[str, Any]]:
    """`parameters` or `error` of each model as the backends build it.

    Args:
        models: `{"llm": fields}` or `{"encoder": spec, "resolution_px": px}`.
        what: they are, for messages.

    Raises:
        ConfigError: if the frameworks that build them are missing.
    """
    found: list[dict[str, Any]] = json.loads(_child(_COUNTER, json.dumps(models), what))
    return found


def _child(module: str, argument: str, what: str) -> str:
    """What a module of the backends prints about one argument."""
    command = [sys.executable, "-m", module, argument]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise ConfigError(
            f"{what} is read off the built network, which failed: {last}\n"
            "timm, torch and transformers come with pip install 'paretobench-vlm[cpu]'"
        )
    return result.stdout
