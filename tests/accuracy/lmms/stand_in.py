"""Stands in for `child.py`: the same words on the outside, no lmms-eval inside.

What it does with a task is said by the checkpoint's `behaviour.json`: task to one of `ok`,
`hang`, `die`, `killed`, `oom`, `data`, `silent`; `checkpoint` to fail before any task.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.accuracy.lmms.published_task import publish, say_versions


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def samples(task: dict) -> list[dict]:
    if not task["items"]:
        return []
    first, end = (int(100 * share) for share in task["items"])
    return [
        {"item": i, "doc_id": i, "filtered_resps": ["x"], "exact_match": float(i % 2)}
        for i in range(first, end)
    ]


def run(spec: dict) -> int:
    behaviour = Path(spec["model"]["args"]["pretrained"], "behaviour.json")
    how = json.loads(behaviour.read_text())
    if "checkpoint" in how:
        say("failed", task=None, kind="checkpoint", message="cannot load it: ValueError: torn")
        return 1
    log = Path(how["log"])
    for task in spec["tasks"]:
        name = task["name"]
        say("started", task=name)
        with log.open("a") as file:
            file.write(name + "\n")
        what = how.get(name, "ok")
        print(f"progress of {name}", file=sys.stderr)
        if what == "hang":
            Path(f"{task['folder']}.unfinished-{spec['run']}").mkdir(parents=True)
            Path(how["log"] + ".pid").write_text(str(os.getpid()))
            while sys.stdin.buffer.read(1):
                pass
            time.sleep(0 if how.get("obeys") else 600)
            return 3
        if what == "die":
            print("Segmentation fault (core dumped)", file=sys.stderr, flush=True)
            os._exit(17)
        if what == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "ok":
            publish(task, spec, samples(task))
            say("finished", task=name, folder=task["folder"])
        else:
            kind = {"oom": "out_of_memory", "silent": "no_answers"}.get(what, what)
            say("failed", task=name, kind=kind, message=f"reason of {what}")
    return 0


if sys.argv[1] == "--probe":
    say_versions({task: None if task == "unheard" else "0" * 64 for task in sys.argv[2:]})
elif sys.argv[1] == "--fetch":
    sys.exit("no such name on the hub")
else:
    sys.exit(run(json.loads(Path(sys.argv[1]).read_text())))
