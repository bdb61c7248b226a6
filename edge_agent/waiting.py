"""Batches on their way from the polls to the store: a queue whose size is that of its readings."""

from __future__ import annotations

import asyncio

from edge_agent.batch import Batch

# In this queue, and as many beside it in the recorder: together 30 MB, and an hour of a disk that refuses
# for a plant of 500 tags that are read every 15 s.
MOST_ROWS = 60_000
BATCH_ROWS = 10  # what a batch weighs beside its readings


class Waiting(asyncio.Queue[Batch]):
    """Full at MOST_ROWS readings; then the polls wait, and nothing is dropped."""

    _rows = 0

    def full(self) -> bool:
        """Whether the polls must wait."""
        return self._rows >= MOST_ROWS

    def _put(self, batch: Batch) -> None:
        super()._put(batch)
        self._rows += len(batch) + BATCH_ROWS

    def _get(self) -> Batch:
        batch: Batch = super()._get()
        self._rows -= len(batch) + BATCH_ROWS
        return batch
