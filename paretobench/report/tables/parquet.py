"""Records as a Parquet file, where pyarrow is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.errors import DataError
from paretobench.installation import install_command, not_installed
from paretobench.report.files import write_whole


def write_parquet(records: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write records, all with the same keys, as one Parquet file, whole or not at all.

    A column has one type in Parquet: one that mixes numbers and text is written as text.

    Raises:
        DataError: if pyarrow is not installed, or the file cannot be written.
    """
    import pandas

    frame = pandas.DataFrame(_with_one_type_each(records))
    try:
        return write_whole(path, lambda to: frame.to_parquet(to, index=False))
    except ImportError as missing:
        raise DataError(
            f"{path.name} was not written: {not_installed('pyarrow')}, which writes Parquet; "
            f"{install_command('parquet')} adds it; CSV and JSON need nothing."
        ) from missing


def _with_one_type_each(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    columns = {name: [record[name] for record in records] for name in (records or [{}])[0]}
    for name, values in columns.items():
        is_text = [isinstance(value, str) for value in values if value is not None]
        if any(is_text) and not all(is_text):
            columns[name] = [None if value is None else str(value) for value in values]
    return columns
