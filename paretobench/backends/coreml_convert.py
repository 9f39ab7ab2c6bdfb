"""From an encoder in torch to a Core ML package; runs on Linux as well as on a Mac.

The network is captured by torch.export, decomposed, and converted to an ML program; where that
fails it is traced, and the artifact says so. Nothing here needs Core ML itself, so what a Mac
will run can be made, kept and checked (by interpreting the saved program) anywhere.

Precisions, all with fp16 arithmetic but the second:

    fp16  weights and arithmetic, and the input and output too, so that no cast is left over
    fp32  weights and arithmetic; the Neural Engine cannot run it
    int8  weights quantised linearly and symmetrically, a scale per output channel
    int4  weights palettised: 16 values per tensor, evenly spaced. k-means would place them
          better for trained weights, costs minutes and changes nothing about the latency

Weights are compressed only (coremltools' `optimize.coreml`); activations stay fp16.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import platform
import shutil
import struct
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paretobench.backends import hardware
from paretobench.backends.artifacts import Recipe
from paretobench.backends.inputs import EncodeSubject, memory_failures
from paretobench.backends.models import n_parameters
from paretobench.domain import Workload

PACKAGE = "encoder.mlpackage"
INPUT, OUTPUT = "pixels", "visual_tokens"
PRECISIONS = ("fp16", "fp32", "int8", "int4")
TARGETS = {"macos14": "macOS14", "macos15": "macOS15"}
"""Oldest system a package is made for. macOS 14 is iOS 17; macOS 15 (iOS 18) has attention as
one operation, and needs it installed."""

CONVERSION_VERSION = 1
"""Part of every package's key: raised when the same workload is converted differently."""

PALETTE_BITS = 4
_WEIGHT_HEADER = struct.Struct("<IIQQ")
_WEIGHT_SENTINEL = 0xDEADBEEF
_CONVERTERS = ("coremltools", "torch", "timm")


@dataclass(frozen=True)
class PackageSpec:
    """All that decides what is in a package.

    Attributes:
        subject: the network, its input, its batch.
        precision: one of `PRECISIONS`.
        target: a key of `TARGETS`.
        projector_width: width of the language model that a two-layer projector maps the visual
            tokens to, as part of the package; 0 for the encoder alone.
    """

    subject: EncodeSubject
    precision: str = "fp16"
    target: str = "macos14"
    projector_width: int = 0

    @staticmethod
    def of(workload: Workload) -> PackageSpec:
        """Read it from a workload."""
        options = workload.runtime.options
        return PackageSpec(
            EncodeSubject.of(workload),
            workload.runtime.precision,
            str(options.get("target", "macos14")),
            int(options.get("projector_width", 0)),
        )

    @property
    def is_fp32(self) -> bool:
        """Whether arithmetic, input and output are fp32."""
        return self.precision == "fp32"

    def recipe(self) -> Recipe:
        """What the package is filed under in the artifact store."""
        content = {
            "encoder": self.subject.encoder,
            "shape": list(self.subject.shape),
            "precision": self.precision,
            "target": self.target,
            "projector_width": self.projector_width,
            "weights_seed": 0,
            "conversion_version": CONVERSION_VERSION,
        }
        return Recipe("coreml", content, hardware.versions_of(*_CONVERTERS))


def can_convert() -> bool:
    """Whether everything that converting needs is installed here."""
    return all(hardware.versions_of(*_CONVERTERS).values())


def write_package(spec: PackageSpec, folder: Path) -> dict[str, Any]:
    """Build the encoder with random weights, convert it, write `encoder.mlpackage`.

    Args:
        folder: of the artifact; temporary files go there too, and are removed at the end.

    Returns:
        Facts: parameters, size, which way it was captured, operations by type.

    Raises:
        OutOfMemoryError: if converting does not fit in memory.
        OSError: if the disk is full.
    """
    with _scratch(folder), memory_failures("converting to Core ML"):
        encoder = build_encoder(spec)
        package, facts = convert(encoder, spec)
        package = _compressed(package, spec.precision)
        package.save(str(folder / PACKAGE))
        _check_written(folder / PACKAGE)
    size = sum(path.stat().st_size for path in (folder / PACKAGE).rglob("*") if path.is_file())
    return facts | {
        "parameters": n_parameters(encoder),
        "package_bytes": size,
        "operations": _operations(folder / PACKAGE),
        "weights": "random",
        "precision": spec.precision,
        "target": TARGETS[spec.target],
        "projector_width": spec.projector_width,
        "converted_on": f"{platform.system()} {platform.machine()}",
    }


def build_encoder(spec: PackageSpec) -> Any:
    """The torch module that a package is made from, fp32, projector included."""
    from paretobench.backends.models import encoders

    encoder = encoders.build(spec.subject.encoder, spec.subject.seen)
    if not spec.projector_width:
        return encoder
    import torch

    from paretobench.backends.projector import TorchProjector

    with torch.no_grad():
        channels = encoder(torch.zeros(spec.subject.shape)).shape[-1]
    projector = TorchProjector(
        channels, spec.projector_width, torch.float32, torch.device("cpu")
    ).network
    return torch.nn.Sequential(encoder, projector).eval()


def convert(encoder: Any, spec: PackageSpec) -> tuple[Any, dict[str, Any]]:
    """An uncompressed package in memory, and how it was captured.

    torch.export first; if it or the conversion after it fails, tracing, with the reason kept
    in the facts as `export_error`.
    """
    import torch

    example = torch.zeros(spec.subject.shape)
    try:
        return _convert(_exported(encoder, example), spec), {"captured_by": "torch.export"}
    except (MemoryError, OSError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    warnings.warn(
        f"torch.export or its conversion failed ({reason}); the encoder is traced instead",
        stacklevel=2,
    )
    with torch.no_grad(), warnings.catch_warnings():
        # Every size is fixed here, so a traced constant is right.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(encoder, example)
    return _convert(traced, spec), {"captured_by": "torch.jit.trace", "export_error": reason}


def _exported(encoder: Any, example: Any) -> Any:
    import torch

    with torch.no_grad():
        return torch.export.export(encoder, (example,)).run_decompositions({})


def _convert(captured: Any, spec: PackageSpec) -> Any:
    tools = import_coremltools()
    precision = tools.precision.FLOAT32 if spec.is_fp32 else tools.precision.FLOAT16
    dtype = np.float32 if spec.is_fp32 else np.float16
    return tools.convert(
        captured,
        convert_to="mlprogram",
        inputs=[tools.TensorType(name=INPUT, shape=spec.subject.shape, dtype=dtype)],
        outputs=[tools.TensorType(name=OUTPUT, dtype=dtype)],
        compute_precision=precision,
        minimum_deployment_target=getattr(tools.target, TARGETS[spec.target]),
        skip_model_load=True,
    )


def _compressed(package: Any, precision: str) -> Any:
    """The package with quantised weights; as it is for the floating-point precisions."""
    from coremltools.optimize import coreml as optimize

    if precision == "int8":
        linear = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8")
        return optimize.linear_quantize_weights(package, optimize.OptimizationConfig(linear))
    if precision == "int4":
        palette = optimize.OpPalettizerConfig(mode="uniform", nbits=PALETTE_BITS)
        return optimize.palettize_weights(package, optimize.OptimizationConfig(palette))
    return package


def import_coremltools() -> Any:
    """coremltools without its notes on versions of torch that it was not tested with.

    On Linux it also warns once for each binding to the Core ML framework that is not there.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    import coremltools

    return coremltools


def _operations(package: Path) -> dict[str, int]:
    """How many operations of each type the saved program has, constants left out."""
    counts = Counter(operation.type for operation in _program(package))
    del counts["const"]
    return dict(sorted(counts.items()))


def _check_written(package: Path) -> None:
    """Refuse a package that a full disk has cut short: the writer may not say so.

    Raises:
        OSError: if a weight is beyond the end of the weight file.
    """
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    size = weights.stat().st_size if weights.exists() else 0
    last = max(_weight_offsets(package), default=None)
    if last is not None and _end_of_weight(weights, last) > size:
        free = shutil.disk_usage(package).free
        raise OSError(errno.ENOSPC, f"No space left on device ({free} bytes free)")


def _weight_offsets(package: Path) -> Iterator[int]:
    """Where in the weight file the program's constants begin."""
    for operation in _program(package):
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blobFileValue":
                yield value.blobFileValue.offset


def _end_of_weight(weights: Path, offset: int) -> int:
    """The byte after a weight, from the header at its offset; infinite if that is cut off.

    The header, as coremltools' MILBlob/Blob/StorageFormat.hpp has it: a sentinel and a type of
    four bytes each, then the size and the place of the data, eight bytes each.
    """
    with weights.open("rb") as file:
        file.seek(offset)
        header = file.read(_WEIGHT_HEADER.size)
    if len(header) < _WEIGHT_HEADER.size:
        return sys.maxsize
    sentinel, _, size, start = _WEIGHT_HEADER.unpack(header)
    return start + size if sentinel == _WEIGHT_SENTINEL else sys.maxsize


def _program(package: Path) -> Iterator[Any]:
    """The operations of a saved program."""
    from coremltools.models.utils import load_spec

    for function in load_spec(str(package)).mlProgram.functions.values():
        for block in function.block_specializations.values():
            yield from block.operations


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[None]:
    """Send temporary files into the artifact's own folder while it is made.

    coremltools writes the whole package into the temporary folder first. There it would
    outlive a killed process, and fill another disk than the one that was checked for space.
    """
    scratch, before = folder / "scratch", tempfile.tempdir
    scratch.mkdir()
    tempfile.tempdir = str(scratch)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(scratch, ignore_errors=True)
