"""Reads from deployed resources what the local cloud has to run."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dunning.domain.errors import Rejected
from infra.local.json_edges import Json, items, mapping, mappings, number, text, texts
from infra.local.ses import EventDestination
from infra.local.stack import RETRIES_OF_ASYNC_EVENTS, Function, QueueMapping, Route, Schedule, Stack, StreamMapping, Subscription

_INTEGRATION = "x-amazon-apigateway-integration"
_ANY = "x-amazon-apigateway-any-method"
_INVOKED = re.compile(r"/functions/(arn:[^/]+)/invocations$")


@dataclass(frozen=True, slots=True)
class Resource:
    """A deployed resource, its properties without any reference left."""

    logical_id: str
    type: str
    physical_id: str
    properties: Json


def read_stack(account: str, region: str, resources: Sequence[Resource], folders: Mapping[str, Path]) -> Stack:
    """Put the parts together. Raises Rejected for what the local cloud would have to run and cannot."""
    reader = _Reader(account, region, resources, folders)
    functions = reader.functions()
    queue_mappings, stream_mappings = reader.mappings()
    dead_letters = reader.redrive_targets() | {arn for function in functions for arn in (function.dead_letters, function.on_failure) if arn}
    dead_letters |= {stream.on_failure for stream in stream_mappings if stream.on_failure}
    return Stack(
        account=account,
        region=region,
        functions={function.arn: function for function in functions},
        routes=tuple(reader.routes()),
        queue_mappings=tuple(queue_mappings),
        stream_mappings=tuple(stream_mappings),
        schedules=tuple(reader.schedules()),
        subscriptions=tuple(reader.subscriptions()),
        queues={reader.arn("sqs", name_of(queue.physical_id)): queue.logical_id for queue in reader.of("AWS::SQS::Queue")},
        dead_letters=frozenset(dead_letters),
        secrets={secret.logical_id: secret.physical_id for secret in reader.of("AWS::SecretsManager::Secret")},
        mail_destinations=reader.mail_destinations(),
        event_buses=frozenset(bus.physical_id for bus in reader.of("AWS::Events::EventBus")),
        topics={topic.logical_id: topic.physical_id for topic in reader.of("AWS::SNS::Topic")},
    )


def name_of(arn_or_url: str) -> str:
    """The last part of an ARN or of a queue's URL."""
    return re.split(r"[:/]", arn_or_url)[-1]


class _Reader:
    def __init__(self, account: str, region: str, resources: Sequence[Resource], folders: Mapping[str, Path]) -> None:
        self._account = account
        self._region = region
        self._resources = resources
        self._folders = folders

    def of(self, type_name: str) -> list[Resource]:
        return [resource for resource in self._resources if resource.type == type_name]

    def arn(self, service: str, name: str) -> str:
        return f"arn:aws:{service}:{self._region}:{self._account}:{name}"

    def functions(self) -> list[Function]:
        invoke_configs = {
            text(config.properties.get("FunctionName")): config.properties for config in self.of("AWS::Lambda::EventInvokeConfig")
        }
        return [self._function(resource, invoke_configs.get(resource.physical_id, {})) for resource in self.of("AWS::Lambda::Function")]

    def _function(self, resource: Resource, invoke_config: Json) -> Function:
        properties = resource.properties
        folder = self._folders[resource.logical_id]
        variables = mapping(mapping(properties.get("Environment")).get("Variables"))
        on_failure = mapping(mapping(invoke_config.get("DestinationConfig")).get("OnFailure"))
        return Function(
            arn=self.arn("lambda", f"function:{resource.physical_id}"),
            name=folder.name,
            folder=folder,
            module=text(properties["Handler"]).rpartition(".")[0],
            env={name: str(value) for name, value in variables.items()},
            timeout=number(properties.get("Timeout"), 3),
            memory=number(properties.get("MemorySize"), 128),
            dead_letters=text(mapping(properties.get("DeadLetterConfig")).get("TargetArn")) or None,
            on_failure=text(on_failure.get("Destination")) or None,
            retries=number(invoke_config.get("MaximumRetryAttempts"), RETRIES_OF_ASYNC_EVENTS),
        )

    def routes(self) -> list[Route]:
        routes = []
        for api in self.of("AWS::ApiGatewayV2::Api"):
            for path, operations in mapping(mapping(api.properties.get("Body")).get("paths")).items():
                for method, operation in mapping(operations).items():
                    invoked = _INVOKED.search(text(mapping(mapping(operation).get(_INTEGRATION)).get("uri")))
                    if invoked:
                        routes.append(
                            Route(
                                "ANY" if method == _ANY else method.upper(),
                                path.removeprefix("/") if path == "/$default" else path,
                                invoked[1],
                            )
                        )
        return routes

    def mappings(self) -> tuple[list[QueueMapping], list[StreamMapping]]:
        queues, streams = [], []
        for resource in self.of("AWS::Lambda::EventSourceMapping"):
            properties = resource.properties
            source = text(properties["EventSourceArn"])
            function = self.arn("lambda", f"function:{name_of(text(properties['FunctionName']))}")
            partial = "ReportBatchItemFailures" in texts(properties.get("FunctionResponseTypes"))
            filters = tuple(text(rule.get("Pattern")) for rule in mappings(mapping(properties.get("FilterCriteria")).get("Filters")))
            if ":sqs:" in source:
                if filters:
                    raise Rejected(f"{resource.logical_id}: the local cloud does not filter SQS messages")
                window = number(properties.get("MaximumBatchingWindowInSeconds"), 0)
                queues.append(QueueMapping(source, function, number(properties.get("BatchSize"), 10), window, partial))
            else:
                retries = number(properties.get("MaximumRetryAttempts"), -1)
                on_failure = mapping(mapping(properties.get("DestinationConfig")).get("OnFailure"))
                streams.append(
                    StreamMapping(
                        table=source.split("/")[1],
                        function=function,
                        batch_size=number(properties.get("BatchSize"), 100),
                        filters=filters,
                        retries=None if retries < 0 else retries,
                        on_failure=text(on_failure.get("Destination")) or None,
                        partial_failures=partial,
                        bisect=bool(properties.get("BisectBatchOnFunctionError")),
                    )
                )
        return queues, streams

    def schedules(self) -> list[Schedule]:
        schedules = []
        for rule in self.of("AWS::Events::Rule"):
            expression = text(rule.properties.get("ScheduleExpression"))
            if not expression:
                raise Rejected(f"{rule.logical_id}: the local cloud runs rules with a ScheduleExpression only")
            if rule.properties.get("State") == "DISABLED":
                continue
            for target in mappings(rule.properties.get("Targets")):
                arn = self.arn("events", f"rule/{rule.physical_id}")
                schedules.append(Schedule(arn, expression, text(target["Arn"]), text(target.get("Input")) or None))
        return schedules

    def subscriptions(self) -> list[Subscription]:
        standing = [resource.properties for resource in self.of("AWS::SNS::Subscription")]
        for topic in self.of("AWS::SNS::Topic"):
            standing += [{**inline, "TopicArn": topic.physical_id} for inline in mappings(topic.properties.get("Subscription"))]
        return [
            Subscription(
                topic=text(subscription["TopicArn"]),
                protocol=text(subscription["Protocol"]),
                endpoint=text(subscription["Endpoint"]),
                raw=str(subscription.get("RawMessageDelivery")).lower() == "true",
                filter_policy=mapping(subscription.get("FilterPolicy")),
                filter_scope=text(subscription.get("FilterPolicyScope")) or None,
            )
            for subscription in standing
        ]

    def redrive_targets(self) -> set[str]:
        targets = set()
        for queue in self.of("AWS::SQS::Queue"):
            policy = queue.properties.get("RedrivePolicy")
            targets.add(text(mapping(json.loads(policy) if isinstance(policy, str) else policy).get("deadLetterTargetArn")))
        for rule in self.of("AWS::Events::Rule"):
            targets |= {text(mapping(target.get("DeadLetterConfig")).get("Arn")) for target in mappings(rule.properties.get("Targets"))}
        return targets - {""}

    def mail_destinations(self) -> dict[str, tuple[EventDestination, ...]]:
        destinations: dict[str, tuple[EventDestination, ...]] = {}
        for configuration_set in self.of("AWS::SES::ConfigurationSet"):
            destinations[configuration_set.physical_id] = ()
        for resource in self.of("AWS::SES::ConfigurationSetEventDestination"):
            destination = mapping(resource.properties.get("EventDestination"))
            topic = text(mapping(destination.get("SnsDestination")).get("TopicARN"))
            if topic and destination.get("Enabled", True):
                name = text(resource.properties["ConfigurationSetName"])
                types = frozenset(str(kind).upper() for kind in items(destination.get("MatchingEventTypes")))
                destinations[name] = (*destinations.get(name, ()), EventDestination(topic, types))
        return destinations
