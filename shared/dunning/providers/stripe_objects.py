"""Stripe's objects in our words, from any API version of 2020-08-27 or later."""

import re
from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.domain.fee_records import as_fee_id
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.money import LARGEST
from dunning.providers.contact_details import e164, tags_in, yes_or_no
from dunning.providers.customer_settings import settings_in
from dunning.providers.json_reading import JsonObject, as_object, child, integer, items, text, unix_instant
from dunning.providers.readable import bare_snapshot

SOURCE = "stripe"
FEE = "dunning_fee"
"""The metadata that names a late fee of ours by its id."""
FEE_FOR = "dunning_fee_for"
"""The metadata that names the invoice it was charged on."""
_PREFIX = f"{SOURCE}:"

# Without decimals, yet represented with two that are always 00 (docs.stripe.com/currencies, special cases). For ISK stated again
# at support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds.
_SENT_HUNDREDFOLD = frozenset({"ISK", "UGX"})

_SETTLED = frozenset({Status.PAID, Status.VOID, Status.DELETED})
_DISPUTE_IS_OVER = frozenset({"won", "lost", "warning_closed", "prevented"})


def full_customer_id(bare: str) -> str:
    """`cus_1` → `stripe:cus_1`."""
    return _PREFIX + bare


def bare_customer_id(customer: str) -> str:
    """`stripe:cus_1` → `cus_1`. Raises Rejected for another source's customer."""
    if not customer.startswith(_PREFIX) or customer == _PREFIX:
        raise Rejected(f"{customer!r} is no customer of Stripe: expected {_PREFIX}cus_…")
    return customer.removeprefix(_PREFIX)


def reference(parent: JsonObject | None, key: str) -> str | None:
    """The id of what a field points at, be it an id or the expanded object."""
    expanded = child(parent, key)
    return text(expanded, "id") if expanded is not None else text(parent, key)


def customer_of(parent: JsonObject | None) -> str | None:
    """The full id of the customer that an object belongs to."""
    bare = reference(parent, "customer")
    return full_customer_id(bare) if bare is not None else None


def contact_of(customer: JsonObject) -> Contact:
    """How a customer object says the customer is reached."""
    return Contact(
        name=text(customer, "name"),
        email=text(customer, "email"),
        phone=e164(text(customer, "phone"), country := _country(child(customer, "address"))),
        country=country,
        locale=_first_locale(customer),
        tags=_tags(customer),
        is_business=_is_business(customer, items(child(customer, "tax_ids") or {}, "data"), text(customer, "tax_exempt")),
        settings=settings_in(_metadata(customer)),
        of_record=frozenset(key for key in ("email", "phone") if key in customer),
    )


def credit_of(customer: JsonObject) -> dict[str, int]:
    """Credit in minor units by currency: Stripe writes it as a negative balance (docs.stripe.com/billing/customer/balance)."""
    balance, currency = integer(customer, "balance") or 0, _currency(customer)
    return {currency: _minor(-balance, currency)} if balance < 0 and currency is not None else {}


def snapshot_of(invoice: JsonObject, stamp: datetime) -> Snapshot | None:
    """The invoice as it was at `stamp` (UTC); None when it has no customer, or lacks what a snapshot must say.

    What is still owed is `amount_remaining`: payments and credit notes have been taken off it. Where the status says that nothing is,
    and all else is not as documented, that is told alone (`is_bare`).
    """
    customer, invoice_id = customer_of(invoice), text(invoice, "id")
    status, currency = _status(invoice), _currency(invoice)
    if customer is None or invoice_id is None or status is None:
        return None
    amount_due = _remaining(invoice)
    total = integer(invoice, "total")
    if currency is None or amount_due is None or max(abs(amount_due), abs(total or 0)) >= LARGEST:
        return bare_snapshot(SOURCE, customer, invoice_id, status, stamp) if status in _SETTLED else None
    return Snapshot(
        source=SOURCE,
        customer=customer,
        invoice_id=invoice_id,
        number=text(invoice, "number") or invoice_id,
        status=status,
        currency=currency,
        total=_minor(total if total is not None else amount_due, currency),
        amount_due=_minor(amount_due, currency),
        due=unix_instant(invoice, "due_date"),
        issued_at=_issued_at(invoice),
        stamp=stamp,
        payment_url=text(invoice, "hosted_invoice_url"),
        link_read=status is Status.OPEN and "hosted_invoice_url" in invoice,
        collects_automatically=text(invoice, "collection_method") == "charge_automatically",
        contact=_contact_on(invoice),
        subscription=_is_from_subscription(invoice),
        tags=_tags(invoice) or (),
        fee_id=as_fee_id(text(child(invoice, "metadata"), FEE)),
        fee_for=text(child(invoice, "metadata"), FEE_FOR),
        frozen_email=text(invoice, "customer_email"),
        by_credit=status is Status.PAID and _is_settled_by_credit(invoice),
        credited=_credited(invoice, currency),
    )


def dispute_is_open(dispute: JsonObject) -> bool:
    """Whether a dispute still waits for its outcome; a status we do not know counts as open, for holding harms nobody."""
    return text(dispute, "status") not in _DISPUTE_IS_OVER


def _status(invoice: JsonObject) -> Status | None:
    if invoice.get("deleted") is True:
        return Status.DELETED
    if invoice.get("paid") is True:
        return Status.PAID
    written = text(invoice, "status")
    return next((status for status in Status if status.value == written), None)


def _currency(invoice: JsonObject) -> str | None:
    written = text(invoice, "currency")
    return written.upper() if written is not None and re.fullmatch(r"[A-Za-z]{3}", written) else None


def _remaining(invoice: JsonObject) -> int | None:
    remaining = integer(invoice, "amount_remaining")
    if remaining is not None:
        return remaining
    due, paid = integer(invoice, "amount_due"), integer(invoice, "amount_paid")
    return due - paid if due is not None and paid is not None else None


def _minor(amount: int, currency: str) -> int:
    return amount // 100 if currency in _SENT_HUNDREDFOLD else amount


def in_stripes_unit(minor: int, currency: str) -> int:
    """Our minor units as Stripe counts them."""
    return minor * 100 if currency in _SENT_HUNDREDFOLD else minor


def _credited(invoice: JsonObject, currency: str) -> int | None:
    credited = integer(invoice, "pre_payment_credit_notes_amount")
    return None if credited is None else _minor(credited, currency)


def _is_settled_by_credit(invoice: JsonObject) -> bool:
    """Credit notes alone took all that was due. They lessen `amount_due` (docs.stripe.com/api/credit_notes/create); what was paid
    outside of Stripe does not, and may not show in `amount_paid`.
    """
    credited, total = integer(invoice, "pre_payment_credit_notes_amount") or 0, integer(invoice, "total")
    if credited <= 0 or integer(invoice, "amount_paid") != 0 or invoice.get("paid_out_of_band") is True:
        return False
    return integer(invoice, "amount_due") == 0 or (total is not None and credited >= total)


def _issued_at(invoice: JsonObject) -> datetime | None:
    return unix_instant(child(invoice, "status_transitions"), "finalized_at") or unix_instant(invoice, "created")


def _contact_on(invoice: JsonObject) -> Contact:
    """The contact frozen on the invoice when it was finalised, or the newer one of the customer where it is expanded."""
    customer = as_object(invoice.get("customer"))
    now = contact_of(customer) if customer is not None and customer.get("deleted") is not True else Contact()
    on_invoice = _is_business(invoice, items(invoice, "customer_tax_ids"), text(invoice, "customer_tax_exempt"))
    frozen_country = _country(child(invoice, "customer_address"))
    return Contact(
        name=now.name or text(invoice, "customer_name"),
        email=now.email or text(invoice, "customer_email"),
        phone=now.phone or e164(text(invoice, "customer_phone"), frozen_country),
        country=now.country or frozen_country,
        locale=now.locale,
        tags=now.tags,
        is_business=on_invoice if now.is_business is None else now.is_business,
        settings=now.settings,
    )


def _metadata(customer: JsonObject) -> dict[str, str]:
    return {key: value for key, value in (child(customer, "metadata") or {}).items() if isinstance(value, str)}


def _is_from_subscription(invoice: JsonObject) -> bool:
    """Since 2025-03-31 `parent` tells, before it did `subscription` (docs.stripe.com/api/invoices/object)."""
    details = child(child(invoice, "parent"), "subscription_details") or child(invoice, "subscription_details")
    return reference(details, "subscription") is not None or reference(invoice, "subscription") is not None


def _tags(found: JsonObject) -> tuple[str, ...] | None:
    """Stripe knows no tags: the metadata keys `tags` and `tag` hold them, and a key that says true is one. None without metadata."""
    metadata = child(found, "metadata")
    if metadata is None:
        return None
    flags = (key for key in sorted(metadata) if key != "is_business" and (text(metadata, key) or "").lower() == "true")
    return tags_in(text(metadata, "tags"), text(metadata, "tag"), *flags)


def _is_business(found: JsonObject, tax_ids: tuple[JsonObject, ...], tax_exempt: str | None) -> bool | None:
    """What the metadata key `is_business` says; else yes for who has a tax id or owes the tax himself; else not known."""
    said = yes_or_no(text(child(found, "metadata"), "is_business"))
    if said is not None:
        return said
    return True if tax_ids or tax_exempt == "reverse" or text(found, "business_name") else None


def _country(address: JsonObject | None) -> str | None:
    written = text(address, "country")
    return written.upper() if written is not None and re.fullmatch(r"[A-Za-z]{2}", written) else None


def _first_locale(customer: JsonObject) -> str | None:
    locales = customer.get("preferred_locales")
    if not isinstance(locales, list) or not locales or not isinstance(locales[0], str):
        return None
    return locales[0] or None
