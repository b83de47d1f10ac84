"""Every key string of the table, and nothing else."""

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

PROFILE = "PROFILE"
REFERENCE = "REF"
REFERENCES_FROM = "CUST#"
REFERENCES_TO = "CUST$"
LEASE = "LEASE"
INVOICES_FROM = "INV#"
ACTIVITIES_FROM = "ACT#"
ACTIVITIES_TO = "ACT$"
DUE_INDEX = "due"
OPEN_INDEX = "open"
DAY_INDEX = "day"
ASKED = "asked"
"""In place of a day in the index: the invoices about which a person was asked something that waits for an answer."""
DIGEST = "DIGEST"
MAIL_LINE = "COUNTER#mail_line"
MAIL_QUOTA = "COUNTER#mail_quota"
LINE = "LINE"
NO_DUE_DATE = "9999-12-31"
RANKED_FROM = "RANKED#"
TAKEN = "TAKEN"
_MOST_THOUSANDTHS = 10**18 - 1


def customer_key(customer: str) -> str:
    """Partition of a case, from the full customer id."""
    return f"CUST#{customer}"


def customer_in(pk: str) -> str:
    """The full customer id in a case's partition key."""
    return pk.removeprefix("CUST#")


def invoice_key(invoice_id: str) -> str:
    """Sort key of an invoice, from the source's bare id."""
    return f"INV#{invoice_id}"


def invoice_in(sk: str) -> str:
    """The bare invoice id in a sort key."""
    return sk.removeprefix("INV#")


def activity_key(at: datetime, ulid: str) -> str:
    """Sort key of an activity."""
    return f"ACT#{instant(at)}#{ulid}"


def reference_key(kind: str, value: str) -> str:
    """Partition of a reference to a customer."""
    return f"REF#{kind}#{value}"


def invoice_reference_key(customer: str, invoice_id: str) -> str:
    """Partition of the reference from an invoice to its customer; an invoice id is unique within its source's account."""
    return reference_key("invoice", f"{customer.rpartition(':')[0]}:{invoice_id}")


def contact_reference_key(kind: str, value: str) -> str:
    """Partition of the customers who are reached so: addresses in small letters, numbers as digits, tokens as they are."""
    return reference_key(kind, "".join(re.findall(r"\d", value)) if kind == "sms" else value.strip().casefold())


def connection_key(provider: str) -> str:
    """Partition of the connections to a provider."""
    return f"CONN#{provider}"


def token_lease_key(secret: str | None) -> str:
    """Sort key of who may write one secret of a provider's tokens; None: the index."""
    return LEASE if secret is None else f"{LEASE}#{secret}"


def connection_account_key(account: str) -> str:
    """Sort key of one connected company or tenant."""
    return f"ACCOUNT#{account}"


def ended_connection_key(account: str) -> str:
    """Sort key of the end of a company's or tenant's connection; no account's key begins like another's."""
    return f"ENDED#{account}#"


def waiting_case_key(account: str, customer: str) -> str:
    """Sort key of a case that waits for the connection of a company or tenant."""
    return f"WAITS#{account}#{customer}"


def meter_key(account: str) -> str:
    """Sort key of how much one connected company or tenant was asked."""
    return f"METER#{account}"


def swept_account_key(account: str) -> str:
    """Sort key of when a company or tenant was last swept to its end."""
    return f"SWEPT#{account}"


def sweep_key(run: str) -> str:
    """Partition of what one daily sweep saw at a source."""
    return f"SWEEP#{run}"


def sweep_page_key(page: int) -> str:
    """Sort key of one page of a sweep."""
    return f"PAGE#{page:06d}"


def day_key(day: str) -> str:
    """Partition of a policy's first contacts on one day (`standard#2026-03-02`)."""
    return f"COUNTER#first_contacts#{day}"


def digest_key(day: str) -> str:
    """Partition of the note that a day's digest went out."""
    return f"COUNTER#digest#{day}"


def asked_key(customer: str) -> str:
    """Sort key of a customer who asked for a place on a day."""
    return f"ASKED#{customer}"


def ranked_key(balance: Decimal, customer: str) -> str:
    """Sort key by which the largest balance (major units, thousandths at most) comes first."""
    thousandths = min(max(int(balance * 1000), 0), _MOST_THOUSANDTHS)
    return f"{RANKED_FROM}{_MOST_THOUSANDTHS - thousandths:018d}#{customer}"


def shard_of(customer: str, shards: int) -> str:
    """The index shard of a customer: the same on every machine, which `hash()` is not."""
    return str(int.from_bytes(hashlib.sha256(customer.encode()).digest()[:4]) % shards)


def instant(at: datetime) -> str:
    """An instant as a string that sorts: UTC, microseconds, always as long."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def last_before(at: datetime) -> str:
    """The last instant before `at`, as a string that sorts."""
    return instant(at - timedelta(microseconds=1))


def parse_instant(text: str) -> datetime:
    """The instant in a string of `instant`. Raises ValueError for another text, or one that names no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return at


def due_date_key(day: date | None) -> str:
    """A due date as the index's sort key; invoices without one come last."""
    return day.isoformat() if day else NO_DUE_DATE


def parse_due_date(text: str) -> date | None:
    """The due date in an index key."""
    return None if text == NO_DUE_DATE else date.fromisoformat(text)
