"""The control interface: everything under /_local (DESIGN §8)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

from dunning.domain.errors import Rejected, Unreadable
from infra import operating
from infra.case_actions import FIELDS
from infra.connect.rehearsing import keeping, where_to_consent
from infra.explaining import explained
from infra.fee_answers import FeeAnswer
from infra.importing import ImportOptions
from infra.local.http import inputs
from infra.local.http.case_view import Row, as_it_stands, case_row, case_summary, unreadable_summary
from infra.local.http.cloud_port import CaseLog, Cloud
from infra.local.http.wire import Answer, Request, json_answer
from infra.local.json_edges import Json, mapping
from infra.local.sandbox.provider import Provider, parsed
from infra.local.sandbox.server import ProviderSandbox
from infra.operating import Mark

_POLICY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_Handler = Callable[[Request, list[str]], Answer]


class _UnknownError(Exception):
    """What was asked for is not there."""


class Control:
    """Answers one request at a time: its owner sees to that."""

    def __init__(self, cloud: Cloud, sandbox: ProviderSandbox, cases: CaseLog) -> None:
        self._cloud = cloud
        self._sandbox = sandbox
        self._cases = cases
        self._routes: dict[tuple[str, ...], Mapping[str, _Handler]] = {
            ("clock",): {"GET": self._clock, "POST": self._move_clock},
            ("outbox",): {"GET": lambda _request, _names: json_answer(list(self._cloud.outbox()))},
            ("dead_letters",): {"GET": lambda _request, _names: json_answer(list(self._cloud.dead_letters()))},
            ("events",): {"GET": lambda _request, _names: json_answer(list(self._cloud.events()))},  # beyond DESIGN §8
            ("import",): {"POST": self._import},
            ("paid",): {"POST": self._paid},
            ("connect", "*"): {"POST": self._connect},
            ("redrive",): {"POST": self._redrive},
            ("calls",): {"GET": lambda _request, _names: json_answer(list(self._cloud.calls()))},
            ("cases",): {"GET": self._list_cases},
            ("cases", "*"): {"GET": self._case},
            ("explain", "*"): {"GET": self._explain},
            ("cases", "*", "fees"): {"POST": self._answer_fee},
            ("cases", "*", "do_not_chase"): {"POST": self._mark},
            ("cases", "*", "approval"): {"POST": self._answer_approval},
            ("cases", "*", "*"): {"POST": self._act},
            ("policies", "*"): {"PUT": self._put_policy},
            ("faults",): {"POST": self._add_fault},
            ("inbound", "email"): {"POST": self._inbound_email},
            ("inbound", "sms"): {"POST": self._inbound_sms},
            ("delivery",): {"POST": self._delivery},
            ("provider", "*", "invoices", "*"): {"GET": self._invoice, "PUT": self._put_invoice},
            ("provider", "*", "customers", "*"): {"PUT": self._put_customer},
            ("provider", "*", "credits", "*"): {"PUT": self._put_credit},
        }

    def answer(self, request: Request) -> Answer:
        """The answer: 404 for what is unknown, 405 for a method the call does not have, 422 for what cannot be taken."""
        parts = request.path.removeprefix("/_local/").split("/")
        found = next((route for route in self._routes if _fits(route, parts)), None)
        if found is None:
            return json_answer({"error": f"no such call: {request.path}"}, HTTPStatus.NOT_FOUND)
        methods = self._routes[found]
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(methods)
            error = f"{request.path} answers {allowed}, not {request.method}"
            return json_answer({"error": error}, HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": allowed})
        try:
            return handler(request, [unquote(part) for name, part in zip(found, parts, strict=True) if name == "*"])
        except _UnknownError as exc:
            return json_answer({"error": str(exc)}, HTTPStatus.NOT_FOUND)
        except (Rejected, Unreadable) as exc:
            return json_answer({"error": str(exc)}, HTTPStatus.UNPROCESSABLE_ENTITY)

    def _clock(self, _request: Request, _names: list[str]) -> Answer:
        return json_answer({"now": self._cloud.now})

    def _move_clock(self, request: Request, _names: list[str]) -> Answer:
        target = inputs.target_instant(inputs.json_body(request.body, ("advance", "to")), self._cloud.now)
        invocations = self._cloud.advance_to(target)
        return json_answer({"now": self._cloud.now, "invocations": invocations})

    def _list_cases(self, _request: Request, _names: list[str]) -> Answer:
        """For the page; beyond DESIGN §8. One case that cannot be read hides no other."""
        summaries = (self._summary(customer) for customer in self._sandbox.customers())
        return json_answer([summary for summary in summaries if summary])

    def _summary(self, customer: str) -> Row | None:
        try:
            case = self._cases.load(customer)
        except Unreadable:
            return unreadable_summary(customer)
        return case_summary(case) if case.invoices else None

    def _case(self, _request: Request, names: list[str]) -> Answer:
        case, activities = self._cases.load(names[0]), self._cases.activities(names[0])
        if not (case.profile.version or case.invoices or activities):
            raise _UnknownError(f"no customer {names[0]!r} has a case")
        return json_answer(case_row(as_it_stands(case, self._cloud.policies, self._cloud.now), activities))

    def _explain(self, _request: Request, names: list[str]) -> Answer:
        """For `dunning explain --url`; beyond DESIGN §8."""
        case, policies = self._cases.load(names[0]), self._cloud.policies()
        if not (case.profile.version or case.invoices):
            raise _UnknownError(f"no customer {names[0]!r} has a case")
        return json_answer(explained(case, policies, self._cloud.now))

    def _answer_fee(self, request: Request, names: list[str]) -> Answer:
        """For `dunning fee --url`; beyond DESIGN §8."""
        body = inputs.json_body(request.body, ("invoice", "answer", "step", "actor"))
        accept = inputs.one_of(body, "answer", ("accept", "decline")) == "accept"
        step = inputs.text_field(body, "step") if body.get("step") is not None else None
        actor = inputs.text_field(body, "actor") if body.get("actor") is not None else "operator"
        outcome = self._cloud.answer_fee(FeeAnswer(names[0], inputs.text_field(body, "invoice"), step, accept, actor))
        return json_answer({"outcome": outcome, "invocations": self._cloud.settle()})

    def _act(self, request: Request, names: list[str]) -> Answer:
        """For `dunning case --url`; beyond DESIGN §8."""
        customer, action = names
        if action not in FIELDS:
            raise _UnknownError(f"a case knows no action {action!r}: there are {', '.join(FIELDS)}")
        if not self._cases.load(customer).profile.version:
            raise _UnknownError(f"no customer {customer!r} has a case")
        outcome = self._cloud.act(customer, action, inputs.json_body(request.body or b"{}", FIELDS[action]))
        self._cloud.settle()
        return json_answer({"outcome": outcome})

    def _put_policy(self, request: Request, names: list[str]) -> Answer:
        if not _POLICY_NAME.fullmatch(names[0]):
            raise Rejected(f"a policy cannot be named {names[0]!r}: use small letters, digits, - and _")
        try:
            text = request.body.decode()
        except UnicodeDecodeError as exc:
            raise Rejected(f"the policy is not UTF-8: {exc}") from exc
        self._cloud.put_policy(names[0], text)
        return json_answer({"name": names[0]})

    def _add_fault(self, request: Request, _names: list[str]) -> Answer:
        body = inputs.json_body(request.body, ("service", "operation", "mode", "times"))
        service, operation, mode = (inputs.text_field(body, name) for name in ("service", "operation", "mode"))
        times = inputs.times(body)
        self._cloud.add_fault(service, operation, mode, times)
        return json_answer({"service": service, "operation": operation, "mode": mode, "times": times})

    def _inbound_email(self, request: Request, _names: list[str]) -> Answer:
        if not request.body.strip():
            raise Rejected("the body is empty: send a mail as raw MIME")
        self._cloud.inbound_email(request.body)
        return self._done()

    def _inbound_sms(self, request: Request, _names: list[str]) -> Answer:
        body = inputs.json_body(request.body, ("from", "body"))
        self._cloud.inbound_sms(inputs.text_field(body, "from"), inputs.text_field(body, "body"))
        return self._done()

    def _delivery(self, request: Request, _names: list[str]) -> Answer:
        body = inputs.json_body(request.body, ("to", "event", "bounce"))
        event = inputs.one_of(body, "event", inputs.DELIVERY_EVENTS)
        bounce = inputs.one_of(body, "bounce", inputs.BOUNCES, default="permanent")
        to = inputs.text_field(body, "to")
        if to.casefold() not in self._addressees():
            raise _UnknownError(f"no mail to {to!r} was accepted yet")
        self._cloud.ses_event(to, event, bounce)
        return self._done()

    def _addressees(self) -> set[str]:
        found: set[str] = set()
        for row in self._cloud.outbox():
            for addresses in (row.get("to"), row.get("cc")) if row.get("channel") == "email" else ():
                found |= {str(address).casefold() for address in addresses} if isinstance(addresses, list) else set()
        return found

    def _done(self) -> Answer:
        return json_answer({"now": self._cloud.now, "invocations": self._cloud.settle()})

    def _redrive(self, request: Request, _names: list[str]) -> Answer:
        """For `dunning redrive --url`; beyond DESIGN §8."""
        drop = parse_qs(request.query).get("drop_unreadable") == ["yes"]
        letters = [asdict(letter) for letter in self._cloud.redrive(drop_unreadable=drop)]
        self._cloud.settle()
        return json_answer(letters)

    def _connect(self, request: Request, names: list[str]) -> Answer:
        """For `dunning connect --url`: where to consent, then what the consent gave; beyond DESIGN §8."""
        grant = inputs.json_body(request.body, ("grant",)).get("grant")
        told = self._cloud.operate(where_to_consent(names[0]) if grant is None else keeping(names[0], mapping(grant)))
        self._cloud.settle()
        return json_answer(json.loads(told))

    def _import(self, request: Request, _names: list[str]) -> Answer:
        """A CSV file, for `dunning import --url`; beyond DESIGN §8."""
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        options = ImportOptions(**{name: query.get(name) == "yes" for name in ImportOptions().as_json()})
        report = self._cloud.import_invoices(request.body, query.get("name", "the file"), options)
        self._cloud.settle()
        return json_answer(report.as_json())

    def _paid(self, request: Request, _names: list[str]) -> Answer:
        """For `dunning paid --url`; beyond DESIGN §8."""
        numbers = inputs.json_body(request.body, ("invoices",)).get("invoices")
        if not isinstance(numbers, list) or not numbers or not all(isinstance(number, str) for number in numbers):
            raise Rejected('give {"invoices": ["2026-0101", …]}')
        report = self._cloud.invoices_paid(numbers)
        self._cloud.settle()
        return json_answer(report.as_json())

    def _mark(self, request: Request, names: list[str]) -> Answer:
        """For `dunning customer … do-not-chase --url`; beyond DESIGN §8."""
        on = inputs.flag(inputs.json_body(request.body, ("on",)), "on")
        return self._operated(Mark(names[0], on=on))

    def _answer_approval(self, request: Request, names: list[str]) -> Answer:
        """For `dunning approve` and `dunning decline --url`; beyond DESIGN §8."""
        body = inputs.json_body(request.body, ("invoice", "approved", "reason"))
        reason = inputs.text_field(body, "reason") if body.get("reason") is not None else None
        invoice = inputs.text_field(body, "invoice") if body.get("invoice") is not None else None
        return self._operated(operating.Answer(names[0], invoice, inputs.flag(body, "approved"), reason))

    def _operated(self, act: Mark | operating.Answer) -> Answer:
        outcome = self._cloud.operate(act.on_platform)
        self._cloud.settle()
        return json_answer({"outcome": outcome})

    def _invoice(self, _request: Request, names: list[str]) -> Answer:
        invoice = self._provider(names[0]).invoice(names[1])
        if invoice is None:
            raise _UnknownError(f"the {names[0]} sandbox holds no invoice {names[1]!r}")
        return json_answer(invoice)

    def _put_invoice(self, request: Request, names: list[str]) -> Answer:
        return json_answer(self._provider(names[0]).put_invoice(names[1], request.body))

    def _put_customer(self, request: Request, names: list[str]) -> Answer:
        """Beyond DESIGN §8, as the next: what a provider knows of a customer, with the credit that lies there."""
        self._provider(names[0]).put_customer(names[1], _provider_json(request.body))
        return json_answer({"id": names[1]})

    def _put_credit(self, request: Request, names: list[str]) -> Answer:
        self._provider(names[0]).put_credit(names[1], _provider_json(request.body))
        return json_answer({"id": names[1]})

    def _provider(self, source: str) -> Provider:
        provider = self._sandbox.provider(source)
        if provider is None:
            raise _UnknownError(f"there is no sandbox of {source!r}")
        return provider


def _provider_json(raw: bytes) -> Json:
    try:
        return parsed(raw)
    except (ValueError, RecursionError) as exc:
        raise Rejected(f"the body is no JSON object: {exc}") from exc


def _fits(route: tuple[str, ...], parts: list[str]) -> bool:
    return len(route) == len(parts) and all(name in ("*", part) and part for name, part in zip(route, parts, strict=True))
