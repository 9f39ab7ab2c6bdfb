"""Content keys: the SHA-256 of canonical JSON, equal for equal content on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, ASCII, no NaN.

    >>> canonical_json({'b': 1, 'a': (2, 3)})
    '{"a":[2,3],"b":1}'
    """
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
"""Made once: a new encoder for each of a million keys takes longer than the encoding."""


def content_key(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()
