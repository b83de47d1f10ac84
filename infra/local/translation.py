"""template.yaml to plain CloudFormation, by AWS's own translator, and what of it moto is not given."""

import copy
import re
from collections.abc import Mapping
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
    "AWS::SNS::TopicPolicy": "every service may publish",
    "AWS::SQS::QueuePolicy": "every service may send",
}
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(\.[A-Za-z0-9.]+)?\}")
_CODE = "s3://local/not-uploaded"


def read_template(path: Path) -> Json:
    """The SAM template as written. Raises Rejected when it is no YAML mapping."""
    template = mapping(yaml_parse(path.read_text(encoding="utf-8")))
    if not mapping(template.get("Resources")):
        raise Rejected(f"{path}: no Resources: this is no template")
    return template


@cache
def _translated(path: Path, _modified: int, parameters: tuple[tuple[str, str], ...], region: str) -> Json:
    template = copy.deepcopy(read_template(path))
    for resource in mapping(template["Resources"]).values():
        properties = resource.get("Properties", {}) if isinstance(resource, dict) else {}
        for source in {"CodeUri", "ContentUri"} & set(properties):
            properties[source] = _CODE
    translator = Translator({}, Parser(), None, boto3.Session(region_name=region))
    return mapping(translator.translate(template, parameter_values=dict(parameters)))


def translate(path: Path, parameters: Mapping[str, str], region: str) -> Json:
    """The CloudFormation template. The same file is translated once per process."""
    return copy.deepcopy(_translated(path, path.stat().st_mtime_ns, tuple(sorted(parameters.items())), region))


def code_folders(template: Json, root: Path) -> dict[str, Path]:
    """Where each function's code lies, by logical id."""
    default = mapping(mapping(template.get("Globals")).get("Function")).get("CodeUri")
    folders = {}
    for name, resource in mapping(template["Resources"]).items():
        if mapping(resource).get("Type") == "AWS::Serverless::Function":
            folders[name] = root / text(mapping(mapping(resource).get("Properties")).get("CodeUri", default))
    return folders


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
