"""template.yaml to plain CloudFormation, by AWS's own translator, and what of it moto is not given."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from dunning.domain.errors import Rejected
from infra.local.json_edges import Json, mapping, text

# Kept from moto because it cannot deploy them; the local cloud does itself what they are for.
OURS = {
    "AWS::ApiGatewayV2::Api": "its routes are read from the OpenAPI body",
    "AWS::Events::EventBus": "the stand-in for EventBridge keeps it",
    "AWS::SES::ReceiptRule": "whatever mail comes in is published to its topic",
    "AWS::SES::ConfigurationSet": "the stand-in for SES keeps it",
    "AWS::SES::ConfigurationSetEventDestination": "the stand-in for SES reports to it",
    "AWS::SNS::Subscription": "the stand-in for SNS delivers by it",
    "AWS::SecretsManager::Secret": "created in moto's Secrets Manager by itself, with the local secrets",
}
# Kept from moto because it cannot deploy them; nothing here would take notice of them.
WITHOUT_EFFECT = {
    "AWS::ApiGatewayV2::Stage": "no throttling, no access log",
    "AWS::CloudWatch::Alarm": "nobody to wake",
    "AWS::Lambda::LayerVersion": "the package is imported from the working tree",
    "AWS::SES::ReceiptRuleSet": "there is one rule",
    "AWS::SNS::TopicPolicy": "every service may publish",
    "AWS::SQS::QueuePolicy": "every service may send",
}
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(\.[A-Za-z0-9.]+)?\}")
_FUNCTION = "AWS::Serverless::Function"
_CODE = "s3://local/not-uploaded"


@dataclass(frozen=True, slots=True)
class Translation:
    """A template as plain CloudFormation, and where each function's code lies, by logical id."""

    resources: Mapping[str, Json]
    rest: Json
    code_folders: Mapping[str, Path]


def translate(path: Path, parameters: Mapping[str, str], region: str) -> Translation:
    """Translate a SAM template; the same file is translated once per process.

    `parameters` are values for those that it declares. Raises Rejected when it is no template, or a parameter has no value.
    """
    return copy.deepcopy(_translated(path, path.stat().st_mtime_ns, tuple(sorted(parameters.items())), region))


@cache
def _translated(path: Path, _modified: int, parameters: tuple[tuple[str, str], ...], region: str) -> Translation:
    template = mapping(yaml_parse(path.read_text(encoding="utf-8")))
    resources = {name: mapping(resource) for name, resource in mapping(template.get("Resources")).items()}
    if not resources:
        raise Rejected(f"{path}: no Resources: this is no template")
    declared = mapping(template.get("Parameters"))
    values = {name: value for name, value in parameters if name in declared}
    missing = [name for name, about in declared.items() if "Default" not in mapping(about) and name not in values]
    if missing:
        raise Rejected(f"{path.name}: no local value for {', '.join(missing)}: add it to PARAMETERS in infra/local/deployment.py")
    folders = _code_folders(template, resources, path.parent)
    for resource in resources.values():
        properties = resource.get("Properties")
        if isinstance(properties, dict):
            properties.update({source: _CODE for source in ("CodeUri", "ContentUri") if source in properties})
    translated = mapping(Translator({}, Parser(), None, boto3.Session(region_name=region)).translate(template, parameter_values=values))
    plain = {name: mapping(resource) for name, resource in mapping(translated.pop("Resources")).items()}
    return Translation(plain, {**translated, "Outputs": {}}, folders)


def _code_folders(template: Json, resources: Mapping[str, Json], root: Path) -> dict[str, Path]:
    default = mapping(mapping(template.get("Globals")).get("Function")).get("CodeUri")
    functions = {name: mapping(resource.get("Properties")) for name, resource in resources.items() if resource.get("Type") == _FUNCTION}
    return {name: root / text(properties.get("CodeUri", default)) for name, properties in functions.items()}


def replace_references(node: object, physical: Mapping[str, str]) -> object:
    """The template with every reference to one of these logical ids replaced by its physical id."""
    if isinstance(node, list):
        return [replace_references(item, physical) for item in node]
    if not isinstance(node, dict):
        return node
    if (target := text(node.get("Ref"))) in physical:
        return physical[target]
    attribute = node.get("Fn::GetAtt")
    if isinstance(attribute, list) and attribute[0] in physical:
        return physical[attribute[0]]
    if "Fn::Sub" in node:
        return {"Fn::Sub": _replace_in_sub(node["Fn::Sub"], physical)}
    return {key: replace_references(value, physical) for key, value in node.items()}


def _replace_in_sub(sub: object, physical: Mapping[str, str]) -> object:
    if isinstance(sub, list):
        return [_replace_in_sub(sub[0], physical), replace_references(sub[1], physical)]
    return _REFERENCE.sub(lambda match: physical.get(match[1], match[0]), text(sub))
