import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.end_to_end.driver import LocalCloudOutside, forked_up

START = "2026-03-02T08:00:00Z"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloudOutside]:
    """A fresh `dunning up` at 2 March 2026, 08:00 UTC."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with forked_up(START, port, tmp_path / "up.log") as outside:
        yield outside
