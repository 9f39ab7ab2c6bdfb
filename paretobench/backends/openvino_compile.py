"""What encoders and language models share in OpenVINO: the import, options of compiling, a check
that a written graph is whole."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path
from typing import Any

from paretobench.domain import Workload


def import_openvino() -> Any:
    """openvino without its telemetry.

    The package reports its import to a server unless the reporting package is missing, which
    is what an entry of None in `sys.modules` says.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def compile_options(workload: Workload, precision_hint: str) -> dict[str, Any]:
    """Options of the CPU plugin: one request at a time, and the precision, spelled out.

    Args:
        precision_hint: of activations, in the plugin's words: `f32`, `bf16`, `f16`.
    """
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision_hint,
    }
    if threads := workload.runtime.options.get("threads"):
        options["INFERENCE_NUM_THREADS"] = int(threads)
    return options


def check_written(openvino: Any, path: Path) -> None:
    """Read the graph back: on a full disk the serialiser leaves a short file and no error."""
    try:
        openvino.Core().read_model(path)
    except RuntimeError as error:
        free = shutil.disk_usage(path.parent).free
        raise OSError(errno.ENOSPC, f"No space left on device ({free} bytes free)") from error
