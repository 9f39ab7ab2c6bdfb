"""What lmms-eval's child leaves of a finished task, as the stand-ins for it write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VERSION = "0.7.3"
SCORES = {"exact_match,none": 0.5, "anls,none": 0.4}


def publish(
    task: Mapping[str, Any],  # by place: what is noted may have these names
    spec: Mapping[str, Any],
    /,
    samples: Sequence[Mapping[str, Any]] = (),
    **noted: Any,
) -> None:
    """A task's folder, whole or not at all.

    Args:
        samples: answers, one for each item, if there are any to keep.
        noted: what the child noted of the run besides its orders.
    """
    work = Path(f"{task['folder']}.unfinished-{spec['run']}")
    work.mkdir(parents=True)
    n = len(samples) or 100
    data = {
        "results": {task["name"]: SCORES},
        "n-samples": {task["name"]: {"original": n, "effective": n}},
        "paretobench": {**spec["provenance"], "facts": {}, "lmms_eval_version": VERSION, **noted},
    }
    (work / "run_results.json").write_text(json.dumps(data))
    if samples:
        log = work / f"run_samples_{task['name']}.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in samples))
    work.rename(task["folder"])


def say_versions(digests: Mapping[str, str | None]) -> None:
    """The answer to `--probe`: versions, and a digest of each task."""
    versions = {"lmms_eval": VERSION, "torch": "2", "transformers": "5", "python": "3.11"}
    print(json.dumps({"versions": versions, "tasks": dict(digests)}))
