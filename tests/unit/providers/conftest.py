"""Secrets Manager on moto, holding one secret."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.unit.providers.secret_shelf import Shelf


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Shelf(boto3.client("secretsmanager", region_name="eu-west-1"))
