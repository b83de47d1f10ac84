"""The way into moto: one AWS request in, moto's answer out, for one account of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.awsrequest import AWSPreparedRequest
from moto.core.request import normalize_request
from moto.core.responses import BaseResponse
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sns.responses import SNSResponse
from moto.sqs.responses import SQSResponse

from infra.local.moto_tables import CuredBackend, IdempotentParameterMismatch

_HANDLERS: Mapping[str, type[BaseResponse]] = {
    "dynamodb": DynamoHandler,
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
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    if error is not None:
        headers["x-amzn-ErrorType"] = error
    return Reply(status, headers, json.dumps(value).encode())


class MotoDoor:
    """moto's services as one account sees them."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    def answer(self, service: str, operation: str, request: AWSPreparedRequest) -> Reply:
        """What moto says. Raises NotImplementedError for a service that is not wired up here."""
        handler = _HANDLERS.get(service)
        if handler is None:
            raise NotImplementedError(f"the local cloud has no {service} ({operation}): infra/local/moto_door.py lists what it has")
        if service == "dynamodb" and operation == "TransactWriteItems":
            return self._transaction(request)
        return self._ask(handler, request)

    def _ask(self, handler: type[BaseResponse], request: AWSPreparedRequest) -> Reply:
        request.headers["x-moto-account-id"] = self._account
        normal = normalize_request(request)
        status, headers, body = handler.dispatch(normal, normal.raw_url, normal.headers)
        return Reply(
            int(status), {str(name): str(value) for name, value in headers.items()}, body.encode() if isinstance(body, str) else body
        )

    def _transaction(self, request: AWSPreparedRequest) -> Reply:
        backend = dynamodb_backends[self._account][self._region]
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        token = json.loads(body).get("ClientRequestToken")
        if not isinstance(backend, CuredBackend) or token is None:
            return self._ask(DynamoHandler, request)
        try:
            if backend.is_repeated(token, body):
                return json_reply({})
        except IdempotentParameterMismatch as error:
            return json_reply({"__type": error.error_type, "message": error.message}, 400)
        reply = self._ask(DynamoHandler, request)
        if reply.status == 200:
            backend.succeeded(token, body)
        return reply
