"""The verb artifacts: make a grid's converted networks, list them, check their content."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.cli.options import as_json, overrides_argument
from paretobench.planning.reasons import grouped
from paretobench.resources import cache_folder
from paretobench.units import MISSING, counted, duration, significant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paretobench.backends.artifacts import Artifact
    from paretobench.domain import Workload
    from paretobench.measure.builds import Built


@click.group("artifacts")
def artifacts_command() -> None:
    """Convert a grid's networks without measuring; list and check what is there.

    They are in ~/.cache/paretobench, or in PARETOBENCH_CACHE. What is made for a Mac can be made
    on any machine with torch, copied there, and measured there.
    """


@artifacts_command.command("build")
@overrides_argument
@as_json
def build_command(overrides: tuple[str, ...], as_json: bool) -> int:
    """Convert what a sweep would; measure nothing.

    OVERRIDES are those of a sweep: +grid=qwen2_family device=apple. What is there and whole is
    kept; a build that was stopped goes on where it was. executor/conversion=submitit makes each
    artifact in a job of its own.
    """
    from paretobench.config import expand
    from paretobench.measure import builds

    request = expand(overrides)
    device = builds.device_to_build_for(asdict(request.devices[0]))
    say(f"device {device.name}: encode {device.encode}, prefill {device.prefill}")
    if device.why:
        say(f"  {device.why}")
    workloads, refused = builds.workloads_to_build(
        request.points, request.refused, device, request.settings.weights
    )
    for line in grouped(refused):
        warn(f"refused: {line}")
    built = _make(workloads, request.executors["conversion"])
    emit_json(built) if as_json else _print_built(built)
    failed = [one for one in built if one.state == "failed"]
    for one in failed:
        warn(f"{one.workload.label} was not built: {one.reason}")
    if device.encode.backend == "coreml" and not failed:
        say(_next_on_a_mac(overrides))
    return 1 if failed else 0


def _make(workloads: list[Workload], settings: Mapping[str, Any]) -> list[Built]:
    """Make artifacts here, or as jobs of an executor; a failure costs its own workload."""
    from paretobench.jobs import conversions, engines
    from paretobench.measure import builds

    chosen = engines.choose(settings, "conversion")
    if chosen is None:
        return builds.build_artifacts(workloads, progress=_print_progress)
    return conversions.build_elsewhere(workloads, chosen, cache_folder(), say)


def _print_progress(workload: Workload, done: int, total: int) -> None:
    say(f"{workload.label} ({workload.runtime}), {done + 1} of {total}")


def _next_on_a_mac(overrides: tuple[str, ...]) -> str:
    """What comes after a build for a Mac: here, if this is one, else there."""
    from paretobench.backends import hardware

    sweep = f"paretobench sweep {shlex.join(overrides)}"
    if hardware.detect().is_apple_silicon:
        return f"next: {sweep}"
    return f"next: copy {cache_folder()} to ~/.cache/paretobench on a Mac, and there: {sweep}"


def _print_built(built: list[Built]) -> None:
    rows = [
        (
            one.workload.label,
            str(one.workload.runtime),
            one.state,
            duration(one.seconds),
            _mebibytes(one.size_bytes) if one.path else MISSING,
        )
        for one in built
    ]
    print_table("", ("workload", "runtime", "state", "time", "size"), rows)


def _mebibytes(size_bytes: int) -> str:
    return f"{significant(size_bytes / (1 << 20))} MiB"


@artifacts_command.command("list")
@as_json
def list_command(as_json: bool) -> None:
    """What was converted on this machine, or copied to it."""
    from paretobench.backends.artifacts import ArtifactStore

    root = cache_folder()
    found = list(ArtifactStore(root))
    if as_json:
        emit_json([_described(one) for one in found])
        return
    rows = [
        (one.path.parent.name, one.title, _mebibytes(one.size_bytes), one.path.name)
        for one in found
    ]
    print_table("", ("format", "content", "size", "folder"), rows)
    say(f"{counted(len(found), 'artifact')} in {root}")


def _described(artifact: Artifact) -> dict[str, Any]:
    return {
        "path": str(artifact.path),
        "format": artifact.path.parent.name,
        "content": artifact.title,
        "size_bytes": artifact.size_bytes,
        "facts": artifact.facts,
    }


@artifacts_command.command("verify")
@as_json
def verify_command(as_json: bool) -> int:
    """Hash all files and name the damaged ones.

    Nothing is removed: a build or a sweep makes a damaged artifact again when it needs it.
    """
    from paretobench.backends.artifacts import MANIFEST, ArtifactStore

    root = cache_folder()
    store = ArtifactStore(root)
    found = {str(one.path): one.damage() for one in store}
    found |= {str(folder): [MANIFEST] for folder in store.without_manifest()}
    damaged = {folder: files for folder, files in found.items() if files}
    if as_json:
        emit_json({"checked": len(found), "damaged": damaged})
    for folder, files in damaged.items():
        warn(f"{Path(folder).relative_to(root)} is damaged ({', '.join(files)})")
    say(f"{counted(len(found), 'artifact')} checked, {len(damaged)} damaged")
    if damaged:
        say("'paretobench artifacts build' and 'sweep' make damaged ones again when they need them")
    return 1 if damaged else 0
