"""Parameters of a language model by its dimensions: `python -m ... JSON`.

Built without storage (torch's meta device), in a process of its own: whoever plans imports no
framework. One JSON object on stdout, with `parameters` or with `error`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import torch

from paretobench.backends.models import torch_llm
from paretobench.domain import LanguageModel
from paretobench.errors import UnsupportedError

NAMES = {"name": "", "label": "", "family": "", "size_label": "", "parameters": 0}


def answer(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the model that is built, or why there is none."""
    llm = LanguageModel(**{**NAMES, **fields})
    try:
        model = torch_llm.create_on_meta(llm.spec(), torch.float32, "sdpa")
    except (UnsupportedError, ValueError, TypeError, KeyError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {"parameters": sum(parameter.numel() for parameter in model.parameters())}


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
