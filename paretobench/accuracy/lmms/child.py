"""The process that runs lmms-eval: one specification in, one result folder per task out.

    python child.py SPEC.json            run its tasks, one after the other
    python child.py --probe TASK...      print what this interpreter has, and the tasks' versions
    python child.py --fetch NAME REVISION    download a checkpoint from the hub; print its folder

It may be started by an interpreter that has lmms-eval but not this package, so it imports
nothing of paretobench that it cannot do without, and runs on Python 3.9 and newer. Events go
to the standard output as it was at the start, one JSON object per line; everything that
lmms-eval and its libraries print goes to the standard error instead. A task's folder appears
under its final name when it is complete, never before. The exit status is 0 only if every
task of the specification has its folder.

The parent is `runner`; what the results mean is decided in `results` and `scoring`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import inspect
import json
import math
import os
import random
import re
import sys
import tempfile
import threading
import time
import traceback
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OWN_MODEL = "paretobench"
RESULTS, SAMPLES = "run_results.json", "run_samples_{task}.jsonl"
RACING_SEED = 20241217
"""Seed of the item order that all configurations of a race share."""


class TaskError(Exception):
    """One task cannot be scored; `kind` names the cause."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def versions() -> dict[str, Any]:
    """What this interpreter offers, without importing any of it."""
    found: dict[str, Any] = {"python": sys.version.split()[0]}
    for name in ("lmms_eval", "torch", "transformers", "datasets", "accelerate"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def task_digests(names: list[str]) -> dict[str, str | None]:
    """A task's version by content: the hash of the files in its folder; None if unknown.

    Most tasks say `version: 0.0` whatever changes in them.
    """
    package = importlib.util.find_spec("lmms_eval")
    roots = list(package.submodule_search_locations or []) if package else []
    found: dict[str, str | None] = dict.fromkeys(names)
    for root in roots:
        for path in sorted(Path(root, "tasks").rglob("*.yaml")):
            match = _TASK_LINE.search(path.read_text(encoding="utf-8", errors="replace"))
            if match and match[1] in found:
                found[match[1]] = _folder_digest(path.parent)
    return found


_TASK_LINE = re.compile(r"""^task:\s*["']?([\w.-]+)["']?\s*$""", re.MULTILINE)


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.suffix in (".py", ".yaml") or path.name.endswith("_yaml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def fetch(name: str, revision: str) -> str:
    """The local folder of a hub checkpoint, downloaded if it is not there yet."""
    from huggingface_hub import snapshot_download

    kinds = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.py"]
    return str(snapshot_download(name, revision=revision or None, allow_patterns=kinds))


class Events:
    """The lines that the parent reads."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._is_speaking = int(os.environ.get("RANK", "0")) == 0

    def send(self, event: str, **fields: Any) -> None:
        """Write one event; only the first of several processes writes."""
        if self._is_speaking:
            print(json.dumps({"event": event, **fields}), file=self._out, flush=True)


def main(arguments: list[str]) -> int:
    """Run what the command line says; returns the exit status."""
    if arguments[0] == "--probe":
        print(json.dumps({"versions": versions(), "tasks": task_digests(arguments[1:])}))
        return 0
    if arguments[0] == "--fetch":
        print(json.dumps({"folder": fetch(*arguments[1:])}))
        return 0
    events, started = Events(), time.monotonic()
    spec = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    if spec.get("dies_with_parent"):
        threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        _prepare(spec)
        model = load_model(spec["model"])
        manager = _task_manager(spec["model"]["name"])
        spec["provenance"]["load_s"] = time.monotonic() - started
    except Exception as error:
        events.send("failed", task=None, **_explain(error, "checkpoint"))
        return 1
    is_complete = True
    for task in spec["tasks"]:
        events.send("started", task=task["name"])
        try:
            folder = run_task(model, manager, task, spec)
        except Exception as error:
            events.send("failed", task=task["name"], **_explain(error, "crashed"))
            is_complete = False
        else:
            events.send("finished", task=task["name"], folder=str(folder))
    return 0 if is_complete else 1


def _die_with_parent() -> None:
    # The parent keeps our standard input open; its end, however it ends, closes it.
    while os.read(0, 4096):
        pass
    os._exit(3)


def _prepare(spec: dict[str, Any]) -> None:
    # This folder is the script's, not one to import from: a module here may shadow another.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    if spec.get("is_offline"):
        os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("LOGURU_LEVEL", "WARNING")  # else a line per task that is not loaded
    random.seed(spec.get("seed", 0))
    # A CUDA build of torchvision beside a CPU build of torch does not import unaided. Loaded by
    # its path: this interpreter need not have the package.
    repair = HERE.parents[1] / "backends" / "models" / "timm_import.py"
    _load_file("paretobench_timm_import", repair).repair_torchvision()


def _load_file(name: str, path: Path) -> Any:
    where = importlib.util.spec_from_file_location(name, path)
    assert where is not None and where.loader is not None
    module = importlib.util.module_from_spec(where)
    sys.modules[name] = module
    where.loader.exec_module(module)
    return module


def load_model(model: dict[str, Any]) -> Any:
    """Our own model, loaded once for all tasks; for lmms-eval's models, their description."""
    if model["name"] != OWN_MODEL:
        return model
    plugin = _load_file("paretobench_lmms_plugin", HERE / "plugin.py")
    return plugin.ImageTextModel(**model["args"])


def run_task(model: Any, manager: Any, task: dict[str, Any], spec: dict[str, Any]) -> Path:
    """Score one task and publish its folder.

    Raises:
        TaskError: if the data cannot be loaded or the model answered nothing.
    """
    from lmms_eval import evaluator

    work = Path(task["folder"] + f".unfinished-{spec['run']}")
    work.mkdir(parents=True, exist_ok=True)
    is_own = not isinstance(model, dict)
    if is_own:
        model.task_dict = {}
    config, order = _task_config(task, manager)
    offered = inspect.signature(inspect.unwrap(evaluator.simple_evaluate)).parameters
    wanted: dict[str, Any] = {
        "model": model if is_own else model["name"],
        "model_args": None if is_own else _argument_string(model["args"]),
        "tasks": [config],
        "batch_size": spec.get("batch_size", 1),
        "device": None if is_own else spec.get("device"),
        "limit": task.get("limit"),
        "gen_kwargs": spec.get("gen_kwargs"),
        "log_samples": True,
        "bootstrap_iters": 0,
        "task_manager": manager,
        "force_simple": True,
        "verbosity": "WARNING",
        "cli_args": Namespace(output_path=str(work), process_with_media=False),
    }
    started = time.monotonic()
    with _apart() if is_own else contextlib.nullcontext():
        found = evaluator.simple_evaluate(**{k: v for k, v in wanted.items() if k in offered})
    if found is None:  # not the first of several processes
        return Path(task["folder"])
    facts = {**(model.facts if is_own else {}), **_counted(found["samples"][task["name"]])}
    found["paretobench"] = {
        **spec["provenance"],
        "task": task["name"],
        "ocr_in_prompt": bool(task.get("ocr")),
        "limit": task.get("limit"),
        "items": task.get("items"),
        "where": task.get("where"),
        "wall_s": time.monotonic() - started,
        "facts": facts,
        **{f"{name}_version": version for name, version in versions().items()},
    }
    _publish(found, task, work, order)
    return Path(task["folder"])


@contextlib.contextmanager
def _apart() -> Iterator[None]:
    """In a folder that is deleted: tasks write files for an evaluation server into the current
    one. Not for lmms-eval's own models, whose arguments may name files relative to it."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _task_manager(model_name: str) -> Any:
    # Indexing every task takes seconds: once for all tasks of this process.
    from lmms_eval import tasks

    return tasks.TaskManager("WARNING", model_name=model_name)


def _task_config(task: dict[str, Any], manager: Any) -> tuple[Any, list[int]]:
    """lmms-eval's task with our changes, and the list that will hold the original item numbers."""
    name = task["name"]
    if name not in manager.task_index:
        raise TaskError("data", f"this lmms-eval has no task {name!r}")
    original = manager._get_config(name)
    changes: dict[str, Any] = {"task": name}
    order: list[int] = []
    process = original.get("process_docs")
    if task.get("data"):
        changes.update(_local_data(Path(task["data"]), original))
        if name == "gqa":
            process = None
            changes["doc_to_visual"] = _gqa_images(Path(task["data"]))
    if task.get("ocr"):
        kwargs = dict(original.get("lmms_eval_specific_kwargs") or {})
        changes["lmms_eval_specific_kwargs"] = {
            key: dict(value, ocr=True) if isinstance(value, dict) else value
            for key, value in kwargs.items()
        }
    if task.get("items") or task.get("where"):
        changes["process_docs"] = _selection(process, task, order)
    elif process is not original.get("process_docs"):
        changes["process_docs"] = process
    return changes, order


def _local_data(folder: Path, original: dict[str, Any]) -> dict[str, Any]:
    import datasets

    if not folder.is_dir():
        raise TaskError("data", f"no data set at {folder}; download it there, or leave it out")
    try:
        configurations = datasets.get_dataset_config_names(str(folder))
    except Exception as error:
        raise TaskError("data", f"{folder} holds no data set: {_one_line(error)}") from error
    name = original.get("dataset_name")
    return {
        "dataset_path": str(folder),
        "dataset_name": name if name in configurations else None,
        "dataset_kwargs": {},
    }


def _gqa_images(folder: Path) -> Any:
    """GQA keeps its images in a second table; lmms-eval would fetch it from the hub."""
    import datasets

    configurations = datasets.get_dataset_config_names(str(folder))
    table = next((name for name in configurations if name.endswith("_images")), None)
    if table is None:
        return lambda doc: [doc["image"].convert("RGB")]
    images = datasets.load_dataset(str(folder), table, split="testdev")
    rows = {name: row for row, name in enumerate(images["id"])}

    def gqa_image(doc: dict[str, Any]) -> list[Any]:
        return [images[rows[doc["imageId"]]]["image"].convert("RGB")]

    return gqa_image


def _selection(process: Any, task: dict[str, Any], order: list[int]) -> Any:
    """Only some items: those with given fields, and a stage of the order that a race shares."""

    def select(dataset: Any) -> Any:
        dataset = process(dataset) if process else dataset
        chosen = list(range(len(dataset)))
        for column, value in (task.get("where") or {}).items():
            if column in dataset.column_names:
                kept = list(dataset[column])
                chosen = [index for index in chosen if kept[index] == value]
        stage = task.get("items")
        if stage:
            random.Random(RACING_SEED).shuffle(chosen)
            start, end = (math.ceil(edge * len(chosen)) for edge in stage)
            chosen = chosen[start:end]
        order[:] = chosen
        return dataset.select(chosen)

    return select


def _argument_string(arguments: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in arguments.items() if value is not None)


def _counted(samples: list[dict[str, Any]]) -> dict[str, int]:
    """Answers, and empty ones among them, over all processes.

    Raises:
        TaskError: if there are none, or all are empty.
    """
    answers = [str(answer).strip() for sample in samples for answer in sample["filtered_resps"]]
    if not answers:
        raise TaskError("data", "the data set has no items")
    if not any(answers):
        raise TaskError(
            "no_answers",
            f"the model answered nothing to all {len(answers)} questions: wrong chat template, "
            f"end token or weights",
        )
    return {"answers": len(answers), "empty_answers": sum(not answer for answer in answers)}


def _publish(found: dict[str, Any], task: dict[str, Any], work: Path, order: list[int]) -> None:
    """Write results and samples, then give the folder its final name in one step."""
    samples = found.pop("samples")[task["name"]]
    path = work / SAMPLES.format(task=task["name"])
    with path.open("w", encoding="utf-8") as file:
        for sample in samples:
            item = order[sample["doc_id"]] if order else sample["doc_id"]
            line = {"item": item, **_without_media(sample)}
            file.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
    for entry in found.get("configs", {}).values():
        entry.pop("lmms_eval_specific_kwargs", None)
    (work / RESULTS).write_text(json.dumps(found, default=str, indent=1), encoding="utf-8")
    with contextlib.suppress(FileNotFoundError):
        work.rename(task["folder"])


def _without_media(sample: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in sample.items() if key not in ("arguments", "input_media")}
    kept["input"] = next((text for text in sample["arguments"] if isinstance(text, str)), "")
    # Rosetta's tokens are part of the prompt already, and many times the rest.
    kept["doc"] = {k: v for k, v in sample["doc"].items() if k not in ("ocr_info", "ocr_tokens")}
    return kept


def _explain(error: Exception, kind: str) -> dict[str, str]:
    """Kind and message of an error, seen through the retries that lmms-eval wraps it in."""
    with contextlib.suppress(AttributeError):
        error = error.last_attempt.exception()  # type: ignore[attr-defined]
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    name = type(error).__name__
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        kind = "out_of_memory"
    elif isinstance(error, TaskError):
        return {"kind": error.kind, "message": str(error)}
    elif name in ("CheckpointError", "InputShapeError"):
        return {"kind": "checkpoint", "message": str(error)}
    elif isinstance(error, ModuleNotFoundError):
        kind = "environment"
    elif name in _DATA_ERRORS:
        kind = "data"
    return {"kind": kind, "message": f"{name}: {_one_line(error)}"}


_DATA_ERRORS = (
    "DatasetNotFoundError", "DataFilesNotFoundError", "EmptyDatasetError", "OfflineModeIsEnabled",
    "LocalTokenNotFoundError", "RepositoryNotFoundError", "GatedRepoError", "ConnectionError",
    "LocalEntryNotFoundError", "FileNotFoundError", "DatasetGenerationError",
)  # fmt: skip


def _one_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
