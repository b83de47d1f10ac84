"""The services of one account, wired to each other."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra.local.async_events import AsyncEvents, AsyncSource
from infra.local.clock import VirtualClock
from infra.local.event_bus import EventBuses
from infra.local.event_source import EventSource
from infra.local.faults import Faults
from infra.local.json_edges import mapping
from infra.local.lambda_service import LambdaService
from infra.local.moto_door import MotoDoor
from infra.local.outbox import Outbox
from infra.local.queues import Queues, QueueSource
from infra.local.schedules import ScheduleSource
from infra.local.ses import MailService
from infra.local.stack import Stack
from infra.local.streams import StreamSource
from infra.local.topics import Topics
from infra.local.wire import Wire


@dataclass(frozen=True, slots=True)
class Services:
    """What a deployed stack runs on. `sources` is what wakes its functions; at the same instant the earlier one goes first."""

    outbox: Outbox
    mail: MailService
    buses: EventBuses
    topics: Topics
    faults: Faults
    queues: Queues
    wire: Wire
    functions: LambdaService
    sources: tuple[EventSource, ...]
    publish: Callable[[str, str], object]


def teams_of(stack: Stack) -> dict[str, str]:
    """The team topics' ARNs by team name, as the functions are told them."""
    teams: dict[str, str] = {}
    for function in stack.functions.values():
        teams.update({team: str(arn) for team, arn in mapping(json.loads(function.env.get("TEAM_TOPICS", "{}"))).items()})
    return teams


def assemble(stack: Stack, clock: VirtualClock, extra_env: Mapping[str, str]) -> Services:
    """Build the services; `extra_env` is added to each function's environment."""
    outbox, faults, queues, events = Outbox(), Faults(), Queues(stack), AsyncEvents(clock)
    topics = Topics(
        clock=clock,
        outbox=outbox,
        teams={arn: team for team, arn in teams_of(stack).items()},
        subscriptions=stack.subscriptions,
        wake=events.put,
        send=queues.send,
        account=stack.account,
        region=stack.region,
    )
    mail = MailService(
        clock=clock,
        outbox=outbox,
        publish=topics.publish,
        account=stack.account,
        region=stack.region,
        identities=frozenset(env["EMAIL_FROM"] for env in (function.env for function in stack.functions.values()) if "EMAIL_FROM" in env),
        destinations=stack.mail_destinations,
    )
    buses = EventBuses(stack.event_buses, clock)
    wire = Wire(MotoDoor(stack.account, stack.region), mail, topics, buses, faults, clock, stack.region)
    functions = LambdaService(stack.functions, extra_env, wire.line, clock)
    sources = tuple(_sources(stack, events, functions, queues, clock))
    return Services(outbox, mail, buses, topics, faults, queues, wire, functions, sources, topics.publish)


def _sources(stack: Stack, events: AsyncEvents, functions: LambdaService, queues: Queues, clock: VirtualClock) -> Iterator[EventSource]:
    for schedule in stack.schedules:
        yield ScheduleSource(schedule, events, clock, stack.account, stack.region)
    yield AsyncSource(events, functions, queues, clock)
    for queue in stack.queue_mappings:
        yield QueueSource(queue, queues, functions, clock)
    for stream in stack.stream_mappings:  # last, so that one batch takes what all of an instant's work wrote
        yield StreamSource(stream, stack, functions, queues, clock)
