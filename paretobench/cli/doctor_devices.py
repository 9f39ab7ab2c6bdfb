"""`doctor --devices`: every machine of the inventory, from end to end."""

from __future__ import annotations

from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.errors import ConfigError
from paretobench.units import counted, gibibytes


def doctor_devices(inventory: str, as_json: bool) -> int:
    """Ask every machine and print what it answered; 1 if one cannot take part in a sweep.

    Raises:
        ConfigError: if there is no inventory, or it cannot be read.
    """
    from paretobench.config import load_devices, load_inventory
    from paretobench.remote.inventory_check import inspect

    profiles = {profile.name: profile for profile in load_devices()}
    places = load_inventory(inventory, profiles)
    if not places:
        raise ConfigError(
            "there is no inventory, or no machine in it; write one as ./devices.yaml:\n"
            "macbook: {host: anna@macbook.local, profile: apple}"
        )
    found = inspect(places, profiles)
    lost = [each for each in found if each.problem]
    if as_json:
        emit_json(list(found))
        return 1 if lost else 0
    columns = ("device=", "kind", "reached", "version", "environment", "profile", "free", "clock")
    rows = [
        (
            each.name,
            each.kind,
            each.where if not each.problem else f"{each.where}: no",
            each.version,
            f"{each.environment[:12]} {each.label}".strip(),
            each.runtimes,
            "" if each.free_bytes is None else gibibytes(each.free_bytes),
            "" if each.clock_skew_s is None else f"{each.clock_skew_s:+.1f} s",
        )
        for each in found
    ]
    print_table("devices of the inventory", columns, rows)
    for each in lost:
        warn(each.problem)
    well = len(found) - len(lost)
    say(f"{well} of {counted(len(found), 'device')} can take part in a sweep")
    return 1 if lost else 0
