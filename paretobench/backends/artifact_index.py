"""Which workloads' artifacts are there already, read from their manifests, without a framework.

For a plan's estimate of time only: a manifest that fits says that something was made for this
model and size, not that it is whole or of these versions; `prepare` checks that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretobench.backends.artifacts import ArtifactStore
from paretobench.backends.models import is_tower
from paretobench.domain import EncoderInput, Workload, canonical_json

FORMATS = {
    "openvino": "openvino_ir",
    "onnxruntime": "onnx",
    "coreml": "coreml",
    "torch": "weights",
    "llamacpp": "gguf",
}
"""What each backend keeps; one that is not here makes nothing."""

LLM_FORMATS = {"openvino": "openvino_llm"}
"""Where a language model is filed under another name than an encoder."""


class ArtifactIndex:
    """Answers for many workloads after listing the store once.

    Args:
        root: the artifact store's folder; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self._made = {_kept(one.manifest) for one in ArtifactStore(root)}

    def __call__(self, workload: Workload) -> bool:
        """Whether nothing has to be made for a workload, as far as manifests show."""
        backend = workload.runtime.backend
        kept_as = FORMATS.get(backend)
        if kept_as is None or workload.checkpoint:
            return True
        subject = workload.subject
        if workload.kind in ("prefill", "decode"):
            kept_as = LLM_FORMATS.get(backend, kept_as)
            wanted = _name(kept_as, subject["llm"], workload.runtime.precision)
        else:
            wanted = _name(kept_as, subject["encoder"], _sides(subject))
        return wanted in self._made


def _kept(manifest: Mapping[str, Any]) -> str:
    """What an artifact serves; empty for one that is no model's."""
    subject = manifest["subject"]
    if "llm" in subject:
        return _name(manifest["format"], subject["llm"], subject["precision"])
    if "encoder" in subject:
        shape = subject.get("shape")
        sides = list(shape[-2:]) if shape else _sides(subject)
        return _name(manifest["format"], subject["encoder"], sides)
    return ""


def _sides(subject: Mapping[str, Any]) -> list[int]:
    """The input that an artifact is for; none for a tower, whose weights serve every size."""
    if is_tower(subject["encoder"]):
        return []
    seen = EncoderInput.of(subject)
    padded = [seen.padded_patches] if seen.padded_patches else []
    return [seen.height_px, seen.width_px, *padded]


def _name(kept_as: str, model: Mapping[str, Any], size: Any) -> str:
    return canonical_json([kept_as, dict(model), size])
