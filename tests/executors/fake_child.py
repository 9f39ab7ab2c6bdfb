"""Stands in for lmms-eval's child process in jobs that really run: fast, and killed at will.

It is reached as an interpreter (`write_interpreter`), because jobs start their own processes and
nothing can be patched in them. How it behaves is said beside the checkpoint, not in it, so that
other behaviour is not other weights: `<checkpoint>.behaviour` maps a task to seconds, or to
`hang` or `die`. What it did is in `<checkpoint>.log`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path


def write_interpreter(folder: Path) -> Path:
    """An executable that takes what an interpreter of lmms-eval's child would be given."""
    path = folder / "interpreter"
    path.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" "{Path(__file__)}" "$@"\n')
    path.chmod(0o755)
    return path


def write_checkpoint(folder: Path, name: str, **behaviour: object) -> Path:
    """A folder that passes for a checkpoint, and how its scoring behaves."""
    path = folder / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(name.encode())
    behave(path, **behaviour)
    return path


def behave(checkpoint: Path, **behaviour: object) -> None:
    """From now on, behave like this."""
    checkpoint.with_name(checkpoint.name + ".behaviour").write_text(json.dumps(behaviour))


def log(checkpoint: Path) -> list[str]:
    """What was started and finished, in order."""
    path = checkpoint.with_name(checkpoint.name + ".log")
    return path.read_text().split() if path.exists() else []


def probe(tasks: list[str]) -> None:
    versions = {"lmms_eval": "0.7.3", "torch": "2", "transformers": "5", "python": "3.11"}
    print(json.dumps({"versions": versions, "tasks": dict.fromkeys(tasks, "0" * 64)}))


def leave_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(3)


def run(spec: dict) -> int:
    threading.Thread(target=leave_with_parent, daemon=True).start()
    pretrained = spec["model"]["args"]["pretrained"]
    notes = Path(pretrained + ".log")
    for task in spec["tasks"]:
        how = json.loads(Path(pretrained + ".behaviour").read_text()).get(task["name"], 0)
        print(json.dumps({"event": "started", "task": task["name"]}), flush=True)
        note(notes, f"start:{task['name']}")
        started = time.monotonic()
        if how == "die":
            print("the GPU fell off the bus", file=sys.stderr, flush=True)
            os._exit(17)
        time.sleep(3600 if how == "hang" else float(how))
        publish(task, spec, time.monotonic() - started)
        note(notes, f"done:{task['name']}")
        print(json.dumps({"event": "finished", "task": task["name"]}), flush=True)
    return 0


def note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def publish(task: dict, spec: dict, wall_s: float) -> None:
    work = Path(f"{task['folder']}.unfinished-{spec['run']}")
    work.mkdir(parents=True)
    data = {
        "results": {task["name"]: {"exact_match,none": 0.5, "anls,none": 0.4}},
        "n-samples": {task["name"]: {"original": 100, "effective": 100}},
        "paretobench": dict(
            spec["provenance"],
            facts={},
            lmms_eval_version="0.7.3",
            wall_s=wall_s,
            load_s=0.1,
            task=task["name"],
            ocr_in_prompt=task["ocr"],
            limit=task["limit"],
            items=task["items"],
            where=task["where"],
        ),
    }
    (work / "run_results.json").write_text(json.dumps(data))
    work.rename(task["folder"])


if __name__ == "__main__":
    if sys.argv[1] == "--probe":
        probe(sys.argv[2:])
        sys.exit(0)
    sys.exit(run(json.loads(Path(sys.argv[1]).read_text())))
