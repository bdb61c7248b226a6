"""The plan of reads: every item once, nothing beyond the limits, and never more time on the line than it must take."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.pdu import BIT_FUNCTIONS
from drivers.modbus.plan import FREE, Block, plan, question_cost, split
from drivers.modbus.value import number, width
from drivers.profile import Item, Reads
from drivers.wire import Wire

Shape = tuple[int, int, int, tuple[str, ...]]
kinds = st.sampled_from(["uint16", "int32", "float64"])
items = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4),
    st.builds(
        Item,
        quantity=st.just("count"),
        function=st.sampled_from([1, 3, 4]),
        register=st.integers(0, 150),
        type=kinds,
        priority=st.sampled_from(["high", "low"]),
    ),
    min_size=1,
    max_size=40,
)
ranges = st.builds(
    lambda first, length, function: [first, first + length, *function],
    st.integers(0, 150),
    st.integers(0, 30),
    st.sampled_from([[], [3], [4]]),
)
limits = st.builds(
    Reads,
    most=st.integers(4, 125),
    most_bits=st.integers(1, 2000),
    hole=st.integers(0, 30),
    forbidden=st.lists(ranges, max_size=3),
)
questions = st.sampled_from([FREE, question_cost(Wire(2400)), question_cost(Wire(115200, "N"))])


def shapes(blocks: list[Block]) -> list[Shape]:
    return [(b.function, b.start, b.count, b.names) for b in blocks]


def span(item: Item) -> range:
    return range(item.register or 0, (item.register or 0) + width(item))


def cost(block: Block, question: float) -> float:
    return question + block.count / (16 if block.function in BIT_FUNCTIONS else 1)


@settings(deadline=None)
@given(items, limits, questions)
def test_every_item_is_in_one_block_and_whole(wanted: dict[str, Item], reads: Reads, question: float) -> None:
    blocks = plan(wanted, reads, question)
    assert sorted(n for b in blocks for n in b.names) == sorted(wanted)
    for block in blocks:
        for name in block.names:
            assert wanted[name].function == block.function
            assert set(span(wanted[name])) <= set(range(block.start, block.start + block.count))


@settings(deadline=None)
@given(items, limits, questions)
def test_no_block_is_longer_or_touches_more_than_the_profile_allows(
    wanted: dict[str, Item], reads: Reads, question: float
) -> None:
    for block in plan(wanted, reads, question):
        spans = {span(wanted[n]) for n in block.names}
        touched = range(block.start, block.start + block.count)
        if touched in spans:
            continue  # an item alone is asked whatever it takes
        assert block.count <= (reads.most_bits if block.function in BIT_FUNCTIONS else reads.most)
        for first, last, *function in reads.forbidden:
            if block.function in (function or [block.function]):
                assert not set(touched) & set(range(first, last + 1))
        held = sorted(register for each in spans for register in each)
        assert all(after - before <= reads.hole + 1 for before, after in pairwise(held))


@settings(deadline=None)
@given(items, limits, questions)
def test_the_plan_takes_no_more_bus_time_than_single_reads(
    wanted: dict[str, Item], reads: Reads, question: float
) -> None:
    singly = [b for name, item in wanted.items() for b in plan({name: item}, reads, question)]
    planned = plan(wanted, reads, question)
    assert sum(cost(b, question) for b in planned) <= sum(cost(b, question) for b in singly) + 1e-6


@settings(deadline=None)
@given(items, limits, questions)
def test_low_items_cost_the_high_ones_nothing(wanted: dict[str, Item], reads: Reads, question: float) -> None:
    high = {n: i for n, i in wanted.items() if i.priority == "high"}
    blocks = [b for b in plan(wanted, reads, question) if not b.low]
    assert [s[:3] for s in shapes(blocks)] == [s[:3] for s in shapes(plan(high, reads, question))]


@settings(deadline=None)
@given(items, limits)
def test_splitting_ends_with_every_item_alone_and_loses_none(wanted: dict[str, Item], reads: Reads) -> None:
    left, alone = plan(wanted, reads), list[Block]()
    while left:
        block = left.pop()
        parts = split(block, wanted)
        assert not parts or (len(parts) > 1 and sorted(n for p in parts for n in p.names) == sorted(block.names))
        left += parts
        alone += [] if parts else [block]
    assert sorted(n for b in alone for n in b.names) == sorted(wanted)
    assert all(len({span(wanted[n]) for n in b.names}) == 1 for b in alone)


def test_neighbours_are_read_together_and_holes_never_unless_the_profile_says_so() -> None:
    wanted = {
        "a": Item("voltage", function=4, register=0, type="float32"),
        "c": Item("voltage", function=4, register=5),
        "b": Item("voltage", function=4, register=2, type="float32"),
        "d": Item("voltage", function=3, register=6),
    }
    assert shapes(plan(wanted)) == [(3, 6, 1, ("d",)), (4, 0, 4, ("a", "b")), (4, 5, 1, ("c",))]
    assert shapes(plan(wanted, Reads(hole=1))) == [(3, 6, 1, ("d",)), (4, 0, 6, ("a", "b", "c"))]


@pytest.mark.parametrize(("wire", "gap", "blocks"), [(None, 60, 1), (Wire(9600, "N"), 8, 1), (Wire(9600, "N"), 60, 2)])
def test_a_hole_is_read_over_only_where_another_question_takes_longer(wire: Wire | None, gap: int, blocks: int) -> None:
    wanted = {"a": Item("count", register=0), "b": Item("count", register=1 + gap)}
    assert len(plan(wanted, Reads(hole=100), question_cost(wire))) == blocks


def test_a_limit_is_kept_by_the_cheapest_cut() -> None:
    """Cut at the hole, not where the limit happens to fall."""
    wanted = {f"r{r}": Item("count", register=r) for r in (0, 1, 2, 3, 10, 11, 12, 13)}
    assert [(b.start, b.count) for b in plan(wanted, Reads(most=12, hole=8))] == [(0, 4), (10, 4)]


def test_what_stands_in_a_forbidden_range_is_asked_alone() -> None:
    """Midea: 200 to 290 must be read one by one, protocols.md 2.3."""
    wanted = {f"r{r}": Item("count", register=r) for r in (198, 199, 200, 201)}
    reads = Reads(forbidden=[[200, 290]])
    assert [(b.start, b.count) for b in plan(wanted, reads)] == [(198, 2), (200, 1), (201, 1)]
    assert len(plan(wanted, Reads(forbidden=[[200, 290, 4]]))) == 1


def test_a_low_item_inside_a_high_read_rides_along() -> None:
    wanted = {
        "a": Item("count", register=0, type="uint32"),
        "b": Item("count", register=1, priority="low"),
        "c": Item("count", register=2, priority="low"),
    }
    assert [(b.start, b.count, b.names, b.low) for b in plan(wanted)] == [
        (0, 2, ("a", "b"), False),
        (2, 1, ("c",), True),
    ]


def test_a_refused_read_is_split_at_its_holes_first_and_then_in_halves() -> None:
    wanted = {f"r{r}": Item("count", register=r) for r in (0, 1, 2, 5, 6, 9)}
    (block,) = plan(wanted, Reads(hole=3))
    parts = split(block, wanted)
    assert [(b.start, b.count) for b in parts] == [(0, 3), (5, 2), (9, 1)]
    assert [(b.start, b.count) for b in split(parts[0], wanted)] == [(0, 1), (1, 2)]
    assert split(parts[2], wanted) == []


def test_items_of_one_register_are_never_parted() -> None:
    wanted = {f"b{b}": Item("device_state", register=7, bits=str(b)) for b in range(3)}
    (block,) = plan(wanted, Reads(forbidden=[[7, 7]]))
    assert split(block, wanted) == []


def test_bits_come_out_of_their_bytes() -> None:
    wanted = {f"b{i}": Item("link_state", function=2, register=10 + i) for i in range(10)}
    (block,) = plan(wanted)
    registers = block.registers(bytes([0b101, 0b10]))
    assert [number(registers[2 * i : 2 * i + 2], item) for i, item in enumerate(wanted.values())] == [
        1, 0, 1, 0, 0, 0, 0, 0, 0, 1,
    ]  # fmt: skip
