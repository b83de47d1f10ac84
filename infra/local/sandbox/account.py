"""A Stripe account's objects as its API shows them: those held, and those that others let one infer."""

from collections.abc import Iterator

from infra.local.json_edges import Json
from infra.local.sandbox.ledger import Ledger, child, ident, rows


def find(ledger: Ledger, kind: str, object_id: str) -> Json | None:
    """An object by kind and id; None when the account has none, or has it no more."""
    held = ledger.get(kind, object_id)
    if held is not None and held.get("deleted") is True:
        return {"id": object_id, "object": kind, "deleted": True} if kind == "customer" else None
    if held is not None:
        return held
    if kind == "customer":
        return _customer_on_invoices(ledger, object_id)
    if kind == "charge":
        return next((charge for charge in _charges_elsewhere(ledger) if charge["id"] == object_id), None)
    if kind == "invoice_payment":
        return next((payment for payment in invoice_payments(ledger) if payment["id"] == object_id), None)
    return None


def _customer_on_invoices(ledger: Ledger, customer: str) -> Json | None:
    """A customer no event was about, as the newest invoice shows it (the fields Stripe copies when it finalises)."""
    for invoice in ledger.newest_first("invoice"):
        if ident(invoice.get("customer")) == customer:
            return {
                "id": customer,
                "object": "customer",
                "address": invoice.get("customer_address"),
                "balance": 0,
                "created": invoice.get("created"),
                "currency": invoice.get("currency"),
                "delinquent": False,
                "description": None,
                "email": invoice.get("customer_email"),
                "livemode": False,
                "metadata": {},
                "name": invoice.get("customer_name"),
                "phone": invoice.get("customer_phone"),
                "preferred_locales": [],
                "shipping": invoice.get("customer_shipping"),
                "tax_exempt": invoice.get("customer_tax_exempt") or "none",
            }
    return None


def _charges_elsewhere(ledger: Ledger) -> Iterator[Json]:
    """Charges no event was about, as invoices, payment intents and disputes name them."""
    for invoice in ledger.newest_first("invoice"):
        if "charge" in invoice:  # rendered before 2025-03-31; charges of that version name their invoice too
            yield _charge(ledger, invoice, invoice["charge"], invoice.get("payment_intent")) | {"invoice": invoice["id"]}
        for payment in rows(invoice, "payments", "data"):
            paid = child(payment, "payment")
            yield _charge(ledger, invoice, paid.get("charge"), paid.get("payment_intent"))
    for intent in ledger.newest_first("payment_intent"):
        older = [charge.get("id") for charge in rows(intent, "charges", "data")]
        yield _charge(ledger, intent, intent.get("latest_charge") or (older[0] if older else None), intent.get("id"))
    for dispute in ledger.newest_first("dispute"):
        yield _charge(ledger, dispute, dispute.get("charge"), dispute.get("payment_intent"))


def _charge(ledger: Ledger, seen_on: Json, charge: object, intent: object) -> Json:
    customer = ident(seen_on.get("customer"))
    if customer is None and ident(charge):
        paid = _payments_by(ledger, ident(charge), ident(intent))
        invoices = [ledger.get("invoice", str(payment["invoice"])) for payment in paid]
        customer = next((ident(invoice.get("customer")) for invoice in invoices if invoice), None)
    return {
        "id": ident(charge),
        "object": "charge",
        "amount": seen_on.get("amount", seen_on.get("amount_paid")),
        "created": seen_on.get("created"),
        "currency": seen_on.get("currency"),
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "payment_intent": ident(intent),
        "status": "succeeded",
    }


def _payments_by(ledger: Ledger, charge: str | None, intent: str | None) -> list[Json]:
    return [
        payment
        for payment in invoice_payments(ledger)
        if (intent and child(payment, "payment").get("payment_intent") == intent)
        or (charge and child(payment, "payment").get("charge") == charge)
    ]


def invoice_payments(ledger: Ledger) -> list[Json]:
    """Every known link between an invoice and what paid it, newest first, each once."""
    found: dict[tuple[str, str], Json] = {}
    for link in _all_links(ledger):
        paid = child(link, "payment")
        target = paid.get("payment_intent") or paid.get("charge")
        if link["invoice"] and target:
            found.setdefault((str(link["invoice"]), str(target)), link)
    return list(found.values())


def _all_links(ledger: Ledger) -> Iterator[Json]:
    for payment in ledger.newest_first("invoice_payment"):
        yield _link(str(payment["id"]), payment.get("invoice"), child(payment, "payment"), payment)
    for invoice in ledger.newest_first("invoice"):
        yield from _links_on(invoice)
    for charge in ledger.newest_first("charge"):
        own = {"charge": charge["id"], "payment_intent": charge.get("payment_intent")}
        yield _link(f"inpay_{charge['id']}", charge.get("invoice"), own, charge)


def _links_on(invoice: Json) -> Iterator[Json]:
    for payment in rows(invoice, "payments", "data"):
        link_id = ident(payment) or f"inpay_{invoice['id']}"
        yield _link(link_id, invoice["id"], child(payment, "payment"), payment)
    yield _link(f"inpay_{invoice['id']}", invoice["id"], invoice, invoice)


def _link(link_id: str, invoice: object, paid: Json, seen_on: Json) -> Json:
    """One InvoicePayment. Stripe names a charge only where there is no payment intent."""
    intent = ident(paid.get("payment_intent"))
    target = {"type": "payment_intent", "payment_intent": intent} if intent else {"type": "charge", "charge": ident(paid.get("charge"))}
    return {
        "id": link_id,
        "object": "invoice_payment",
        "amount_paid": seen_on.get("amount_paid"),
        "created": seen_on.get("created"),
        "currency": seen_on.get("currency"),
        "invoice": ident(invoice),
        "is_default": True,
        "livemode": False,
        "payment": target,
        "status": seen_on.get("status") if seen_on.get("object") == "invoice_payment" else "paid",
    }
