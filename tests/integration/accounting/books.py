"""A local cloud with the books of one QuickBooks company and one Xero tenant, driven as the providers drive it."""

import base64
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from infra.local.http.wire import Answer, Request
from infra.local.running import RunningCloud
from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT

Json = dict[str, object]

QUICKBOOKS_LINK = "https://connect.intuit.com/portal/145"


@dataclass(frozen=True, slots=True)
class Books:
    """What the outside world does."""

    running: RunningCloud

    def ask(self, method: str, path: str, body: bytes = b"", headers: Json | None = None) -> Answer:
        lowered = {name.lower(): str(value) for name, value in (headers or {}).items()}
        return self.running.api.answer(Request(method, path, "", lowered, body))

    def holds(self, source: str, invoice: Json) -> None:
        """The provider's sandbox holds this invoice."""
        invoice_id = invoice.get("Id") or invoice.get("InvoiceID")
        answer = self.ask("PUT", f"/_local/provider/{source}/invoices/{invoice_id}", json.dumps(invoice).encode())
        assert answer.status == 200, answer.body

    def quickbooks_tells(self, *ids: str, kind: str = "Invoice", operation: str = "Update") -> Answer:
        """A webhook of Intuit's, in the older form."""
        entities = [{"name": kind, "id": each, "operation": operation, "lastUpdated": "2026-03-02T08:00:00.000Z"} for each in ids]
        return self.quickbooks_sends({"eventNotifications": [{"realmId": COMPANY, "dataChangeEvent": {"entities": entities}}]})

    def quickbooks_sends(self, body: object, *, key: str = "local-quickbooks", content_type: str = "application/json") -> Answer:
        raw = json.dumps(body).encode()
        headers: Json = {"intuit-signature": signature(raw, key), "content-type": content_type}
        return self.ask("POST", "/webhooks/quickbooks", raw, headers)

    def xero_tells(self, *ids: str, category: str = "INVOICE", kind: str = "Update") -> Answer:
        """A webhook of Xero's."""
        return self.xero_sends(xero_body(ids, category, kind))

    def xero_sends(self, body: object, *, key: str = "local-xero") -> Answer:
        raw = json.dumps(body).encode()
        return self.ask("POST", "/webhooks/xero", raw, {"x-xero-signature": signature(raw, key), "content-type": "application/json"})

    def advance(self, by: str) -> None:
        answer = self.ask("POST", "/_local/clock", json.dumps({"advance": by}).encode())
        assert answer.status == 200, answer.body

    def outbox(self) -> list[Json]:
        return cast("list[Json]", json.loads(self.ask("GET", "/_local/outbox").body))

    def case(self, customer: str) -> dict[str, list[Json]]:
        answer = self.ask("GET", f"/_local/cases/{quote(customer)}")
        assert answer.status == 200, answer.body
        return cast("dict[str, list[Json]]", json.loads(answer.body))

    def statuses(self, customer: str) -> list[object]:
        """Of the case's invoices."""
        return [invoice["status"] for invoice in self.case(customer)["invoices"]]

    def knows(self, customer: str) -> bool:
        return self.ask("GET", f"/_local/cases/{quote(customer)}").status == 200

    def dead_letters(self) -> list[Json]:
        return cast("list[Json]", json.loads(self.ask("GET", "/_local/dead_letters").body))

    def calls(self, function: str) -> dict[str, int]:
        rows = cast("list[dict[str, str]]", json.loads(self.ask("GET", "/_local/calls").body))
        return {row["operation"]: int(row["count"]) for row in rows if row["function"] == function}


def signature(raw: bytes, key: str) -> str:
    """As both providers sign."""
    return base64.b64encode(hmac.digest(key.encode(), raw, "sha256")).decode()


def quickbooks_invoice(invoice_id: str = "145", **other: object) -> Json:
    """USD 120.00, due on 4 March 2026, with a payment link."""
    return {
        "Id": invoice_id,
        "DocNumber": f"Q-{invoice_id}",
        "Balance": 120.0,
        "TotalAmt": 120.0,
        "CurrencyRef": {"value": "USD"},
        "CustomerRef": {"value": "5", "name": "Dukes Basketball Camp"},
        "BillEmail": {"Address": "dukes@example.com"},
        "DueDate": "2026-03-04",
        "InvoiceLink": QUICKBOOKS_LINK,
        **other,
    }


def xero_invoice(invoice_id: str = "a03ffcd2-5d91-4c7e-b483-318584e9e439", **other: object) -> Json:
    """NZD 148.35, due on 4 March 2026."""
    return {
        "InvoiceID": invoice_id,
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "InvoiceNumber": "INV-0006",
        "AmountDue": 148.35,
        "Total": 148.35,
        "CurrencyCode": "NZD",
        "DueDateString": "2026-03-04T00:00:00",
        "DateString": "2026-02-01T00:00:00",
        "Contact": {
            "ContactID": "430fa14a-f945-44d3-9f97-5df5e28441b8",
            "Name": "Liam Gallagher",
            "EmailAddress": "liam@rockstar.example",
            "Addresses": [{"AddressType": "STREET", "Country": "New Zealand"}],
            "Phones": [{"PhoneType": "MOBILE", "PhoneNumber": "444-3433", "PhoneAreaCode": "21", "PhoneCountryCode": "64"}],
        },
        **other,
    }


def xero_body(ids: Iterable[str], category: str = "INVOICE", kind: str = "Update") -> Json:
    """A body of Xero's."""
    events = [
        {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{each}",
            "resourceId": each,
            "eventDateUtc": "2026-03-02T08:00:00.123",
            "eventType": kind,
            "eventCategory": category,
            "tenantId": TENANT,
            "tenantType": "ORGANISATION",
        }
        for each in ids
    ]
    return {"events": events, "firstEventSequence": 1, "lastEventSequence": len(events), "entropy": "S0m3r4Nd0mt3xt"}


def watched(books: Books) -> list[int]:
    """Every status that a sandbox answers with from now on."""
    return _watch(books)[1]


def asked_of(books: Books) -> list[str]:
    """Every path that a sandbox is asked for from now on."""
    return _watch(books)[0]


def lacking(books: Books, where: Callable[[str], bool]) -> None:
    """From now on the providers have nothing at these paths."""
    server = books.running.sandbox._server
    whole = server.application
    server.application = lambda request: Answer(404, b"{}") if where(request.path) else whole(request)


def _watch(books: Books) -> tuple[list[str], list[int]]:
    paths, statuses = list[str](), list[int]()
    server = books.running.sandbox._server
    unwatched = server.application

    def answer(request: Request) -> Answer:
        given = unwatched(request)
        paths.append(request.path)
        statuses.append(given.status)
        return given

    server.application = answer
    return paths, statuses
