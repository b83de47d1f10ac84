"""What the contract of the ways out runs on: the adapters on moto's SES and SNS, the simulator's twin, and the fakes of the unit tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from dunning.channels.attempts import one_attempt_config
from dunning.channels.email import SesEmailChannel
from dunning.channels.sms import SnsSmsChannel
from dunning.channels.team import SnsTeamChannel
from dunning.domain.errors import Permanent
from dunning.workflow.ports import EmailChannel, Envelope, RenderedEmail, SmsChannel, TeamChannel
from tests.fakes.channels import FakeEmail, FakeSms, FakeTeam
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.table import REGION
from tests.integration.handlers.cloud import Aws, playing_aws
from tests.simulation.cloud import Cloud
from tests.simulation.faults import Fault, FaultBook, Kind
from tests.simulation.outside import TwinChannels, TwinEmail, TwinSms, TwinTeam
from tests.simulation.plans import POISONED, plan_of
from tests.simulation.records import Accepted, Invocation, Records
from tests.simulation.wire import Wire

MAIL = RenderedEmail("Réminder", "text €", "<p>html</p>")
GOOD = {"email": "pat@example.com", "sms": "+15550100", "team": "collections"}
ATTEMPTS = 5


def envelope(channel: str) -> Envelope:
    return Envelope("reminder", "stripe:cus_ü", ("in_1",), "first", "claim-1", f"{channel}:first:in_1")


class WayOut(Protocol):
    """The three channels, how they fail when told to, and what they have taken."""

    def send(self, channel: str) -> str:
        """Send one message to an address that is good."""
        ...

    def taken(self, channel: str) -> list[str]:
        """Where to each message went that was taken, oldest first."""
        ...

    def throttles(self, channel: str) -> None:
        """The next attempt is refused for its rate."""

    def fails(self, channel: str) -> None:
        """The next attempt fails inside the service: nothing happens, and nobody can know."""

    def loses_the_answer(self, channel: str) -> None:
        """The next attempts are carried out, and their answers never come."""

    def refuses_for_good(self, channel: str) -> None:
        """The next message is one that will never be taken."""


class _Sending:
    def __init__(self, email: EmailChannel, sms: SmsChannel, team: TeamChannel) -> None:
        self._email, self._sms, self._team = email, sms, team

    def through(self, channel: str, to: str) -> str:
        if channel == "email":
            return self._email.send([to], MAIL, envelope(channel))
        if channel == "sms":
            return self._sms.send(to, "text €", envelope(channel))
        return self._team.send(to, "subject", "text", envelope(channel))


class MotoWayOut:
    """SES and SNS as moto plays them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        ses, sns = aws.session.client("sesv2", config=one_attempt_config()), aws.session.client("sns", config=one_attempt_config())
        self._sending = _Sending(
            SesEmailChannel(ses, "billing@larkfield.example", "Larkfield", "accounts@larkfield.example", "dunning"),
            SnsSmsChannel(sns),
            SnsTeamChannel(sns, {"collections": aws.topic}),
        )

    def send(self, channel: str) -> str:
        return self._sending.through(channel, GOOD[channel])

    def taken(self, channel: str) -> list[str]:
        if channel == "email":
            return [str(message.destinations["ToAddresses"][0]) for message in ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages]
        sns = sns_backends[DEFAULT_ACCOUNT_ID][REGION]
        if channel == "sms":
            return [str(message[0]) for message in sns.sms_messages.values()]
        return ["collections" for _ in sns.topics[self._aws.topic].sent_notifications]

    def throttles(self, channel: str) -> None:
        self._aws.fails(_operation(channel), "TooManyRequestsException" if channel == "email" else "Throttled", 429)

    def fails(self, channel: str) -> None:
        self._aws.fails(_operation(channel), "InternalFailure", 500)

    def loses_the_answer(self, channel: str) -> None:
        self._aws.loses_the_answer(_operation(channel), ATTEMPTS)

    def refuses_for_good(self, channel: str) -> None:
        self._aws.fails(_operation(channel), "BadRequestException" if channel == "email" else "InvalidParameter", 400)


def _operation(channel: str) -> str:
    return "SendEmail" if channel == "email" else "Publish"


class TwinWayOut:
    """The simulator's channels, with faults only where they are told."""

    def __init__(self) -> None:
        always = ((MONDAY_MORNING, MONDAY_MORNING + timedelta(days=9)),)
        quiet = replace(plan_of(1), start=MONDAY_MORNING, storms=always, provider_down=(), mail_down=(), clocks=(0.0,))
        self._cloud = Cloud(quiet, FaultBook(0.0, 1, replay=()), Records())
        self._accepted: list[Accepted] = []
        channels = TwinChannels(Wire(self._cloud), self._cloud, self._accepted.append)
        self._sending = _Sending(TwinEmail(channels), TwinSms(channels), TwinTeam(channels))
        self._poisoned: set[str] = set()

    def send(self, channel: str) -> str:
        to = POISONED if channel in self._poisoned else GOOD[channel]
        self._cloud.running.append(Invocation("run_step", None, 0.0, MONDAY_MORNING + timedelta(days=9), calm=False))
        return self._sending.through(channel, to)

    def taken(self, channel: str) -> list[str]:
        return [message.to[0] for message in self._accepted if message.channel == channel]

    def throttles(self, channel: str) -> None:
        self._next(channel, Kind.THROTTLED)

    def fails(self, channel: str) -> None:
        self._next(channel, Kind.FAILED)

    def loses_the_answer(self, channel: str) -> None:
        for nth in range(1, ATTEMPTS + 1):
            self._next(channel, Kind.LOST, nth)

    def refuses_for_good(self, channel: str) -> None:
        self._poisoned.add(channel)

    def _next(self, channel: str, kind: Kind, nth: int = 1) -> None:
        self._cloud.faults.replays(Fault(f"{channel}.send", nth, kind))


class FakeWayOut:
    """The channels of the unit tests."""

    def __init__(self) -> None:
        self._fakes: Mapping[str, Any] = {"email": FakeEmail(), "sms": FakeSms(), "team": FakeTeam()}
        self._sending = _Sending(self._fakes["email"], self._fakes["sms"], self._fakes["team"])

    def send(self, channel: str) -> str:
        return self._sending.through(channel, GOOD[channel])

    def taken(self, channel: str) -> list[str]:
        return [message.to[0] for message in self._fakes[channel].sent]

    def throttles(self, channel: str) -> None:
        self._fakes[channel].refuses()

    def fails(self, channel: str) -> None:
        self._fakes[channel].gives_no_answer(accepted=False)

    def loses_the_answer(self, channel: str) -> None:
        self._fakes[channel].gives_no_answer(accepted=True)

    def refuses_for_good(self, channel: str) -> None:
        self._fakes[channel].fails(Permanent("refused"))


@contextmanager
def on_moto() -> Iterator[WayOut]:
    """The adapters."""
    with playing_aws("http://127.0.0.1:1") as aws:
        yield MotoWayOut(aws)


@contextmanager
def on_the_twin() -> Iterator[WayOut]:
    """The simulator's twin."""
    yield TwinWayOut()


@contextmanager
def on_the_fakes() -> Iterator[WayOut]:
    """The unit tests' fakes."""
    yield FakeWayOut()


WAYS_OUT = {"moto": on_moto, "twin": on_the_twin, "fakes": on_the_fakes}
