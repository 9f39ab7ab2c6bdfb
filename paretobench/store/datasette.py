"""What Datasette shows beside a database: titles, descriptions, units and ready queries.

The text is data, in `datasette.json`. Datasette looks descriptions up by the name of the file,
so the name is filled in here. Use it so:

    datasette serve results/paretobench.db --metadata metadata.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).with_name("datasette.json")
_PLACEHOLDER = "DATABASE"


def datasette_metadata(database: Path) -> dict[str, Any]:
    """Datasette's metadata for the database in the file `database`, as plain JSON.

    >>> list(datasette_metadata(Path("results/mine.db"))["databases"])
    ['mine']
    """
    metadata: dict[str, Any] = json.loads(_TEMPLATE.read_text(encoding="utf-8"))
    metadata["databases"] = {database.stem: metadata["databases"][_PLACEHOLDER]}
    return metadata
