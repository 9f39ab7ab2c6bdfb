"""What each verb's help ends with: a command or two to begin from.

A test runs every one of them, so an example here works as it is. Those with a grid are run
up to their plan; a checkpoint's are parsed.
"""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "sweep": (
        "paretobench sweep +grid=smoke",
        "paretobench sweep encoder=fastvithd,vit_l14 resolution=336,512 dry_run=true",
    ),
    "plan": ("paretobench plan +grid=qwen2_family llm=qwen2_0_5b",),
    "measure": ("paretobench measure workload.json --fidelity quick",),
    "report": (
        "paretobench report --published",
        "paretobench report -d results/paretobench.db --figure pareto --format pdf",
    ),
    "ls": (
        "paretobench ls points",
        "paretobench ls published --table v1_table6 --where vision_encoder=FastViTHD",
    ),
    "show": ("paretobench show 'FastViTHD@512 + Qwen2-0.5B' --published",),
    "export": (
        "paretobench export --published --format markdown",
        "paretobench export --bundle mine.zip",
    ),
    "best": (
        "paretobench best --published --under 200ms",
        "paretobench best --at-least 60 --where 'textvqa>=60' --published",
    ),
    "next": (
        "paretobench next --published --recipe llava-1.5",
        "paretobench next --under 500ms",
    ),
    "compare": ("paretobench compare fastvithd vit_l14 --published",),
    "duel": ("paretobench duel . threads=1 workload.json",),
    "claims": ("paretobench claims",),
    "audit": ("paretobench audit --all",),
    "score": (
        "paretobench score checkpoints/mine --encoder fastvithd --resolution 1024"
        " --llm qwen2_0_5b --recipe mine",
    ),
    "import": ("paretobench import scores.csv",),
    "verify": ("paretobench verify results/paretobench.db",),
    "tokens": (
        "paretobench tokens --image 1654x2339",
        "paretobench tokens --image 1024x768 --vlm qwen2_5_vl_3b --set max_pixels=1003520 --json",
    ),
    "init": ("paretobench init mine",),
    "artifacts": (
        "paretobench artifacts build +grid=smoke device=apple",
        "paretobench artifacts list",
    ),
    "doctor": ("paretobench doctor",),
}
"""Verb -> commands as a user types them."""


def epilog(verb: str) -> str | None:
    """The examples as click prints them below the options, one to a line.

    >>> print(epilog("claims").replace(chr(8), "|"))
    |
    Example:
      paretobench claims
    """
    lines = EXAMPLES.get(verb)
    if not lines:
        return None
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(("\b", title, *(f"  {line}" for line in lines)))
