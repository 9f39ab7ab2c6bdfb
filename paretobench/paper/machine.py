"""How a machine differs from the one of the FastVLM paper, as text.

`device=m1_max_paper` runs the paper's protocol on whatever Apple silicon there is; a number
from an M4 is then right for an M4 and no reproduction of the paper's. So what differs is named
wherever that profile is used.

Source: FastVLM (arXiv 2412.13303) section 4: an M1 Max MacBook Pro with 32 GB, encoders exported
by coremltools 7.2 and run on the Neural Engine through Xcode 15.4, language models in MLX.
"""

from __future__ import annotations

from paretobench.domain.records import Environment

PROFILE = "m1_max_paper"
CHIP, MEMORY_GIB, COREMLTOOLS = "Apple M1 Max", 32.0, "7.2"

UNSTATED = (
    "the encoder's precision (fp16 here)",
    "the text prompt (none here: visual tokens alone)",
    "projector and preprocessing (left out here)",
    "warm-up and repeats (this package's own)",
    "the versions of macOS and MLX",
)
"""What the paper does not say, and what is done here instead."""


def differences(environment: Environment) -> list[str]:
    """How a machine differs from the paper's, one sentence each; empty if it does not.

    >>> twin = {'chip': 'Apple M1 Max', 'memory_gib': 32.0, 'packages': {'coremltools': '7.2'}}
    >>> differences(Environment(twin))
    []
    >>> differences(Environment(twin | {'chip': 'Apple M4 Pro'}))
    ['the chip is Apple M4 Pro, not Apple M1 Max']
    """
    identity = environment.identity
    chip, memory = identity.get("chip", "unknown"), identity.get("memory_gib")
    converter = dict(identity.get("packages", {})).get("coremltools", "not installed")
    found = []
    if chip != CHIP:
        found.append(f"the chip is {chip}, not {CHIP}")
    if memory != MEMORY_GIB:
        found.append(f"the memory is {memory} GiB, not {MEMORY_GIB:g}")
    if converter != COREMLTOOLS:
        found.append(f"coremltools is {converter}, not {COREMLTOOLS}")
    if identity.get("power") not in (None, "mains"):
        found.append(f"it runs on {identity['power']}; the paper does not say, plug it in")
    return found


def note_for(device: str, environment: Environment) -> str:
    """What a report carries of a device profile that promises the paper's protocol; else nothing.

    >>> note_for('apple', Environment({}))
    ''
    """
    if device != PROFILE:
        return ""
    head = "; ".join(differences(environment)) or "the machine is the paper's"
    return f"Against the FastVLM paper: {head}. It does not state {', '.join(UNSTATED)}."
