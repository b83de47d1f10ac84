"""The way into moto: one AWS request in, moto's answer out, for one account of its own."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.awsrequest import AWSPreparedRequest
from moto.core.exceptions import JsonRESTError
from moto.core.request import normalize_request
from moto.core.responses import ActionResult, BaseResponse
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sns.responses import SNSResponse
from moto.sqs.responses import SQSResponse

from infra.local.moto_tables import CuredBackend

_JSON = "application/x-amz-json-1.0"
_ITEM_CALLS: Mapping[str, Callable[[DynamoHandler], ActionResult]] = {
    "BatchGetItem": DynamoHandler.batch_get_item,
    "BatchWriteItem": DynamoHandler.batch_write_item,
    "DeleteItem": DynamoHandler.delete_item,
    "GetItem": DynamoHandler.get_item,
    "PutItem": DynamoHandler.put_item,
    "Query": DynamoHandler.query,
    "TransactWriteItems": DynamoHandler.transact_write_items,
    "UpdateItem": DynamoHandler.update_item,
}
_HANDLERS: Mapping[str, type[BaseResponse]] = {
    "dynamodb": DynamoHandler,
    "dynamodbstreams": DynamoDBStreamsHandler,
    "secretsmanager": SecretsManagerResponse,
    "sns": SNSResponse,
    "sqs": SQSResponse,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer of an AWS service."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def json_reply(value: object, status: int = 200, error: str | None = None) -> Reply:
    """An answer in AWS's JSON protocols; `error` is the error's code."""
    headers = {"Content-Type": _JSON}
    if error is not None:
        headers["x-amzn-ErrorType"] = error
    return Reply(status, headers, json.dumps(value).encode())


class MotoDoor:
    """moto's services as one account sees them."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    def answer(self, service: str, operation: str, request: AWSPreparedRequest) -> Reply:
        """What moto says. Raises LookupError for a service that is not wired up here."""
        handler = _HANDLERS.get(service)
        if handler is None:
            raise LookupError(f"the local cloud has no {service} ({operation}): infra/local/moto_door.py lists what it has")
        if service == "dynamodb" and operation in _ITEM_CALLS:
            return self._item_call(operation, body_of(request))
        return self._ask(handler, request)

    def _ask(self, handler: type[BaseResponse], request: AWSPreparedRequest) -> Reply:
        request.headers["x-moto-account-id"] = self._account
        normal = normalize_request(request)
        status, headers, body = handler.dispatch(normal, normal.raw_url, normal.headers)
        content = body.encode() if isinstance(body, str) else body
        return Reply(int(status), {str(name): str(value) for name, value in headers.items()}, content)

    def _item_call(self, operation: str, body: bytes) -> Reply:
        """Straight to moto's handler: its parsing and serializing of JSON against the API's model takes most of a call's time."""
        handler = DynamoHandler()
        parameters = json.loads(body)
        state = {"body": parameters, "params": parameters, "uri_match": {}, "current_account": self._account, "region": self._region}
        vars(handler).update(state)
        try:
            result = self._once(handler, body) if operation == "TransactWriteItems" else _ITEM_CALLS[operation](handler).result
        except JsonRESTError as error:
            return Reply(error.code, {"Content-Type": _JSON, "x-amzn-ErrorType": error.relative_error_type}, error.get_body().encode())
        return Reply(200, {"Content-Type": _JSON}, json.dumps(result, default=_base64).encode())

    def _once(self, handler: DynamoHandler, body: bytes) -> object:
        backend, token = handler.dynamodb_backend, handler.body.get("ClientRequestToken")
        if not isinstance(backend, CuredBackend) or token is None:
            return handler.transact_write_items().result
        if backend.is_repeated(token, body):
            return {}
        result = handler.transact_write_items().result
        backend.succeeded(token, body)
        return result


def body_of(request: AWSPreparedRequest) -> bytes:
    """A request's body."""
    body = request.body
    return body.encode() if isinstance(body, str) else bytes(body) if isinstance(body, bytes | bytearray) else b""


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in DynamoDB's JSON")
