"""Xero's objects in our words (Accounting API 2.0)."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.errors import Rejected
from dunning.domain.fee_records import as_fee_id
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.money import nearest_minor
from dunning.domain.retiring import RETIRABLE
from dunning.providers.contact_details import country_code, e164, tags_in
from dunning.providers.customer_settings import lines_in, settings_in
from dunning.providers.json_reading import JsonObject, amount, child, day, items, text
from dunning.providers.readable import bare_snapshot, minor_units
from dunning.providers.xero_webhook import SOURCE

RECEIVABLE = "ACCREC"
_STATUSES = {
    "DRAFT": Status.DRAFT,
    "SUBMITTED": Status.DRAFT,
    "AUTHORISED": Status.OPEN,
    "PAID": Status.PAID,
    "VOIDED": Status.VOID,
    "DELETED": Status.DELETED,
}
_SETTLED = frozenset({Status.PAID, Status.VOID, Status.DELETED})
_GONE = frozenset({"ARCHIVED", "GDPRREQUEST"})
_BEST_PHONE_FIRST = ("MOBILE", "DEFAULT", "DDI")
_BEST_ADDRESS_FIRST = ("STREET", "POBOX", "DELIVERY")


def full_customer_id(tenant: str, bare: str) -> str:
    """`xero:<tenant>:<contact id>`."""
    return f"{SOURCE}:{tenant}:{bare}"


def split_customer_id(customer: str) -> tuple[str, str]:
    """The tenant and the bare id in a full customer id. Raises Rejected for another source's customer."""
    source, tenant, bare = [*customer.split(":", 2), "", ""][:3]
    if source != SOURCE or not tenant or not bare:
        raise Rejected(f"{customer!r} is no customer of Xero: expected {SOURCE}:<tenant>:<contact id>")
    return tenant, bare


def contact_id_of(found: JsonObject) -> str | None:
    """The bare id of the contact that an invoice or credit note belongs to."""
    return text(child(found, "Contact"), "ContactID")


def customer_of(tenant: str, found: JsonObject) -> str | None:
    """The same as a full customer id."""
    bare = contact_id_of(found)
    return full_customer_id(tenant, bare) if bare is not None else None


def is_receivable(invoice: JsonObject) -> bool:
    """Whether an invoice is one that a customer owes; the others are bills."""
    return text(invoice, "Type") == RECEIVABLE


def is_stub(contact: JsonObject | None) -> bool:
    """Whether a contact is the short form that lists hold: a name, and neither addresses nor telephones."""
    return contact is None or not (items(contact, "Addresses") or items(contact, "Phones"))


def contact_of(contact: JsonObject, *, in_full: bool = False) -> Contact | None:
    """How a contact says the customer is reached; None when it was archived, which is how Xero deletes.

    `in_full`: it was read at its own address, so that the address or number that it lacks, or that cannot be read, is not there.
    """
    if text(contact, "ContactStatus") in _GONE:
        return None
    country = _country(contact)
    return Contact(
        name=text(contact, "Name"),
        email=_email(contact),
        phone=_phone(contact, country),
        country=country,
        tags=tags_in(*(text(group, "Name") for group in items(contact, "ContactGroups"))) if not is_stub(contact) else None,
        is_business=any(text(contact, key) for key in ("TaxNumber", "CompanyNumber")) if not is_stub(contact) else None,
        settings=None if is_stub(contact) else _settings(contact),
        of_record=frozenset(RETIRABLE if in_full else ()),
    )


def snapshot_of(
    tenant: str, invoice: JsonObject, stamp: datetime, contact: JsonObject | None = None, payment_url: str | None = None
) -> Snapshot | None:
    """The invoice as it was at `stamp` (UTC); None when it says too little. `contact`: the full one, where it was read.

    Where it owes nothing by its status, or by what is left of it, and all else is not as documented, that is told alone (`is_bare`).

    AmountDue is what is left after payments, prepayments and credit notes. Amounts are rounded (`nearest_minor`): what is left of
    less is paid.
    """
    who, invoice_id = customer_of(tenant, invoice), text(invoice, "InvoiceID")
    status, due = _STATUSES.get(text(invoice, "Status") or ""), amount(invoice, "AmountDue")
    currency = (text(invoice, "CurrencyCode") or "").upper()
    if who is None or invoice_id is None or status is None:
        return None
    total = amount(invoice, "Total")
    try:
        owed, whole = minor_units(due, currency), minor_units(total if total is not None else due, currency)
    except ValueError:
        settled = Status.PAID if status is Status.OPEN and due == 0 else status
        return bare_snapshot(SOURCE, who, invoice_id, settled, stamp) if settled in _SETTLED else None
    known = contact if contact is not None else child(invoice, "Contact") or {}
    reached = contact_of(known)
    return Snapshot(
        source=SOURCE,
        customer=who,
        invoice_id=invoice_id,
        number=text(invoice, "InvoiceNumber") or invoice_id,
        status=Status.PAID if status is Status.OPEN and owed <= 0 else status,
        currency=currency,
        total=whole,
        amount_due=max(owed, 0) if status is Status.OPEN else 0,
        due=_date(invoice, "DueDate"),
        issued_at=_instant(_date(invoice, "Date")),
        stamp=stamp,
        payment_url=payment_url,
        contact=reached or Contact(name=text(known, "Name")),
        customer_gone=reached is None,
        subscription=text(invoice, "RepeatingInvoiceID") is not None,
        fee_id=as_fee_id(text(invoice, "InvoiceNumber")),
        by_credit=status in (Status.PAID, Status.OPEN) and owed <= 0 and _is_settled_by_credit(invoice, currency),
        credited=_credited(invoice, currency),
    )


def _credited(invoice: JsonObject, currency: str) -> int | None:
    """Minor units that credit notes took off; None where something else did, too: AmountCredited counts overpayments and prepayments,
    which are money (developer.xero.com/documentation/api/accounting/invoices)."""
    credited = amount(invoice, "AmountCredited")
    if credited is None or items(invoice, "Overpayments") or items(invoice, "Prepayments"):
        return None
    try:
        return nearest_minor(credited, currency)
    except ValueError:
        return None


def _is_settled_by_credit(invoice: JsonObject, currency: str) -> bool:
    """Nothing was paid, and only credit notes were applied."""
    return amount(invoice, "AmountPaid") == 0 and (_credited(invoice, currency) or 0) > 0


def credited_invoices(note: JsonObject) -> tuple[str, ...]:
    """Bare ids of the invoices that a credit note is allocated to, each once."""
    found = (text(child(allocation, "Invoice"), "InvoiceID") for allocation in items(note, "Allocations"))
    return tuple(dict.fromkeys(invoice for invoice in found if invoice is not None))


def _date(invoice: JsonObject, key: str) -> date | None:
    """`DueDateString` is the calendar date as it was entered. `/Date(1546128000000+0000)/` is that date at midnight UTC, and with another
    offset at midnight there: `/Date(1419937200000+1300)/` is an instant, and its date the one that a clock so far ahead shows
    (developer.xero.com/documentation/advanced-docs/dates-and-timestamps-explained).
    """
    plain = day(invoice, f"{key}String")
    if plain is not None:
        return plain
    written = re.fullmatch(r"/Date\((-?\d{1,14})(?:([+-])(\d\d)([0-5]\d))?\)/", text(invoice, key) or "")
    if written is None:
        return day(invoice, key)
    ahead = timedelta(hours=int(written[3] or 0), minutes=int(written[4] or 0))
    try:
        return datetime.fromtimestamp(int(written[1]) / 1000, timezone(-ahead if written[2] == "-" else ahead)).date()
    except (OverflowError, OSError, ValueError):
        return None


def _instant(issued: date | None) -> datetime | None:
    return datetime(issued.year, issued.month, issued.day, tzinfo=UTC) if issued is not None else None


def _email(contact: JsonObject) -> str | None:
    return next((address for part in re.split(r"[,;]", text(contact, "EmailAddress") or "") if "@" in (address := part.strip())), None)


def _settings(contact: JsonObject) -> CustomerSettings:
    """Contact groups say what there is to say; the people of a contact are those whom Xero itself includes in mails."""
    people = [
        Person("billing", address, " ".join(filter(None, (text(one, "FirstName"), text(one, "LastName")))) or None)
        for one in items(contact, "ContactPersons")
        if one.get("IncludeInEmails") is True and (address := text(one, "EmailAddress"))
    ]
    return settings_in(lines_in(name for group in items(contact, "ContactGroups") if (name := text(group, "Name"))), people)


def _country(contact: JsonObject) -> str | None:
    by_kind = {text(address, "AddressType"): country_code(text(address, "Country")) for address in items(contact, "Addresses")}
    return next((country for kind in _BEST_ADDRESS_FIRST if (country := by_kind.get(kind))), None)


def _phone(contact: JsonObject, country: str | None) -> str | None:
    by_kind = {text(phone, "PhoneType"): phone for phone in items(contact, "Phones")}
    for kind in _BEST_PHONE_FIRST:
        phone = by_kind.get(kind)
        number = text(phone, "PhoneNumber")
        if phone is None or number is None:
            continue
        whole = number if number.startswith(("+", "00")) else (text(phone, "PhoneAreaCode") or "") + number
        found = e164(whole, country, text(phone, "PhoneCountryCode"))
        if found is not None:
            return found
    return None
