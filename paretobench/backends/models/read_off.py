"""What a timm encoder is, read off the network itself: `python -m ... NAME [NAME...]`.

Answers: stride, rounding, parameters, channels and accepted sizes of an architecture that has no
YAML. The network is built without storage (torch's meta device) and shown images of a few sizes;
nothing is guessed from its name. Runs as a process of its own, since planning imports no
framework: names in, one JSON object on stdout.
"""

from __future__ import annotations

import difflib
import fnmatch
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import torch

from paretobench.backends.models import encoders, n_parameters
from paretobench.errors import UnsupportedError

CANDIDATES_PX = (192, 224, 256, 288, 320, 336, 378, 384, 448, 512, 518, 576, 640, 768, 1024)
"""Sides that a network without a regular step of sizes is tried at."""

LARGEST_PX = 2048
"""No side above this is offered: the paper's largest figures end at 2048 px."""


class Shown:
    """One architecture of timm that images of several sizes are shown to."""

    def __init__(self, name: str) -> None:
        self._spec = {"builder": "timm", "architecture": name, "options": {}}
        self._built: dict[int, Any] = {}
        self._is_sized = encoders.has_fixed_grid(name)

    def network(self, px: int) -> Any:
        """The network without storage; one for all sizes unless a size is built into it."""
        key = px if self._is_sized else 0
        if key not in self._built:
            self._built[key] = encoders.create_on_meta(self._spec, px)
        return self._built[key]

    def tokens(self, px: int) -> tuple[int, int] | None:
        """Tokens and channels of a square image of `px`, or None if it cannot be shown."""
        try:
            with torch.no_grad():
                tokens = self.network(px)(torch.empty(1, 3, px, px, device="meta"))
        except (RuntimeError, AssertionError, ValueError, TypeError, IndexError, KeyError):
            return None
        return (int(tokens.shape[1]), int(tokens.shape[2])) if tokens.ndim == 3 else None

    def side(self, px: int) -> int:
        """Tokens along one side at `px`; 0 if it cannot be shown or they are no square."""
        count, _ = self.tokens(px) or (0, 0)
        side = math.isqrt(count)
        return side if side**2 == count else 0


def describe(name: str) -> dict[str, Any]:
    """The fields of an encoder's YAML for one architecture of timm.

    Raises:
        UnsupportedError: if timm has no such architecture, or it makes no square grid of tokens.
    """
    timm = encoders.timm
    if name not in timm.list_models():
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        guess = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnsupportedError(f"timm {timm.__version__} has no architecture {name!r}{guess}")
    px = int(timm.get_pretrained_cfg(name, allow_unregistered=True).input_size[-1])
    shown = Shown(name)
    side = shown.side(px)
    if not side:
        raise UnsupportedError(f"timm/{name} makes no square grid of tokens at {px} px")
    stride = _stride(shown, name, px, side)
    return {
        "label": name,
        "family": name.split("_")[0],
        "architecture": name,
        "token_stride_px": stride,
        "token_rounding": "ceil" if side * stride > px else _rounding(shown, px, stride),
        "parameters": n_parameters(shown.network(px)),
        "output_channels": (shown.tokens(px) or (0, 0))[1],
        "resolutions": _resolutions(shown, px, stride),
        "sweep_resolutions_px": [px],
        "source": f"timm {timm.__version__}, read off the network",
    }


def _stride(shown: Shown, name: str, px: int, side: int) -> int:
    """Pixels of a token: the network's own patch or reduction, if it agrees with the grid."""
    network = shown.network(px).network
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    reductions = [one["reduction"] for one in getattr(network, "feature_info", None) or []]
    own = [int(patch[0] if isinstance(patch, tuple) else patch)] if patch else []
    for stride in [*own, *map(int, reversed(reductions)), round(px / side)]:
        if stride and side in (px // stride, -(-px // stride)):
            return stride
    raise UnsupportedError(f"timm/{name} makes {side} tokens a side at {px} px, no whole stride")


def _rounding(shown: Shown, px: int, stride: int) -> str:
    """What happens to a side that is no multiple of the stride; down where none is accepted."""
    side = px // stride * stride + stride // 2
    return "ceil" if shown.side(side) > side // stride else "floor"


def _resolutions(shown: Shown, px: int, stride: int) -> dict[str, Any]:
    """A range in steps of the stride, if the usual one is in it and those beside it work; else
    those of the usual sizes that work."""
    beside = (px - stride, px + stride, px + 3 * stride)
    if px % stride == 0 and all(_is_regular(shown, side, stride) for side in beside):
        least = max(stride, px // stride // 4 * stride)
        most = max(px, LARGEST_PX // stride * stride)
        why = "read off the network: sizes between in steps of its stride work"
        return {"min_px": least, "max_px": most, "multiple_px": stride, "why": why}
    allowed = {side for side in CANDIDATES_PX if _is_regular(shown, side, stride)}
    why = "read off the network: of the usual sizes these work"
    return {"allowed_px": sorted(allowed | {px}), "why": why}


def _is_regular(shown: Shown, side: int, stride: int) -> bool:
    return side >= stride and shown.side(side) in (side // stride, -(-side // stride))


def answer(words: list[str]) -> Mapping[str, Any]:
    """By each word: a description, the architectures that a pattern with `*` or `?` matches, or why
    there is neither."""
    found: dict[str, Any] = {}
    for word in words:
        if any(mark in word for mark in "*?["):
            names = fnmatch.filter(encoders.timm.list_models(), word)
            found[word] = {"candidates": sorted(names)}
            continue
        try:
            found[word] = {"encoder": describe(word)}
        except UnsupportedError as error:
            found[word] = {"error": str(error)}
    return found


if __name__ == "__main__":
    print(json.dumps(answer(sys.argv[1:])))
