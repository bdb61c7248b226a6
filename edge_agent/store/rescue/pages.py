"""The pages of an SQLite file and its write-ahead log as they lie on the disk, whatever state the file is in.

Only for files that SQLite refuses. Layout after "Database File Format" (sqlite.org/fileformat2.html).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

MAGIC = b"SQLite format 3\0"
PAGE = 4096  # bytes, what this program makes; taken where the header does not tell
_SIZES = {1 << bits for bits in range(9, 17)}
_WAL_MAGIC = (0x377F0682, 0x377F0683)  # sums of little-endian words, of big-endian words
_WAL_HEAD, _FRAME_HEAD = 32, 24  # bytes


class Pages:
    """A file for reading: page by page, each as the last commit left it."""

    def __init__(self, path: Path, offset: int = 0, length: int | None = None) -> None:
        """offset, length: where the database lies inside a larger file; then it has no log. Raises OSError."""
        self._file = path.open("rb")
        self._offset = offset
        whole = os.fstat(self._file.fileno()).st_size - offset if length is None else length
        head = self._file_bytes(0, 100)
        size = int.from_bytes(head[16:18]) or PAGE
        size = 1 << 16 if size == 1 else size
        self.size = size if size in _SIZES and head.startswith(MAGIC) else PAGE
        reserved = head[20] if head.startswith(MAGIC) and len(head) > 20 else 0
        self.usable = self.size - reserved if reserved <= self.size - 480 else self.size
        self._log: dict[int, bytes] = {}
        log = path.with_name(path.name + "-wal")
        if length is None and not offset and log.exists():
            self._log = _committed(log.read_bytes(), self.size)
        self.count = max([-(-whole // self.size), *self._log])
        self._whole = whole

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def page(self, number: int) -> bytes:
        """The page of a number from 1 on; empty where there is none or the disk cannot read it."""
        if number in self._log:
            return self._log[number]
        if not 1 <= number <= self.count:
            return b""
        try:
            found = self._file_bytes((number - 1) * self.size, self.size)
        except OSError:
            return b""
        return found.ljust(self.size, b"\0") if found else b""

    def _file_bytes(self, at: int, size: int) -> bytes:
        self._file.seek(self._offset + at)
        return self._file.read(size)


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """The newest page of each number among the frames up to the last commit whose sums are right."""
    if len(log) < _WAL_HEAD:
        return {}
    magic, _, page_size, _, *salt_sums = struct.unpack(">8I", log[:_WAL_HEAD])
    salts, sums = tuple(salt_sums[:2]), (salt_sums[2], salt_sums[3])
    if magic not in _WAL_MAGIC or page_size != size:
        return {}
    order = "<" if magic == _WAL_MAGIC[0] else ">"
    if _summed(log[:24], order, (0, 0)) != sums:
        return {}
    safe: dict[int, bytes] = {}
    loose: dict[int, bytes] = {}
    step = _FRAME_HEAD + size
    for at in range(_WAL_HEAD, len(log) - step + 1, step):
        number, ends, *rest = struct.unpack(">6I", log[at : at + _FRAME_HEAD])
        page = log[at + _FRAME_HEAD : at + step]
        sums = _summed(page, order, _summed(log[at : at + 8], order, sums))
        if tuple(rest[:2]) != salts or sums != (rest[2], rest[3]):
            break
        loose[number] = page
        if ends:
            safe.update(loose)
            loose.clear()
    return safe


def _summed(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """The running sums of the log's format over words of four bytes."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for a, b in zip(words[::2], words[1::2], strict=True):
        first = (first + a + second) & 0xFFFFFFFF
        second = (second + b + first) & 0xFFFFFFFF
    return first, second
