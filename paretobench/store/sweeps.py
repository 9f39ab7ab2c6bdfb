"""Rows about sweeps and the machines they ran on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from paretobench.domain import content_key
from paretobench.domain.records import Environment
from paretobench.store.database import Database, Row
from paretobench.store.rows import SWEEP_NAMES, Sweep, stored_json


class SweepRows(Database):
    """Environments and sweeps."""

    def add_environment(self, environment: Environment) -> str:
        """Store an environment and what was observed in it; returns its key."""
        self.add_environments([environment])
        return environment.key

    def add_environments(self, environments: Iterable[Environment]) -> int:
        """Store environments; returns how many identities were new.

        `observed` moves by itself, so each different one is a row of its own.
        """
        rows, observations = [], []
        for environment in environments:
            identity = stored_json(dict(environment.identity), "an environment's identity")
            observed = stored_json(dict(environment.observed), "an environment's observations")
            rows.append((environment.key, environment.label, identity))
            if environment.observed:
                key = content_key([environment.key, dict(environment.observed)])
                observations.append((key, environment.key, observed))
        with self.transaction():
            new = self._insert("environment", rows)
            self._insert("environment_observation", observations)
        return new

    def environments(self) -> list[Environment]:
        """Every environment, the most recently used first, each with what was observed last."""
        return [_environment(row) for row in self._rows(_ENVIRONMENTS)]

    def environment_observations(self) -> list[Environment]:
        """Every environment with each of its observations, one entry for each pair."""
        return [
            _environment(row)
            for row in self._rows(
                "SELECT e.identity, o.observed FROM environment AS e "
                "LEFT JOIN environment_observation AS o ON o.environment_key = e.key "
                "ORDER BY e.key, o.key"
            )
        ]

    def add_sweep(
        self,
        name: str,
        command: str,
        settings: Mapping[str, Any],
        seed: int,
        environment_key: str | None,
        created_at: str,
    ) -> str:
        """Store that a sweep began; returns its key. `created_at` is ISO 8601 in UTC."""
        sweep = Sweep(name, command, settings, seed, environment_key, created_at)
        self.add_sweeps([sweep])
        return sweep.key

    def add_sweeps(self, sweeps: Iterable[Sweep]) -> int:
        """Store sweeps as they are, with their ends; returns how many were new."""
        sweeps = list(sweeps)
        rows = [
            (
                sweep.key,
                sweep.name,
                sweep.command,
                stored_json(dict(sweep.settings), "a sweep's settings"),
                sweep.seed,
                sweep.environment_key,
                sweep.created_at,
            )
            for sweep in sweeps
        ]
        with self.transaction():
            new = self._insert("sweep", rows)
            for sweep in sweeps:
                if sweep.finished_at is not None and sweep.exit_status is not None:
                    self.finish_sweep(
                        sweep.key, sweep.finished_at, sweep.exit_status, sweep.summary
                    )
        return new

    def finish_sweep(
        self,
        sweep_key: str,
        finished_at: str,
        exit_status: int = 0,
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Store how a sweep ended. A sweep that was killed has no end."""
        end, counts = (sweep_key, finished_at, exit_status), dict(summary or {})
        row = (content_key([*end, counts]), *end, stored_json(counts, "a sweep's summary"))
        self._insert("sweep_end", [row])

    def sweeps(self) -> list[Sweep]:
        """Every sweep, the newest first, each with its last end if it has one."""
        return [_sweep(row) for row in self._rows(_SWEEPS)]

    def sweep_ends(self) -> list[tuple[str, str, int, dict[str, Any]]]:
        """Every end of every sweep, in the order of `finish_sweep`'s arguments."""
        rows = self._rows("SELECT * FROM sweep_end ORDER BY key")
        return [
            (row["sweep_key"], row["finished_at"], row["exit_status"], json.loads(row["summary"]))
            for row in rows
        ]


# The newest cell of each environment comes from an index, one look-up for each.
_ENVIRONMENTS = """
SELECT e.identity, (
    SELECT observed FROM environment_observation AS o
    WHERE o.environment_key = e.key ORDER BY o.rowid DESC LIMIT 1
) AS observed, max(
    coalesce((SELECT max(started_at) FROM cell WHERE environment_key = e.key), ''),
    coalesce((SELECT max(created_at) FROM sweep WHERE environment_key = e.key), '')
) AS used_at
FROM environment AS e ORDER BY used_at DESC, e.key
"""

_SWEEPS = """
SELECT s.*, o.finished_at, o.exit_status, o.summary
FROM sweep AS s LEFT JOIN sweep_end AS o ON o.key = (
    SELECT key FROM sweep_end WHERE sweep_key = s.key ORDER BY finished_at DESC, key LIMIT 1
)
ORDER BY s.created_at DESC, s.key
"""


def _environment(row: Row) -> Environment:
    observed = json.loads(row["observed"]) if row["observed"] else {}
    return Environment(json.loads(row["identity"]), observed)


def _sweep(row: Row) -> Sweep:
    return Sweep(
        **{name: row[name] for name in (*SWEEP_NAMES, "finished_at", "exit_status")},
        settings=json.loads(row["settings"]),
        summary=json.loads(row["summary"] or "{}"),
    )
