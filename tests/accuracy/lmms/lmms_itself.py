"""lmms-eval itself: its evaluator and its tracker write a result folder with sample logs.

Run as a program: checkpoint, folder of data sets, where to write. The data sets are local ones, and
the checkpoint answers through the plugin model, since lmms-eval's own wrappers want packages for
videos; prompts, scoring and files are lmms-eval's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

TASKS = ("docvqa_val", "textvqa_val", "pope")


def run(checkpoint: str, data: Path, out: Path) -> None:
    """Evaluate the tiny checkpoint on three tasks and write results and samples."""
    from paretobench.backends.models.timm_import import repair_torchvision

    repair_torchvision()
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.loggers import EvaluationTracker

    arguments = f"pretrained={checkpoint}"
    tracker = EvaluationTracker(output_path=str(out))
    found = simple_evaluate(
        model="paretobench",
        model_args=arguments,
        tasks=[{"task": task, "dataset_path": str(data / task)} for task in TASKS],
        batch_size=1,
        device="cpu",
        log_samples=True,
        evaluation_tracker=tracker,
        force_simple=True,
        bootstrap_iters=0,
        datetime_str="20261127_150000",
    )
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples, datetime_str="20261127_150000")
    for task in found["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
