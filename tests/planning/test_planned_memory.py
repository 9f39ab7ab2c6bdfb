"""What processes really took, on the machines of the example databases, is within the plan's."""

from pathlib import Path

import pytest

from paretobench.config import load_catalogue
from paretobench.domain import EncoderInput
from paretobench.planning.cost import decode_cost, encode_cost, prefill_cost
from paretobench.store import Store

DATABASES = sorted((Path(__file__).resolve().parents[2] / "results" / "examples").glob("*.db"))


def planned_bytes(workload, catalogue):
    """Of a catalogue's model; None where the database is of an earlier description of it."""
    subject, runtime = workload.subject, workload.runtime
    if workload.kind == "encode":
        for one in catalogue.encoders.values():
            if one.spec() == subject["encoder"]:
                return encode_cost(one, EncoderInput.of(subject), runtime).peak_bytes
        return None
    cost = decode_cost if workload.kind == "decode" else prefill_cost
    for one in catalogue.llms.values():
        if one.spec() == subject["llm"]:
            return cost(one, subject["n_tokens"], runtime).peak_bytes
    return None


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_no_process_took_more_than_was_planned(path):
    catalogue = load_catalogue()
    with Store.open(path, read_only=True) as store:
        workloads, cells = store.workloads(), store.cells()
    found = 0
    for cell in cells:
        workload = workloads[cell.workload_key]
        if workload.kind == "end_to_end" or cell.peak_memory_bytes is None:
            continue
        planned = planned_bytes(workload, catalogue)
        if planned is not None:
            found += 1
            assert cell.peak_memory_bytes <= planned, (workload.label, str(workload.runtime))
    assert found >= 10
