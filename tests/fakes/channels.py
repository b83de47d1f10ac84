"""Ways out that keep what they were given, fail when told to, and let something happen while a message is on its way."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dunning.domain.errors import OutcomeUnknown, Refused, Retryable, Throttled
from dunning.workflow.mail_ports import PLAIN, Addressing, Attachment
from dunning.workflow.ports import Envelope, MessageContent, RenderedEmail
from dunning.workflow.wheel_ports import SendingLimits


class WorkerDied(BaseException):
    """The process is gone: nothing of ours catches this."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel accepted."""

    to: tuple[str, ...]
    subject: str
    text: str
    envelope: Envelope
    addressing: Addressing = PLAIN
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """How one attempt ends: `accepted` says whether the message went out all the same."""

    error: BaseException
    accepted: bool


class _Channel:
    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.attempts = 0
        self.left: int | None = None
        """How many more it takes today; None: any."""
        self.meanwhile: Callable[[], None] | None = None
        self._troubles: deque[Trouble] = deque()

    def refuses(self, times: int = 1) -> None:
        """The next attempts are refused: surely not sent."""
        self._troubles.extend([Trouble(Refused("refused"), accepted=False)] * times)

    def gives_no_answer(self, *, accepted: bool, times: int = 1) -> None:
        """The next attempts get no answer."""
        self._troubles.extend([Trouble(OutcomeUnknown("no answer"), accepted)] * times)

    def fails(self, error: Exception) -> None:
        """The next attempt raises this; nothing is sent."""
        self._troubles.append(Trouble(error, accepted=False))

    def kills_the_worker(self, *, accepted: bool, times: int = 1) -> None:
        """At the next attempts the worker dies, before or after the message was accepted."""
        self._troubles.extend([Trouble(WorkerDied(), accepted)] * times)

    def _send(self, message: Message) -> str:
        self.attempts += 1
        if self.left is not None:
            if self.left < 1:
                raise Throttled("Daily message quota exceeded")
            self.left -= 1
        trouble = self._troubles.popleft() if self._troubles else None
        if trouble is None or trouble.accepted:
            self.sent.append(message)
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        if trouble:
            raise trouble.error
        return f"message-{self.attempts}"


class FakeEmail(_Channel):
    """workflow.ports.EmailChannel."""

    def send(
        self,
        to: Sequence[str],
        email: RenderedEmail,
        envelope: Envelope,
        addressing: Addressing = PLAIN,
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """Accept a mail, or fail as told."""
        names = tuple(attachment.name for attachment in attachments)
        return self._send(Message(tuple(to), email.subject, email.text, envelope, addressing, names))


class FakeSms(_Channel):
    """workflow.ports.SmsChannel."""

    def send(self, phone: str, text: str, envelope: Envelope) -> str:
        """Accept a text, or fail as told."""
        return self._send(Message((phone,), "", text, envelope))


class FakeTeam(_Channel):
    """workflow.ports.TeamChannel."""

    def send(self, team: str, subject: str, text: str, envelope: Envelope) -> str:
        """Accept a notice, or fail as told."""
        return self._send(Message((team,), subject, text, envelope))


class FakeQuota:
    """workflow.wheel_ports.EmailQuota."""

    def __init__(self) -> None:
        self.remaining = 1_000_000
        self.per_second = 1_000_000.0
        self.unreachable = False
        self.asked = 0

    def limits(self) -> SendingLimits:
        """What is left, and how fast it may go."""
        self.asked += 1
        if self.unreachable:
            raise Retryable("SES does not answer")
        return SendingLimits(self.remaining, self.per_second)


class PlainRenderer:
    """workflow.ports.Renderer: the template's name and the invoices, so that a test sees what was asked for."""

    def email(self, template: str, content: MessageContent) -> RenderedEmail:
        """`template: numbers` as the subject."""
        return RenderedEmail(_line(template, content), _line(template, content), f"<p>{_line(template, content)}</p>")

    def sms(self, template: str, content: MessageContent) -> str:
        """One line."""
        return _line(template, content)

    def team(self, template: str, content: MessageContent) -> tuple[str, str]:
        """Subject and text alike."""
        return _line(template, content), _line(template, content)


def _line(template: str, content: MessageContent) -> str:
    return f"{template}: " + ", ".join(f"{row.number} {row.amount_due} {row.currency}" for row in content.invoices)
