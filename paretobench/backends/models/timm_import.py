"""Importing timm beside a CPU build of torch.

The PyPI wheel of torchvision is a CUDA build. Next to a CPU build of torch its compiled
operators do not load, `import torchvision` then fails on `operator torchvision::nms does not
exist`, and so do timm and parts of transformers, which import it. Nothing here calls those
operators: declaring their schemas is enough. With ordinary pairs of wheels nothing is done.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []
"""Keeps the library alive: its schemas vanish when it is collected."""


def import_timm() -> ModuleType:
    """timm, imported; twice if torchvision's operators had to be declared first."""
    repair_torchvision()
    import timm

    module: ModuleType = timm
    return module


def repair_torchvision() -> None:
    """Make `import torchvision` work where it is installed.

    Raises:
        RuntimeError: torchvision's own, if it fails for another reason.
    """
    try:
        import torchvision
    except ImportError:
        return
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    else:
        return
    import torch

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _declared.append(library)
    import torchvision  # noqa: F401
