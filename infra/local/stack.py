"""What a deployed template consists of, as far as the local cloud runs it. ARNs join the parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.json_edges import Json
from infra.local.ses import EventDestination

RETRIES_OF_ASYNC_EVENTS = 2  # Lambda's own default


@dataclass(frozen=True, slots=True)
class Function:
    """A function. `name` is its folder's; `module` the file in it whose `build` makes the handler."""

    arn: str
    name: str
    folder: Path
    module: str
    env: Mapping[str, str]
    timeout: int
    memory: int
    dead_letters: str | None = None
    on_failure: str | None = None
    retries: int = RETRIES_OF_ASYNC_EVENTS


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API: `GET`, … or `ANY`; the path with `{name}` and `{name+}`, or `$default`."""

    method: str
    path: str
    function: str


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """An SQS queue that wakes a function."""

    queue: str
    function: str
    batch_size: int
    window: int
    partial_failures: bool


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """A table's stream that wakes a function. `retries` None: until it succeeds; `bisect`: a failed batch is halved first."""

    table: str
    function: str
    batch_size: int
    filters: tuple[str, ...]
    retries: int | None
    on_failure: str | None
    partial_failures: bool
    bisect: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule with a schedule, and the function it wakes; `input` replaces the scheduled event."""

    rule: str
    expression: str
    function: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets what is published to a topic."""

    topic: str
    protocol: str
    endpoint: str
    raw: bool = False
    filter_policy: Json = field(default_factory=dict)
    filter_scope: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed template. `queues` has each queue's logical id by its ARN; `dead_letters` the ARNs of queues for what failed;
    `topics` each topic's ARN by its logical id."""

    account: str
    region: str
    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    queue_mappings: tuple[QueueMapping, ...]
    stream_mappings: tuple[StreamMapping, ...]
    schedules: tuple[Schedule, ...]
    subscriptions: tuple[Subscription, ...]
    queues: Mapping[str, str]
    dead_letters: frozenset[str]
    secrets: Mapping[str, str]
    mail_destinations: Mapping[str, tuple[EventDestination, ...]]
    event_buses: frozenset[str] = frozenset()
    topics: Mapping[str, str] = field(default_factory=dict)
