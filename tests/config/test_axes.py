"""Rows of a grid under overrides."""

from hypothesis import given
from hypothesis import strategies as st

from paretobench.config.axes import AXES, AxisCombination, rows

GRID = [
    {"encoder": ["a", "b"], "resolution": ["256", "512"], "llm": ["q", "r"]},
    {"encoder": ["c"], "resolution": ["336"], "llm": ["q", "r"]},
]
DEFAULTS = {"encoder": "a", "tiling": "none", "llm": "q"}

names = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)
blocks = st.lists(
    st.fixed_dictionaries(
        {"encoder": names, "resolution": names}, optional={"llm": names, "tiling": names}
    ),
    max_size=3,
)
wishes = st.fixed_dictionaries({}, optional=dict.fromkeys(AXES, names))


def pairs(found: list[AxisCombination]) -> set[tuple[str, str | None]]:
    return {(row.encoder, row.resolution) for row in found}


def test_a_grid_alone_is_the_sum_of_its_blocks():
    assert len(rows(GRID, {}, DEFAULTS)) == 2 * 2 * 2 + 2


def test_an_encoder_keeps_the_resolutions_the_grid_lists_for_it():
    assert pairs(rows(GRID, {"encoder": ["c", "b"]}, DEFAULTS)) == {
        ("b", "256"),
        ("b", "512"),
        ("c", "336"),
    }


def test_an_encoder_the_grid_does_not_know_brings_its_own_resolutions_and_the_grids_llms():
    found = rows(GRID, {"encoder": ["new"]}, DEFAULTS)
    assert found == [
        AxisCombination("new", None, "none", "q"),
        AxisCombination("new", None, "none", "r"),
    ]


def test_a_value_axis_replaces_that_axis_in_every_block():
    found = rows(GRID, {"resolution": ["64"], "llm": ["s"]}, DEFAULTS)
    assert found == [AxisCombination(encoder, "64", "none", "s") for encoder in "abc"]


def test_without_a_grid_the_wish_is_a_plain_product():
    found = rows([], {"encoder": ["x", "y"], "resolution": ["1", "2"]}, DEFAULTS)
    assert pairs(found) == {("x", "1"), ("x", "2"), ("y", "1"), ("y", "2")}


def test_without_a_grid_or_a_wish_the_defaults_make_one_row():
    assert rows([], {}, DEFAULTS) == [AxisCombination("a", None, "none", "q")]


def test_a_grid_without_encoders_applies_to_any():
    assert pairs(rows([{"resolution": ["9"]}], {"encoder": ["x"]}, DEFAULTS)) == {("x", "9")}


@given(blocks, wishes)
def test_rows_are_never_doubled_and_hold_only_what_was_wished(grid, wished):
    found = rows(grid, wished, DEFAULTS)
    assert len(set(found)) == len(found)
    for axis, values in wished.items():
        assert {getattr(row, axis.replace(".", "_")) for row in found} <= set(values)


@given(blocks, wishes)
def test_every_wished_encoder_has_a_row(grid, wished):
    found = rows(grid, wished, DEFAULTS)
    assert {row.encoder for row in found} >= set(wished.get("encoder", []))


@given(blocks, st.randoms())
def test_the_order_of_blocks_changes_no_row(grid, random):
    shuffled = random.sample(grid, len(grid))
    assert set(rows(grid, {}, DEFAULTS)) == set(rows(shuffled, {}, DEFAULTS))
