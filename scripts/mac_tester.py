"""One run on a Mac: checks every Apple call this package relies on, writes one file to send back.

    pip install '.[apple]'
    python scripts/mac_tester.py                 some ten minutes, mains power, nothing else open
    python scripts/mac_tester.py --remote iphone also on a connected iPhone (Xcode, developer mode)

The Core ML and MLX code was written without a Mac. Each step below is recorded with what it
returned or how it failed, and a failed step stops none of the others. The file holds chip,
system, package versions, and this machine's network name and folder names: look at record.json
in it before you send it. No serial number, no file of yours.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.backends import PreparedArtifact, get
from paretobench.backends import coreml_runtime as core_ml
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload, prefill_workload

LAST_LINES = 12
ENOUGH_DB = 40
"""fp16 weights and fp16 arithmetic of a network of this depth leave 45 to 65 dB."""


@dataclass
class Record:
    """What each step returned, in order."""

    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Run one step; its result, or None if it failed. Either is recorded."""
        print(f"{name} ...", end=" ", flush=True)
        start = time.perf_counter()
        entry: dict[str, Any] = {"step": name, "ok": True}
        result = None
        try:
            result = act()
            entry["result"] = result
        except Exception as error:
            lines = traceback.format_exc().rstrip().splitlines()[-LAST_LINES:]
            entry |= {"ok": False, "error": f"{type(error).__name__}: {error}", "trace": lines}
        entry["seconds"] = round(time.perf_counter() - start, 3)
        self.steps.append(entry)
        print("ok" if entry["ok"] else entry["error"].splitlines()[0][:150])
        return result


def system_facts() -> dict[str, Any]:
    """Chip, memory, system, package versions: the identity that measurements carry."""
    from paretobench.measure.environment import fingerprint
    from paretobench.paper import machine as paper_machine

    environment = fingerprint()
    return {
        "identity": dict(environment.identity),
        "gflops": environment.observed.get("gflops"),
        "system_build": core_ml.system_build(),
        "against_the_paper": paper_machine.note_for(paper_machine.PROFILE, environment),
    }


def core_ml_calls(encode: Workload, root: Path) -> dict[str, Any]:
    """Every call of `coreml_runtime` but the remote ones, on one encoder."""
    import numpy as np

    from paretobench.backends.coreml_convert import INPUT, OUTPUT
    from paretobench.backends.inputs import EncodeSubject, random_pixels

    backend = get("coreml")
    prepared = backend.prepare(encode, root)
    assert prepared.path is not None
    units = encode.runtime.options["compute_units"]
    again = core_ml.LoadedModel(prepared.path, units)
    pixels = random_pixels(EncodeSubject.of(encode).shape)
    outputs = {name: np.asarray(value) for name, value in again.predict({INPUT: pixels}).items()}
    first = dict(prepared.facts["first_load"])
    return {
        "compile_s": prepared.facts["compiled"]["compile_s"],
        "first_load_s": first["first_load_s"],
        "later_load_s": again.load_s,
        "core_ml_later_load_s": again.core_ml_load_s,
        "core_ml_prediction_s": again.last_prediction_s,
        "outputs": {name: [list(one.shape), str(one.dtype)] for name, one in outputs.items()},
        "error_db": round(signal_to_error_db(encode, pixels, outputs[OUTPUT]), 1),
        "devices": first["compute_devices"],
        "placement": first["placement"],
        "no_placement": first.get("no_placement"),
    }


def signal_to_error_db(encode: Workload, pixels: Any, got: Any) -> float:
    """How close Core ML came to the encoder in torch, in decibels.

    Raises:
        ValueError: below `ENOUGH_DB`.
    """
    import numpy as np
    import torch

    from paretobench.backends.coreml_convert import PackageSpec, build_encoder

    with torch.no_grad():
        wanted = build_encoder(PackageSpec.of(encode))(torch.from_numpy(pixels)).numpy()
    error = np.mean((wanted - got.astype(np.float32)) ** 2)
    decibels = float(10 * np.log10(np.mean(wanted**2) / error))
    if not decibels > ENOUGH_DB:
        raise ValueError(f"Core ML's output is {decibels:.1f} dB from the encoder's")
    return decibels


def timed(workload: Workload, root: Path, runs: int = 10) -> dict[str, Any]:
    """A session's own runs, with its facts: every call that a measuring cell makes."""
    backend = get(workload.runtime.backend)
    refusal = backend.refuses(workload)
    if refusal:
        raise ValueError(refusal)
    prepared: PreparedArtifact = backend.prepare(workload, root)
    session = backend.load(workload, prepared)
    seconds = []
    for _ in range(runs):
        session.renew_input()
        start = time.perf_counter()
        session.run()
        seconds.append(time.perf_counter() - start)
    facts = dict(session.facts)
    session.close()
    return {"seconds": seconds, "facts": facts}


def command(*words: str, limit_s: float = 3600) -> dict[str, Any]:
    """A `paretobench` command with the end of what it printed.

    Raises:
        RuntimeError: if its exit status is not 0.
    """
    line = [sys.executable, "-m", "paretobench", *words]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=limit_s)
    printed = {"stdout": ended.stdout[-20000:], "stderr": ended.stderr[-4000:]}
    if ended.returncode:
        raise RuntimeError(f"exit status {ended.returncode}: {ended.stderr[-1500:]}")
    return printed


def run_all(record: Record, folder: Path, remote: str | None) -> None:
    """All steps, from single calls to a whole sweep."""
    catalogue = load_catalogue()
    encoder, llm = catalogue.encoders["fastvithd"], catalogue.llms["qwen2_0_5b"]
    root = folder / "artifacts"
    record.step("system", system_facts)
    for units in core_ml.COMPUTE_UNITS:
        runtime = Runtime("coreml", "fp16", {"compute_units": units})
        encode = encode_workload(encoder, 256, runtime)
        record.step(f"Core ML calls, {units}", lambda one=encode: core_ml_calls(one, root))
        record.step(f"Core ML session, {units}", lambda one=encode: timed(one, root))
    for precision in ("int8", "int4"):
        runtime = Runtime("coreml", precision, {"compute_units": "cpu_and_ne"})
        encode = encode_workload(encoder, 256, runtime)
        record.step(f"Core ML session, {precision}", lambda one=encode: timed(one, root))
    for mode in ("forward", "cache_prompt"):
        for precision in ("fp16", "bf16", "int8", "int4"):
            runtime = Runtime("mlx", precision, {"device": "gpu", "prefill_mode": mode})
            prefill = prefill_workload(llm, 64, runtime)
            record.step(f"MLX {mode}, {precision}", lambda one=prefill: timed(one, root))
    if remote:
        runtime = Runtime("coreml", "fp16", {"compute_units": "cpu_and_ne", "remote": remote})
        encode = encode_workload(encoder, 256, runtime)
        record.step(f"Core ML on the {remote}", lambda: timed(encode, root))
    record.step("doctor", lambda: command("doctor", "--json"))
    sweep = [
        "+grid=smoke",
        "device=m1_max_paper",
        f"database={folder / 'mac.db'}",
        f"reports={folder / 'reports'}",
    ]
    record.step("sweep", lambda: command("sweep", *sweep))


def pack(record: Record, folder: Path, target: Path) -> None:
    """The record, the database and the report in one file."""
    (folder / "record.json").write_text(json.dumps(record.steps, indent=1, default=str))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and folder / "artifacts" not in path.parents:
                archive.write(path, path.relative_to(folder))


def summary(steps: Sequence[Mapping[str, Any]]) -> str:
    """The last line printed.

    >>> summary([{'step': 'a', 'ok': True}, {'step': 'b', 'ok': False}])
    '1 of 2 steps failed: b'
    """
    failed = [str(step["step"]) for step in steps if not step["ok"]]
    if not failed:
        return f"all {len(steps)} steps passed"
    return f"{len(failed)} of {len(steps)} steps failed: {', '.join(failed)}"


def main(words: list[str] | None = None) -> int:
    """Run all steps, write the file; 0 if every step passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--remote", choices=("iphone", "ipad"), help="also on a connected device")
    parser.add_argument("--out", type=Path, default=Path("paretobench-mac.zip"))
    given = parser.parse_args(words)
    if platform.system() != "Darwin":
        print(f"this wants a Mac with Apple silicon; this is {platform.system()}", file=sys.stderr)
        return 2
    record = Record()
    with tempfile.TemporaryDirectory(prefix="paretobench-") as name:
        folder = Path(name).resolve()
        run_all(record, folder, given.remote)
        pack(record, folder, given.out)
    print(summary(record.steps))
    print(f"send back {given.out} (with the issue 'Run on a Mac')")
    return 0 if all(step["ok"] for step in record.steps) else 1


if __name__ == "__main__":
    raise SystemExit(main())
