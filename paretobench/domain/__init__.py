"""The nouns of a grid: encoders, language models, tilings, points, workloads, devices.

Frozen values and nothing else: no file is read, no framework is imported, no number is
measured here. The forms of a measurement and a score are in `records`; how an image
becomes tiles and tokens is in `tiling`.

Keys are the SHA-256 of canonical JSON (sorted keys, no spaces, no NaN), so the same
configuration has the same key on every machine and two databases merge as a set union.
"""

from __future__ import annotations

from paretobench.domain.encoder_input import EncoderInput
from paretobench.domain.grid import GridPoint, TilePlan, Tiling
from paretobench.domain.images import Images, ImageSize
from paretobench.domain.keys import canonical_json, content_key
from paretobench.domain.models import (
    Encoder,
    EncoderPart,
    LanguageModel,
    Resolutions,
    Rounding,
    catalogue_name,
)
from paretobench.domain.vlms import VisionLanguageModel
from paretobench.domain.workloads import (
    DECODE_STEPS,
    PROTOCOL_VERSION,
    Device,
    Protocol,
    Runtime,
    Workload,
    WorkloadKind,
    decode_workload,
    encode_workload,
    end_to_end_workload,
    prefill_workload,
)

__all__ = [
    "DECODE_STEPS",
    "PROTOCOL_VERSION",
    "Device",
    "Encoder",
    "EncoderInput",
    "EncoderPart",
    "GridPoint",
    "ImageSize",
    "Images",
    "LanguageModel",
    "Protocol",
    "Resolutions",
    "Rounding",
    "Runtime",
    "TilePlan",
    "Tiling",
    "VisionLanguageModel",
    "Workload",
    "WorkloadKind",
    "canonical_json",
    "catalogue_name",
    "content_key",
    "decode_workload",
    "encode_workload",
    "end_to_end_workload",
    "prefill_workload",
]
