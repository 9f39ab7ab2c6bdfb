"""Core ML: encoders on Apple's Neural Engine, GPU and CPU. Measuring needs a Mac."""

from __future__ import annotations

from pathlib import Path

from paretobench.backends import Availability, Prepared, Session, hardware
from paretobench.domain import Workload
from paretobench.errors import BackendMissingError

INSTALL = "pip install 'paretobench[apple]'"
CONVERT_ELSEWHERE = (
    "build its packages here with 'paretobench artifacts build +grid=NAME device=apple', copy "
    "the cache folder to a Mac, and run 'paretobench sweep +grid=NAME device=apple' there"
)
"""What a machine without Core ML can still do for one that has it."""

PRECISIONS = ("fp16", "fp32", "int8", "int4")


class CoreML:
    """The backend; see the module."""

    name = "coreml"

    def available(self) -> Availability:
        """Whether this is a Mac with Apple silicon and coremltools is installed."""
        machine = hardware.detect()
        version = hardware.version_of("coremltools")
        if not machine.is_apple_silicon:
            where = f"{machine.system} {machine.machine}"
            reason = f"Core ML runs on Apple silicon, and this is {where}: {CONVERT_ELSEWHERE}"
            return Availability(False, reason, version)
        if not version:
            return Availability(False, f"coremltools is not installed: {INSTALL}")
        return Availability(True, version=version)

    def refuses(self, workload: Workload) -> str | None:
        """Anything but encoding, and precisions Core ML does not know."""
        if workload.kind != "encode":
            return f"coreml encodes only; {workload.kind} runs on mlx"
        if workload.runtime.precision not in PRECISIONS:
            return f"coreml runs {', '.join(PRECISIONS)}, not {workload.runtime.precision}"
        return None

    def prepare(self, workload: Workload, root: Path) -> Prepared:
        """Convert the encoder to an `.mlpackage`.

        Raises:
            BackendMissingError: always, until conversion is in place.
        """
        raise BackendMissingError("converting to Core ML is not available in this version")

    def load(self, workload: Workload, prepared: Prepared) -> Session:
        """Compile and load the package.

        Raises:
            BackendMissingError: if this is not a Mac with coremltools.
        """
        raise BackendMissingError(self.available().reason or "Core ML is not available")


def backend() -> CoreML:
    """The backend, for `backends.get`."""
    return CoreML()
