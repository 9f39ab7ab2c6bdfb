"""The views of one sweep on every device that a database has it from.

    views = stored_devices(store, "qwen2_family")    # {'cpu': a view, 'gpu': another}

A device is an environment with a device profile: the same machine with two runtimes is two
devices, and a sweep repeated on one device is that device's newest.
"""

from __future__ import annotations

from typing import Any

from paretobench.errors import StoreError
from paretobench.report.view.environments import told_apart
from paretobench.report.view.rows import View
from paretobench.report.view.stored import find_sweep, stored_view
from paretobench.store import Store, Sweep

UNNAMED = ("", "auto")
"""Profiles with a name that does not identify the device."""


def stored_devices(store: Store, sweep: str | None = None, **options: Any) -> dict[str, View]:
    """One view per device of a sweep, by the name to show, the earliest device first.

    Args:
        sweep: name or key; the newest sweep's name by default.
        options: passed to `stored_view`: `benchmark`, `recipe`, `mix_protocols`.

    Raises:
        StoreError: if there is no such sweep, or only one device has measured it.
    """
    found = _newest_of_each(store, sweep)
    if len(found) < 2:
        raise StoreError(
            f"{store.path} has the sweep {found[0].name!r} of one device alone, and two are "
            "needed;\nsweep it with another device=..., or 'paretobench import' the database of "
            "another machine"
        )
    names = device_names(found, {each.key: each.label for each in store.environments()})
    return {
        name: stored_view(store, each.key, each.environment_key, **options)
        for name, each in zip(names, found, strict=True)
    }


def _newest_of_each(store: Store, sweep: str | None) -> list[Sweep]:
    """The newest sweep of that name on each device, in the order of their first times."""
    sweeps = [each for each in store.sweeps() if each.environment_key]
    if not sweeps:
        raise StoreError(
            f"{store.path} holds no sweep that measured anything.\n"
            "'paretobench sweep +grid=smoke' measures a first one."
        )
    name = find_sweep(store, sweep).name if sweep else sweeps[0].name
    if name not in {each.name for each in sweeps}:
        raise StoreError(f"the sweep {name!r} of {store.path} measured nothing yet; sweep it again")
    newest: dict[tuple[str, str, str], Sweep] = {}
    for each in sorted(sweeps, key=lambda one: one.created_at):
        if each.name == name:
            newest[_device(each)] = each
    return list(newest.values())


def _device(sweep: Sweep) -> tuple[str, str, str]:
    profile = sweep.settings.get("device") or {}
    sides = (profile.get("encode"), profile.get("prefill"))
    return (str(sweep.environment_key), str(profile.get("name") or ""), str(sides))


def device_names(sweeps: list[Sweep], labels: dict[str, str]) -> list[str]:
    """What to call each sweep's device: its profile's name, else where it ran, else how.

    Args:
        labels: of the environments, by key.
    """
    profiles = [each.settings.get("device") or {} for each in sweeps]
    short = [str(profile.get("name") or "") for profile in profiles]
    places = [labels.get(str(each.environment_key), "") for each in sweeps]
    names = [
        place if name in UNNAMED else name
        for name, place in zip(told_apart(short, places), places, strict=True)
    ]
    runtimes = zip(names, map(_runtimes, profiles), strict=True)
    names = told_apart(names, [f"{name} ({how})" for name, how in runtimes])
    keys = zip(names, (str(each.environment_key)[:6] for each in sweeps), strict=True)
    return told_apart(names, [f"{name}, {key}" for name, key in keys])


def _runtimes(profile: dict[str, Any]) -> str:
    sides = [profile.get(side) or {} for side in ("encode", "prefill")]
    said = [f"{side.get('backend', '')} {side.get('precision', '')}".strip() for side in sides]
    return " + ".join(dict.fromkeys(text for text in said if text)) or "unnamed"
