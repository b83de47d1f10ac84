"""Xero, as far as the product reads it: one tenant, its invoices, and the contacts these name.

Its webhooks carry ids only, so nothing is learned from them: an invoice comes by `PUT /_local/provider/xero/invoices/{id}`.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, unquote

from dunning.domain.errors import Rejected
from infra.local.http.wire import Answer, Request, json_answer
from infra.local.json_edges import Json, mapping, mappings, text
from infra.local.sandbox.consent_page import ConsentPage
from infra.local.sandbox.paper import pdf
from infra.local.sandbox.provider import CLIENT_ID, Lifetimes, Meter, TokenEndpoint, exact_answer, number, parsed, plain

TENANT = "11111111-1111-1111-1111-111111111111"
AUTHORIZE_PATH = "/identity/connect/authorize"
CONNECTIONS_PATH = "/connections"
TOKEN_PATH = "/connect/token"
_PAGE = 100
_DAILY = 5000
_KEY_LIVES = timedelta(minutes=6)
_LONGEST_DETAILS = 2500
_OK = 200
_ACCOUNTS = frozenset({"200", "260"})
_STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED")
_STUB = ("ContactID", "ContactNumber", "Name", "EmailAddress")
_CREDITS = {"CreditNotes": "ACCRECCREDIT", "Overpayments": "RECEIVE-OVERPAYMENT", "Prepayments": "RECEIVE-PREPAYMENT"}
_CONTACT_IN = re.compile(r'Contact\.ContactID==guid\("([^"]+)"\)', re.IGNORECASE)
_ALLOWED = 'Type=="ACCREC"'


class XeroSandbox:
    """One tenant. Safe under threads, with a lock of its own; `clock` is the virtual time (UTC)."""

    name = "xero"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._invoices: dict[str, Json] = {}
        self._own_contacts: dict[str, Json] = {}
        self._credits: dict[str, dict[str, Json]] = {collection: {} for collection in _CREDITS}
        self._changed: dict[str, datetime] = {}
        self._history: dict[str, list[Json]] = {}
        self._answered: dict[str, tuple[datetime, Answer]] = {}
        self._contact_changed: dict[str, datetime] = {}
        self._consents = ConsentPage(self.name, TENANT, CLIENT_ID, {})
        self.tokens = TokenEndpoint(self.name, Lifetimes(timedelta(minutes=30), timedelta(minutes=30)), clock, self._consents)
        self._made_for: dict[str, tuple[bytes, Answer, datetime]] = {}
        self._meters = {"minute": Meter(60, timedelta(minutes=1), clock), "day": Meter(_DAILY, timedelta(days=1), clock)}

    def observe(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Nothing is learned from a webhook of Xero."""
        return False

    def put_invoice(self, invoice_id: str, raw: bytes) -> Json:
        """Make this JSON (`{…}` or `{"Invoices": [{…}]}`) the invoice, as taken now. Raises Rejected naming the field that cannot be."""
        try:
            body = parsed(raw)
        except (ValueError, RecursionError) as exc:
            raise Rejected(f"the body is no JSON object: {exc}") from exc
        body = (mappings(body["Invoices"]) or [{}])[0] if "Invoices" in body else body
        if body.setdefault("InvoiceID", invoice_id) != invoice_id:
            raise Rejected(f"the body's InvoiceID is {body['InvoiceID']!r}, the address says {invoice_id!r}")
        body.setdefault("Type", "ACCREC")
        if body.get("Status") not in _STATUSES:
            raise Rejected(f"Status is {body.get('Status')!r}: give one of {', '.join(_STATUSES)}")
        if number(body.get("AmountDue")) is None:
            raise Rejected(f"AmountDue is {body.get('AmountDue')!r}: give a number")
        if not text(mapping(body.get("Contact")).get("ContactID")):
            raise Rejected('Contact must name a contact: {"ContactID": "…", "Name": "…"}')
        with self._lock:
            now = self._clock()
            body["UpdatedDateUTC"] = f"/Date({int(now.timestamp() * 1000)}+0000)/"
            self._invoices[invoice_id] = body
            self._changed[invoice_id] = self._contact_changed[_contact(body)] = now
        return mapping(plain(body))

    def put_contact(self, contact_id: str, body: Json) -> None:
        """Make this the contact, in place of what invoices show."""
        with self._lock:
            self._own_contacts[contact_id] = {"ContactID": contact_id, "ContactStatus": "ACTIVE", **body}
            self._contact_changed[contact_id] = self._clock()

    def put_credit_note(self, note_id: str, body: Json) -> None:
        """Make this the credit note."""
        with self._lock:
            self._credits["CreditNotes"][note_id] = {"CreditNoteID": note_id, **body}

    def left_today(self, requests: int) -> None:
        """From now on the day has so many requests left, as after a busy morning."""
        with self._lock:
            self._meters["day"] = Meter(requests, timedelta(days=1), self._clock)

    def put_customer(self, customer_id: str, body: Json) -> None:
        """As `put_contact`."""
        self.put_contact(customer_id, body)

    def put_credit(self, credit_id: str, body: Json) -> None:
        """Hold `{"CreditNotes": [{…, "RemainingCredit"}]}`, or one of Overpayments or Prepayments. Raises Rejected."""
        for collection, kind in _CREDITS.items():
            held = (mappings(body.get(collection)) or [{}])[0]
            if number(held.get("RemainingCredit")) is not None and text(mapping(held.get("Contact")).get("ContactID")):
                with self._lock:
                    self._credits[collection][credit_id] = {"Type": kind, "Status": "AUTHORISED", "CurrencyCode": "NZD", **held}
                return
        raise Rejected('give {"CreditNotes": [{"Contact": {"ContactID": "…"}, "CurrencyCode": "NZD", "RemainingCredit": 10.0}]}')

    def invoice(self, invoice_id: str) -> Json | None:
        """The invoice as held, its history with it (Xero itself has an address of its own for that)."""
        with self._lock:
            found = self._invoices.get(invoice_id)
            history = {"HistoryRecords": self._history[invoice_id]} if invoice_id in self._history else {}
            return mapping(plain({**found, **history})) if found else None

    def invoices(self) -> list[Json]:
        """All invoices as held."""
        with self._lock:
            return [mapping(plain(found)) for found in self._invoices.values()]

    def customers(self) -> list[str]:
        """Contacts whose invoices are held: `<tenant>:<id>`."""
        with self._lock:
            receivable = [invoice for invoice in self._invoices.values() if invoice["Type"] == "ACCREC"]
            return [f"{TENANT}:{bare}" for bare in dict.fromkeys(_contact(invoice) for invoice in receivable)]

    def answer(self, request: Request) -> Answer:
        """What api.xero.com would answer, and the token endpoint."""
        with self._lock:
            if request.path == AUTHORIZE_PATH:
                return self._consents.answer(request)
            if request.path == TOKEN_PATH:
                return self.tokens.answer(request)
            if request.path == CONNECTIONS_PATH and self.tokens.is_good(request.headers.get("authorization", "")):
                return json_answer([{"id": "1", "tenantId": TENANT, "tenantType": "ORGANISATION", "tenantName": "Local sandbox"}])
            return self._refused(request) or self._route(request)

    def _refused(self, request: Request) -> Answer | None:
        if not self.tokens.is_good(request.headers.get("authorization", "")):
            return json_answer({"Title": "Unauthorized", "Status": 401, "Detail": "AuthenticationUnsuccessful"}, 401)
        if request.headers.get("xero-tenant-id") != TENANT:
            return json_answer({"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}, 403)
        for problem, meter in self._meters.items():
            wait = meter.wait()
            if wait is not None:
                seconds = str(max(1, int(wait.total_seconds())))
                return Answer(429, b"", {"Retry-After": seconds, "X-Rate-Limit-Problem": problem})
        return None

    def _route(self, request: Request) -> Answer:
        parts = [unquote(part) for part in request.path.removeprefix("/api.xro/2.0").strip("/").split("/")]
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        match request.method, parts:
            case "GET", ["Invoices"]:
                return self._listed("Invoices", self._wanted(query, request.headers.get("if-modified-since")), query)
            case "PUT", ["Invoices"]:
                return self._repeated(request)
            case "GET", ["Invoices", invoice_id] if invoice_id in self._invoices and request.headers.get("accept") == "application/pdf":
                number = text(self._invoices[invoice_id].get("InvoiceNumber")) or invoice_id
                return Answer(200, pdf(f"Invoice {number}"), {"Content-Type": "application/pdf"})
            case "GET", ["Invoices", invoice_id] if invoice_id in self._invoices:
                return self._found("Invoices", [self._invoices[invoice_id]])
            case "GET", ["Invoices", invoice_id, "OnlineInvoice"] if self._is_payable(invoice_id):
                return self._found("OnlineInvoices", [{"OnlineInvoiceUrl": f"https://in.xero.com/{invoice_id}"}])
            case "GET", ["Invoices", invoice_id, "History"] if invoice_id in self._invoices:
                return self._found("HistoryRecords", self._history.get(invoice_id, []))
            case "PUT", ["Invoices", invoice_id, "History"] if invoice_id in self._invoices:
                return self._noted(invoice_id, request)
            case "GET", ["Contacts"]:
                asked = query.get("IDs", "").split(",") if "IDs" in query else None
                since = _instant(request.headers.get("if-modified-since"))
                found = [
                    contact
                    for bare, contact in self._contacts().items()
                    if (asked is None or bare in asked) and (since is None or self._contact_changed.get(bare, self._clock()) > since)
                    if contact["ContactStatus"] == "ACTIVE" or query.get("includeArchived") == "true"
                ]
                return self._listed("Contacts", found, query)
            case "GET", ["Contacts", contact_id] if contact_id in self._contacts():
                return self._found("Contacts", [self._contacts()[contact_id]])
            case "GET", [collection] if collection in _CREDITS:
                wanted = _CONTACT_IN.search(query.get("where", ""))
                held = self._credits[collection].values()
                return self._listed(collection, [row for row in held if wanted is None or _contact(row) == wanted[1]], query)
            case "GET", [collection, credit_id] if credit_id in self._credits.get(collection, {}):
                return self._found(collection, [self._credits[collection][credit_id]])
        return Answer(404, b"The resource you're looking for cannot be found", {"Content-Type": "text/html"})

    def _noted(self, invoice_id: str, request: Request) -> Answer:
        """Add notes to the history, once for each idempotency key as long as Xero remembers it."""
        now, key = self._clock(), request.headers.get("idempotency-key", "")
        if key and key in self._answered and now - self._answered[key][0] < _KEY_LIVES:
            return self._answered[key][1]
        try:
            given = [text(record.get("Details")) for record in mappings(parsed(request.body).get("HistoryRecords"))]
        except (ValueError, RecursionError):
            given = []
        if not given or not all(1 <= len(details) <= _LONGEST_DETAILS for details in given):
            return json_answer({"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}, 400)
        shared: Json = {"Changes": "Note", "User": "dunning", "DateUTCString": now.strftime("%Y-%m-%dT%H:%M:%S")}
        added = [{**shared, "Details": details} for details in given]
        self._history[invoice_id] = [*added, *self._history.get(invoice_id, [])]
        answer = self._found("HistoryRecords", added)
        if key:
            self._answered[key] = (now, answer)
        return answer

    def _repeated(self, request: Request) -> Answer:
        """A write, done once for each idempotency key while it lives (about six minutes)."""
        key, now = request.headers.get("idempotency-key", ""), self._clock()
        known = self._made_for.get(key)
        if not key or known is None or known[2] + _KEY_LIVES <= now:
            answer = self._made(request.body)
            if key and answer.status == _OK:
                self._made_for[key] = request.body, answer, now
            return answer
        if known[0] != request.body:
            return _invalid("The Idempotency-Key was used for another request")
        return known[1]

    def _made(self, raw: bytes) -> Answer:
        """New invoices, with what Xero demands of authorised ones; all or none."""
        try:
            bodies = mappings(parsed(raw).get("Invoices"))
        except (ValueError, RecursionError):
            return _invalid("The JSON is not valid")
        made: list[Json] = []
        for body in bodies:
            problem = self._problem(body)
            if problem:
                return _invalid(problem)
            amounts = [number(line.get("UnitAmount")) for line in mappings(body.get("LineItems"))]
            total = sum((amount for amount in amounts if amount is not None), Decimal())
            days = {f"{name}String": f"{text(body.get(name))}T00:00:00" for name in ("Date", "DueDate")}
            contact = self._contacts()[_contact(body)]
            whole = {"Total": total, "AmountDue": total, "AmountPaid": 0, "AmountCredited": 0, **body, **days, "Contact": contact}
            made.append({"InvoiceID": f"00000000-0000-4000-8000-{len(self._invoices) + len(made):012}", **whole})
        now = self._clock()
        for invoice in made:
            invoice_id = text(invoice["InvoiceID"])
            invoice["UpdatedDateUTC"] = f"/Date({int(now.timestamp() * 1000)}+0000)/"
            self._invoices[invoice_id] = invoice
            self._changed[invoice_id] = now
        return self._found("Invoices", made)

    def _problem(self, body: Json) -> str | None:
        lines, wanted = mappings(body.get("LineItems")), text(body.get("InvoiceNumber"))
        if _contact(body) not in self._contacts():
            return "The contact could not be found"
        if body.get("Type") != "ACCREC" or body.get("Status") not in _STATUSES:
            return "Type and Status must be given"
        if any(invoice.get("InvoiceNumber") == wanted for invoice in self._invoices.values()):
            return "Invoice # must be unique."
        if not lines or any(number(line.get("UnitAmount")) is None for line in lines):
            return "One or more line items must be specified"
        unknown = [code for line in lines if (code := text(line.get("AccountCode"))) not in _ACCOUNTS]
        return f"Account code '{unknown[0]}' is not a valid code for this document." if unknown else None

    def _wanted(self, query: Mapping[str, str], since: str | None) -> list[Json]:
        statuses, ids, contacts, numbers = (
            query[name].split(",") if name in query else None for name in ("Statuses", "IDs", "ContactIDs", "InvoiceNumbers")
        )
        changed_after = _instant(since)
        return [
            {**invoice, "Contact": {key: value for key, value in mapping(invoice["Contact"]).items() if key in _STUB}}
            for invoice_id, invoice in self._invoices.items()
            if (statuses is None or invoice["Status"] in statuses)
            and (ids is None or invoice_id in ids)
            and (numbers is None or text(invoice.get("InvoiceNumber")) in numbers)
            and (contacts is None or _contact(invoice) in contacts)
            and (query.get("where", "").replace(" ", "") != _ALLOWED or invoice["Type"] == "ACCREC")
            and (changed_after is None or self._changed[invoice_id] > changed_after)
        ]

    def _listed(self, collection: str, rows: Sequence[Json], query: Mapping[str, str]) -> Answer:
        page = int(query.get("page", "1")) if query.get("page", "1").isdecimal() else 1
        pages: Json = {"page": page, "pageSize": _PAGE, "pageCount": -(-len(rows) // _PAGE), "itemCount": len(rows)}
        return self._found(collection, rows[(page - 1) * _PAGE : page * _PAGE], pages)

    def _found(self, collection: str, rows: Sequence[Json], pagination: Json | None = None) -> Answer:
        body: Json = {"Status": "OK", "ProviderName": "local", collection: list(rows)}
        answer = exact_answer(body | ({"pagination": pagination} if pagination else {}))
        return Answer(answer.status, answer.body, {**answer.headers, "X-DayLimit-Remaining": str(self._meters["day"].left)})

    def _is_payable(self, invoice_id: str) -> bool:
        invoice = self._invoices.get(invoice_id)
        return invoice is not None and invoice["Type"] == "ACCREC" and invoice["Status"] in ("AUTHORISED", "PAID")

    def _contacts(self) -> dict[str, Json]:
        """Contacts as their newest invoice shows them."""
        shown = {_contact(invoice): {"ContactStatus": "ACTIVE", **mapping(invoice["Contact"])} for invoice in self._invoices.values()}
        return shown | self._own_contacts


def _instant(since: str | None) -> datetime | None:
    return datetime.fromisoformat(since.rstrip("Z") + "+00:00") if since else None


def _invalid(problem: str) -> Answer:
    body = {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": [{"ValidationErrors": [{"Message": problem}]}],
    }
    return json_answer(body, 400)


def _contact(invoice: Json) -> str:
    return text(mapping(invoice.get("Contact")).get("ContactID"))
