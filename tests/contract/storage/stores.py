"""What the storage contract runs on: the table of template.yaml on moto and on DynamoDB Local, its twin in memory, and the simulator's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from moto import mock_aws

from dunning.domain.activity import Activity
from dunning.storage.cases import TableCaseStore
from dunning.storage.day_places import TableDayPlaces
from dunning.storage.digests import TableDigests
from dunning.storage.ended_connections import TableConnections
from dunning.storage.mail_line import TableMailPlaces
from dunning.storage.mail_order import TableWaitingMails
from dunning.storage.sweeps import TableSweepNotes
from dunning.storage.timers import TableOpenIndex, TableTimerIndex
from dunning.workflow.connection_ports import Connections
from dunning.workflow.history_port import RememberingStore
from dunning.workflow.mail_line import MailPlaces
from dunning.workflow.mail_order import WaitingMails
from dunning.workflow.moving_port import MovingStore
from dunning.workflow.parking_port import ParkingStore
from dunning.workflow.ports import Correspondents, DayPlaces
from dunning.workflow.sweep_ports import OpenIndex, SweepNotes
from dunning.workflow.wheel_ports import TimerIndex
from tests.dynamodb_local.server import client_of, fresh_table
from tests.fakes.case_store import MemoryCaseStore, MemoryOpenIndex, MemorySweepNotes, MemoryTimerIndex
from tests.fakes.clock import MONDAY_MORNING, StandingClock
from tests.fakes.connections import MemoryConnections
from tests.fakes.day_places import MemoryDayPlaces
from tests.fakes.digests import MemoryDigestNotes
from tests.fakes.mail_line import MemoryMailPlaces
from tests.fakes.mail_order import MemoryWaitingMails
from tests.fakes.table import aws_session, create_table
from tests.simulation.cloud import Cloud
from tests.simulation.faults import FaultBook
from tests.simulation.plans import plan_of
from tests.simulation.records import Invocation, Records
from tests.simulation.storage import (
    Timers,
    TwinCorrespondents,
    TwinMailPlaces,
    TwinOpenIndex,
    TwinStore,
    TwinSweepNotes,
    TwinTimerIndex,
    TwinWaitingMails,
)
from tests.simulation.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 3
PAGE_SIZE = 4


class ReadableStore(MovingStore, RememberingStore, ParkingStore, Protocol):
    """A case store whose log can be read."""

    def activities(self, customer: str) -> list[Activity]:
        """A case's log, oldest first."""
        ...


class DigestNotes(Protocol):
    """Which day's digest went out."""

    def begin(self, day: str, owner: str, now: datetime) -> bool:
        """Note who sends it."""
        ...

    def take_back(self, day: str, owner: str) -> None:
        """It did not go out."""
        ...


@dataclass(frozen=True, slots=True)
class Storage:
    """All that keeps state, of one kind."""

    store: ReadableStore
    timers: TimerIndex
    open_index: OpenIndex
    notes: SweepNotes
    mail_places: MailPlaces
    waiting_mails: WaitingMails
    digest_notes: DigestNotes
    day_places: DayPlaces
    connections: Connections
    correspondents: Correspondents


@contextmanager
def moto_storage() -> Iterator[Storage]:
    """On moto."""
    with mock_aws():
        client = aws_session().client("dynamodb")
        yield _table_storage(client, create_table(client))


@contextmanager
def dynamodb_local_storage(url: str) -> Iterator[Storage]:
    """On Amazon's DynamoDB Local, in a table of its own."""
    with fresh_table(client_of(url)) as (client, table):
        yield _table_storage(client, table)


def _table_storage(client: "DynamoDBClient", table: str) -> Storage:
    store = TableCaseStore(client, table, SHARDS)
    return Storage(
        store,
        TableTimerIndex(client, table, SHARDS),
        TableOpenIndex(client, table, SHARDS, PAGE_SIZE),
        TableSweepNotes(client, table, StandingClock()),
        TableMailPlaces(client, table),
        TableWaitingMails(client, table),
        TableDigests(client, table, SHARDS),
        TableDayPlaces(client, table),
        TableConnections(client, table),
        store,
    )


@contextmanager
def memory_storage() -> Iterator[Storage]:
    """In memory."""
    store = MemoryCaseStore()
    yield Storage(
        store,
        MemoryTimerIndex(store),
        MemoryOpenIndex(store, PAGE_SIZE),
        MemorySweepNotes(),
        MemoryMailPlaces(),
        MemoryWaitingMails(),
        MemoryDigestNotes(),
        MemoryDayPlaces(),
        MemoryConnections(),
        store,
    )


class _ReadableTwin(TwinStore):
    """The simulator's store, and the log behind it."""

    def __init__(self, memory: MemoryCaseStore, wire: Wire, cloud: Cloud, timers: Timers) -> None:
        super().__init__(memory, wire, cloud, timers, lambda _customer, _at: None)
        self.memory = memory

    def activities(self, customer: str) -> list[Activity]:
        return self.memory.activities(customer)


@contextmanager
def twin_storage() -> Iterator[Storage]:
    """As the simulator has it: in memory behind the wire, without faults, its index of timers beside the store."""
    end = MONDAY_MORNING + timedelta(days=9)
    cloud = Cloud(replace(plan_of(1), start=MONDAY_MORNING, storms=(), clocks=(0.0,), index_lag=0.0), FaultBook(0.0, 1), Records())
    cloud.running.append(Invocation("run_step", None, 0.0, end, calm=True))
    memory, wire = MemoryCaseStore(), Wire(cloud)
    timers = Timers(memory, cloud)
    yield Storage(
        _ReadableTwin(memory, wire, cloud, timers),
        TwinTimerIndex(wire, timers),
        TwinOpenIndex(wire, memory),
        TwinSweepNotes(wire),
        TwinMailPlaces(wire),
        TwinWaitingMails(wire, cloud),
        MemoryDigestNotes(),
        MemoryDayPlaces(),
        MemoryConnections(),
        TwinCorrespondents(memory, wire),
    )


STORAGES = {"moto": moto_storage, "memory": memory_storage, "twin": twin_storage}
