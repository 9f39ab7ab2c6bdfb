"""Copy the committed example report's table into README.md, between its two markers.

python scripts/readme_example.py           rewrite README.md
python scripts/readme_example.py --check   exit 1 if README.md does not show that table
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "reports" / "examples" / "qwen2_family_cpu" / "table.md"
START, END = "<!-- example:start -->\n", "<!-- example:end -->\n"


def updated(readme: str, table: str) -> str:
    """The README with the table between its markers."""
    before, rest = readme.split(START)
    _, after = rest.split(END)
    summary = "The whole table: all 48 points, measured on a 2-core Xeon"
    shown = f"<details>\n<summary>{summary}</summary>\n\n{table.strip()}\n\n</details>\n"
    return before + START + shown + END + after


def main() -> int:
    """Rewrite README.md, or check it."""
    path = ROOT / "README.md"
    now = path.read_text(encoding="utf-8")
    wanted = updated(now, TABLE.read_text(encoding="utf-8"))
    if "--check" in sys.argv[1:]:
        return int(now != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
