"""The table of template.yaml, made in moto or in DynamoDB Local: parsed from the template, never retyped."""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3

from infra.local.unordered_maps import hand_out_unordered
from tests.architecture.template_rules import read_template, resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "cases"
REGION = "eu-west-1"
_NOT_FOR_CREATION = {"TimeToLiveSpecification", "PointInTimeRecoverySpecification", "DeletionProtectionEnabled", "SSESpecification"}


def create_table(client: "DynamoDBClient", name: str = TABLE) -> str:
    """Create the table that the template describes; answers its name."""
    client.create_table(TableName=name, **_settings())
    return name


@cache
def aws_session() -> boto3.Session:
    """A session with made-up credentials; one for all tests, because loading AWS's models takes longer than most tests.

    Maps within the items of a table come in another order than they were put in, for Amazon's have none.
    """
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    hand_out_unordered(session)
    return session


@cache
def _settings() -> dict[str, Any]:
    properties = resources(read_template(), "AWS::DynamoDB::Table")["Table"]
    settings: dict[str, Any] = {name: value for name, value in properties.items() if name not in _NOT_FOR_CREATION}
    stream = cast("dict[str, Any]", settings["StreamSpecification"])
    settings["StreamSpecification"] = {"StreamEnabled": True, **stream}
    return settings
