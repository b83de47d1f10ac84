"""Deploys a template into moto's CloudFormation, in an AWS account of its own."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from moto.dynamodb.models import dynamodb_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from dunning.domain.errors import Rejected
from infra.local import moto_cures
from infra.local.json_edges import Json, mapping, text
from infra.local.moto_tables import CuredBackend
from infra.local.stack import Stack
from infra.local.stack_reader import Resource, read_stack
from infra.local.translation import OURS, WITHOUT_EFFECT, replace_references, translate

REGION = "us-east-1"
PARAMETERS: Mapping[str, str] = {
    "CompanyName": "Larkfield Supply",
    "DueShards": "1",
    "EmailFrom": "billing@larkfield.example",
    "EmailReplyTo": "accounts@larkfield.example",
    "RepliesDomain": "reply.larkfield.example",
    "LogLevel": "ERROR",
    "SmsSenderId": "Larkfield",
}
SECRETS: Mapping[str, Mapping[str, object]] = {
    "StripeSecret": {"webhook_secrets": ["whsec_local"], "api_key": "sk_test_local"},
    "QuickBooksSecret": {"client_id": "local-client", "client_secret": "local-secret", "webhook_keys": ["local-quickbooks"]},
    "QuickBooksTokens": {"grants": [{"accounts": ["1111111111"], "secret": "dunning/quickbooks/local"}]},
    "XeroSecret": {"client_id": "local-client", "client_secret": "local-secret", "webhook_keys": ["local-xero"]},
    "XeroTokens": {"grants": [{"accounts": ["11111111-1111-1111-1111-111111111111"], "secret": "dunning/xero/local"}]},
    "LinkSecret": {"key": "local-key-of-the-links-in-mails"},
}
GRANTS: Mapping[str, Mapping[str, object]] = {
    "dunning/quickbooks/local": {"accounts": ["1111111111"], "refresh_token": "local-refresh"},
    "dunning/xero/local": {"accounts": ["11111111-1111-1111-1111-111111111111"], "refresh_token": "local-refresh"},
}
"""What `dunning connect` would have made."""

_STACK = "dunning"
_NOT_MOTOS = {**OURS, **WITHOUT_EFFECT}
_accounts = itertools.count(100_000_000_001)


def deploy(template: Path, clock: Callable[[], datetime]) -> Stack:
    """Deploy a SAM template. Raises Rejected for a parameter without a value, and for a resource that nothing here knows."""
    translation = translate(template, PARAMETERS, REGION)
    account = str(next(_accounts))
    kept_back = {
        name: _physical_id(account, name, resource) for name, resource in translation.resources.items() if resource["Type"] in _NOT_MOTOS
    }
    for name, content in GRANTS.items():
        _create_secret(account, name, content)
    referring = {name: mapping(resource) for name, resource in mapping(replace_references(translation.resources, kept_back)).items()}
    deployed = _create(account, translation.rest, referring, kept_back)
    CuredBackend.adopt(dynamodb_backends[account][REGION], clock)
    return read_stack(account, REGION, deployed, translation.code_folders)


def undeploy(stack: Stack) -> None:
    """Forget what the account holds."""
    for backends in (dynamodb_backends, secretsmanager_backends, sqs_backends):
        backends.pop(stack.account, None)


def _physical_id(account: str, logical_id: str, resource: Json) -> str:
    name = f"{_STACK}-{logical_id}"
    if resource["Type"] != "AWS::SecretsManager::Secret":
        return name
    return _create_secret(account, name, SECRETS.get(logical_id, {}))


def _create_secret(account: str, name: str, content: Mapping[str, object]) -> str:
    secrets = secretsmanager_backends[account][REGION]
    created = secrets.create_secret(name, json.dumps(content), None, None, None, None, None, [], force_overwrite=False)
    return text(json.loads(created)["ARN"])


def _create(account: str, rest: Json, resources: Mapping[str, Json], kept_back: Mapping[str, str]) -> list[Resource]:
    moto_cures.without_rest_apis()
    from moto.cloudformation.models import cloudformation_backends
    from moto.cloudformation.parsing import clean_json, get_model_map

    given = {name: _for_moto(resource) for name, resource in resources.items() if name not in kept_back}
    unknown = {f"{name} ({resource['Type']})" for name, resource in given.items() if resource["Type"] not in get_model_map()}
    if unknown:
        raise Rejected(
            f"moto cannot deploy {', '.join(sorted(unknown))}: say in infra/local/translation.py what the local cloud does instead"
        )
    parameters = {name: value for name, value in PARAMETERS.items() if name in mapping(rest.get("Parameters"))}
    stack = cloudformation_backends[account][REGION].create_stack(_STACK, json.dumps({**rest, "Resources": given}), parameters)
    known = stack.resource_map

    def deployed() -> Iterator[Resource]:
        for name, resource in resources.items():
            condition = text(resource.get("Condition"))
            if resource["Type"] in WITHOUT_EFFECT or (condition and not known.lazy_condition_map[condition]):
                continue
            physical_id = kept_back[name] if name in kept_back else clean_json({"Ref": name}, known)
            yield Resource(name, text(resource["Type"]), text(physical_id), mapping(clean_json(resource.get("Properties", {}), known)))

    return list(deployed())


def _for_moto(resource: Json) -> Json:
    properties = mapping(resource.get("Properties"))
    match resource["Type"]:
        case "AWS::Lambda::Function":
            # the code is imported from the working tree; moto only keeps the configuration
            properties = {key: value for key, value in properties.items() if key != "Layers"} | {"Code": {"ZipFile": "-"}}
        case "AWS::Lambda::EventSourceMapping":
            # moto would take the messages from the queue itself
            properties = properties | {"Enabled": False}
    return {**resource, "Properties": properties}
