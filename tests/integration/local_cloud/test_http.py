"""The HTTP API: routes, the event a function gets, the answer a client gets."""

import base64
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from infra.local.routes import find_route, to_answer
from infra.local.stack import Route
from tests.integration.local_cloud.conftest import SmallStack


def echo(stack: SmallStack, path: str = "/echo/a", query: str = "", body: bytes = b"", **headers: str) -> dict[str, Any]:
    """The event that a request became."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = stack.cloud.request("PUT", path, query, named, body)
    assert answer.status == 200
    event: dict[str, Any] = json.loads(answer.body)
    return event


def test_the_event_is_one_that_powertools_can_read(stack: SmallStack) -> None:
    event = APIGatewayProxyEventV2(echo(stack, "/echo/a%2Fb", "x=1&x=2&y=", b'{"a": 1}', Content_Type="application/json", X_Mine="Yes"))
    assert (event.http_method, event.path, event.route_key) == ("PUT", "/echo/a%2Fb", "ANY /echo/{name}")
    assert event.path_parameters == {"name": "a/b"}
    assert event.query_string_parameters == {"x": "1,2", "y": ""}
    assert event.json_body == {"a": 1}
    assert event.headers["x-mine"] == "Yes"
    assert event.request_context.time_epoch == 1772438400000


def test_a_body_of_a_text_type_comes_as_text_and_any_other_base64_encoded(stack: SmallStack) -> None:
    plain = echo(stack, body=b"{}", Content_Type="application/json; charset=utf-8")
    assert (plain["body"], plain["isBase64Encoded"]) == ("{}", False)
    cloud_event = echo(stack, body=b"[]", Content_Type="application/cloudevents+json")
    assert (base64.b64decode(cloud_event["body"]), cloud_event["isBase64Encoded"]) == (b"[]", True)


def test_a_text_body_that_is_no_text_comes_base64_encoded(stack: SmallStack) -> None:
    event = echo(stack, body=b"\xff\xfe", Content_Type="text/plain")
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\xfe", True)


def test_a_request_without_a_body_has_none(stack: SmallStack) -> None:
    assert "body" not in echo(stack)


def test_cookies_come_apart_from_the_headers(stack: SmallStack) -> None:
    event = echo(stack, Cookie="a=1; b=2")
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]


def test_a_path_or_a_method_without_a_route_is_not_found(stack: SmallStack) -> None:
    assert stack.cloud.request("POST", "/nowhere", "", {}, b"").status == 404
    assert stack.cloud.request("GET", "/call", "", {}, b"").status == 404


def test_a_function_that_raises_is_a_500_without_a_word_about_why(stack: SmallStack) -> None:
    answer = stack.cloud.request("POST", "/call", "", {}, b"no json")
    assert (answer.status, json.loads(answer.body)) == (500, {"message": "Internal Server Error"})


ROUTES = [
    Route(method, path, "f")
    for method, path in [("ANY", "$default"), ("GET", "/{rest+}"), ("GET", "/a/{id}"), ("ANY", "/a/b"), ("GET", "/a/b")]
]


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("GET", "/a/b", ("GET", "/a/b")),
        ("PUT", "/a/b", ("ANY", "/a/b")),
        ("GET", "/a/c", ("GET", "/a/{id}")),
        ("GET", "/a/c/d", ("GET", "/{rest+}")),
        ("PUT", "/x", ("ANY", "$default")),
    ],
)
def test_the_most_specific_route_is_taken(method: str, path: str, taken: tuple[str, str]) -> None:
    match = find_route(ROUTES, method, path)
    assert match is not None
    assert (match.route.method, match.route.path) == taken


@pytest.mark.parametrize(
    ("payload", "status", "headers", "body"),
    [
        ({"ok": True}, 200, {"Content-Type": "application/json"}, b'{"ok": true}'),
        ({"statusCode": 200}, 200, {}, b""),
        ({"statusCode": "404", "headers": {"content-type": "text/html"}, "body": "<p>"}, 404, {"content-type": "text/html"}, b"<p>"),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, {"Content-Type": "text/plain;charset=UTF-8"}, b"hi"),
        ({"statusCode": "soon"}, 500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}'),
    ],
)
def test_what_a_function_returns_becomes_the_answer(payload: object, status: int, headers: dict[str, str], body: bytes) -> None:
    answer = to_answer(payload)
    assert (answer.status, dict(answer.headers), answer.body) == (status, headers, body)
