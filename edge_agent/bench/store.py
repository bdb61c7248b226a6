"""The store's figures, each beside its goal: CPU of ingest, sizes, bytes written, questions, documents."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.bench.report import Row

INGEST_GOAL = 0.75  # at least, of bare rows
BLOCK_GOAL, DISK_GOAL = 0.9, 1.2  # bytes of a reading
LIFE_GOAL = 30.0  # bytes of a reading
YEAR_GOAL, DAY_GOAL = 1 / 20, 1.0
QUICK_BATCHES, QUICK_ROUNDS = 4, 2
QUICK_REFERENCE_DAYS, QUICK_HOURS, QUICK_DAYS = 2, 0.02, 3
QUICK_DOCUMENTS = (250, 500, 1000)


def rows(quick: bool) -> Iterator[Row]:
    """Every figure, as soon as it is taken; quick ones are of few readings and say little."""
    yield from _ingest(quick)
    yield from _size(quick)
    yield from _life(quick)
    yield from _questions(quick)
    yield from _documents(quick)


def _ingest(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.ingest import measure

    cost = measure(QUICK_BATCHES, QUICK_ROUNDS) if quick else measure()
    figures = {"store_us": cost.ours_us, "rows_us": cost.lean_us, "full_rows_us": cost.full_us}
    yield Row("ingest", "cpu", cost.ratio, INGEST_GOAL, {**figures, "to_full_rows": cost.full_ratio}, least=True)


def _size(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.reference import YEAR, reference
    from edge_agent.bench.size import measure

    data = reference(QUICK_REFERENCE_DAYS if quick else YEAR)
    size = measure(data)
    figures = {"samples": size.samples, "in_months": size.share}
    yield Row("size", "blocks", size.block_bytes, BLOCK_GOAL, figures, detail=data.name)
    figures = {"free_bytes": size.free_bytes, "empty_file": size.empty_bytes}
    yield Row("size", "disk", size.disk_bytes, DISK_GOAL, figures, detail=data.name)


def _life(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.life import HOURS, measure

    life = measure(QUICK_HOURS if quick else HOURS)
    figures = {"writes_per_1000": life.writes, "disk_bytes": life.disk_bytes, "samples": life.samples}
    yield Row("life", "written", life.written_bytes, LIFE_GOAL, figures)


def _questions(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.question import DAYS, ROUNDS, measure

    for answer in measure(QUICK_DAYS if quick else DAYS, QUICK_ROUNDS if quick else ROUNDS):
        figures = {"store_ms": answer.ours_ms, "rows_ms": answer.rows_ms}
        goal = YEAR_GOAL if answer.question == "year" else DAY_GOAL
        yield Row("question", f"{answer.question} {answer.zone}", answer.ratio, goal, figures)


def _documents(quick: bool) -> Iterator[Row]:
    from edge_agent.bench.documents import GROWTH_GOAL, INSERT_GOAL, LARGE, MIDDLE, SMALL, measure

    small, middle, large = QUICK_DOCUMENTS if quick else (SMALL, MIDDLE, LARGE)
    found = measure(small, middle, large)
    figures = {"documents": middle, "inserts_per_s": found.insert_rate}
    yield Row("documents", "insert", found.insert_ratio, INSERT_GOAL, figures, least=True)
    figures = {"documents": large, "find_us": found.find_us, "to_bare_find": found.find_ratio}
    yield Row("documents", "growth", found.growth_ratio, GROWTH_GOAL, figures, least=True)
