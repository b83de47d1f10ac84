"""From a template to what the local cloud runs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent, indent

import pytest

from dunning.domain.errors import Rejected
from infra.local.cloud import LocalCloud
from tests.integration.local_cloud.conftest import START, SmallStack


def deploy(directory: Path, resources: str, parameters: str = "") -> LocalCloud:
    template = directory / "template.yaml"
    head = "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\n"
    template.write_text(head + parameters + "Resources:\n" + indent(dedent(resources), "  "))
    return LocalCloud(START, outer_env={}, template=template)


def test_a_resource_that_nothing_here_knows_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"Pages \(AWS::Amplify::App\)"):
        deploy(tmp_path, "  Pages: {Type: AWS::Amplify::App, Properties: {Name: x}}\n")


def test_a_parameter_without_a_value_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="Unheard"):
        deploy(tmp_path, "  Topic: {Type: AWS::SNS::Topic}\n", "Parameters:\n  Unheard: {Type: String}\n")


def test_a_schedule_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    function = """\
      Tick:
        Type: AWS::Serverless::Function
        Properties:
          Runtime: python3.13
          Handler: app.handler
          CodeUri: f/
          Events: {At: {Type: Schedule, Properties: {Schedule: "cron(0 0 L * ? *)"}}}
    """
    with pytest.raises(Rejected, match="day of month"):
        deploy(tmp_path, function)


def test_functions_see_references_resolved_also_to_what_moto_was_not_given(stack: SmallStack) -> None:
    secret = stack.call("secretsmanager", "get_secret_value", SecretId=stack.env["SECRET_ID"])
    assert json.loads(secret["SecretString"]) == {"webhook_secrets": ["whsec_local"], "api_key": "sk_test_local"}
    assert stack.env["TABLE_NAME"] in stack.cloud.session().client("dynamodb").list_tables()["TableNames"]


def test_the_products_template_deploys_whole() -> None:
    cloud = LocalCloud(datetime(2026, 3, 2, tzinfo=UTC), outer_env={})
    assert cloud.request("POST", "/webhooks/stripe", "", {}, b"{}").status == 400  # its own answer: the signature is missing
    assert cloud.advance_to(datetime(2026, 3, 2, 0, 30, tzinfo=UTC)) == 3
    assert cloud.dead_letters() == []
    cloud.close()


def test_providers_are_where_the_outer_environment_says_else_at_the_sandbox() -> None:
    template = Path(__file__).parent / "stack" / "template.yaml"
    outer = {"STRIPE_API_BASE": "https://stripe.example", "XERO_API_BASE": "", "HOME": "/nowhere"}
    cloud = LocalCloud(START, outer_env=outer, sandbox_base="http://127.0.0.1:1", template=template)
    env = json.loads(cloud.request("POST", "/call", "", {"Content-Type": "application/json"}, b'{"calls": []}').body)["env"]
    assert env["STRIPE_API_BASE"] == "https://stripe.example"
    assert env["XERO_API_BASE"] == "http://127.0.0.1:1"
    assert env["QUICKBOOKS_TOKEN_URL"] == "http://127.0.0.1:1/oauth2/v1/tokens/bearer"
    assert "HOME" not in env
    cloud.close()


POLICY = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
minimum_balance: {default: "0.01"}
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: TEMPLATE
"""


def test_a_policy_is_replaced_in_this_cloud_only(stack: SmallStack) -> None:
    directory = Path(stack.env["POLICIES_DIR"])
    before = (directory / "standard.yaml").read_text()
    stack.cloud.put_policy("standard", POLICY.replace("TEMPLATE", "friendly"))
    assert (directory / "standard.yaml").read_text() != before
    other = LocalCloud(START, outer_env={}, template=Path(__file__).parent / "stack" / "template.yaml")
    env = json.loads(other.request("POST", "/call", "", {"Content-Type": "application/json"}, b'{"calls": []}').body)["env"]
    assert (Path(env["POLICIES_DIR"]) / "standard.yaml").read_text() == before
    other.close()


def test_a_policy_that_does_not_load_changes_nothing(stack: SmallStack) -> None:
    policy = Path(stack.env["POLICIES_DIR"]) / "standard.yaml"
    before = policy.read_text()
    with pytest.raises(Rejected, match="no_such_template"):
        stack.cloud.put_policy("standard", POLICY.replace("TEMPLATE", "no_such_template"))
    assert policy.read_text() == before


def test_a_folder_of_policies_that_does_not_load_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "standard.yaml").write_text(POLICY.replace("TEMPLATE", "no_such_template"))
    with pytest.raises(Rejected, match="no_such_template"):
        LocalCloud(START, outer_env={}, policies_dir=tmp_path)
