"""The provider and the channels behind the wire, and what is noted of each call."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from dunning.domain.errors import Permanent, Refused, Retryable
from dunning.domain.invoice import Contact, Snapshot
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.mail_ports import PLAIN, Addressing, Attachment
from dunning.workflow.ports import Envelope, RenderedEmail, SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent
from tests.simulation.cloud import Cloud
from tests.simulation.faults import READ, WRITE, Kind
from tests.simulation.plans import POISONED, POISONED_PHONE
from tests.simulation.provider import Provider
from tests.simulation.records import Accepted
from tests.simulation.wire import Answer, Wire


class TwinSource:
    """workflow.ports.InvoiceSource: what it hands out is stamped with our clock at the request's start."""

    name = "stripe"

    def __init__(self, provider: Provider, wire: Wire, cloud: Cloud) -> None:
        self._provider = provider
        self._wire = wire
        self._cloud = cloud

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now."""
        began = self._cloud.clock()
        found = self._ask("fetch", lambda: self._noted(invoice_id, self._provider.account.fetch(invoice_id)))
        return replace(found, stamp=began) if found else None

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now."""
        return self._ask("contact", lambda: self._provider.account.fetch_contact(customer))

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer."""
        began = self._cloud.clock()

        def listed() -> tuple[Snapshot, ...]:
            found = self._provider.account.open_invoices_of(customer)
            for snapshot in found:
                self._noted(snapshot.invoice_id, snapshot)
            return found

        return _stamped(self._ask("list", listed), began)

    def standing_of(self, customer: str) -> Standing:
        """The customer's credit now."""
        return self._ask("contact", lambda: self._provider.account.standing_of(customer))

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """One page of all open invoices."""
        began = self._cloud.clock()
        page = self._ask("page", lambda: self._provider.account.open_page(cursor))
        return replace(page, snapshots=_stamped(page.snapshots, began))

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """What a charge leads to."""
        return self._ask("trace", lambda: self._provider.account.trace(kind, object_id))

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """The dispute now."""
        began = self._cloud.clock()
        found = self._ask("dispute", lambda: self._provider.account.fetch_dispute(dispute_id))
        return replace(found, stamp=began) if found else None

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """No event is ever fetched here."""
        return self._ask("event", lambda: self._provider.account.fetch_event(event_id))

    def charge(self, order: FeeOrder) -> Snapshot:
        """workflow.fee_port.FeeBook, as the adapters are: looked for by the order's id, then written. Each may fail in its own way."""
        began = self._cloud.clock()
        found = self._ask("fee.find", lambda: self._provider.fee_of(order.id))
        written = found or self._ask("fee.write", lambda: self._provider.write_fee(order), WRITE)
        return replace(written, stamp=began)

    def _noted(self, invoice_id: str, snapshot: Snapshot | None) -> Snapshot | None:
        self._cloud.invocation.told[invoice_id] = snapshot
        return snapshot

    def _ask(self, op: str, answer: Callable[[], Answer], kinds: tuple[Kind, ...] = READ) -> Answer:
        if self._cloud.during(self._cloud.plan.provider_down):
            self._cloud.wait(6)
            raise Retryable("the provider cannot be reached")
        return self._wire.call(op if "." in op else f"source.{op}", kinds, answer)


def _stamped(snapshots: tuple[Snapshot, ...], began: datetime) -> tuple[Snapshot, ...]:
    return tuple(replace(snapshot, stamp=began) for snapshot in snapshots)


class TwinChannels:
    """The three ways out. `accepted` hears of every message that was taken, before anybody else does."""

    def __init__(self, wire: Wire, cloud: Cloud, accepted: Callable[[Accepted], None]) -> None:
        self._wire = wire
        self._cloud = cloud
        self._accepted = accepted

    def take(self, channel: str, to: Sequence[str], envelope: Envelope) -> str:
        """Send through one of them."""
        if POISONED in to or POISONED_PHONE in to:
            raise Permanent(f"{channel} refuses this address")
        if channel == "email" and self._cloud.during(self._cloud.plan.mail_down):
            raise Refused("SES is at its limit")

        def accept() -> str:
            self._accepted(Accepted(channel, tuple(to), envelope, self._cloud.true_time()))
            return "accepted"

        return self._wire.message(f"{channel}.send", accept)


class TwinEmail:
    """workflow.ports.EmailChannel."""

    def __init__(self, channels: TwinChannels) -> None:
        self._channels = channels

    def send(
        self,
        to: Sequence[str],
        email: RenderedEmail,
        envelope: Envelope,
        addressing: Addressing = PLAIN,
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """To SES."""
        return self._channels.take("email", to, envelope)


class TwinSms:
    """workflow.ports.SmsChannel."""

    def __init__(self, channels: TwinChannels) -> None:
        self._channels = channels

    def send(self, phone: str, text: str, envelope: Envelope) -> str:
        """To SNS."""
        return self._channels.take("sms", [phone], envelope)


class TwinTeam:
    """workflow.ports.TeamChannel."""

    def __init__(self, channels: TwinChannels) -> None:
        self._channels = channels

    def send(self, team: str, subject: str, text: str, envelope: Envelope) -> str:
        """To SNS."""
        return self._channels.take("team", [team], envelope)
