"""The same run, written in the layout of every version of lmms-eval that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MODEL_ARGS = "pretrained=checkpoints/llava-fastvithd_0.5b_stage3,conv_template=qwen_2"
LAYOUTS = ("0.2.2", "0.2.3", "0.2.4", "0.7.3")


def pope_samples(n: int = 30) -> list[dict[str, Any]]:
    """Answers of a model that says yes to everything but each fifth question."""
    splits = ("adversarial", "popular", "random")
    rows = []
    for i in range(n):
        target = "yes" if i % 2 else "no"
        said = "No, there is none." if i % 5 == 0 else "yes"
        entry = {"question_id": str(i), "score": float(said == target), "ground_truth": target,
                 "prediction": said.lower().strip()}  # fmt: skip
        doc = {"question_id": str(i), "answer": target, "category": splits[i % 3]}
        rows.append({"doc_id": i, "doc": doc, "target": target, "resps": [[said]],
                     "filtered_resps": [said], "pope_f1_score": entry})  # fmt: skip
    return rows


def gqa_samples(n: int = 20) -> list[dict[str, Any]]:
    """Half right, by the task's own exact match."""
    rows = []
    for i in range(n):
        said = "cat" if i % 2 else "dog"
        rows.append({"doc_id": i, "doc": {"question": "What is it?"}, "target": "cat",
                     "resps": [[said]], "filtered_resps": [said],
                     "exact_match": float(said == "cat")})  # fmt: skip
    return rows


def tables() -> dict[str, dict[str, Any]]:
    """The results section."""
    positives, found = 15, 12
    precision, recall = found / 24, found / positives
    return {
        "gqa": {"alias": "gqa", "exact_match,none": 0.5, "exact_match_stderr,none": 0.1147},
        "pope": {"alias": "pope", "pope_f1_score,none": 2 * found / (24 + positives),
                 "pope_precision,none": precision, "pope_recall,none": recall,
                 "pope_yes_ratio,none": 0.5, "pope_f1_score_stderr,none": "N/A"},
        "docvqa_val": {"alias": "docvqa_val", "anls,none": 0.61, "anls_stderr,none": None},
        "mmmu_val": {"alias": "mmmu_val", "mmmu_acc,none": 999},
        "mmbench_cn": {"alias": "mmbench_cn", "gpt_eval_score,none": 58.3},
    }  # fmt: skip


def write(folder: Path, layout: str, with_samples: bool = True, **changes: Any) -> Path:
    """Write the run; returns the folder to import."""
    samples = {"gqa": gqa_samples(), "pope": pope_samples()}
    settings = {"model": "llava", "model_args": MODEL_ARGS, "limit": None, "batch_size": 1}
    data: dict[str, Any] = {
        "results": tables(), "versions": {}, "n-shot": {}, "git_hash": "abc",
    }  # fmt: skip
    data["configs"] = {task: {"task": task} for task in data["results"]}
    settings |= changes
    if layout == "0.2.2":
        data["model_configs"] = settings
        run = folder / "1103_1200_suffix_llava_model_args_1a2b3c"
        run.mkdir(parents=True)
        (run / "results.json").write_text(json.dumps(data))
        for task, rows in samples.items() if with_samples else ():
            logs = {"args": {}, "model_configs": {}, "logs": _old(rows), "time": "1103_1200"}
            (run / f"{task}.json").write_text(json.dumps(logs))
        return folder
    data["config"] = settings
    data["n-samples"] = {"gqa": {"original": 20, "effective": 20},
                         "pope": {"original": 30, "effective": 30}}  # fmt: skip
    run = folder / "checkpoints__llava"
    run.mkdir(parents=True)
    is_early = layout == "0.2.3"
    name = "results_20241103.json" if is_early else "20241103_results.json"
    if layout == "0.7.3":
        data["lmms_eval_version"] = "0.7.3"
    (run / name).write_text(json.dumps(data))
    for task, rows in samples.items() if with_samples else ():
        log = f"samples_{task}_20241103.jsonl" if is_early else f"20241103_samples_{task}.jsonl"
        lines = [_new(row) if layout == "0.7.3" else row for row in rows]
        (run / log).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def _old(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"arguments": [["What is it?", "..."]]} for row in rows]


def _new(row: dict[str, Any]) -> dict[str, Any]:
    """0.7.3 leaves the document out and flattens single answers."""
    kept = {key: value for key, value in row.items() if key not in ("doc", "resps")}
    return kept | {"filtered_resps": row["filtered_resps"][0], "input": "What is it?"}
