"""Cases in the table: one query to read, one conditional transaction to write, one conditional update to claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim, EffectState, Mark
from dunning.domain.digest import TOLD
from dunning.domain.errors import AlreadyClaimed, BelongsElsewhere, Conflict, Permanent, Retryable, Unreadable
from dunning.domain.holds import Hold
from dunning.identifiers import new_ulid
from dunning.storage import items, keys
from dunning.storage.attribute_values import readable, typed
from dunning.storage.claim_item import mark_text, read_claim
from dunning.storage.expressions import Wire, difference, from_wire, to_wire, update
from dunning.storage.parking import can_be_claimed, parking, version_in, when_claimable
from dunning.storage.translation import Cancelled, ConditionFailed, aws_errors
from dunning.workflow.moving_port import CaseChange

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOST_THE_RACE = frozenset({"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"})


class TableCaseStore:
    """workflow.ports.CaseStore on DynamoDB."""

    def __init__(self, client: DynamoDBClient, table: str, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def load(self, customer: str) -> Case:
        """The case by one strongly consistent query of INV#…PROFILE; the activities are never read.

        Raises Unreadable, Retryable.
        """
        rows = self._rows(customer, keys.INVOICES_FROM, keys.PROFILE)
        return items.read_case(customer, [from_wire(row) for row in rows])

    def activities(self, customer: str) -> list[Activity]:
        """A case's log, oldest first; without what only another release can read."""
        rows = self._rows(customer, keys.ACTIVITIES_FROM, keys.ACTIVITIES_TO)
        return list(readable(map(from_wire, rows), items.read_activity))

    def latest_activities(self, customer: str, most: int) -> list[Activity]:
        """The last of a case's log, oldest first, without what only another release can read; one page of one query."""
        query = self._query(customer, keys.ACTIVITIES_FROM, keys.ACTIVITIES_TO)
        with aws_errors(f"reading the log of case {customer}"):
            page = self._client.query(**query, ScanIndexForward=False, Limit=most)
        return list(readable(map(from_wire, reversed(page["Items"])), items.read_activity))

    def _query(self, customer: str, first: str, last: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_wire({":pk": keys.customer_key(customer), ":first": first, ":last": last}),
            "ConsistentRead": True,
        }

    def _rows(self, customer: str, first: str, last: str) -> list[Wire]:
        rows: list[Wire] = []
        query = self._query(customer, first, last)
        while True:
            with aws_errors(f"reading case {customer}"):
                page = self._client.query(**query)
            rows += page["Items"]
            if "LastEvaluatedKey" not in page:
                return rows
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def save(self, before: Case, after: Case, activities: Sequence[Activity] = (), *, claim_id: str | None = None) -> None:
        """Write what differs, with its activities, in one transaction; nothing at all when nothing differs.

        The profile's version is part of every transaction: its timer is computed from all invoices, so a change of any of
        them makes other views of the case stale. An invoice is opened only where no other customer's case has it.
        Raises Conflict, BelongsElsewhere, AlreadyClaimed (with `claim_id`), Retryable.
        """
        change = CaseChange(before, after, tuple(activities))
        writes = self._writes(change, claim_id)
        if writes:
            writes += [self._reference_write(invoice.customer, invoice.id, invoice.customer) for invoice in change.opened]
            self._transact(writes, claim_id, after.profile.customer)

    def move(self, invoice_id: str, old: CaseChange, new: CaseChange) -> None:
        """Take an invoice out of one case and into another, with both logs, in one transaction, on both cases' versions.

        Nothing is written when nothing differs. Raises Conflict, BelongsElsewhere, Retryable.
        """
        if old.is_nothing and new.is_nothing:
            return
        left, joined = old.before.profile, new.before.profile
        writes = [write for each in (old, new) for write in self._writes(each) or self._touched(each.before)]
        # Where nobody is known to be left, nobody may lose it: such a case can have been made since it was read.
        writes.append(self._reference_write(joined.customer, invoice_id, left.customer if left.version else joined.customer))
        self._transact(writes, None, joined.customer)

    def _touched(self, unchanged: Case) -> list[Wire]:
        """Its version alone, so that whoever read it before reads it again; nothing of a case that does not exist."""
        return [self._profile_write(unchanged, {}, None)] if unchanged.profile.version else []

    def _writes(self, change: CaseChange, claim_id: str | None = None) -> list[Wire]:
        before, after = change.before, change.after
        writes = self._invoice_writes(before, after)
        changes = difference(self._profile(before), self._profile(after))
        if not writes and not changes and not change.activities:
            return []
        writes.insert(0, self._profile_write(before, changes, claim_id))
        writes += [self._contact_write(kind, value, after.profile.customer) for kind, value in change.reached]
        # The profile's version counts the case's writes, so the log keeps the order of what happens at one instant.
        first = (before.profile.version + 1) << 16
        return writes + [self._activity_write(after.profile.customer, logged, first + n) for n, logged in enumerate(change.activities)]

    def _transact(self, writes: Sequence[Wire], claim_id: str | None, customer: str) -> None:
        try:
            with aws_errors(f"writing case {customer}"):
                self._client.transact_write_items(TransactItems=cast("Any", writes))
        except Cancelled as exc:
            raise self._lost(exc.reasons, claim_id, customer) from exc

    def _lost(self, reasons: Sequence[Mapping[str, Any]], claim_id: str | None, customer: str) -> Exception:
        codes = {str(reason.get("Code")) for reason in reasons} - {"None"}
        profile_item = reasons[0].get("Item") if reasons else None
        if claim_id and profile_item and from_wire(profile_item).get("claim_id") != claim_id:
            return AlreadyClaimed(f"case {customer}: claim {claim_id} is no longer held")
        references = [item for reason in reasons if (item := from_wire(reason.get("Item") or {})).get("sk") == keys.REFERENCE]
        if references:
            return BelongsElsewhere(f"case {customer}: an invoice is in another one", str(references[0]["customer"]))
        if codes <= _LOST_THE_RACE:
            return Conflict(f"case {customer} has changed meanwhile")
        if "ValidationError" in codes or "ItemCollectionSizeLimitExceeded" in codes:
            return Permanent(f"writing case {customer}: {sorted(codes)}")
        return Retryable(f"writing case {customer}: {sorted(codes)}")

    def _profile(self, case: Case) -> dict[str, object]:
        return items.profile_attributes(case.profile, self._shards)

    def _profile_write(self, before: Case, changes: Mapping[str, object], claim_id: str | None) -> Wire:
        write = update(changes, before.profile.version)
        if claim_id:
            write["ConditionExpression"] += " AND claim_id = :claim"
            write["ExpressionAttributeValues"].update(to_wire({":claim": claim_id}))
        return {"Update": self._addressed(before.profile.customer, keys.PROFILE, write)}

    def _invoice_writes(self, before: Case, after: Case) -> list[Wire]:
        writes: list[Wire] = []
        for invoice in after.invoices.values():
            old = before.invoices.get(invoice.id)
            if old == invoice:
                continue
            old_attributes = items.invoice_attributes(old, self._shards) if old else {}
            changes = difference(old_attributes, items.invoice_attributes(invoice, self._shards))
            if old is None:
                changes = {name: value for name, value in changes.items() if value is not None}
            write = update(changes, old.version if old else 0)
            writes.append({"Update": self._addressed(invoice.customer, keys.invoice_key(invoice.id), write)})
        return writes

    def _addressed(self, customer: str, sk: str, write: Wire) -> Wire:
        key = to_wire({"pk": keys.customer_key(customer), "sk": sk})
        return {"TableName": self._table, "Key": key, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **write}

    def _reference_write(self, customer: str, invoice_id: str, left: str) -> Wire:
        """An invoice is in this customer's case from now on, on condition that it was in none, in this, or in that of `left`."""
        row = {"pk": keys.invoice_reference_key(customer, invoice_id), "sk": keys.REFERENCE, "customer": customer}
        return {
            "Put": {
                "TableName": self._table,
                "Item": to_wire(row),
                "ConditionExpression": "attribute_not_exists(pk) OR customer IN (:customer, :left)",
                "ExpressionAttributeValues": to_wire({":customer": customer, ":left": left}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _contact_write(self, kind: str, value: str, customer: str) -> Wire:
        row = {"pk": keys.contact_reference_key(kind, value), "sk": keys.customer_key(customer), "customer": customer}
        return {"Put": {"TableName": self._table, "Item": to_wire(row)}}

    def _activity_write(self, customer: str, activity: Activity, order: int) -> Wire:
        row = {
            "pk": keys.customer_key(customer),
            "sk": keys.activity_key(activity.at, new_ulid(activity.at, order)),
            **items.activity_attributes(activity),
            # Only on what a digest tells of: its index is sparse.
            "day": activity.at.astimezone(UTC).date().isoformat() if activity.type in TOLD else None,
        }
        return {"Put": {"TableName": self._table, "Item": to_wire(row)}}

    def claim(self, customer: str, claim: Claim, now: datetime) -> Claim:
        """Take a due, unclaimed customer; an abandoned claim's origin, effects and count are inherited.

        t0 ── claim ── until: others are refused. From `until` on the wheel finds it (due_at = until) and the next takes over.
        Raises AlreadyClaimed (not due, or held), Unreadable (it is claimed and what it inherits cannot be read, or nobody can
        claim it), Retryable.
        """
        timer_is_due = "due_at <= :now"
        nobody_holds_it = "(attribute_not_exists(claim_until) OR claim_until <= :now)"
        try:
            with aws_errors(f"claiming {customer}"):
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=to_wire({"pk": keys.customer_key(customer), "sk": keys.PROFILE}),
                    UpdateExpression="SET claim_id = :id, claim_until = :until, due_at = :until,"
                    " claim_origin = if_not_exists(claim_origin, :id),"
                    " claim_attempt = if_not_exists(claim_attempt, :zero) + :one,"
                    " claim_effects = if_not_exists(claim_effects, :none), version = version + :one",
                    ConditionExpression=f"{timer_is_due} AND {nobody_holds_it}",
                    ExpressionAttributeValues=to_wire(
                        {
                            ":id": claim.id,
                            ":until": keys.instant(claim.until),
                            ":now": keys.instant(now),
                            ":zero": 0,
                            ":one": 1,
                            ":none": {},
                        }
                    ),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as exc:
            item: Mapping[str, Any] = exc.item
        except Permanent as exc:
            if can_be_claimed(from_wire(self._profile_row(customer))):
                raise
            place = f"row {keys.customer_key(customer)}, {keys.PROFILE} of the table"
            raise Unreadable(f"{place} cannot be claimed: its version or its claim is no number: put it right, and redrive") from exc
        else:
            item = answer["Attributes"]
        return self._ours(item, claim, customer)

    def _ours(self, item: Mapping[str, Any], claim: Claim, customer: str) -> Claim:
        """Of the profile only the claim is read: whatever else is wrong with it is for who holds it to say."""
        row = from_wire(item)
        if row.get("claim_id") != claim.id:
            raise AlreadyClaimed(f"case {customer} is not due, or another worker holds it", typed(row, when_claimable))
        return typed(row, read_claim) or claim

    def park_as_it_lies(self, customer: str, claim_id: str, hold: Hold, logged: Activity) -> None:
        """Park a case without reading it: one hold more and one activity; what its claim has marked stays.

        Without that claim only where nobody can claim it, for what its profile holds. Raises AlreadyClaimed when that claim is no
        longer held, Conflict, Retryable.
        """
        lies = self._profile_row(customer)
        row = from_wire(lies)
        is_ours = row.get("claim_id") == claim_id
        if not row or (not is_ours and (can_be_claimed(row) or "due_at" not in row)):
            raise AlreadyClaimed(f"case {customer}: claim {claim_id} is no longer held")
        write = self._addressed(customer, keys.PROFILE, parking(lies, hold))
        if is_ours:
            write["ConditionExpression"] += " AND claim_id = :claim"
            write["ExpressionAttributeValues"].update(to_wire({":claim": claim_id}))
        logs = self._activity_write(customer, logged, (version_in(row) or 0) + 1 << 16)
        self._transact([{"Update": write}, logs], claim_id, customer)

    def _profile_row(self, customer: str) -> Wire:
        """As it lies; empty where there is none."""
        rows = self._rows(customer, keys.PROFILE, keys.PROFILE)
        return rows[0] if rows else {}

    def mark_effect(self, customer: str, origin: str, effect: str, state: EffectState, at: datetime | None = None) -> bool:
        """Mark one effect of the claim with this origin, on its way since `at` (UTC). False when that claim is gone: it was settled.

        `DONE` is never set back: the later word of a duplicate must not undo what is known. It makes other views of the case
        stale: a settle that does not know of it must read again, or it would wipe it out. The other states are the settler's own.
        Raises Retryable.
        """
        change = "SET claim_effects.#effect = :state"
        not_done = " AND (attribute_not_exists(claim_effects.#effect) OR NOT begins_with(claim_effects.#effect, :done))"
        values: dict[str, object] = {":origin": origin, ":state": mark_text(Mark(state, at))}
        if state is EffectState.DONE:
            change += ", version = version + :one"
            values[":one"] = 1
        else:
            values[":done"] = EffectState.DONE.value
        try:
            with aws_errors(f"marking an effect of {customer}"):
                self._client.update_item(
                    TableName=self._table,
                    Key=to_wire({"pk": keys.customer_key(customer), "sk": keys.PROFILE}),
                    UpdateExpression=change,
                    ConditionExpression="claim_origin = :origin" + ("" if state is EffectState.DONE else not_done),
                    ExpressionAttributeNames={"#effect": effect},
                    ExpressionAttributeValues=to_wire(values),
                )
        except ConditionFailed:
            return False
        return True

    def customers_of(self, kind: str, value: str) -> tuple[str, ...]:
        """The customers who are reached so (`email`, `sms`), or whom a token (`reply`) names; none for an empty value."""
        if not value.strip():
            return ()
        with aws_errors(f"reading the customers of a reference {kind}"):
            page = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues=to_wire(
                    {":pk": keys.contact_reference_key(kind, value), ":first": keys.REFERENCES_FROM, ":last": keys.REFERENCES_TO}
                ),
                Limit=100,
            )
        return tuple(str(from_wire(row)["customer"]) for row in page["Items"])

    def customer_of(self, kind: str, value: str) -> str | None:
        """The customer a reference belongs to: for `invoice` the value is the source account and the bare id (`stripe:in_1`)."""
        with aws_errors(f"reading reference {kind}"):
            answer = self._client.get_item(
                TableName=self._table,
                Key=to_wire({"pk": keys.reference_key(kind, value), "sk": keys.REFERENCE}),
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return str(from_wire(item)["customer"]) if item else None
