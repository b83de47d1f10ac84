"""The command `dunning explain`: from a deployed stack with the operator's own credentials, or from a running local cloud."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import cast
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from dunning.content.policy_book import PolicyBook
from dunning.domain.assignment import Assignment
from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.explaining import Explanation, Next, explain
from dunning.domain.money import Money
from dunning.domain.obstacles import Obstacle

Row = dict[str, object]
_MOST_NAMED = 5
_ANY_FUNCTION = "RunStepFunction"


def explained(case: Case, policies: PolicyBook, now: datetime) -> Row:
    """What comes next for a customer, under the policies that the next daily sweep will have the invoices follow. Raises Permanent."""
    assignment = Assignment(policies.assigned, policies.knows)
    owed = (invoice for invoice in case.invoices.values() if invoice.is_open and not invoice.is_fee)
    chosen = {invoice.id: assignment.changed(invoice, case.profile, case.profile.contact) for invoice in owed}
    return explanation_row(explain(case, lambda invoice: policies.named(chosen.get(invoice.id) or invoice.policy), now))


def explanation_row(explanation: Explanation) -> Row:
    """An explanation as JSON: instants RFC 3339 with Z, absent values null."""
    return {
        "customer": explanation.customer,
        "now": _utc(explanation.now),
        "obstacles": [_obstacle(one) for one in explanation.obstacles],
        "next": [_next(one) for one in explanation.next],
    }


def _next(one: Next) -> Row:
    return {
        "invoice": one.invoice,
        "number": one.number,
        "currency": one.owed.currency if one.owed else None,
        "amount_due": one.owed.minor if one.owed else None,
        "timezone": one.timezone,
        "what": one.what,
        "step": one.step,
        "at": _utc(one.at),
        "local": _local(one.at, one.timezone),
        "if_released": _utc(one.if_released),
        "why": one.why,
        "not_sooner": [_obstacle(obstacle) for obstacle in one.not_sooner],
    }


def _obstacle(one: Obstacle) -> Row:
    return {"words": one.words, "until": _utc(one.until)}


def _utc(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None


def _local(at: datetime | None, timezone: str) -> str | None:
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds") if at else None


def explained_locally(url: str, customer: str) -> Row:
    """Ask a running `dunning up`. Raises Rejected when none answers there, or it knows no such customer."""
    place = urlsplit(url)
    if place.scheme != "http" or place.hostname not in ("127.0.0.1", "localhost"):
        raise Rejected(f"--url {url!r} is not a local cloud's: it listens on http://127.0.0.1 only")
    try:
        connection = HTTPConnection(place.hostname, place.port or 80, timeout=60)
        connection.request("GET", f"/_local/explain/{quote(customer, safe='')}")
        response = connection.getresponse()
        answer = cast("Row", json.loads(response.read()))
    except (OSError, HTTPException, ValueError) as exc:
        raise Rejected(f"no local cloud answers at {url}: start one with `dunning up`, or give --stack NAME for AWS") from exc
    if response.status != 200:
        raise Rejected(f"{answer.get('error')}: give an id as stripe:cus_123; /_local/cases lists them")
    return answer


def explained_by_stack(stack: str, customer: str) -> Row:
    """Read a deployed stack's table. Raises Rejected when there is none of that name within reach, or no such customer.

    The policies are those of this folder: what is deployed, unless they were changed since.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from dunning.config import from_env
    from dunning.storage.cases import TableCaseStore

    session = boto3.Session()
    try:
        found = session.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=_ANY_FUNCTION)
        function = str(found["StackResourceDetail"]["PhysicalResourceId"])
        settings = session.client("lambda").get_function_configuration(FunctionName=function)
        config = from_env(settings.get("Environment", {}).get("Variables", {}))
        case = TableCaseStore(session.client("dynamodb"), config.table, config.due_shards).load(customer)
    except (ClientError, BotoCoreError) as exc:
        raise Rejected(f"the stack {stack!r} cannot be read ({exc}): check its name, your credentials and your region") from exc
    if not case.profile.version and not case.invoices:
        raise Rejected(f"no customer {customer!r} has a case in {stack}: give an id as stripe:cus_123")
    policies = PolicyBook.load(config.policies_dir, frozenset(config.team_topics))
    return explained(case, policies, datetime.now(UTC))


def print_explanation(row: Mapping[str, object], *, as_json: bool) -> int:
    """A few lines for each invoice, or the JSON itself."""
    if as_json:
        print(json.dumps(row, ensure_ascii=False, indent=2))
        return 0
    print(f"{row['customer']}, as of {_moment(row['now'], 'UTC')} UTC")
    for obstacle in cast("Sequence[Row]", row["obstacles"]):
        print(f"  {_told(obstacle, 'UTC')}")
    following = cast("Sequence[Row]", row["next"])
    alike: dict[tuple[str, ...], list[Row]] = {}
    for one in following:
        alike.setdefault(_lines(one), []).append(one)
    for lines, rows in alike.items():
        print(f"\n{_invoices(rows)}: " + "\n".join(lines))
    if not following:
        print("\nNothing is owed, and nothing comes next.")
    return 0


def _invoices(rows: Sequence[Row]) -> str:
    """Numbers with what is owed on each; of many the first, how many more, and the totals."""
    named = [f"{row['number']} ({_owed(str(row['currency']), cast('int', row['amount_due']))})" for row in rows[:_MOST_NAMED]]
    if len(rows) <= _MOST_NAMED:
        return ", ".join(named)
    sums: dict[str, int] = {}
    for row in rows:
        currency = str(row["currency"])
        sums[currency] = sums.get(currency, 0) + cast("int", row["amount_due"])
    totals = ", ".join(_owed(currency, amount) for currency, amount in sorted(sums.items()))
    return f"{', '.join(named)} and {len(rows) - _MOST_NAMED} more, {len(rows)} invoices of {totals}"


def _owed(currency: str, minor: int) -> str:
    return f"{currency} {Money(minor, currency).as_decimal():,f}"


def _lines(one: Row) -> tuple[str, ...]:
    """What is said of an invoice, but for its number and sum."""
    zone = str(one["timezone"])
    step = f" (step {one['step']})" if one["step"] else ""
    lines = [f"{one['what']}{step}"]
    if one["at"]:
        lines.append(f"  when            {_moment(one['at'], zone)} {zone} ({_moment(one['at'], 'UTC')} UTC)")
    elif one["if_released"]:
        released = f"{_moment(one['if_released'], zone)} {zone}"
        lines.append(f"  when            not while it waits for somebody; were that ended now, {released}")
    lines.append(f"  why             {one['why']}")
    for position, obstacle in enumerate(cast("Sequence[Row]", one["not_sooner"])):
        lines.append(f"  {'' if position else 'why not sooner':<14}  {_told(obstacle, zone)}")
    return tuple(lines)


def _told(obstacle: Row, zone: str) -> str:
    until = f"; until {_moment(obstacle['until'], zone)} {zone}" if obstacle["until"] else ""
    return f"{obstacle['words']}{until}"


def _moment(at: object, zone: str) -> str:
    there = datetime.fromisoformat(str(at)).astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %Y %H:%M}"
