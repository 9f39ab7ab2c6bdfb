"""Parameters of models by their descriptions: `python -m ... JSON`.

Built without storage (torch's meta device), in a process of its own: planning imports no
framework. The argument is a list of `{"llm": fields}` and `{"encoder": spec, "resolution_px": px}`;
one JSON list on stdout has `parameters` or `error` for each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import torch

from paretobench.backends.models import n_parameters, torch_llm
from paretobench.backends.models.weights import builder_of
from paretobench.domain import LanguageModel
from paretobench.errors import UnsupportedError

NAMES = {"name": "", "label": "", "family": "", "size_label": "", "parameters": 0}


def answer(model: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the model that is built, or why there is none."""
    try:
        if "llm" in model:
            llm = LanguageModel(**{**NAMES, **model["llm"]})
            network = torch_llm.create_on_meta(llm.spec(), torch.float32, "sdpa")
        else:
            network = builder_of(model["encoder"]).create_on_meta(
                model["encoder"], model["resolution_px"]
            )
    except (UnsupportedError, ValueError, TypeError, KeyError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {"parameters": n_parameters(network)}


if __name__ == "__main__":
    print(json.dumps([answer(model) for model in json.loads(sys.argv[1])]))
