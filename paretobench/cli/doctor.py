"""The verb doctor: what this machine can run, and whether it is quiet enough to measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from paretobench.cli.console import emit_json, print_findings, print_table, say, yes_no
from paretobench.cli.options import as_json, overrides_argument
from paretobench.errors import ParetobenchError
from paretobench.installation import tested_version
from paretobench.units import counted

_DISTRIBUTIONS = {"coreml": "coremltools", "llamacpp": "xllamacpp"}
"""The packages of those runtimes that are not named as theirs."""


@click.command("doctor")
@click.option(
    "--apple", is_flag=True, help="Only Core ML, MLX and iPhone: converting here, measuring here."
)
@click.option(
    "--devices", is_flag=True, help="Only the machines of the inventory, each from end to end."
)
@click.option("--inventory", metavar="FILE", help="For --devices; ./devices.yaml where not given.")
@overrides_argument
@as_json
def doctor_command(
    apple: bool, devices: bool, inventory: str | None, overrides: tuple[str, ...], as_json: bool
) -> int:
    """What this machine can run, and whether it is quiet enough to measure.

    OVERRIDES that name an executor check that instead, from its programs to its shared folder:
    executor/accuracy=submitit executor.accuracy.partition=gpu.
    """
    if overrides:
        from paretobench.cli.doctor_executors import doctor_executors

        return doctor_executors(overrides, as_json)
    if devices or inventory:
        from paretobench.cli.doctor_devices import doctor_devices

        return doctor_devices(inventory or "", as_json)
    if apple:
        _apple(as_json)
        return 0
    from paretobench.measure import quiet
    from paretobench.measure.environment import fingerprint

    environment = fingerprint()
    report = {
        "environment": environment.key,
        "identity": environment.identity,
        "observed": environment.observed,
        "backends": _backends(),
        "devices": _devices(),
        "catalogue": _catalogue(),
        "quiet": quiet.check(),
    }
    if as_json:
        emit_json(report)
    else:
        _print(report)
    return 0


def _apple(as_json: bool) -> None:
    from paretobench.measure import apple_check

    found = apple_check.check()
    if as_json:
        emit_json(found)
        return
    print_findings("Core ML, MLX, iPhone", found)
    lacking = [each for each in found if not each.is_fine]
    say(f"{counted(len(lacking), 'finding')} to act on" if lacking else "ready to measure")


def _backends() -> list[dict[str, Any]]:
    from paretobench import backends

    found = []
    for name in backends.NAMES:
        state = backends.get(name).available()
        found.append(
            {
                "backend": name,
                "available": state.is_available,
                "version": state.version,
                "tested": tested_version(_DISTRIBUTIONS.get(name, name)),
                "note": state.reason,
            }
        )
    return found


def _devices() -> list[dict[str, str]]:
    from paretobench.backends.choose import choose_device
    from paretobench.config import load_devices

    found = []
    for request in load_devices():
        try:
            device = choose_device(asdict(request))
            what = f"encode {device.encode}, prefill {device.prefill}"
        except ParetobenchError as error:
            what = f"not here: {error}"
        found.append({"device": request.name, "what": what})
    return found


def _catalogue() -> dict[str, list[str]]:
    from paretobench.config import load_catalogue

    catalogue = load_catalogue()
    return {
        "encoders": sorted(catalogue.encoders),
        "llms": sorted(catalogue.llms),
        "tilings": sorted(catalogue.tilings),
    }


def _print(report: dict[str, Any]) -> None:
    identity, observed = report["identity"], report["observed"]
    rows = [(name, value) for name, value in identity.items() if not isinstance(value, dict)]
    print_table(f"environment {report['environment'][:12]}", ("fact", "value"), rows)
    print_table("right now", ("fact", "value"), observed.items())
    print_table(
        "runtimes",
        ("backend", "runs here", "version", "tested with", "note"),
        [
            (one["backend"], yes_no(one["available"]), one["version"], one["tested"], one["note"])
            for one in report["backends"]
        ],
    )
    rows = [(each["device"], each["what"]) for each in report["devices"]]
    print_table("device profiles", ("device=", "here"), rows)
    rows = [(kind, ", ".join(names)) for kind, names in report["catalogue"].items()]
    print_table("what a grid can name", ("group", "names"), rows)
    print_findings("quiet enough to measure?", report["quiet"])
    disturbing = [each for each in report["quiet"] if not each.is_fine]
    noise = f"{counted(len(disturbing), 'finding')} would disturb a measurement"
    say(noise if disturbing else "quiet enough to measure")
