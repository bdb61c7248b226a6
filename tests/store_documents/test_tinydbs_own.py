"""TinyDB's own tests, as its sdist ships them, pass on our documents."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from tests.conftest import ROOT, missing
from tests.store_documents.tinydb_plugin import NOT_OURS

SDIST = ROOT / "build" / "peers" / f"tinydb-{version('tinydb')}.tar.gz"
FILES = ("test_tables.py", "test_queries.py", "test_operations.py", "test_tinydb.py")


def test_tinydbs_tests_of_tables_queries_and_operations_pass(tmp_path: Path) -> None:
    if not SDIST.exists():
        missing("peers", f"{SDIST.name} is not in build/peers; .ci/run fetches it")
    assert sha256(SDIST.read_bytes()).hexdigest() in (ROOT / "requirements-dev.lock").read_text()
    _unpack(tmp_path)
    line = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-c", "/dev/null", f"--rootdir={tmp_path}"]
    for plugin in ("no:cacheprovider", "no:asyncio", "tests.store_documents.tinydb_plugin"):
        line += ["-p", plugin]
    run = subprocess.run([*line, "-W", "error", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    counted = re.search(r"(\d+) passed, (\d+) deselected", run.stdout)
    assert counted is not None, run.stdout
    assert int(counted[1]) > 100
    assert int(counted[2]) == len(NOT_OURS)


def _unpack(folder: Path) -> None:
    """Their files without their package, whose name is the same as that of our tests."""
    with tarfile.open(SDIST) as archive:
        for name in FILES:
            file = archive.extractfile(f"{SDIST.name.removesuffix('.tar.gz')}/tests/{name}")
            assert file is not None
            (folder / name).write_bytes(file.read())
