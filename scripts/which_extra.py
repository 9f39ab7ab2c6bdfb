"""Print the extra that this machine needs: `apple`, `cuda` or `cpu`. Standard library only."""

from __future__ import annotations

import platform
import shutil
import subprocess


def has_nvidia_gpu() -> bool:
    """Whether the NVIDIA driver lists at least one GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    listing = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    return listing.returncode == 0 and "GPU" in listing.stdout


def extra() -> str:
    """The name of the extra in pyproject.toml."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "apple"
    return "cuda" if has_nvidia_gpu() else "cpu"


if __name__ == "__main__":
    print(extra())
