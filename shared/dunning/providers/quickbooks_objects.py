"""QuickBooks' objects in our words (minor version 75)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.domain.fee_records import as_fee_id
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.retiring import RETIRABLE
from dunning.providers.contact_details import country_code, e164, tags_in
from dunning.providers.customer_settings import lines_in, settings_in
from dunning.providers.json_reading import JsonObject, amount, child, day, iso_instant, items, text
from dunning.providers.quickbooks_currency import named_currency
from dunning.providers.quickbooks_webhook import SOURCE
from dunning.providers.readable import bare_snapshot, minor_units

_FEE_NOTE = re.compile(r"(?P<fee>LF-\w{12}) for invoice id (?P<parent>\S+?): late fee on ")
_LONGEST_NOTE = 4000
FEE_LINE = "Late fee on invoice "
"""How the line of a late fee's own invoice begins."""


def full_customer_id(company: str, bare: str) -> str:
    """`quickbooks:<realm>:<id>`."""
    return f"{SOURCE}:{company}:{bare}"


def split_customer_id(customer: str) -> tuple[str, str]:
    """The company and the bare id in a full customer id. Raises Rejected for another source's customer."""
    source, company, bare = [*customer.split(":", 2), "", ""][:3]
    if source != SOURCE or not company or not bare:
        raise Rejected(f"{customer!r} is no customer of QuickBooks: expected {SOURCE}:<company>:<id>")
    return company, bare


def literal(value: str) -> str:
    """A string of QuickBooks' query language."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def customer_of(company: str, found: JsonObject) -> str | None:
    """The full id of the customer that an invoice, payment or credit memo belongs to."""
    bare = text(child(found, "CustomerRef"), "value")
    return full_customer_id(company, bare) if bare is not None else None


def contact_of(customer: JsonObject, *, in_full: bool = False) -> Contact | None:
    """How a customer object says the customer is reached; None when it was made inactive, which is how QuickBooks deletes.

    `in_full`: it was read by itself, so that the address or number that it lacks, or that cannot be read, is not there.
    """
    if customer.get("Active") is False:
        return None
    country = country_code(text(child(customer, "BillAddr"), "Country"))
    numbers = (text(child(customer, key), "FreeFormNumber") for key in ("Mobile", "PrimaryPhone", "AlternatePhone"))
    return Contact(
        name=text(customer, "DisplayName") or text(customer, "CompanyName") or text(customer, "FullyQualifiedName"),
        email=_first_address(text(child(customer, "PrimaryEmailAddr"), "Address")),
        phone=next((number for written in numbers if (number := e164(written, country))), None),
        country=country,
        tags=tags_in(text(child(customer, "CustomerTypeRef"), "name")),
        is_business=any(text(customer, key) for key in ("CompanyName", "BusinessNumber", "GSTIN", "PrimaryTaxIdentifier")),
        settings=settings_in(lines_in([text(customer, "Notes") or ""])),
        of_record=frozenset(RETIRABLE if in_full else ()),
    )


def snapshot_of(
    company: str, invoice: JsonObject, stamp: datetime, customer: JsonObject | None = None, home: str | None = None
) -> Snapshot | None:
    """The invoice as it was at `stamp` (UTC), with its customer's contact where that was read; None when it says too little.

    `home`: the company's own currency, in which an invoice is that names none.

    Where it owes nothing, and all else is not as documented, that is told alone (`is_bare`).

    QuickBooks has neither drafts nor a status: what is owed says all. A voided invoice keeps its lines with sums of zero, so one
    that never was for anything counts as void, not as paid. Amounts are rounded (`nearest_minor`): what is left of less is paid.
    """
    who, invoice_id = customer_of(company, invoice), text(invoice, "Id")
    balance, total = amount(invoice, "Balance"), amount(invoice, "TotalAmt")
    currency = (named_currency(invoice) or home or "").upper()
    if who is None or invoice_id is None or balance is None:
        return None
    was_for = total if total is not None else balance
    settled = Status.PAID if was_for > 0 else Status.VOID
    try:
        due, whole = minor_units(balance, currency), minor_units(was_for, currency)
    except ValueError:
        return bare_snapshot(SOURCE, who, invoice_id, settled, stamp) if balance == 0 else None
    return Snapshot(
        source=SOURCE,
        customer=who,
        invoice_id=invoice_id,
        number=text(invoice, "DocNumber") or invoice_id,
        status=Status.OPEN if due > 0 else settled,
        currency=currency,
        total=whole,
        amount_due=max(due, 0),
        due=day(invoice, "DueDate"),
        issued_at=iso_instant(child(invoice, "MetaData"), "CreateTime"),
        stamp=stamp,
        payment_url=text(invoice, "InvoiceLink") or text(invoice, "invoiceLink"),
        contact=_contact_on(invoice, customer),
        customer_gone=customer is not None and contact_of(customer) is None,
        subscription=child(invoice, "RecurDataRef") is not None,
        tags=tags_in(*(text(child(invoice, key), "name") for key in ("ClassRef", "DepartmentRef"))),
        fee_id=fee_in(invoice)[0],
        fee_for=fee_in(invoice)[1],
        billed_to=_first_address(text(child(invoice, "BillEmail"), "Address")),
    )


def fee_in(invoice: JsonObject) -> tuple[str | None, str | None]:
    """The id of the late fee that an invoice is, and the bare id of the invoice it was charged on; twice None for all others.

    The note as we began it says so (`fee_note`), whatever the number was changed to; where a person changed the note, the number,
    if the note or a line names the fee, too. The number alone says nothing: QuickBooks proposes the one after the last that was used
    for the next invoice (community.intuit.com/articles/1145900), and one after a fee's may look like another fee's.
    The note of the invoice that it is on tells of the fee, too, below what a person wrote: that makes it no fee.
    """
    written, number = text(invoice, "PrivateNote") or "", as_fee_id(text(invoice, "DocNumber"))
    note = _FEE_NOTE.match(written)
    if note and note["parent"] != text(invoice, "Id") and (noted := as_fee_id(note["fee"])):
        return noted, note["parent"]
    lines = (text(line, "Description") or "" for line in items(invoice, "Line"))
    named = number and (number in written or any(line.startswith(FEE_LINE) for line in lines))
    return (number if named else None), None


def fee_note(fee: str, parent: str, number: str, lines: Sequence[str]) -> str:
    """The private note with which a late fee's own invoice begins, and no other. `parent`: the bare id of the invoice it is on."""
    return f"{fee} for invoice id {parent}: late fee on {number}. {'; '.join(lines)}"[:_LONGEST_NOTE]


def linked_invoices(found: JsonObject) -> tuple[str, ...]:
    """Bare ids of the invoices that a payment or credit memo is applied to, each once."""
    return tuple(dict.fromkeys(_linked(found, "invoice")))


def linked_payments(found: JsonObject) -> tuple[str, ...]:
    """Bare ids of the payments of an invoice, or through which a credit memo was applied."""
    return tuple(dict.fromkeys(_linked(found, "payment")))


def is_settled_by_credit(invoice: JsonObject, payments: Mapping[str, JsonObject]) -> bool:
    """Whether no money came for a paid invoice: all its payments (by bare id) are of zero, and apply credit memos.

    QuickBooks links a credit memo to an invoice by such a payment alone (hub.acctivate.com, credit applications in QuickBooks Online).
    A payment that is not among them, one of anything else, and a deposit count as money.
    """
    linked = linked_payments(invoice)
    all_known = bool(linked) and all(payment in payments for payment in linked)
    return all_known and not amount(invoice, "Deposit") and all(_applies_credit(payments[payment]) for payment in linked)


def _applies_credit(payment: JsonObject) -> bool:
    links = (link for holder in (payment, *items(payment, "Line")) for link in items(holder, "LinkedTxn"))
    kinds = {(text(link, "TxnType") or "").lower() for link in links}
    return amount(payment, "TotalAmt") == 0 and "creditmemo" in kinds and kinds <= {"creditmemo", "invoice"}


def _linked(found: JsonObject, kind: str) -> Iterator[str]:
    for holder in (found, *items(found, "Line")):
        for link in items(holder, "LinkedTxn"):
            linked = text(link, "TxnId")
            if linked is not None and (text(link, "TxnType") or "").lower() == kind:
                yield linked


def _contact_on(invoice: JsonObject, customer: JsonObject | None) -> Contact:
    known = (contact_of(customer) if customer is not None else None) or Contact()
    return Contact(
        name=known.name or text(child(invoice, "CustomerRef"), "name"),
        email=known.email,
        phone=known.phone,
        country=known.country or country_code(text(child(invoice, "BillAddr"), "Country")),
        tags=known.tags,
        is_business=known.is_business,
        settings=known.settings,
    )


def _first_address(written: str | None) -> str | None:
    """QuickBooks takes several addresses in one field, with commas between."""
    return next((address for part in re.split(r"[,;]", written or "") if "@" in (address := part.strip())), None)
