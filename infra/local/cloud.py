"""The local cloud: a deployed template in virtual time, driven call by call."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import boto3

from dunning.bootstrap import Platform
from dunning.bootstrap.cases import case_desk
from dunning.config import PACKAGED_POLICIES, from_env
from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Rejected
from dunning.storage.cases import TableCaseStore
from infra.case_actions import act
from infra.fee_answers import FeeAnswer
from infra.importing import Importer, ImportOptions, ImportReport
from infra.local.clock import VirtualClock, virtual_time
from infra.local.deployment import deploy, undeploy
from infra.local.event_bus import BusEvent
from infra.local.event_source import EventSource
from infra.local.faults import Aim
from infra.local.inbound import received_mail, received_sms
from infra.local.lambda_service import Caller, UnderWay
from infra.local.outbox import OutboxEntry
from infra.local.queues import DeadLetter
from infra.local.routes import FAILED, NOT_FOUND, HttpAnswer, Request, find_route, to_answer, to_event
from infra.local.services import assemble, teams_of
from infra.local.ses import MailService
from infra.local.stack import Stack
from infra.local.wire import Attempt, Calls
from infra.redrive import Redriven, Redriver

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_MOST_AT_ONE_INSTANT = 100_000
_PROVIDER_BASES = {
    "STRIPE_API_BASE": "",
    "QUICKBOOKS_API_BASE": "",
    "QUICKBOOKS_AUTHORIZE_URL": "/connect/oauth2",
    "QUICKBOOKS_TOKEN_URL": "/oauth2/v1/tokens/bearer",
    "XERO_API_BASE": "",
    "XERO_AUTHORIZE_URL": "/identity/connect/authorize",
    "XERO_TOKEN_URL": "/connect/token",
}
_OUTER_NAMES = (*_PROVIDER_BASES, "POWERTOOLS_LOG_LEVEL", "WRITE_BACK")


class LocalCloud:
    """One deployment of the template. Safe to call from several threads; one call is served at a time."""

    def __init__(
        self,
        start: datetime,
        *,
        policies_dir: Path | None = None,
        outer_env: Mapping[str, str] = os.environ,
        sandbox_base: str | None = None,
        template: Path = TEMPLATE,
    ) -> None:
        """Deploy, and stand at `start` (aware). Nothing runs yet.

        `policies_dir` is copied; the packaged policies otherwise. Providers are where `outer_env` says, else at `sandbox_base`.
        Raises Rejected for a naive start and for a template that cannot run here.
        """
        self._lock = threading.RLock()
        self._clock = VirtualClock(start)
        self._policies = tempfile.TemporaryDirectory(prefix="dunning-policies-")
        shutil.copytree(policies_dir or PACKAGED_POLICIES, self._policies.name, dirs_exist_ok=True)
        with virtual_time(self._clock):
            self._stack = deploy(template, self._clock)
        self._teams = frozenset(teams_of(self._stack))
        if policies_dir is not None:
            PolicyBook.load(policies_dir, self._teams, validate=True)
        self._extra_env = {
            **_from_outside(outer_env, sandbox_base),
            "AWS_REGION": self._stack.region,
            "POLICIES_DIR": self._policies.name,
        }
        self._services = assemble(self._stack, self._clock, self._extra_env)
        self._sources: list[EventSource] = list(self._services.sources)
        self._control = self._services.wire.session()
        self._cases: TableCaseStore | None = None

    def also_hears(self, source: EventSource) -> None:
        """Let something outside of AWS wake functions, too."""
        self._sources.append(source)

    def forget_worn_containers(self, failures: int) -> None:
        """Start those anew of which so many calls broke, as Lambda replaces a container now and then."""
        self._services.functions.forget_worn_containers(failures)

    def close(self) -> None:
        """Forget everything."""
        self._services.functions.forget_containers()
        undeploy(self._stack)
        self._policies.cleanup()

    @property
    def now(self) -> datetime:
        """Virtual time, in UTC."""
        return self._clock()

    def session(self) -> boto3.Session:
        """A session for looking at the state from outside: not counted, never failed."""
        return self._control

    @property
    def stack(self) -> Stack:
        """What was deployed."""
        return self._stack

    @property
    def mail(self) -> MailService:
        """SES, to set its quota."""
        return self._services.mail

    def cases(self) -> TableCaseStore:
        """The cases, for looking at them from outside."""
        if self._cases is None:
            config = from_env(next(iter(self._stack.functions.values())).env)
            self._cases = TableCaseStore(self._control.client("dynamodb"), config.table, config.due_shards)
        return self._cases

    def advance_to(self, instant: datetime) -> int:
        """Move time, and run everything that falls due on the way, in order; how many invocations that took.

        Raises Rejected for the past and for an instant without a zone.
        """
        if instant.tzinfo is None:
            raise Rejected(f"{instant.isoformat()} has no time zone: write an instant as 2026-03-02T08:00:00Z")
        with self._busy() as invocations:
            if instant < self.now:
                raise Rejected(f"{instant.isoformat()} is before {self.now.isoformat()}: time here only moves on")
            self._run_until(instant)
            self._clock.move_to(instant)
            return invocations()

    def settle(self) -> int:
        """Run what is due at this instant, until nothing is; how many invocations that took."""
        with self._busy() as invocations:
            self._run_until(self.now)
            return invocations()

    def request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """A request to the product's HTTP API. 404 when it has no such route, 500 when the function died.

        What the request set off (messages, events) runs at the next `settle` or `advance_to`.
        """
        match = find_route(self._stack.routes, method, path)
        if match is None:
            return NOT_FOUND
        with self._busy():
            event = to_event(match, Request(method, path, query, headers, body), self.now, self._stack.account)
            outcome = self._services.functions.invoke(match.route.function, event)
        return FAILED if outcome.error is not None else to_answer(outcome.payload)

    def policies(self) -> PolicyBook:
        """The policies as they are now."""
        with self._lock:
            return PolicyBook.load(Path(self._policies.name), self._teams)

    def put_policy(self, name: str, text: str) -> None:
        """Replace a policy, in this cloud only. Raises Rejected naming file, step and field when it cannot be loaded."""
        policy = load_policy(text, f"{name}.yaml", self._teams)
        with self._lock:
            directory = Path(self._policies.name)
            PolicyBook.load(directory, self._teams).with_policy(policy)
            (directory / f"{policy.name}.yaml").write_text(text, encoding="utf-8")
            self._services.functions.forget_containers()

    def add_fault(self, service: str, operation: str, mode: str, times: int, aim: Aim | None = None) -> None:
        """Let the next `times` attempts of a boto3 call by functions fail: `error`, `lost`, `throttle` or `crash`. Raises Rejected."""
        with self._lock:
            self._services.faults.add(service, operation, mode, times, aim)

    def forget_faults(self) -> None:
        """Let nothing fail any more."""
        with self._lock:
            self._services.faults.clear()

    @contextmanager
    def attempts(self) -> Iterator[list[Attempt]]:
        """The AWS calls that functions attempt while this lasts, in order."""
        heard: list[Attempt] = []
        self._services.wire.heard_by.append(heard.append)
        try:
            yield heard
        finally:
            self._services.wire.heard_by.remove(heard.append)

    @contextmanager
    def overtaken(self, is_overtaken: Callable[[UnderWay, Attempt], bool]) -> Iterator[None]:
        """While this lasts, whoever is about to make the call that `is_overtaken` says is first overtaken by another worker.

        That one gets the same event, in a container of its own, and ends before the call is made. Nobody overtakes it in turn.
        """
        functions = self._services.functions

        def before(attempt: Attempt) -> None:
            if not functions.under_way or functions.under_way[-1].function != attempt.function:
                return
            slow = functions.under_way[-1]
            slow.calls += 1
            if len(functions.under_way) == 1 and is_overtaken(slow, attempt):
                functions.invoke_beside(slow.arn, slow.event)

        self._services.wire.heard_by.append(before)
        try:
            yield
        finally:
            self._services.wire.heard_by.remove(before)

    @contextmanager
    def sparing(self, is_spared: Callable[[UnderWay], bool]) -> Iterator[None]:
        """While this lasts, no fault strikes an invocation that `is_spared` says, which is asked only where one would strike.

        Of two workers of which one overtakes the other, it is asked about the slow one, whose end is what counts.
        """
        under_way, faults = self._services.functions.under_way, self._services.faults
        faults.are_held_back = lambda: bool(under_way) and is_spared(under_way[0])
        try:
            yield
        finally:
            faults.are_held_back = lambda: False

    def outbox(self) -> list[OutboxEntry]:
        """All that SES and SNS accepted, oldest first, also where the answer was then lost."""
        with self._lock:
            return self._services.outbox.entries()

    def events(self) -> list[BusEvent]:
        """All that was put on the event bus, oldest first."""
        with self._lock:
            return self._services.buses.events()

    def dead_letters(self) -> list[DeadLetter]:
        """All that was given up, with the best reason known."""
        with self._lock:
            return list(self._services.queues.dead_letters())

    def redrive(self, caller: Caller | None = None, *, drop_unreadable: bool = False) -> list[Redriven]:
        """Send back what lies in the dead-letter queues, as `dunning redrive` does on AWS; a `caller`'s calls may be let fail."""
        with self._busy():
            platform = self._as_operator(self._services.wire.session(caller) if caller else None)
            return Redriver(platform, self._queue_url, wait_seconds=0)(drop_unreadable=drop_unreadable)

    def answer_fee(self, answer: FeeAnswer) -> str:
        """A person accepts or declines a proposed late fee, as `dunning fee` does on AWS. Raises Rejected."""
        with self._busy():
            return answer.on_platform(self._as_operator())

    def import_invoices(self, raw: bytes, name: str, options: ImportOptions) -> ImportReport:
        """Take invoices from a CSV file, as `dunning import` does on AWS. Raises Rejected when it is not good; nothing is changed then."""
        with self._busy():
            return Importer(self._as_operator())(raw, name, options)

    def invoices_paid(self, numbers: Sequence[str]) -> ImportReport:
        """Record payments of imported invoices, as `dunning paid` does on AWS. Raises Rejected."""
        with self._busy():
            return Importer(self._as_operator()).paid(numbers)

    def _as_operator(self, session: boto3.Session | None = None) -> Platform:
        env = {**next(iter(self._stack.functions.values())).env, **self._extra_env}
        return Platform(env, session or self._control, self._clock)

    def act(self, customer: str, action: str, given: Mapping[str, object]) -> str:
        """What a person does to a case, as `dunning case` does on AWS; answers what became of it. Raises Rejected."""
        with self._busy():
            return act(case_desk(self._as_operator()), customer, action, given)

    def operate(self, act: Callable[[Platform], str], caller: Caller | None = None) -> str:
        """Let a person's command act on the deployment, as it does on AWS; what it answers. A `caller`'s calls may be let fail.

        Raises Rejected.
        """
        with self._busy():
            return act(self._as_operator(self._services.wire.session(caller) if caller else None))

    def _queue_url(self, logical_id: str) -> str:
        arn = next(arn for arn, name in self._stack.queues.items() if name == logical_id)
        return self._control.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]

    def calls(self) -> list[Calls]:
        """AWS calls by functions, every attempt counted."""
        with self._lock:
            return self._services.wire.calls()

    def ses_event(self, to: str, event: str, bounce: str | None) -> None:
        """SES reports on the last mail to an address: bounce (`permanent`, `transient`), complaint, open, click or reject.

        Raises Rejected.
        """
        with self._busy():
            self._services.mail.report(to, event, bounce)

    def inbound_email(self, raw: bytes) -> None:
        """A customer's mail, whatever address it names: SES received it. Nothing where the template wants none."""
        with self._busy():
            self._publish("InboundMailTopic", received_mail(raw, self.now))

    def inbound_sms(self, sender: str, body: str) -> None:
        """A customer's text message to our number: SNS itself obeys STOP and START. Nothing else where the template wants none."""
        with self._busy():
            self._services.topics.heard(sender, body)
            self._publish("InboundSmsTopic", received_sms(sender, body))

    def _publish(self, topic: str, message: str) -> None:
        if arn := self._stack.topics.get(topic):
            self._services.publish(arn, message)

    @contextmanager
    def _busy(self) -> Iterator[Callable[[], int]]:
        with self._lock, virtual_time(self._clock):
            before = self._services.functions.invocations
            yield lambda: self._services.functions.invocations - before

    def _run_until(self, instant: datetime) -> None:
        at_this_instant = 0
        while True:
            due = [(at, place) for place, source in enumerate(self._sources) if (at := source.next_at()) is not None and at <= instant]
            if not due:
                return
            at, place = min(due)
            if at > self.now:
                self._clock.move_to(at)
                at_this_instant = 0
            self._sources[place].run()
            at_this_instant += 1
            if at_this_instant > _MOST_AT_ONE_INSTANT:
                raise RuntimeError(
                    f"{self.now.isoformat()}: {at_this_instant} events without time moving on: something wakes itself for ever"
                )


def _from_outside(outer_env: Mapping[str, str], sandbox_base: str | None) -> dict[str, str]:
    sandbox = {name: f"{sandbox_base}{path}" for name, path in _PROVIDER_BASES.items()} if sandbox_base else {}
    return sandbox | {name: outer_env[name] for name in _OUTER_NAMES if outer_env.get(name)}
