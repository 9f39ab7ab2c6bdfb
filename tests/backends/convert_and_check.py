"""Convert a catalogue encoder to Core ML, run the saved program, say how close it came.

    python -m tests.backends.convert_and_check fastvithd 256 [precision]
    python -m tests.backends.convert_and_check --table

Each conversion runs in a process of its own, so that its peak memory is its own. Two numbers
in decibels (signal over error) keep two things apart: `program_db` compares the program with
the encoder whose weights are rounded to the package's type, which is what the conversion itself
may change; `encoder_db` compares it with the encoder in fp32, rounding included.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

NIGHTLY = (
    ("fastvithd", 256),
    ("fastvithd", 1024),
    ("fastvit", 256),
    ("vit_l14", 336),
    ("convnext_l", 512),
    ("siglip_so400m", 384),
    ("vitamin_l", 336),
)
"""Encoder and resolution of the table in docs/apple.md."""

COLUMNS = (
    "encoder",
    "captured by",
    "operations",
    "package MB",
    "seconds",
    "peak GiB",
    "program dB",
    "encoder dB",
)


def signal_to_error_db(wanted: np.ndarray, got: np.ndarray) -> float:
    """10 log10 of signal power over error power."""
    error = float(np.mean((wanted.astype(np.float64) - got.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(np.mean(wanted**2.0) / error))


def check(architecture: dict[str, Any], resolution_px: int, precision: str) -> dict[str, Any]:
    """Convert, interpret, compare; see the module."""
    from paretobench.backends.coreml_convert import PACKAGE, PackageSpec, write_package
    from paretobench.backends.inputs import EncodeSubject
    from paretobench.domain import EncoderInput

    subject = EncodeSubject(architecture, EncoderInput.square(resolution_px), 1)
    spec = PackageSpec(subject, precision)
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        facts = write_package(spec, Path(name))
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        decibels = compare(spec, Path(name) / PACKAGE)
    return facts | decibels | {"convert_s": seconds, "peak_memory_bytes": peak}


def compare(spec: Any, package: Path) -> dict[str, float]:
    """`program_db` and `encoder_db` of a package, for one random image."""
    import torch

    from paretobench.backends.coreml_convert import INPUT, OUTPUT, build_encoder
    from tests.backends.mil_interpreter import run_package

    pixels = torch.randn(spec.subject.shape, generator=torch.Generator().manual_seed(1))
    encoder = build_encoder(spec)
    with torch.no_grad():
        wanted = encoder(pixels).numpy()
        rounded = wanted if spec.is_fp32 else encoder.half().float()(pixels).numpy()
    del encoder
    got = run_package(package, {INPUT: pixels.numpy()})[OUTPUT]
    assert got.shape == wanted.shape
    return {
        "program_db": signal_to_error_db(rounded, got),
        "encoder_db": signal_to_error_db(wanted, got),
    }


def check_apart(encoder: str, resolution_px: int, precision: str = "fp16") -> dict[str, Any]:
    """`check` in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, encoder, str(resolution_px), precision]
    folder = Path(__file__).parents[2]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if answer.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{answer.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


def row(name: str, found: dict[str, Any]) -> list[str]:
    """One line of the table."""
    return [
        name,
        found["captured_by"],
        str(sum(found["operations"].values())),
        f"{found['package_bytes'] / 1e6:.0f}",
        f"{found['convert_s']:.0f}",
        f"{found['peak_memory_bytes'] / 2**30:.1f}",
        f"{found['program_db']:.1f}",
        f"{found['encoder_db']:.1f}",
    ]


def spec_of(name: str) -> dict[str, Any]:
    """An encoder's spec from the catalogue."""
    from paretobench.config import load_catalogue

    return load_catalogue().encoders[name].spec()


def main(words: list[str]) -> None:
    """See the module."""
    if words == ["--table"]:
        print("|".join(["", *COLUMNS, ""]))
        print("|" + "---|" * len(COLUMNS))
        for name, resolution_px in NIGHTLY:
            found = check_apart(name, resolution_px)
            print("|".join(["", *row(f"{name}@{resolution_px}", found), ""]), flush=True)
        return
    name, resolution_px, *precision = words
    print(json.dumps(check(spec_of(name), int(resolution_px), (*precision, "fp16")[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
