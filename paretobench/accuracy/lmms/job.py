"""What is to be scored: a checkpoint, its benchmarks as tasks, and what decides each result.

Values and no processes: `runner` starts the child that does what is written here.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.domain import Encoder, Tiling, content_key
from paretobench.domain import checkpoint as checkpoints
from paretobench.errors import ConfigError, DataError
from paretobench.planning.tiling import plan_tiles

OWN_MODEL = "paretobench"

_EDGE_BYTES = 1 << 16
"""Bytes read from each end of a data file: a parquet footer holds the columns' statistics."""


@dataclass(frozen=True)
class Job:
    """What to score, how, and where the scores belong.

    Attributes:
        checkpoint: folder or hub name; the weights must be safetensors.
        place: the grid point and recipe that the scores are stored under.
        benchmarks: names of benchmarks, suites such as `avg5`, or tasks of lmms-eval.
        protocol: `lmms` or `llava`.
        revision: of a hub name.
        interpreter: a Python that has lmms-eval; empty for this one.
        model: `paretobench`, or one of lmms-eval's model names for a checkpoint that only its
            own wrapper loads (resolution and tiling are then taken on trust).
        model_args: further arguments of the model, passed on as they are.
        device: `auto`, `cpu`, `mps`, `cuda`, `cuda:1`.
        dtype: `auto`, `float32`, `bfloat16`, `float16`.
        batch_size: prompts at once.
        processes: one per GPU; each holds the whole model.
        tile_px, passes, visual_tokens: what each image must become; None where unknown.
        data: task to a folder with its data set, for machines without a network.
        limit: score the first so many items, or that fraction; marked partial.
        items: a stage of a race, as part of the shared order; marked partial.
        gen_kwargs: overrides of the task's generation settings, as lmms-eval writes them.
        max_new_tokens: overrides the tasks' limits.
        trust_remote_code: the checkpoint's name, repeated, if its own code may run.
        chat_template: a Jinja file for a checkpoint without one.
        timeout_s: for one task.
    """

    checkpoint: str
    place: ScorePoint
    benchmarks: tuple[str, ...] = ("avg5",)
    protocol: str = "lmms"
    revision: str = ""
    interpreter: str = ""
    model: str = OWN_MODEL
    model_args: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 1
    processes: int = 1
    tile_px: int | None = None
    passes: int | None = None
    visual_tokens: int | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    limit: float | None = None
    items: tuple[float, float] | None = None
    gen_kwargs: str = ""
    max_new_tokens: int | None = None
    trust_remote_code: str = ""
    chat_template: Path | None = None
    timeout_s: float | None = None

    @property
    def python(self) -> str:
        """The interpreter that scores it."""
        return self.interpreter or sys.executable


def job_to_json(job: Job) -> dict[str, Any]:
    """A job as plain JSON, its paths absolute: it may be read in another folder."""
    folder, template = Path(job.checkpoint).expanduser(), job.chat_template
    return {
        **{one.name: getattr(job, one.name) for one in fields(job)},
        "checkpoint": str(folder.absolute()) if folder.is_dir() else job.checkpoint,
        "place": asdict(job.place),
        "benchmarks": list(job.benchmarks),
        "model_args": dict(job.model_args),
        "data": {task: str(Path(path).absolute()) for task, path in job.data.items()},
        "items": None if job.items is None else list(job.items),
        "chat_template": None if template is None else str(template.absolute()),
    }


def job_from_json(data: Mapping[str, Any]) -> Job:
    """Inverse of `job_to_json`; raises KeyError or TypeError on anything else."""
    items, template = data["items"], data["chat_template"]
    decided = {
        "place": ScorePoint(**data["place"]),
        "benchmarks": tuple(data["benchmarks"]),
        "data": {task: Path(path) for task, path in data["data"].items()},
        "items": None if items is None else (items[0], items[1]),
        "chat_template": None if template is None else Path(template),
    }
    return Job(**{**data, **decided})


@dataclass(frozen=True)
class Task:
    """One lmms-eval task of a job, with our changes to it."""

    name: str
    ocr: bool = False
    where: Mapping[str, str] = field(default_factory=dict)


def tasks_of(job: Job) -> list[Task]:
    """The tasks that a job's benchmarks need, each once.

    Raises:
        ConfigError: if a benchmark has no task of lmms-eval.
    """
    names = [member for name in job.benchmarks for member in suites.members_of(name)]
    tasks: dict[str, Task] = {}
    for name in names:
        row = suites.BENCHMARKS.get(name)
        if row is not None and not row.task:
            raise ConfigError(f"lmms-eval has no task for {row.label}; import its score instead")
        task = row.task if row is not None else name
        is_image_only = name == "seedbench_image" and "seedbench_all" not in names
        tasks[task] = Task(
            name=task,
            ocr=job.protocol == "llava" and task == "textvqa_val",
            where={"data_type": "image"} if is_image_only else {},
        )
    if not tasks:
        raise ConfigError("no benchmark to score")
    return list(tasks.values())


def data_below(root: Path) -> dict[str, Path]:
    """Data sets by task, each in a folder of the task's name.

    Raises:
        DataError: if there is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"no folder of data sets at {root}")
    return {path.name: path for path in sorted(root.iterdir()) if path.is_dir()}


def expected_input(encoder: Encoder, resolution_px: int, tiling: Tiling) -> dict[str, Any]:
    """What every image must become for a score to be of this point: fields of `Job`.

    Schemes that follow the image's aspect ratio fix the tile alone, since the number of passes
    and tokens then varies from image to image; passes that are no equal squares fix nothing.

    Raises:
        PlanError: if the encoder cannot see such an image.
    """
    plan = plan_tiles(encoder, resolution_px, tiling)
    if plan.unequal:
        return {}
    if tiling.scheme not in ("none", "grid"):
        return {"tile_px": plan.tile_px}
    return {
        "tile_px": plan.tile_px,
        "passes": plan.passes,
        "visual_tokens": plan.visual_tokens,
    }


def result_key(job: Job, task: Task, digest: str, found: Mapping[str, Any]) -> str:
    """The name of a task's folder, from everything that decides its result.

    Batch size and device are left out: they move single answers at most.

    Raises:
        DataError: if a data set is missing.
    """
    content = {
        "checkpoint": digest,
        "model": job.model,
        "model_args": {name: str(value) for name, value in job.model_args.items()},
        "task": task.name,
        "task_files": found["tasks"][task.name],
        "ocr": task.ocr,
        "where": dict(task.where),
        "lmms_eval": found["versions"]["lmms_eval"],
        "generation": [job.gen_kwargs, job.max_new_tokens, job.dtype],
        "chat_template": job.chat_template.read_text() if job.chat_template else "",
        "tile_px": job.tile_px,
        "limit": job.limit,
        "items": list(job.items) if job.items else None,
        "data": data_digest(job.data[task.name]) if task.name in job.data else "",
    }
    return f"{task.name}-{content_key(content)[:24]}"


def data_digest(folder: Path) -> str:
    """A data set's content, nearly: names, sizes, and both ends of each file.

    Raises:
        DataError: if there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(
            f"no data set at {folder}; download it there with `hf download --repo-type dataset`, "
            f"or leave it out to fetch it from the hub"
        )
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts):
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(_EDGE_BYTES))
                file.seek(max(0, size - _EDGE_BYTES))
                digest.update(file.read(_EDGE_BYTES))
    return digest.hexdigest()


def child_spec(
    job: Job, tasks: Sequence[Task], folders: Mapping[str, Path], local: Path, digest: str
) -> dict[str, Any]:
    """The child's input, as JSON."""
    arguments: dict[str, Any] = {"pretrained": str(local), **job.model_args}
    if job.model == OWN_MODEL:
        # Trust is given to the name that was asked for, and passed on for the folder it became.
        is_trusted = job.trust_remote_code.rstrip("/") == job.checkpoint.rstrip("/")
        arguments |= {
            "device": job.device,
            "dtype": job.dtype,
            "batch_size": job.batch_size,
            "trust_remote_code": str(local) if is_trusted else job.trust_remote_code,
            "chat_template": str(job.chat_template) if job.chat_template else None,
            "max_new_tokens": job.max_new_tokens,
            "resolution_px": job.tile_px,
            "passes": job.passes,
            "visual_tokens": job.visual_tokens,
        }
    elif job.trust_remote_code:
        arguments["trust_remote_code"] = True
    name = local.name if checkpoints.is_local(job.checkpoint) else job.checkpoint
    entries = [
        {
            "name": task.name,
            "folder": str(folders[task.name].resolve()),
            "ocr": task.ocr,
            "where": dict(task.where) or None,
            "data": str(job.data[task.name].resolve()) if task.name in job.data else None,
            "limit": job.limit,
            "items": list(job.items) if job.items else None,
        }
        for task in tasks
    ]
    return {
        "run": str(os.getpid()),
        "model": {"name": job.model, "args": arguments},
        "tasks": entries,
        "batch_size": job.batch_size,
        "device": None if job.device == "auto" else job.device,
        "gen_kwargs": job.gen_kwargs or None,
        "is_offline": all(task.name in job.data for task in tasks),
        "dies_with_parent": job.processes == 1,
        "provenance": {
            "checkpoint": digest,
            "checkpoint_name": name,
            "model_name": job.model,
        },
    }
