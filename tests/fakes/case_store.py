"""The table's twin in memory: the same versions, claims, conditions and sparse indexes, held to them by tests/contract/storage."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any, TypeVar

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim, EffectState, Mark, Profile
from dunning.domain.errors import AlreadyClaimed, BelongsElsewhere, Conflict, Permanent, Unreadable
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.replying import reply_token
from dunning.storage.keys import contact_reference_key
from dunning.workflow.moving_port import MOST_ITEMS, CaseChange
from dunning.workflow.sweep_ports import OpenPage, OpenRow
from dunning.workflow.wheel_ports import DueTimer
from tests.fakes.unordered import case_as_read, dealt

Item = TypeVar("Item", Profile, Invoice, Contact, Claim)


class MemoryCaseStore:
    """workflow.ports.CaseStore without a table. Each call is atomic, as each of DynamoDB's is."""

    def __init__(self, deal: int = 0) -> None:
        """`deal` decides in which order maps come, for they have none."""
        self._deal = deal
        self._profiles: dict[str, Profile] = {}
        self._invoices: dict[str, dict[str, Invoice]] = {}
        self._log: dict[str, list[Activity]] = {}
        self._references: dict[tuple[str, str], str] = {}
        self._reached: dict[str, dict[str, None]] = {}
        self.writes = 0
        self.refusals: deque[Exception] = deque()
        """What the next writes are answered with, of a case or of a mark; nothing is written then."""
        self.unreadable: set[str] = set()
        """Customers of whom a row cannot be read."""

    def load(self, customer: str) -> Case:
        """The case as it is; an empty one (version 0) when the customer is unknown. Raises Unreadable."""
        if customer in self.unreadable:
            raise Unreadable(f"row CUST#{customer}, PROFILE of the table cannot be read")
        return case_as_read(self._stored(customer), self._deal)

    def _stored(self, customer: str) -> Case:
        profile = self._profiles.get(customer, Profile(customer))
        return Case(profile, dict(self._invoices.get(customer, {})))

    def activities(self, customer: str) -> list[Activity]:
        """A case's log, oldest first."""
        return sorted(self._log.get(customer, []), key=lambda activity: activity.at)

    def latest_activities(self, customer: str, most: int) -> list[Activity]:
        """The last of a case's log, oldest first."""
        return self.activities(customer)[-most:]

    def written(self, customer: str) -> list[Activity]:
        """A case's log in the order it was written: the clocks of those who wrote may differ."""
        return list(self._log.get(customer, []))

    def customers(self) -> tuple[str, ...]:
        """Everyone who has a profile."""
        return tuple(self._profiles)

    def save(self, before: Case, after: Case, activities: Sequence[Activity] = (), *, claim_id: str | None = None) -> None:
        """Write what differs, or nothing at all. Raises AlreadyClaimed (with `claim_id`), Conflict, Permanent (too much for DynamoDB)."""
        customer = after.profile.customer
        changed = _changed_invoices(before, after)
        if not changed and not activities and before.profile == after.profile:
            return
        if self.refusals:
            raise self.refusals.popleft()
        change = CaseChange(before, after, tuple(activities))
        _require_room(change.rows + len(change.opened), customer)
        stored = self._stored(customer)
        if claim_id and stored.profile.version and (stored.profile.claim is None or stored.profile.claim.id != claim_id):
            raise AlreadyClaimed(f"case {customer}: claim {claim_id} is no longer held")
        self._require_unchanged(before, stored, changed)
        self._require_owned(before, changed)
        self._write(before, after, activities)

    def move(self, invoice_id: str, old: CaseChange, new: CaseChange) -> None:
        """Both cases or neither; one that does not differ has its version counted. Raises Conflict, BelongsElsewhere."""
        if old.is_nothing and new.is_nothing:
            return
        touched = sum(each.is_nothing and each.before.profile.version > 0 for each in (old, new))
        _require_room(old.rows + new.rows + touched + 1, new.before.profile.customer)
        for each in (old, new):
            stored = self._stored(each.before.profile.customer)
            self._require_unchanged(each.before, stored, _changed_invoices(each.before, each.after))
        left, joined = old.before.profile, new.before.profile
        reference = _reference(joined.customer, invoice_id)
        owner = self._references.get(reference, joined.customer)
        if owner not in ({left.customer, joined.customer} if left.version else {joined.customer}):
            raise BelongsElsewhere("an invoice is in another case", owner)
        for each in (old, new):
            if each.before.profile.version or not each.is_nothing:
                self._write(each.before, each.after, each.activities)
        self._references[reference] = joined.customer

    def _write(self, before: Case, after: Case, activities: Sequence[Activity]) -> None:
        customer = after.profile.customer
        stored = self._stored(customer)
        self.writes += 1
        self._profiles[customer] = replace(_changed(before.profile, after.profile, stored.profile), version=before.profile.version + 1)
        self._refer(before.profile, after.profile)
        for invoice in _changed_invoices(before, after):
            self._put(before.invoices.get(invoice.id), invoice, stored)
        self._log.setdefault(customer, []).extend(activities)

    def _require_owned(self, before: Case, changed: Sequence[Invoice]) -> None:
        for invoice in changed:
            old, owner = before.invoices.get(invoice.id), self._references.get(_reference(invoice.customer, invoice.id))
            if (old is None or (invoice.is_open and not old.is_open)) and owner not in (None, invoice.customer):
                raise BelongsElsewhere("an invoice is in another case", str(owner))

    def _require_unchanged(self, before: Case, stored: Case, changed: Sequence[Invoice]) -> None:
        seen = [(before.profile.version, stored.profile.version)]
        for invoice in changed:
            old, now = before.invoices.get(invoice.id), stored.invoices.get(invoice.id)
            seen.append((old.version if old else 0, now.version if now else 0))
        if any(read != found for read, found in seen):
            raise Conflict(f"case {before.profile.customer} has changed meanwhile")

    def _put(self, old: Invoice | None, invoice: Invoice, stored: Case) -> None:
        kept = self._invoices.setdefault(invoice.customer, {})
        if old is None:
            kept[invoice.id] = replace(invoice, version=1)
            self._references[_reference(invoice.customer, invoice.id)] = invoice.customer
        else:
            kept[invoice.id] = replace(_changed(old, invoice, stored.invoices[invoice.id]), version=old.version + 1)

    def claim(self, customer: str, claim: Claim, now: datetime) -> Claim:
        """Take a due, unclaimed customer; an abandoned claim's origin, effects and count are inherited. Raises AlreadyClaimed."""
        profile = self._profiles.get(customer)
        held = profile.claim if profile else None
        if held and held.id == claim.id:
            return replace(held, effects=dealt(held.effects, self._deal))
        if profile is None or profile.due_at is None or profile.due_at > now or profile.claimed_at(now):
            raise AlreadyClaimed(f"case {customer} is not due, or another worker holds it", profile.due_at if profile else None)
        taken = Claim(
            id=claim.id,
            until=claim.until,
            origin=held.origin if held else claim.id,
            attempt=held.attempt + 1 if held else 1,
            effects=dealt(held.effects, self._deal) if held else {},
            mail_at=held.mail_at if held else None,
        )
        self.writes += 1
        self._profiles[customer] = replace(profile, claim=taken, due_at=claim.until, version=profile.version + 1)
        return taken

    def park_as_it_lies(self, customer: str, claim_id: str, hold: Hold, logged: Activity) -> None:
        """Park a case without reading it. Raises AlreadyClaimed when that claim is no longer held."""
        profile = self._stored(customer).profile
        if profile.claim is None or profile.claim.id != claim_id:
            raise AlreadyClaimed(f"case {customer}: claim {claim_id} is no longer held")
        self.writes += 1
        self._profiles[customer] = replace(
            profile,
            claim=profile.claim.spent(hold.since, profile.claim.effects),
            holds={**profile.holds, HoldKind.PARKED: hold},
            due_at=None,
            due_since=None,
            retries=0,
            version=profile.version + 1,
        )
        self._log.setdefault(customer, []).append(logged)

    def mark_effect(self, customer: str, origin: str, effect: str, state: EffectState, at: datetime | None = None) -> bool:
        """Mark one effect of the claim with this origin; False when that claim is gone, or the effect is done already."""
        if self.refusals:
            raise self.refusals.popleft()
        profile = self._profiles.get(customer)
        claim = profile.claim if profile else None
        if profile is None or claim is None or claim.origin != origin:
            return False
        if state is not EffectState.DONE and (known := claim.effects.get(effect)) and known.state is EffectState.DONE:
            return False
        self.writes += 1
        marked = replace(claim, effects={**claim.effects, effect: Mark(state, at)})
        self._profiles[customer] = replace(profile, claim=marked, version=profile.version + (state is EffectState.DONE))
        return True

    def _refer(self, before: Profile, after: Profile) -> None:
        contact = after.contact
        known = (("reply", reply_token(after.customer)), ("email", contact.email), ("sms", contact.phone))
        for kind, value in known:
            if value and (before.version == 0 or value not in (before.contact.email, before.contact.phone, reply_token(after.customer))):
                self._reached.setdefault(contact_reference_key(kind, value), {})[after.customer] = None

    def customers_of(self, kind: str, value: str) -> tuple[str, ...]:
        """The customers who are reached so, or whom a token names."""
        return tuple(sorted(self._reached.get(contact_reference_key(kind, value), {})))

    def customer_of(self, kind: str, value: str) -> str | None:
        """The customer a reference belongs to: for `invoice` the value is the source account and the bare id."""
        return self._references.get((kind, value))

    def timers(self) -> Iterator[DueTimer]:
        """All timers that are set."""
        for profile in self._profiles.values():
            if profile.due_at:
                yield DueTimer(profile.customer, profile.due_at, profile.due_since or profile.due_at)

    def open_rows(self) -> list[tuple[str, OpenRow]]:
        """All open invoices, those due first first, each with the key it is sorted by."""
        rows = [invoice for kept in self._invoices.values() for invoice in kept.values() if invoice.is_open]
        return sorted(
            (f"{invoice.due_date or date.max} {invoice.customer} {invoice.id}", OpenRow(invoice.customer, invoice.id)) for invoice in rows
        )


class MemoryTimerIndex:
    """workflow.wheel_ports.TimerIndex over a MemoryCaseStore."""

    def __init__(self, store: MemoryCaseStore) -> None:
        self._store = store

    def due(self, until: datetime, since: datetime | None = None) -> Iterator[DueTimer]:
        """Timers in [since, until), or all before `until`."""
        for timer in self._store.timers():
            if timer.due_at < until and (since is None or since <= timer.due_at):
                yield timer


class MemoryOpenIndex:
    """workflow.ports.OpenIndex over a MemoryCaseStore."""

    def __init__(self, store: MemoryCaseStore, page_size: int = 500) -> None:
        self._store = store
        self._page_size = page_size

    def page(self, cursor: str | None) -> OpenPage:
        """One page; the cursor is the last row's key, so that rows may leave the index between two pages."""
        behind = [(key, row) for key, row in self._store.open_rows() if key > (cursor or "")]
        page = behind[: self._page_size]
        return OpenPage(tuple(row for _, row in page), page[-1][0] if len(behind) > len(page) else None)


class MemorySweepNotes:
    """workflow.ports.SweepNotes in memory."""

    def __init__(self) -> None:
        self._pages: dict[str, dict[int, tuple[str, ...]]] = {}
        self._swept: dict[tuple[str, str], datetime] = {}

    def add(self, run: str, page: int, rows: Sequence[str]) -> None:
        """Keep what one page showed; the same page again replaces itself."""
        self._pages.setdefault(run, {})[page] = tuple(rows)

    def seen(self, run: str) -> frozenset[str]:
        """All rows of a run."""
        return frozenset(row for page in self._pages.get(run, {}).values() for row in page)

    def swept(self, source: str, account: str) -> datetime | None:
        """When the last sweep began that came to this account's end."""
        return self._swept.get((source, account))

    def note_swept(self, source: str, account: str, began: datetime) -> None:
        """Remember it."""
        self._swept[source, account] = max(began, self._swept.get((source, account), began))


def _changed(before: Item, after: Item, stored: Item) -> Item:
    """`stored` with only those attributes written in which `after` differs from `before`; contact and claim lie flat in the table."""
    written: dict[str, Any] = {}
    for field in fields(before):
        old, new, there = (getattr(item, field.name) for item in (before, after, stored))
        if old == new:
            continue
        flat = isinstance(old, Contact | Claim) and type(old) is type(new) is type(there)
        written[field.name] = _changed(old, new, there) if flat else new
    return replace(stored, **written)


def _changed_invoices(before: Case, after: Case) -> list[Invoice]:
    return [invoice for invoice in after.invoices.values() if before.invoices.get(invoice.id) != invoice]


def _require_room(items: int, customer: str) -> None:
    if items > MOST_ITEMS:
        raise Permanent(f"writing case {customer}: ValidationException")


def _reference(customer: str, invoice_id: str) -> tuple[str, str]:
    return "invoice", f"{customer.rpartition(':')[0]}:{invoice_id}"
