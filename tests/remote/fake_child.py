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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.accuracy.lmms.published_task import publish, say_versions


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
        publish(task, spec, answers(task), **noted(task, time.monotonic() - started))
        note(notes, f"done:{task['name']}")
        print(json.dumps({"event": "finished", "task": task["name"]}), flush=True)
    return 0


def answers(task: dict) -> list[dict]:
    """Half of them right, of the items of a stage; none where all items are asked for."""
    first, end = (round(100 * edge) for edge in task["items"] or (0, 0))
    return [
        {"item": n, "doc_id": n, "filtered_resps": ["x"], "target": "x", "exact_match": n % 2}
        for n in range(first, end)
    ]


def note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def noted(task: dict, wall_s: float) -> dict:
    """What the child notes of a task's run: its times, and what it was told."""
    orders = {name: task[name] for name in ("limit", "items", "where")}
    return {
        "wall_s": wall_s,
        "load_s": 0.1,
        "task": task["name"],
        "ocr_in_prompt": task["ocr"],
    } | orders


if __name__ == "__main__":
    if sys.argv[1] == "--probe":
        say_versions(dict.fromkeys(sys.argv[2:], "0" * 64))
        sys.exit(0)
    sys.exit(run(json.loads(Path(sys.argv[1]).read_text())))
