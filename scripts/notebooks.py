"""Run the notebooks of docs/notebooks and keep what they show.

    python scripts/notebooks.py [NAME]

Cells of `own_sweep` measure this machine, so run it on one that does nothing else.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run every cell in a folder, in place.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails, with its traceback.
    """
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran: no part of the page


def main() -> None:
    """Run one notebook, or all."""
    wanted = sys.argv[1:]
    for path in sorted(FOLDER.glob("*.ipynb")):
        if wanted and path.stem not in wanted:
            continue
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            run(notebook, Path(folder))
        nbformat.write(notebook, path)
        print(f"{path.name}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    main()
