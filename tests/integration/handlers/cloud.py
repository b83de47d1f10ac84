"""AWS as moto plays it, with what one deployment has in it, every call counted, and calls that fail when told to."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from botocore.model import OperationModel
from moto import mock_aws

from dunning.bootstrap import Handler, Platform
from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.storage.cases import TableCaseStore
from infra.sign_event import signed
from tests.dynamodb_local.server import client_of, fresh_table
from tests.fakes.clock import StandingClock
from tests.fakes.table import REGION, aws_session, create_table

EVENTS = Path(__file__).parents[3] / "events"
SHARDS = 8
QUEUES = (
    *("run", "run-dead", "sync", "sync-dead", "sweep", "sweep-dead"),
    *("activity-dead", "stripe-notes", "quickbooks-notes", "xero-notes", "note-dead", "event-dead"),
)
Json = dict[str, object]


class Aws:
    """One deployment's surroundings; `platform` is what a function runs on. `table`: its name where moto does not play DynamoDB."""

    def __init__(self, stripe_api: str, table: str | None = None) -> None:
        self.clock = StandingClock()
        self.calls: Counter[str] = Counter()
        self.sends: Counter[str] = Counter()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.session = _session()
        self._losing: Counter[str] = Counter()
        self._failing: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self._answers: dict[str, dict[str, Any]] = {"GetAccount": {"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 0.0}}}
        ours = aws_session()
        self._elsewhere = table is not None
        self.table = table or create_table(ours.client("dynamodb"))
        self._sqs = ours.client("sqs")
        self.queues = {name: self._sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
        secret = json.dumps({"webhook_secrets": ["whsec_local"], "api_key": "sk_test_local"})
        ours.client("secretsmanager").create_secret(Name="stripe", SecretString=secret)
        ours.client("secretsmanager").create_secret(Name="links", SecretString=json.dumps({"key": "signs the links in mails"}))
        self.topic = ours.client("sns").create_topic(Name="collections")["TopicArn"]
        ours.client("sesv2").create_email_identity(EmailIdentity="larkfield.example")
        self.env = {
            "TABLE_NAME": self.table,
            "DUE_SHARDS": str(SHARDS),
            "RUN_QUEUE_URL": self.queues["run"],
            "RUN_DEAD_LETTERS_URL": self.queues["run-dead"],
            "SYNC_QUEUE_URL": self.queues["sync"],
            "SYNC_DEAD_LETTERS_URL": self.queues["sync-dead"],
            "SWEEP_QUEUE_URL": self.queues["sweep"],
            "SWEEP_DEAD_LETTERS_URL": self.queues["sweep-dead"],
            "EVENT_BUS": "activities",
            "ACTIVITY_DEAD_LETTERS_URL": self.queues["activity-dead"],
            "EVENT_DEAD_LETTERS_URL": self.queues["event-dead"],
            "WRITE_BACK_QUEUES": json.dumps({source: self.queues[f"{source}-notes"] for source in ("stripe", "quickbooks", "xero")}),
            "WRITE_BACK_DEAD_LETTERS_URL": self.queues["note-dead"],
            "STRIPE_SECRET_ID": "stripe",
            "STRIPE_API_BASE": stripe_api,
            "QUICKBOOKS_SECRET_ID": "quickbooks",
            "QUICKBOOKS_TOKENS_ID": "quickbooks-tokens",
            "QUICKBOOKS_GRANTS_PREFIX": "dunning/quickbooks/",
            "XERO_SECRET_ID": "xero",
            "XERO_TOKENS_ID": "xero-tokens",
            "XERO_GRANTS_PREFIX": "dunning/xero/",
            "LINK_SECRET_ID": "links",
            "EMAIL_FROM": "billing@larkfield.example",
            "EMAIL_REPLY_TO": "accounts@larkfield.example",
            "SES_CONFIGURATION_SET": "dunning",
            "COMPANY_NAME": "Larkfield Supply",
            "TEAM_TOPICS": json.dumps({"collections": self.topic}),
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        }
        self.store = TableCaseStore(ours.client("dynamodb"), self.table, SHARDS)
        self.session.events.register("before-parameter-build", self._note)
        answering: Any = self._answer
        self.session.events.register("before-call", answering)
        on_the_wire: Any = self._on_the_wire
        self.session.events.register_first("before-send", on_the_wire)

    @property
    def platform(self) -> Platform:
        """What a function runs on."""
        return Platform(self.env, self.session, self.clock)

    def fails(
        self, operation: str, code: str = "InternalServerError", status: int = 500, times: int = 1, extra: Json | None = None
    ) -> None:
        """The next calls of an operation fail with this code; nothing happens."""
        error = {**(extra or {}), "Error": {"Code": code, "Message": "told to"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self._failing.setdefault(operation, []).extend([(status, error)] * times)

    def loses_the_answer(self, operation: str, times: int = 1) -> None:
        """The next HTTP requests of an operation are carried out; what comes back is an HTTP 500."""
        self._losing[operation] += times

    def answers(self, operation: str, answer: dict[str, Any]) -> None:
        """Every call of an operation is answered like this."""
        self._answers[operation] = answer

    def answers_once(self, operation: str, answer: dict[str, Any]) -> None:
        """The next call of an operation is answered like this."""
        self._failing.setdefault(operation, []).append((200, answer))

    def case(self, customer: str) -> Case:
        """A case as the table has it."""
        return self.store.load(customer)

    def log(self, customer: str) -> list[Activity]:
        """A case's activities."""
        return self.store.activities(customer)

    def messages(self, queue: str) -> list[Json]:
        """Bodies of a queue's messages that were not looked at before, also of those still delayed."""
        url = self.queues[queue]
        sent = [params for name, params in self.requests if name.startswith("SendMessage") and params["QueueUrl"] == url]
        entries = [entry for params in sent for entry in params.get("Entries", [params])]
        return [json.loads(entry["MessageBody"]) | {"delay": entry.get("DelaySeconds", 0)} for entry in entries]

    def letters(self, queue: str) -> list[tuple[str, str]]:
        """A dead-letter queue's messages as they were sent: the body, and the reason."""
        sent = [params for params in self.sent("SendMessage") if params["QueueUrl"] == self.queues[queue]]
        return [(params["MessageBody"], params["MessageAttributes"]["reason"]["StringValue"]) for params in sent]

    def sent(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of all calls of an operation, in order."""
        return [params for name, params in self.requests if name == operation]

    def forget_calls(self) -> None:
        """Count from here."""
        self.calls.clear()
        self.sends.clear()
        self.requests.clear()

    def _note(self, params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
        self.requests.append((model.name, params))
        if model.service_model.service_name != "secretsmanager":
            self.calls[model.name] += 1

    def _answer(self, model: OperationModel, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if failing := self._failing.get(model.name):
            status, error = failing.pop(0)
            return _response(status), error
        if answer := self._answers.get(model.name):
            return _response(200), answer
        return None

    def _on_the_wire(self, event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.sends[operation] += 1
        if not self._losing[operation]:
            return None
        self._losing[operation] -= 1
        if self._elsewhere and ".dynamodb." in event_name:
            URLLib3Session().send(request)
        return _response(500)  # moto is asked all the same, right after us; the first answer counts


@contextmanager
def playing_aws(stripe_api: str) -> Iterator[Aws]:
    """AWS for one test."""
    with mock_aws():
        yield Aws(stripe_api)


@contextmanager
def playing_aws_with_dynamodb_local(stripe_api: str, url: str) -> Iterator[Aws]:
    """AWS for one test, its table in DynamoDB Local at this URL; the rest is moto's."""
    here = {"AWS_ENDPOINT_URL_DYNAMODB": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with fresh_table(client_of(url)) as (_, table), mock_aws(), patch.dict(os.environ, here):
        yield Aws(stripe_api, table)


class LambdaContext:
    """What Lambda tells a function about itself."""

    function_name = "dunning"
    aws_request_id = "request-1"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:dunning"

    def get_remaining_time_in_millis(self) -> int:
        """As if it had just begun."""
        return 60_000


def invoke(handler: Handler, event: Json) -> Json:
    """Call a handler as Lambda does."""
    return cast("Json", handler(event, LambdaContext()))


def sample(name: str) -> Json:
    """A file of events/."""
    return cast("Json", json.loads((EVENTS / f"{name}.json").read_text()))


def delivered_at(event: Json) -> datetime:
    """When API Gateway took a request."""
    return datetime.fromtimestamp(cast("dict[str, int]", event["requestContext"])["timeEpoch"] / 1000, UTC)


def webhook(name: str, at: datetime, *, created: datetime | None = None) -> Json:
    """A sample webhook, signed again as of another instant; with `created`, its event is from then."""
    event = sample(f"stripe_webhook/{name}")
    if created is not None:
        body = json.loads(str(event["body"])) | {"created": int(created.timestamp())}
        event["body"] = json.dumps(body)
    return signed(event, at)


def records(event: Json) -> list[Json]:
    """The records of an SQS event."""
    return cast("list[Json]", event["Records"])


def batch(*bodies: Mapping[str, object] | str, receives: int = 1) -> Json:
    """An SQS event with these bodies; message ids are m0, m1, …"""
    (record,) = records(sample("run_step/due"))
    attributes = cast("Json", record["attributes"]) | {"ApproximateReceiveCount": str(receives)}
    return {
        "Records": [
            record | {"messageId": f"m{number}", "body": body if isinstance(body, str) else json.dumps(body), "attributes": attributes}
            for number, body in enumerate(bodies)
        ]
    }


def failures(answer: Json) -> list[str]:
    """The message ids that a partial batch response asks to see again."""
    return [item["itemIdentifier"] for item in cast("list[dict[str, str]]", answer["batchItemFailures"])]


def minutes(count: int) -> timedelta:
    """A duration."""
    return timedelta(minutes=count)


def _session() -> boto3.Session:
    """A session whose hooks are its own, with AWS's models from the shared one."""
    fresh = botocore.session.Session()
    fresh.register_component("data_loader", aws_session()._session.get_component("data_loader"))
    return boto3.Session(botocore_session=fresh, aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)


class _Nothing:
    def stream(self) -> Iterator[bytes]:
        return iter(())


def _response(status: int) -> AWSResponse:
    return AWSResponse("https://aws.example", status, HTTPHeaders(), _Nothing())
