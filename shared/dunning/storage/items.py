"""Cases to table items and back. Plain attribute values here; DynamoDB's own notation stays at the client's edge."""

from collections.abc import Mapping
from datetime import date
from typing import cast

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.case import Case, Dispute, Notice, Profile
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.fee_records import Fee, FeeState
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Contact, Invoice, Repeat, Status
from dunning.domain.promise import Promise
from dunning.storage import keys
from dunning.storage.attribute_values import (
    Item,
    mapping,
    number,
    optional_day,
    optional_instant,
    optional_text,
    put_day,
    put_instant,
    text,
    texts,
    typed,
)
from dunning.storage.claim_item import claim_attributes, read_claim

_CONTACT_TEXTS = ("name", "email", "phone", "country", "locale", "timezone")


def invoice_attributes(invoice: Invoice, shards: int) -> dict[str, object]:
    """An invoice's attributes; None means absent. `open_shard` is there only while it is open, and `day` while a person is asked
    about it: the indexes are sparse."""
    return {
        "source": invoice.source,
        "number": invoice.number,
        "status": invoice.status.value,
        "currency": invoice.currency,
        "total": invoice.total,
        "amount_due": invoice.amount_due,
        "due_date": keys.due_date_key(invoice.due_date),
        "issued_at": put_instant(invoice.issued_at),
        "stamp": keys.instant(invoice.stamp),
        "payment_url": invoice.payment_url,
        "collects_automatically": invoice.collects_automatically or None,
        "policy": invoice.policy,
        "level": invoice.level,
        "last_step": invoice.last_step,
        "anchor_at": put_instant(invoice.anchor_at),
        "next_step": invoice.next_step,
        "next_at": put_instant(invoice.next_at),
        "waits_since": put_instant(invoice.waits_since),
        "reminders_sent": invoice.reminders_sent,
        "last_reminder_at": put_instant(invoice.last_reminder_at),
        "thanks_at": put_instant(invoice.thanks_at),
        "suppressed_for": invoice.suppressed_for,
        "escalated": invoice.escalated or None,
        "holds": holds_attributes(invoice.holds),
        "subscription": invoice.subscription or None,
        "tags": list(invoice.tags) or None,
        "plan_revision": invoice.plan_revision,
        "opened_mails": list(invoice.opened_mails) or None,
        "clicked_mails": list(invoice.clicked_mails) or None,
        "opened_at": put_instant(invoice.opened_at),
        "fees": {fee.step: _fee_attributes(fee) for fee in invoice.fees} or None,
        "fee_id": invoice.fee_id,
        "fee_for": invoice.fee_for,
        "billed_to": invoice.billed_to,
        "by_credit": invoice.by_credit or None,
        "credited": invoice.credited,
        "overpaid": invoice.overpaid or None,
        "promise": _promise_attributes(invoice.promise),
        "promises_made": invoice.promises_made or None,
        "promise_broken": invoice.promise_broken or None,
        "counts_from": put_day(invoice.counts_from),
        "restarts_at": put_instant(invoice.restarts_at),
        "restarted_after": put_instant(invoice.restarted_after),
        "approval": _approval_attributes(invoice.approval) if invoice.approval else None,
        "sent_step": invoice.sent_step,
        "texted_step": invoice.texted_step,
        "repeat_step": invoice.repeat.step if invoice.repeat else None,
        "repeat_at": put_instant(invoice.repeat.at) if invoice.repeat else None,
        "day": keys.ASKED if invoice.is_open and waits_for_approval(invoice) else None,
        "open_shard": keys.shard_of(invoice.customer, shards) if invoice.is_open else None,
    }


def read_invoice(item: Item) -> Invoice:
    """The invoice in an item."""
    return Invoice(
        id=keys.invoice_in(text(item, "sk")),
        source=text(item, "source"),
        customer=keys.customer_in(text(item, "pk")),
        number=text(item, "number"),
        status=Status(text(item, "status")),
        currency=text(item, "currency"),
        total=number(item, "total"),
        amount_due=number(item, "amount_due"),
        due_date=keys.parse_due_date(text(item, "due_date")),
        issued_at=optional_instant(item, "issued_at"),
        stamp=keys.parse_instant(text(item, "stamp")),
        payment_url=optional_text(item, "payment_url"),
        collects_automatically=bool(item.get("collects_automatically")),
        policy=optional_text(item, "policy"),
        level=number(item, "level"),
        last_step=optional_text(item, "last_step"),
        anchor_at=optional_instant(item, "anchor_at"),
        next_step=optional_text(item, "next_step"),
        next_at=optional_instant(item, "next_at"),
        waits_since=optional_instant(item, "waits_since"),
        reminders_sent=number(item, "reminders_sent"),
        last_reminder_at=optional_instant(item, "last_reminder_at"),
        thanks_at=optional_instant(item, "thanks_at"),
        suppressed_for=optional_text(item, "suppressed_for"),
        escalated=bool(item.get("escalated")),
        holds=_read_holds(item),
        subscription=bool(item.get("subscription")),
        tags=texts(item, "tags"),
        plan_revision=optional_text(item, "plan_revision"),
        opened_mails=texts(item, "opened_mails"),
        clicked_mails=texts(item, "clicked_mails"),
        opened_at=optional_instant(item, "opened_at"),
        fees=tuple(_read_fee(step, cast("Item", fee)) for step, fee in sorted(mapping(item, "fees").items())),
        fee_id=optional_text(item, "fee_id"),
        fee_for=optional_text(item, "fee_for"),
        billed_to=optional_text(item, "billed_to"),
        by_credit=bool(item.get("by_credit")),
        credited=number(item, "credited") if "credited" in item else None,
        overpaid=number(item, "overpaid"),
        promise=_read_promise(item),
        promises_made=number(item, "promises_made"),
        promise_broken=bool(item.get("promise_broken")),
        counts_from=optional_day(item, "counts_from"),
        restarts_at=optional_instant(item, "restarts_at"),
        restarted_after=optional_instant(item, "restarted_after"),
        approval=_read_approval(mapping(item, "approval")),
        sent_step=optional_text(item, "sent_step"),
        texted_step=optional_text(item, "texted_step"),
        repeat=Repeat(text(item, "repeat_step"), optional_instant(item, "repeat_at")) if "repeat_step" in item else None,
        version=number(item, "version"),
    )


def _fee_attributes(fee: Fee) -> dict[str, object]:
    found: dict[str, object] = {
        "state": fee.state.value,
        "amount": fee.amount,
        "day": fee.day.isoformat(),
        "at": keys.instant(fee.at),
        "lines": list(fee.lines),
        "charged_until": fee.charged_until.isoformat() if fee.charged_until else None,
        "compensated": fee.compensated or None,
        "invoice": fee.invoice,
    }
    return {name: value for name, value in found.items() if value is not None}


def _read_fee(step: str, item: Item) -> Fee:
    until = optional_text(item, "charged_until")
    return Fee(
        step=step,
        state=FeeState(text(item, "state")),
        amount=number(item, "amount"),
        day=date.fromisoformat(text(item, "day")),
        at=keys.parse_instant(text(item, "at")),
        lines=tuple(str(line) for line in cast("list[object]", item.get("lines") or [])),
        charged_until=date.fromisoformat(until) if until else None,
        compensated=bool(item.get("compensated")),
        invoice=optional_text(item, "invoice"),
    )


def profile_attributes(profile: Profile, shards: int) -> dict[str, object]:
    """A profile's attributes; None means absent. The claim lies flat, so that one update can take it over."""
    return {
        **_contact_attributes(profile.contact),
        "contact_stamp": put_instant(profile.contact_stamp),
        "own_email": profile.own_email,
        "former_emails": list(profile.former_emails) or None,
        "retired": list(profile.retired) or None,
        "settings_stamp": put_instant(profile.settings_stamp),
        "do_not_chase": profile.do_not_chase or None,
        "not_chased_since": put_instant(profile.not_chased_since),
        "opted_out": {channel: keys.instant(since) for channel, since in profile.opted_out.items()} or None,
        "dead_addresses": list(profile.dead_addresses) or None,
        "bounced_mails": list(profile.bounced_mails) or None,
        "holds": holds_attributes(profile.holds),
        "disputes": {dispute.id: _dispute_attributes(dispute) for dispute in profile.disputes.values()} or None,
        "notices": {key: _notice_attributes(notice) for key, notice in profile.notices.items()} or None,
        "reminded_at": [keys.instant(at) for at in profile.reminded_at] or None,
        "due_at": put_instant(profile.due_at),
        "due_since": put_instant(profile.due_since),
        "due_shard": keys.shard_of(profile.customer, shards) if profile.due_at else None,
        "retries": profile.retries or None,
        "replied_at": put_instant(profile.replied_at),
        "look_at": put_instant(profile.look_at),
        "replies": list(profile.replies) or None,
        **claim_attributes(profile.claim),
    }


def read_profile(item: Item) -> Profile:
    """The profile in an item."""
    return Profile(
        customer=keys.customer_in(text(item, "pk")),
        contact=_read_contact(item),
        contact_stamp=optional_instant(item, "contact_stamp"),
        own_email=optional_text(item, "own_email"),
        former_emails=texts(item, "former_emails"),
        retired=texts(item, "retired"),
        settings_stamp=optional_instant(item, "settings_stamp"),
        do_not_chase=bool(item.get("do_not_chase")),
        not_chased_since=optional_instant(item, "not_chased_since"),
        opted_out={channel: keys.parse_instant(str(since)) for channel, since in mapping(item, "opted_out").items()},
        dead_addresses=tuple(str(address) for address in cast("list[object]", item.get("dead_addresses") or [])),
        bounced_mails=texts(item, "bounced_mails"),
        holds=_read_holds(item),
        disputes={key: _read_dispute(key, cast("Item", value)) for key, value in mapping(item, "disputes").items()},
        notices={key: _read_notice(cast("Item", value)) for key, value in mapping(item, "notices").items()},
        reminded_at=tuple(keys.parse_instant(str(at)) for at in cast("list[object]", item.get("reminded_at") or [])),
        due_at=optional_instant(item, "due_at"),
        due_since=optional_instant(item, "due_since"),
        claim=read_claim(item),
        retries=number(item, "retries"),
        replied_at=optional_instant(item, "replied_at"),
        look_at=optional_instant(item, "look_at"),
        replies=texts(item, "replies"),
        version=number(item, "version"),
    )


def _contact_attributes(contact: Contact) -> dict[str, object]:
    return {
        **{name: getattr(contact, name) for name in _CONTACT_TEXTS},
        "tags": None if contact.tags is None else list(contact.tags),
        "is_business": contact.is_business,
        "settings": _settings_attributes(contact.settings) if contact.settings else None,
    }


def _read_contact(item: Item) -> Contact:
    is_business, settings = item.get("is_business"), cast("Item | None", item.get("settings"))
    return Contact(
        name=optional_text(item, "name"),
        email=optional_text(item, "email"),
        phone=optional_text(item, "phone"),
        country=optional_text(item, "country"),
        locale=optional_text(item, "locale"),
        timezone=optional_text(item, "timezone"),
        tags=texts(item, "tags") if "tags" in item else None,
        is_business=None if is_business is None else bool(is_business),
        settings=_read_settings(settings) if settings is not None else None,
    )


def _settings_attributes(settings: CustomerSettings) -> dict[str, object]:
    people = [
        {name: value for name, value in (("role", one.role), ("email", one.email), ("name", one.name)) if value} for one in settings.people
    ]
    found = {
        "do_not_chase": settings.do_not_chase or None,
        "prefers": settings.prefers,
        "owner": settings.owner,
        "owner_name": settings.owner_name,
        "people": people or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _read_settings(item: Item) -> CustomerSettings:
    people = cast("list[Item]", item.get("people") or [])
    return CustomerSettings(
        do_not_chase=bool(item.get("do_not_chase")),
        prefers=optional_text(item, "prefers"),
        owner=optional_text(item, "owner"),
        owner_name=optional_text(item, "owner_name"),
        people=tuple(Person(text(one, "role"), text(one, "email"), optional_text(one, "name")) for one in people),
    )


def _approval_attributes(approval: Approval) -> dict[str, object]:
    found: dict[str, object] = {"step": approval.step, "state": approval.state.value, "amount": approval.amount}
    told = {"reason": approval.reason, "together": approval.together, "credit": approval.credit}
    return found | {name: value for name, value in told.items() if value}


def _read_approval(item: Item) -> Approval | None:
    if not item:
        return None
    step, state, reason = text(item, "step"), ApprovalState(text(item, "state")), optional_text(item, "reason")
    return Approval(step, state, number(item, "amount"), reason, together="together" in item, credit=number(item, "credit"))


def holds_attributes(holds: Mapping[HoldKind, Hold]) -> dict[str, object] | None:
    """Holds by their kinds; None where there are none."""
    found: dict[str, object] = {}
    for kind, hold in holds.items():
        values = {"since": keys.instant(hold.since), "until": put_instant(hold.until), "reason": hold.reason}
        found[kind.value] = {name: value for name, value in values.items() if value is not None}
    return found or None


def _read_holds(item: Item) -> dict[HoldKind, Hold]:
    found = {HoldKind(kind): cast("Item", value) for kind, value in mapping(item, "holds").items()}
    return {
        kind: Hold(keys.parse_instant(text(value, "since")), optional_instant(value, "until"), optional_text(value, "reason"))
        for kind, value in found.items()
    }


def _promise_attributes(promise: Promise | None) -> dict[str, object] | None:
    return {"until": promise.until.isoformat(), "amount": promise.amount, "owed": promise.owed} if promise else None


def _read_promise(item: Item) -> Promise | None:
    found = mapping(item, "promise")
    return Promise(date.fromisoformat(text(found, "until")), number(found, "amount"), number(found, "owed")) if found else None


def _notice_attributes(notice: Notice) -> dict[str, object]:
    found: dict[str, object] = {"reason": notice.reason, "at": keys.instant(notice.at), "invoices": list(notice.invoices)}
    return {**found, **{name: value for name, value in (("team", notice.team), ("text", notice.text)) if value is not None}}


def _read_notice(item: Item) -> Notice:
    invoices = tuple(str(value) for value in cast("list[object]", item["invoices"]))
    at = keys.parse_instant(text(item, "at"))
    return Notice(text(item, "reason"), at, invoices, optional_text(item, "team"), optional_text(item, "text"))


def _dispute_attributes(dispute: Dispute) -> dict[str, object]:
    found: dict[str, object] = {"open": dispute.is_open, "stamp": keys.instant(dispute.stamp)}
    if dispute.invoice:
        found["invoice"] = dispute.invoice
    return found


def _read_dispute(dispute_id: str, item: Item) -> Dispute:
    return Dispute(
        id=dispute_id,
        is_open=bool(item["open"]),
        stamp=keys.parse_instant(text(item, "stamp")),
        invoice=optional_text(item, "invoice"),
    )


def activity_attributes(activity: Activity) -> dict[str, object]:
    """An activity's attributes; None means absent."""
    return {
        "at": keys.instant(activity.at),
        "type": activity.type.value,
        "reason": activity.reason,
        "invoices": list(activity.invoices) or None,
        "step": activity.step,
        "actor": activity.actor,
        "channel": activity.channel,
        "claim": activity.claim,
    }


def read_activity(item: Item) -> Activity:
    """The activity in an item."""
    return Activity(
        at=keys.parse_instant(text(item, "at")),
        type=ActivityType(text(item, "type")),
        reason=optional_text(item, "reason"),
        invoices=tuple(str(value) for value in cast("list[object]", item.get("invoices") or [])),
        step=optional_text(item, "step"),
        actor=optional_text(item, "actor"),
        channel=optional_text(item, "channel"),
        claim=optional_text(item, "claim"),
    )


def read_case(customer: str, rows: list[Item]) -> Case:
    """The case in the rows of one query; an empty profile of version 0 when there is none. Raises Unreadable."""
    profile = Profile(customer=customer)
    invoices: dict[str, Invoice] = {}
    for row in rows:
        if row["sk"] == keys.PROFILE:
            profile = typed(row, read_profile)
        else:
            invoice = typed(row, read_invoice)
            invoices[invoice.id] = invoice
    return Case(profile=profile, invoices=invoices)
