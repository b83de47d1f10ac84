"""template.yaml keeps the house's rules; and each rule notices when it is broken."""

import re
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from typing import cast

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.architecture import template_rules as rules
from tests.architecture.modules import ROOT
from tests.architecture.template_rules import TEMPLATE_RULES, Properties, Template, TemplateRule, functions, read_template, section

TEMPLATE = read_template()


@pytest.mark.parametrize("rule", TEMPLATE_RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps(rule: TemplateRule) -> None:
    assert list(rule(TEMPLATE)) == []


def test_the_two_wheels_have_the_measures_of_the_design() -> None:
    run_step, dispatch = functions(TEMPLATE)["RunStepFunction"], functions(TEMPLATE)["DispatchDueFunction"]
    assert run_step["Timeout"] == 60
    assert run_step["RecursiveLoop"] == "Allow"
    run_queue = rules.resources(TEMPLATE, "AWS::SQS::Queue")["RunQueue"]
    assert run_queue["VisibilityTimeout"] == 360
    assert section(run_queue["RedrivePolicy"])["maxReceiveCount"] == 5
    assert [schedule["Schedule"] for schedule in rules.event_sources(dispatch, "Schedule")] == ["cron(0/10 * * * ? *)"]


QUEUE_READERS = [
    ("functions.run_step.app", "RunQueue"),
    ("functions.sync_invoice.app", "SyncQueue"),
    ("functions.daily_sweep.app", "SweepQueue"),
    *(("dunning.workflow.write_back", queue) for queue in ("StripeNotes", "QuickBooksNotes", "XeroNotes")),
]


def test_every_queue_that_wakes_a_function_is_among_these() -> None:
    sources = [one for properties in functions(TEMPLATE).values() for one in rules.event_sources(properties, "SQS")]
    assert sorted(str(rules.target(one["Queue"])) for one in sources) == sorted(queue for _, queue in QUEUE_READERS)


@pytest.mark.parametrize(("where", "queue"), QUEUE_READERS)
def test_what_its_function_gives_up_at_the_last_receive_never_reaches_the_queue_s_own_limit(where: str, queue: str) -> None:
    last = int(vars(import_module(where))["LAST_RECEIVES"])
    allowed = section(rules.resources(TEMPLATE, "AWS::SQS::Queue")[queue]["RedrivePolicy"])["maxReceiveCount"]
    assert isinstance(allowed, int)
    assert 1 < last < allowed


def test_the_example_of_a_subscriber_asks_for_what_its_page_says() -> None:
    example = cast("Template", yaml_parse((ROOT / "infra" / "hubspot.yaml").read_text()))
    asked = of(example, "Resources", "Rule", "Properties", "EventPattern")["detail-type"]
    page = (ROOT / "docs" / "events.md").read_text()
    (said,) = [part for part in page.split("\n\n") if part.startswith("`infra/hubspot.yaml`")]
    assert asked == re.findall(r"`(activity\.\w+)`", said)


def of(template: Template, *path: str) -> Properties:
    """The mapping at a path, to be changed in place."""
    found: object = template
    for key in path:
        assert isinstance(found, dict)
        found = found[key]
    assert isinstance(found, dict)
    return found


def properties(template: Template, logical_id: str) -> Properties:
    return of(template, "Resources", logical_id, "Properties")


def grant(template: Template, role: str, **statement: object) -> None:
    policies = properties(template, role)["Policies"]
    assert isinstance(policies, list)
    policies.append({"PolicyDocument": {"Statement": [{"Effect": "Allow", **statement}]}})


BROKEN: list[tuple[TemplateRule, Callable[[Template], object]]] = [
    (rules.every_function_has_its_own_role, lambda t: properties(t, "RunStepFunction").pop("Role")),
    (
        rules.every_function_has_its_own_role,
        lambda t: properties(t, "RunStepFunction").update(Role=properties(t, "DailySweepFunction")["Role"]),
    ),
    (rules.every_function_has_its_own_role, lambda t: properties(t, "RunStepRole").update(ManagedPolicyArns=["arn:aws:iam::aws:policy/x"])),
    (rules.roles_allow_single_actions_on_named_resources, lambda t: grant(t, "RunStepRole", Action="dynamodb:*", Resource="arn:x")),
    (
        rules.only_a_person_makes_a_secret,
        lambda t: grant(t, "RunStepRole", Action="secretsmanager:CreateSecret", Resource={"Ref": "XeroTokens"}),
    ),
    (
        rules.only_a_person_makes_a_secret,
        lambda t: grant(t, "RunStepRole", Action="secretsmanager:PutSecretValue", Resource={"Ref": "XeroSecret"}),
    ),
    (rules.roles_allow_single_actions_on_named_resources, lambda t: grant(t, "RunStepRole", Action=["sqs:SendMessage"], Resource=["*"])),
    (rules.roles_allow_single_actions_on_named_resources, lambda t: grant(t, "RunStepRole", NotAction="iam:PassRole", Resource="arn:x")),
    (rules.roles_allow_single_actions_on_named_resources, lambda t: grant(t, "RunStepRole", Action="sqs:SendMessage", NotResource="arn:x")),
    (
        rules.a_publisher_reaches_only_its_own_topics,
        lambda t: grant(t, "RunStepRole", Action="sns:Publish", NotResource="arn:aws:sns:eu-west-1:1:x"),
    ),
    (rules.mail_comes_only_from_our_own_address, lambda t: grant(t, "RunStepRole", Action="ses:SendEmail", Resource="arn:x")),
    (rules.every_function_has_its_own_log_group, lambda t: properties(t, "RunStepFunction").pop("LoggingConfig")),
    (rules.every_function_has_its_own_log_group, lambda t: properties(t, "RunStepLogs").pop("RetentionInDays")),
    (
        rules.every_function_has_its_own_log_group,
        lambda t: grant(t, "RunStepRole", Action="logs:PutLogEvents", Resource={"Ref": "HttpApiLogs"}),
    ),
    (rules.every_function_is_traced_and_runs_on_arm64, lambda t: of(t, "Globals", "Function").pop("Tracing")),
    (rules.every_function_is_traced_and_runs_on_arm64, lambda t: properties(t, "RunStepFunction").update(Architectures=["x86_64"])),
    (rules.every_function_has_a_dead_letter_queue, lambda t: properties(t, "StripeWebhookFunction").pop("DeadLetterQueue")),
    (rules.every_function_has_a_dead_letter_queue, lambda t: properties(t, "SyncQueue").pop("RedrivePolicy")),
    (
        rules.every_function_has_a_dead_letter_queue,
        lambda t: of(t, "Resources", "DailySweepFunction", "Properties", "Events", "Daily", "Properties").pop("DeadLetterConfig"),
    ),
    (
        rules.every_function_has_a_dead_letter_queue,
        lambda t: of(t, "Resources", "PublishActivityFunction", "Properties", "Events", "Logged", "Properties").pop("DestinationConfig"),
    ),
    (
        rules.a_batch_reports_which_messages_failed,
        lambda t: of(t, "Resources", "RunStepFunction", "Properties", "Events", "Due", "Properties").pop("FunctionResponseTypes"),
    ),
    (rules.messages_stay_hidden_while_they_are_worked_on, lambda t: properties(t, "RunStepFunction").update(Timeout=61)),
    (rules.messages_stay_hidden_while_they_are_worked_on, lambda t: properties(t, "SweepQueue").pop("VisibilityTimeout")),
    (rules.everything_at_rest_is_encrypted, lambda t: properties(t, "RunQueue").pop("SqsManagedSseEnabled")),
    (rules.everything_at_rest_is_encrypted, lambda t: properties(t, "Table").pop("SSESpecification")),
    (rules.data_survives_the_stack, lambda t: of(t, "Resources", "Table").pop("DeletionPolicy")),
    (rules.data_survives_the_stack, lambda t: properties(t, "Table").pop("PointInTimeRecoverySpecification")),
    (rules.the_http_api_is_throttled_and_logged, lambda t: properties(t, "HttpApi").pop("DefaultRouteSettings")),
    (rules.the_http_api_is_throttled_and_logged, lambda t: properties(t, "HttpApi").pop("AccessLogSettings")),
    (rules.the_environment_is_what_config_reads, lambda t: of(t, "Globals", "Function", "Environment", "Variables").pop("TABLE_NAME")),
    (rules.the_environment_is_what_config_reads, lambda t: of(t, "Globals", "Function", "Environment", "Variables").update(UNUSED="x")),
    (rules.the_environment_is_what_config_reads, lambda t: properties(t, "RunStepFunction").update(Environment={"Variables": {}})),
    (rules.every_function_has_its_folder, lambda t: of(t, "Resources").pop("RunStepFunction")),
    (rules.every_function_has_its_folder, lambda t: properties(t, "RunStepFunction").update(CodeUri="functions/step_runner/")),
]


@pytest.mark.parametrize(("rule", "break_it"), BROKEN, ids=[f"{rule.__name__}-{number}" for number, (rule, _) in enumerate(BROKEN)])
def test_a_broken_rule_is_noticed(rule: TemplateRule, break_it: Callable[[Template], object]) -> None:
    broken = deepcopy(TEMPLATE)
    break_it(broken)
    assert set(rule(broken)) - set(rule(TEMPLATE)) != set()


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    assert {rule for rule, _ in BROKEN} == set(TEMPLATE_RULES)
