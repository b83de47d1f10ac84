"""API Gateway's HTTP API: which function a request is for, the event it gets, the answer from what it returns."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from infra.local.json_edges import Json, mapping, text, texts
from infra.local.stack import Route

_TEXT = re.compile(r"(text/.*|application/(json|xml|javascript|x-www-form-urlencoded))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the product answers over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it reaches the API: the path still percent-encoded, the query without `?`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


NOT_FOUND = HttpAnswer(404, {"Content-Type": "application/json"}, b'{"message":"Not Found"}')
FAILED = HttpAnswer(500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}')


@dataclass(frozen=True, slots=True)
class Match:
    """The route a request takes, and the path's parameters."""

    route: Route
    parameters: Mapping[str, str]


def find_route(routes: Sequence[Route], method: str, path: str) -> Match | None:
    """The most specific route: literal before `{name}` before `{name+}` before `$default`, the method before `ANY`."""
    found = [match for route in routes if (match := _match(route, method, path))]
    return min(found, key=lambda match: _breadth(match.route), default=None)


def _match(route: Route, method: str, path: str) -> Match | None:
    if route.path == "$default":
        return Match(route, {})
    if route.method not in {"ANY", method.upper()}:
        return None
    pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda part: f"(?P<{part[1]}>{'.+' if part[2] else '[^/]+'})", re.escape(route.path))
    found = re.fullmatch(pattern, path)
    return Match(route, {name: unquote(value) for name, value in found.groupdict().items()}) if found else None


def _breadth(route: Route) -> tuple[bool, bool, int, bool]:
    return route.path == "$default", "+}" in route.path, route.path.count("{"), route.method == "ANY"


def to_event(match: Match, request: Request, now: datetime, account: str) -> Json:
    """The event of payload format 2.0. Bodies that are not text come base64-encoded, as API Gateway does it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    key = match.route.path if match.route.path == "$default" else f"{match.route.method} {match.route.path}"
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    event: Json = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": account,
            "apiId": "local",
            "domainName": headers.get("host", "localhost"),
            "domainPrefix": "local",
            "http": {
                "method": request.method.upper(),
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": uuid4().hex,
            "routeKey": key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    optional = {"cookies": cookies, "queryStringParameters": query, "pathParameters": dict(match.parameters)}
    event.update({name: value for name, value in optional.items() if value})
    if request.body:
        event.update(_body(request.body, headers.get("content-type", "")))
    return event


def _body(body: bytes, content_type: str) -> Json:
    if _TEXT.fullmatch(content_type.partition(";")[0].strip()):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def to_answer(payload: object) -> HttpAnswer:
    """The HTTP answer from what the function returned: as it says, or all of it as JSON when it names no statusCode."""
    if not isinstance(payload, dict) or "statusCode" not in payload:
        return HttpAnswer(200, {"Content-Type": "application/json"}, json.dumps(payload).encode())
    status = payload["statusCode"]
    if not isinstance(status, int | str) or not str(status).isdecimal():
        return FAILED
    body = payload.get("body") or ""
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "text/plain;charset=UTF-8"} if content else {}
    given = {name: str(value) for name, value in mapping(payload.get("headers")).items()}
    if any(name.lower() == "content-type" for name in given):
        headers = {}
    headers |= given
    if cookies := texts(payload.get("cookies")):
        headers["Set-Cookie"] = "; ".join(cookies)
    raw = base64.b64decode(text(content)) if payload.get("isBase64Encoded") is True else content.encode()
    return HttpAnswer(int(status), headers, raw)
