"""What all tests share: Amazon's DynamoDB Local for a session, and a notice where it is missing."""

import gc
import os
from collections.abc import Iterator

import pytest

from tests.dynamodb_local.server import dynamodb_local, missing

MUST_NOT_MISS = "DUNNING_TESTS_NEED_DYNAMODB_LOCAL"


def pytest_configure(config: pytest.Config) -> None:
    """In CI nothing may be left out."""
    reason = missing()
    if reason and os.environ.get(MUST_NOT_MISS):
        raise pytest.UsageError(f"DynamoDB Local cannot run, and {MUST_NOT_MISS} is set: {reason}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector look less often, and not at the code that is loaded by now: it took a fifth of the time of a large test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested."""
    if reason := missing():
        terminalreporter.section("DynamoDB Local is missing")
        terminalreporter.write_line(f"What keeps state, workers at once included, was tested on moto alone: {reason}.")


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    """Where Amazon's DynamoDB Local answers, started when first asked for."""
    with dynamodb_local() as url:
        yield url
