"""Every AWS call passes here: counted, failed on purpose, taken by a stand-in, or handed to moto."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple, TypedDict
from urllib.parse import parse_qsl

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from infra.local.aws_sessions import Line, session_through
from infra.local.clock import VirtualClock, virtual_time
from infra.local.event_bus import EventBuses
from infra.local.faults import FaultMode, Faults, refusal
from infra.local.json_edges import mapping
from infra.local.lambda_service import Caller, InvocationDied
from infra.local.moto_door import MotoDoor, Reply, body_of
from infra.local.ses import MailService
from infra.local.topics import Topics

_BOTO3_NAMES = {"dynamodb-streams": "dynamodbstreams", "secrets-manager": "secretsmanager", "eventbridge": "events"}


class Calls(TypedDict):
    """How often a function attempted one call."""

    function: str
    service: str
    operation: str
    count: int


class Attempt(NamedTuple):
    """One attempt of a function at an AWS call, and what was let go wrong with it."""

    function: str
    service: str
    operation: str
    fault: FaultMode | None


class _Call(NamedTuple):
    function: str
    service: str
    operation: str


class _Raw(BytesIO):
    def stream(self, *_args: object, **_kwargs: object) -> list[bytes]:
        return [self.read()]


class Wire:
    """The wire between all boto3 sessions of one local cloud and its services."""

    def __init__(
        self, door: MotoDoor, mail: MailService, topics: Topics, buses: EventBuses, faults: Faults, clock: VirtualClock, region: str
    ) -> None:
        self._door = door
        self._buses = buses
        self._mail = mail
        self._topics = topics
        self._faults = faults
        self._clock = clock
        self._lock = threading.RLock()
        self._region = region
        self._counts: Counter[_Call] = Counter()
        self.heard_by: list[Callable[[Attempt], None]] = []

    def session(self, caller: Caller | None = None) -> boto3.Session:
        """A boto3 session whose calls end here. Without a caller they are neither counted nor failed."""
        return session_through(self._hook(caller), self._region)

    def line(self, caller: Caller) -> Line:
        """A session for one container, to be given back when it ends."""
        return Line.taken(self._hook(caller), self._region)

    def calls(self) -> list[Calls]:
        """What functions called so far, every attempt counted."""
        return [
            Calls(function=call.function, service=call.service, operation=call.operation, count=count)
            for call, count in sorted(self._counts.items())
        ]

    def _hook(self, caller: Caller | None) -> Callable[..., AWSResponse]:
        def before_send(request: AWSPreparedRequest, event_name: str, **_kwargs: object) -> AWSResponse:
            _point, service_id, operation = event_name.split(".")
            service = _BOTO3_NAMES.get(service_id, service_id)
            if caller is None:
                with virtual_time(self._clock), self._lock:
                    reply = self._perform(service, operation, request)
            else:
                with self._lock:  # a function may call from threads of its own, and moto is not safe under them
                    reply = self._attempt(caller, service, operation, request)
            return AWSResponse(request.url, reply.status, HTTPHeaders.from_dict(reply.headers), _Raw(reply.body))

        return before_send

    def _attempt(self, caller: Caller, service: str, operation: str, request: AWSPreparedRequest) -> Reply:
        if caller.dead:
            raise InvocationDied("a dead invocation makes no calls")
        self._counts[_Call(caller.function, service, operation)] += 1
        fault = self._faults.take(caller.function, service, operation)
        caller.struck = caller.struck or fault is not None
        for hear in self.heard_by:
            hear(Attempt(caller.function, service, operation, fault))
        if fault in {FaultMode.ERROR, FaultMode.THROTTLE}:
            return refusal(service, fault)
        reply = self._perform(service, operation, request)
        if fault is FaultMode.LOST:
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault is FaultMode.CRASH:
            caller.dead = True
            raise InvocationDied(f"crashed after {service} {operation}")
        return reply

    def _perform(self, service: str, operation: str, request: AWSPreparedRequest) -> Reply:
        match service, operation:
            case "sesv2", "SendEmail":
                return self._mail.send(mapping(json.loads(body_of(request))))
            case "sesv2", "GetAccount":
                return self._mail.get_account()
            case "sns", "CheckIfPhoneNumberIsOptedOut":
                return self._topics.number_checked(dict(parse_qsl(body_of(request).decode())))
            case "sns", "Publish":
                return self._topics.published_by_request(dict(parse_qsl(body_of(request).decode(), keep_blank_values=True)))
            case "events", "PutEvents":
                return self._buses.put(mapping(json.loads(body_of(request))))
            case _:
                return self._door.answer(service, operation, request)
