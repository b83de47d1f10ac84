"""AWS as far as the product leans on it: invocations that can die, queues that deliver at least once, events that are tried again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from dunning.domain.errors import DunningError, Unforeseen
from dunning.workflow.unforeseen import foreseen
from tests.simulation.faults import MESSAGE, Fault, FaultBook, Kind
from tests.simulation.plans import Plan, Span
from tests.simulation.records import Invocation, Records
from tests.simulation.timeline import DEEPEST, Timeline

Body = TypeVar("Body")

TIMEOUT = {
    "run_step": 60,
    "stripe_webhook": 30,
    "sync_invoice": 60,
    "dispatch_due": 240,
    "delivery_feedback": 30,
    "daily_sweep": 300,
    "redrive": 60,
    "customer_portal": 30,
    "console": 30,
    "inbound_reply": 30,
}
MOST_RECEIVES = 5
MANY_ATTEMPTS = 3
"""Who has failed this often is left in peace: five failures in a row are poison by definition, and would end before a person."""


class Killed(BaseException):
    """The sandbox is gone: nothing of ours can catch this."""


class Cloud:
    """Invokes functions, one inside the other where they overlap, and lets time pass while they wait."""

    def __init__(self, plan: Plan, faults: FaultBook, records: Records) -> None:
        self.plan = plan
        self.timeline = Timeline(plan.start)
        self.faults = faults
        self.records = records
        self.running: list[Invocation] = []
        self.race: Callable[[Fault, str | None], None] = lambda _fault, _customer: None
        self._started = 0

    def clock(self) -> datetime:
        """The clock of the function that runs; the functions' clocks are a few seconds apart."""
        off = self.running[-1].clock_is_off if self.running else 0.0
        return self.timeline.now + timedelta(seconds=off)

    def true_time(self) -> datetime:
        """What no function knows."""
        return self.timeline.now

    def during(self, spans: tuple[Span, ...]) -> bool:
        """Whether now lies in one of some spans."""
        return any(begins <= self.timeline.now < ends for begins, ends in spans)

    @property
    def invocation(self) -> Invocation:
        """What runs now."""
        return self.running[-1]

    def draw(self, op: str, kinds: tuple[Kind, ...]) -> Fault | None:
        """The fault of this call, if one is due."""
        calm = bool(self.running and self.invocation.calm) or not self.during(self.plan.storms)
        return self.faults.draw(op, kinds, calm=calm)

    def invoke(self, function: str, act: Callable[[], object], customer: str | None = None, *, calm: bool = False) -> bool:
        """Run a function to its end, or to its death; whether it answered."""
        self._started += 1
        self.records.invocations[function] += 1
        offs = self.plan.clocks
        deadline = self.timeline.now + timedelta(seconds=TIMEOUT[function])
        with self._on_top(Invocation(function, customer, offs[self._started % len(offs)], deadline, calm, began=self.timeline.now)):
            try:
                foreseen(act)
            except Unforeseen as exc:
                # Lambda would try again, and so hide it.
                self.records.violated(f"{function} failed: {exc}")
                return False
            except (Killed, DunningError):
                return False
            return True

    @contextmanager
    def _on_top(self, invocation: Invocation) -> Iterator[None]:
        self.running.append(invocation)
        try:
            yield
        finally:
            self.running.pop()

    @property
    def is_deep(self) -> bool:
        """Whether no more may run inside one another."""
        return len(self.running) >= DEEPEST

    def wait(self, seconds: float) -> None:
        """The running function waits; past its time-out it is killed. Not so one that is left in peace: only others kept it waiting."""
        self.timeline.pass_time(seconds)
        if self.running and self.timeline.now > self.invocation.deadline and not self.invocation.calm:
            raise Killed

    def stand_still(self, seconds: float) -> None:
        """The sandbox is frozen, and knows nothing of it; not so where the whole world would stand still with it."""
        if self.timeline.is_deep:
            return
        self.invocation.deadline += timedelta(seconds=seconds + 60)
        self.timeline.pass_time(seconds)

    def asynchronously(self, function: str, act: Callable[[], object], attempt: int = 1) -> None:
        """As Lambda treats events: two more attempts, after one and two minutes; then a dead letter."""
        if self.invoke(function, act, calm=attempt >= MANY_ATTEMPTS):
            return
        if attempt >= 3:
            self.records.dead.append(("events", function, "failed three times"))
            return
        self.timeline.after(60 * attempt, lambda: self.asynchronously(function, act, attempt + 1))


class Sqs(Generic[Body]):
    """A queue and its consumer: at least once, in any order, at most five times and then a dead letter."""

    def __init__(
        self,
        cloud: Cloud,
        name: str,
        function: str,
        handle: Callable[[Body, int], object],
        *,
        visibility: float = 360,
        about: Callable[[Body], tuple[str | None, bool]] = lambda _body: (None, False),
    ) -> None:
        self._cloud = cloud
        self._name = name
        self._function = function
        self._handle = handle
        self._visibility = visibility
        self._about = about

    def send(self, body: Body, delay: float = 0) -> None:
        """Take a message. `delay`: whole seconds, 0 to 900."""
        if not 0 <= delay <= 900:
            self._cloud.records.violated(f"SQS takes no delay of {delay} s")
        fault = self._cloud.draw(f"message in {self._name}", MESSAGE)
        late = fault.size if fault and fault.kind is Kind.DELAYED else 0
        message = _Message(self, body)
        self._cloud.timeline.after(delay + late + 0.3, message.deliver)
        if fault and fault.kind is Kind.DOUBLED:
            self._cloud.timeline.after(delay + fault.size % 3, message.deliver)

    def work_off(self, body: Body, receives: int) -> bool:
        """Hand one message to the consumer; whether it was worked off."""
        customer, calm = self._about(body)
        calm = calm or receives >= MANY_ATTEMPTS
        return self._cloud.invoke(self._function, lambda: self._handle(body, receives), customer, calm=calm)

    def again_later(self, act: Callable[[], None]) -> None:
        """When the visibility timeout has passed."""
        self._cloud.timeline.after(self._visibility, act)

    def give_up(self, body: Body) -> None:
        """To the dead-letter queue."""
        self._cloud.records.dead.append((self._name, self._about(body)[0] or str(body), f"received {MOST_RECEIVES} times"))


class _Message(Generic[Body]):
    def __init__(self, queue: Sqs[Body], body: Body) -> None:
        self._queue = queue
        self._body = body
        self._receives = 0
        self._is_done = False

    def deliver(self) -> None:
        if self._is_done and self._receives > 1:
            return
        self._receives += 1
        if self._receives > MOST_RECEIVES:
            self._is_done = True
            self._queue.give_up(self._body)
        elif self._queue.work_off(self._body, self._receives):
            self._is_done = True
        elif not self._is_done:
            self._queue.again_later(self.deliver)
