"""QuickBooks Online, as far as the product reads it: one company, its invoices, and the customers these name.

Its webhooks carry ids only, so nothing is learned from them: an invoice comes by `PUT /_local/provider/quickbooks/invoices/{id}`.
"""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import parse_qs, unquote

from dunning.domain.errors import Rejected
from infra.local.http.wire import Answer, Request, rfc3339
from infra.local.json_edges import Json, mapping, mappings, text
from infra.local.sandbox.consent_page import ConsentPage
from infra.local.sandbox.paper import pdf
from infra.local.sandbox.provider import CLIENT_ID, Lifetimes, Meter, TokenEndpoint, exact_answer, number, parsed, plain

_Comparable = TypeVar("_Comparable", str, Decimal)

COMPANY = "1111111111"
AUTHORIZE_PATH = "/connect/oauth2"
TOKEN_PATH = "/oauth2/v1/tokens/bearer"
_LARGEST_PAGE = 1000
_LONGEST_NOTE = 4000
_LONGEST_REQUEST_ID = 50
_LONGEST_NUMBER = 21
_FIRST_OWN_ID = 900001
_QUERY = re.compile(
    r"select \* from (?P<kind>\w+)(?: where (?P<where>.+?))?(?: order ?by \w+(?: asc| desc)?)?"
    r"(?: startposition (?P<start>\d+))?(?: maxresults (?P<most>\d+))?\s*",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?P<field>[\w.]+) *(?P<operator>=|>=|<=|>|<) *'(?P<value>(?:[^'\\]|\\.)*)'")
_ANY_OF = re.compile(r"(?P<field>[\w.]+) +in *\((?P<values>(?:'(?:[^'\\]|\\.)*'|true|false|[, ])*)\)", re.IGNORECASE)
_VALUE = re.compile(r"'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>true|false)", re.IGNORECASE)
_MOST_CHANGES = 1000
_CHANGES_KEPT = timedelta(days=30)


class _FaultError(Exception):
    """An answer in QuickBooks' envelope for errors."""

    def __init__(self, status: int, code: str, message: str, kind: str = "ValidationFault") -> None:
        super().__init__(message)
        self.status, self.code, self.kind = status, code, kind


class QuickBooksSandbox:
    """One company. Safe under threads, with a lock of its own; `clock` is the virtual time (UTC)."""

    name = "quickbooks"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, Json]] = {"Invoice": {}, "Customer": {}, "Payment": {}, "CreditMemo": {}}
        self._deleted: dict[str, Json] = {}
        self._changed_at: dict[tuple[str, str], datetime] = {}
        self._consents = ConsentPage(self.name, COMPANY, CLIENT_ID, {"realmId": COMPANY})
        self.tokens = TokenEndpoint(self.name, Lifetimes(timedelta(hours=1), timedelta(hours=24)), clock, self._consents)
        self._answered: dict[str, Json] = {}
        self._items = frozenset({"1", "19"})
        self._tax_codes = frozenset({"TAX", "NON"})
        self._is_abroad = False
        self.home = "USD"
        self._addresses: dict[str, object] = {}
        self._meters = (Meter(10, timedelta(seconds=1), clock), Meter(500, timedelta(minutes=1), clock))

    def observe(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Nothing is learned from a webhook of QuickBooks."""
        return False

    def put_invoice(self, invoice_id: str, raw: bytes) -> Json:
        """Make this JSON (`{…}` or `{"Invoice": {…}}`) the invoice, as taken now. Raises Rejected naming the field that cannot be."""
        try:
            body = parsed(raw)
        except (ValueError, RecursionError) as exc:
            raise Rejected(f"the body is no JSON object: {exc}") from exc
        body = mapping(body["Invoice"]) if "Invoice" in body else body
        if body.setdefault("Id", invoice_id) != invoice_id:
            raise Rejected(f"the body's Id is {body['Id']!r}, the address says {invoice_id!r}")
        for field in ("Balance", "TotalAmt"):
            if number(body.get(field)) is None:
                raise Rejected(f"{field} is {body.get(field)!r}: give a number")
        if not text(mapping(body.get("CustomerRef")).get("value")):
            raise Rejected('CustomerRef must name a customer: {"value": "5", "name": "…"}')
        with self._lock:
            known = self._objects["Invoice"].get(invoice_id)
            version = int(text(known.get("SyncToken")) or "0") + 1 if known else 0
            if body.setdefault("CurrencyRef", {"value": "USD"}) is None:  # as where there is no other currency
                del body["CurrencyRef"]
            body["SyncToken"] = str(version)
            self._addresses.setdefault(_customer(body), body.get("BillEmail"))
            body["MetaData"] = {
                "CreateTime": rfc3339(self._clock()),
                **mapping(body.get("MetaData")),
                "LastUpdatedTime": rfc3339(self._clock()),
            }
            self._objects["Invoice"][invoice_id] = body
            self._changed_at["Invoice", invoice_id] = self._changed_at["Customer", _customer(body)] = self._clock()
        return mapping(plain(body))

    def is_outside_the_us(self, *tax_codes: str) -> None:
        """From now on the company has these tax codes (ids), and every line must name one."""
        with self._lock:
            self._tax_codes, self._is_abroad = frozenset(tax_codes), True

    def put_customer(self, customer_id: str, body: Json) -> None:
        """Make this the customer, in place of what invoices show."""
        with self._lock:
            self._objects["Customer"][customer_id] = {"Id": customer_id, "Active": True, **body}
            self._changed_at["Customer", customer_id] = self._clock()

    def put_credit(self, credit_id: str, body: Json) -> None:
        """Hold `{"CreditMemo": {…, "Balance"}}` or `{"Payment": {…, "UnappliedAmt"}}`. Raises Rejected."""
        for kind, field in (("CreditMemo", "Balance"), ("Payment", "UnappliedAmt")):
            held = mapping(body.get(kind))
            if number(held.get(field)) is not None and text(mapping(held.get("CustomerRef")).get("value")):
                with self._lock:
                    self._objects[kind][credit_id] = {"CurrencyRef": {"value": "USD"}, **held, "Id": credit_id}
                    self._changed_at[kind, credit_id] = self._clock()
                return
        raise Rejected('give {"CreditMemo": {"CustomerRef": {"value": "5"}, "Balance": 10.0}} or a Payment with its UnappliedAmt')

    def put_transaction(self, kind: str, object_id: str, body: Json) -> None:
        """Make this the `Payment` or `CreditMemo`."""
        with self._lock:
            self._objects[kind][object_id] = {"Id": object_id, **body}

    def delete_transaction(self, kind: str, object_id: str, *, void: bool = False) -> None:
        """The `Payment` or `CreditMemo` is gone, or voided: then it stays with sums of zero. What it was applied to is owed again."""
        with self._lock:
            gone = self._objects[kind].pop(object_id)
            for line in mappings(gone.get("Line")):
                for link in mappings(line.get("LinkedTxn")):
                    invoice = self._objects["Invoice"].get(text(link.get("TxnId"))) if link.get("TxnType") == "Invoice" else None
                    if invoice is not None:
                        self._reopen(invoice, number(line.get("Amount")) or Decimal())
            if void:
                self._objects[kind][object_id] = {**gone, "TotalAmt": 0, "UnappliedAmt": 0, "PrivateNote": "Voided", "Line": []}

    def _reopen(self, invoice: Json, amount: Decimal) -> None:
        whole, owed = (number(invoice[field]) or Decimal() for field in ("TotalAmt", "Balance"))
        invoice |= {"Balance": min(whole, owed + amount), "SyncToken": str(int(text(invoice["SyncToken"])) + 1)}
        invoice["MetaData"] = {**mapping(invoice["MetaData"]), "LastUpdatedTime": rfc3339(self._clock())}
        self._changed_at["Invoice", text(invoice["Id"])] = self._clock()

    def delete_invoice(self, invoice_id: str) -> None:
        """The invoice was deleted: it cannot be read any more, and changes tell of it."""
        with self._lock:
            gone: Json = {"Id": invoice_id, "status": "Deleted", "MetaData": {"LastUpdatedTime": rfc3339(self._clock())}}
            self._deleted[invoice_id] = gone
            self._changed_at["Invoice", invoice_id] = self._clock()
            del self._objects["Invoice"][invoice_id]

    def invoice(self, invoice_id: str) -> Json | None:
        """The invoice as held."""
        with self._lock:
            found = self._objects["Invoice"].get(invoice_id)
            return mapping(plain(found)) if found else None

    def invoices(self) -> list[Json]:
        """All invoices as held."""
        with self._lock:
            return [mapping(plain(found)) for found in self._objects["Invoice"].values()]

    def customers(self) -> list[str]:
        """Customers whose invoices are held: `<company>:<id>`."""
        with self._lock:
            return [f"{COMPANY}:{bare}" for bare in dict.fromkeys(_customer(invoice) for invoice in self._objects["Invoice"].values())]

    def answer(self, request: Request) -> Answer:
        """What quickbooks.api.intuit.com would answer, and the token endpoint."""
        with self._lock:
            if request.path == AUTHORIZE_PATH:
                return self._consents.answer(request)
            if request.path == TOKEN_PATH:
                return self.tokens.answer(request)
            try:
                answer = self._route(request)
                return answer if isinstance(answer, Answer) else exact_answer(answer)
            except _FaultError as fault:
                error = {"Message": str(fault), "Detail": str(fault), "code": fault.code, "element": ""}
                body = {"Fault": {"Error": [error], "type": fault.kind}, "time": rfc3339(self._clock())}
                return exact_answer(body, fault.status)

    def _route(self, request: Request) -> Json | Answer:
        if not self.tokens.is_good(request.headers.get("authorization", "")):
            raise _FaultError(401, "3200", "AuthenticationFailed", "AUTHENTICATION")
        if any(meter.wait() is not None for meter in self._meters):
            raise _FaultError(429, "003001", "ThrottleExceeded", "THROTTLE")
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        match request.method, parts:
            case _, ["v3", "company", company, *_] if company != COMPANY:
                raise _FaultError(403, "3100", "ApplicationAuthorizationFailed", "AuthorizationFault")
            case "GET", ["v3", "company", _, "query"]:
                return {"QueryResponse": self._queried(query.get("query", "")), "time": rfc3339(self._clock())}
            case "GET", ["v3", "company", _, "cdc"]:
                return self._changes(query)
            case "GET", ["v3", "company", _, "invoice", object_id, "pdf"]:
                invoice = mapping(self._read("Invoice", object_id, "")["Invoice"])
                return Answer(200, pdf(f"Invoice {text(invoice.get('DocNumber')) or object_id}"), {"Content-Type": "application/pdf"})
            case "GET", ["v3", "company", _, "preferences"]:
                return {"Preferences": {"Id": "1", "CurrencyPrefs": {"HomeCurrency": {"value": self.home}, "MultiCurrencyEnabled": True}}}
            case "GET", ["v3", "company", _, kind, object_id]:
                return self._read(kind, object_id, query.get("include", ""))
            case "POST", ["v3", "company", _, "invoice"] if "Id" in (body := _sent(request.body)):
                return self._update(body, query.get("requestid"))
            case "POST", ["v3", "company", _, "invoice"]:
                return self._repeated(query.get("requestid", ""), request.body)
        raise _FaultError(400, "4001", f"Invalid or unsupported request: {request.method} {request.path}")

    def _read(self, kind: str, object_id: str, include: str) -> Json:
        name = next((known for known in self._objects if known.lower() == kind.lower()), None)
        if name is None:
            raise _FaultError(400, "2020", f"Unsupported operation on {kind}")
        found = self._customers().get(object_id) if name == "Customer" else self._objects[name].get(object_id)
        if found is None:
            raise _FaultError(400, "610", "Object Not Found")
        if name == "Invoice" and "invoicelink" not in include.lower():
            found = {key: value for key, value in found.items() if key != "InvoiceLink"}
        return {name: found, "time": rfc3339(self._clock())}

    def _changes(self, query: Mapping[str, str]) -> Json:
        """Change data capture: all that changed since then, at most a thousand objects."""
        since = datetime.fromisoformat(query.get("changedSince", "").replace("Z", "+00:00"))
        if since < self._clock() - _CHANGES_KEPT:
            raise _FaultError(400, "4001", "changedSince is more than 30 days ago")
        answers, left = list[Json](), _MOST_CHANGES
        for name in query.get("entities", "").split(","):
            held = list((self._customers() if name == "Customer" else self._objects[name]).values())
            held += self._deleted.values() if name == "Invoice" else ()
            found = [row for row in held if self._changed_at.get((name, text(row.get("Id"))), self._clock()) > since][:left]
            left -= len(found)
            answers.append({name: found, "startPosition": 1, "maxResults": len(found)} if found else {})
        return {"CDCResponse": [{"QueryResponse": answers}], "time": rfc3339(self._clock())}

    def _update(self, body: Json, request_id: str | None) -> Json:
        """Sparse: what is not sent stays. On the version that the writer read, and once for each request id."""
        invoice_id = text(body["Id"])
        known = self._objects["Invoice"].get(invoice_id)
        if request_id is not None and request_id in self._answered:
            return self._answered[request_id]
        if known is None:
            raise _FaultError(400, "610", "Object Not Found")
        if body.get("SyncToken") != known["SyncToken"]:
            raise _FaultError(400, "5010", "Stale Object Error")
        if len(text(body.get("PrivateNote"))) > _LONGEST_NOTE:
            raise _FaultError(400, "2050", "String length is either shorter or longer than supported by specification")
        kept = known if body.get("sparse") is True else {"Id": invoice_id, "MetaData": known["MetaData"]}
        changed: Json = {**kept, **{name: value for name, value in body.items() if name != "sparse"}}
        changed["SyncToken"] = str(int(text(known["SyncToken"])) + 1)
        changed["MetaData"] = {**mapping(kept["MetaData"]), "LastUpdatedTime": rfc3339(self._clock())}
        self._objects["Invoice"][invoice_id] = changed
        answer: Json = {"Invoice": changed, "time": rfc3339(self._clock())}
        if request_id is not None:
            self._answered[request_id] = answer
        return answer

    def _repeated(self, request_id: str, raw: bytes) -> Json:
        """A write, done once for each `requestid`: the same id again gets the same answer, whatever its body says."""
        if len(request_id) > _LONGEST_REQUEST_ID:
            raise _FaultError(400, "2050", "Request ID is too long")
        if request_id not in self._answered:
            made = self._made(raw)
            if not request_id:
                return made
            self._answered[request_id] = made
        return self._answered[request_id]

    def _made(self, raw: bytes) -> Json:
        """A new invoice, with what QuickBooks demands of one."""
        try:
            body = parsed(raw)
        except (ValueError, RecursionError):
            raise _FaultError(400, "2010", "Request has invalid or unsupported property") from None
        if _customer(body) not in self._customers():
            raise _FaultError(400, "2500", f"Invalid Reference Id : Names element id {_customer(body)} not found")
        lines = mappings(body.get("Line"))
        details = [mapping(line.get("SalesItemLineDetail")) for line in lines]
        unknown = [item for detail in details if (item := text(mapping(detail.get("ItemRef")).get("value"))) not in self._items]
        amounts = [number(line.get("Amount")) for line in lines]
        if not lines or unknown or None in amounts:
            raise _FaultError(400, "2500", f"Invalid Reference Id : Item elements id {(unknown or ['?'])[0]} not found")
        for detail in details:
            code = text(mapping(detail.get("TaxCodeRef")).get("value"))
            if self._is_abroad and not code:
                # As told in github.com/intuit/quickbooks-online-mcp-server, issue 94.
                raise _FaultError(400, "6000", "Make sure all your transactions have a VAT rate before you save.")
            if code and code not in self._tax_codes:
                raise _FaultError(400, "2500", f"Invalid Reference Id : TaxCode id {code} not found")
        if len(text(body.get("DocNumber"))) > _LONGEST_NUMBER:
            raise _FaultError(400, "2050", "String length is either shorter or longer than supported by specification: DocNumber")
        total = sum((amount for amount in amounts if amount is not None), Decimal())
        invoice_id = str(_FIRST_OWN_ID + len(self._answered))
        now = rfc3339(self._clock())
        self._objects["Invoice"][invoice_id] = {
            "Id": invoice_id,
            "SyncToken": "0",
            "TotalAmt": total,
            "Balance": total,
            "CurrencyRef": {"value": "USD"},
            **body,
            "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
        }
        self._changed_at["Invoice", invoice_id] = self._clock()
        return {"Invoice": self._objects["Invoice"][invoice_id], "time": now}

    def _queried(self, query: str) -> Json:
        read = _QUERY.fullmatch(query.strip())
        name = next((known for known in self._objects if read and known.lower() == read["kind"].lower()), None)
        if read is None or name is None:
            raise _FaultError(400, "4000", f"Error parsing query: {query[:80]}")
        rows = list((self._customers() if name == "Customer" else self._objects[name]).values())
        where = read["where"] or ""
        for condition in re.split(r" and ", where, flags=re.IGNORECASE) if where else ():
            rows = [row for row in rows if _holds(row, condition)]
        if "active" not in where.lower():  # whoever was made inactive is listed only where that is asked for
            rows = [row for row in rows if row.get("Active") is not False]
        start, most = int(read["start"] or 1), min(int(read["most"] or 100), _LARGEST_PAGE)
        page = [{key: value for key, value in row.items() if key != "InvoiceLink"} for row in rows[start - 1 : start - 1 + most]]
        return {name: page, "startPosition": start, "maxResults": len(page)} if page else {}

    def _customers(self) -> dict[str, Json]:
        """Customers as their newest invoice shows them, with the address of their first: one that is corrected there is not their own."""
        found = {
            _customer(invoice): {
                "Id": _customer(invoice),
                "DisplayName": mapping(invoice.get("CustomerRef")).get("name"),
                "PrimaryEmailAddr": self._addresses.get(_customer(invoice)),
                "BillAddr": invoice.get("BillAddr"),
                "Active": True,
            }
            for invoice in self._objects["Invoice"].values()
        }
        return found | self._objects["Customer"]


def _sent(raw: bytes) -> Json:
    try:
        return parsed(raw)
    except (ValueError, RecursionError):
        raise _FaultError(400, "2010", "Request has invalid or unsupported property") from None


def _customer(invoice: Json) -> str:
    return text(mapping(invoice.get("CustomerRef")).get("value"))


def _holds(row: Json, condition: str) -> bool:
    any_of = _ANY_OF.fullmatch(condition.strip())
    if any_of is not None:
        held_value = row.get(any_of["field"])
        wanted_any = [found["bare"].lower() == "true" if found["bare"] else found["quoted"] for found in _VALUE.finditer(any_of["values"])]
        return held_value in wanted_any
    read = _CONDITION.fullmatch(condition.strip())
    if read is None:
        raise _FaultError(400, "4000", f"Error parsing query: {condition[:80]}")
    held: object = row
    for name in read["field"].split("."):
        held = mapping(held).get(name)
    if isinstance(held, dict):
        held = held.get("value")
    wanted = read["value"].replace("\\'", "'")
    amount = number(held)
    compared = _compared(str(held), wanted) if amount is None else _compared(amount, _amount(wanted))
    return {"=": compared == 0, ">": compared > 0, "<": compared < 0, ">=": compared >= 0, "<=": compared <= 0}[read["operator"]]


def _compared(left: _Comparable, right: _Comparable) -> int:
    return (left > right) - (left < right)


def _amount(wanted: str) -> Decimal:
    try:
        return Decimal(wanted)
    except InvalidOperation:
        raise _FaultError(400, "4000", f"{wanted!r} is no number") from None
