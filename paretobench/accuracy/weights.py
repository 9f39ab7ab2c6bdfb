"""What a checkpoint's name or arguments say of its weights: quantised, pruned, or nothing.

A score of int4 weights does not belong to a point with a latency of fp16 ones. Harnesses write what
they loaded (`load_in_4bit=True`), and people name quantised copies so (`-AWQ`, `-int4`).
"""

from __future__ import annotations

import re

_QUANTISED = {
    "int4": re.compile(
        r"load_in_4bit=(?:true|1)|(?<![a-z0-9])(?:int4|4-?bits?|w4a\d+|awq|gptq|nf4|fp4|q4"
        r"(?:_[0-9km_]+)?)(?![a-z0-9])(?!=(?:false|0|none))",
        re.IGNORECASE,
    ),
    "int8": re.compile(
        r"load_in_8bit=(?:true|1)|(?<![a-z0-9])(?:int8|8-?bits?|w8a\d+|q8(?:_[0-9km_]+)?)"
        r"(?![a-z0-9])(?!=(?:false|0|none))",
        re.IGNORECASE,
    ),
}
_PRUNED = re.compile(r"(?<![a-z])(?:pruned|pruning\w*|sparse\w*)(?:[=_-]?[\d.]+%?)?", re.IGNORECASE)


def weights_text(*texts: str) -> str:
    """What these texts say of the weights; empty if they say nothing.

    >>> weights_text('pretrained=llava-int4,load_in_4bit=True')
    'quantised: int4'
    >>> weights_text('llava-fastvithd_0.5b_stage3')
    ''
    >>> weights_text('llava_pruned_0.5')
    'pruned: pruned_0.5'
    """
    text = " ".join(texts)
    found = [f"quantised: {name}" for name in _QUANTISED if _QUANTISED[name].search(text)][:1]
    if pruned := _PRUNED.search(text):
        found.append(f"pruned: {pruned.group()}")
    return "; ".join(found)
