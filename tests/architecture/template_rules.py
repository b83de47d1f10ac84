"""Rules that template.yaml keeps (DESIGN, sections 5 and 9), each a function from the template to what is wrong with it."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from dunning.config import from_env
from dunning.domain.errors import Rejected
from tests.architecture.modules import ROOT

Properties = dict[str, object]
Template = dict[str, object]
TemplateRule = Callable[[Template], Iterator[str]]

# Actions for which AWS knows no resource; nothing else may be allowed on "*".
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "ses:GetAccount", "sns:CheckIfPhoneNumberIsOptedOut"}
GET_SECRET, PUT_SECRET = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
PLACE = "${AWS::Region}:${AWS::AccountId}"
OPTIONAL_ENVIRONMENT = {"POLICIES_DIR"}  # only the local cloud sets it
OWN_ENVIRONMENT = {"RunStepFunction": {"PORTAL_URL"}}  # of those behind the API, it would make the template a circle
NOT_OURS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}


def read_template() -> Template:
    """template.yaml, with intrinsic functions as {"Ref": …} and {"Fn::…": …}."""
    parsed = yaml_parse((ROOT / "template.yaml").read_text())
    return section(json.loads(json.dumps(parsed)))


def section(value: object) -> dict[str, object]:
    """A mapping inside the template; empty when absent."""
    return {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """A list inside the template; a single value is a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def resources(template: Template, kind: str) -> dict[str, Properties]:
    """Properties by logical id of all resources of a type."""
    found = section(template["Resources"])
    return {name: section(section(body).get("Properties")) for name, body in found.items() if section(body).get("Type") == kind}


def functions(template: Template) -> dict[str, Properties]:
    """Functions by logical id, with what Globals give them."""
    shared = section(section(template["Globals"])["Function"])
    return {name: _merged(shared, own) for name, own in resources(template, "AWS::Serverless::Function").items()}


def _merged(shared: Properties, own: Properties) -> Properties:
    result = deepcopy(shared)
    for key, value in own.items():
        below = result.get(key)
        result[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def target(value: object) -> str:
    """The logical id that a Ref, a GetAtt or the start of a Sub points to; a literal is itself."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return str(listed(value["Fn::GetAtt"])[0]).split(".")[0]
        if "Fn::Sub" in value:
            found = re.match(r"\$\{(\w+)(\.\w+)?\}", str(value["Fn::Sub"]))
            return found[1] if found else str(value["Fn::Sub"])
    return str(value)


def statements(role: Properties) -> Iterator[Properties]:
    """All statements of a role's inline policies."""
    for policy in listed(role.get("Policies")):
        for statement in listed(section(section(policy).get("PolicyDocument")).get("Statement")):
            yield section(statement)


def role_of(template: Template, function: Properties) -> Properties:
    """The role of a function."""
    return resources(template, "AWS::IAM::Role").get(target(function.get("Role")), {})


def event_sources(function: Properties, kind: str) -> Iterator[Properties]:
    """Properties of a function's events of one type."""
    for event in section(function.get("Events")).values():
        if section(event).get("Type") == kind:
            yield section(section(event).get("Properties"))


def every_function_has_its_own_role(template: Template) -> Iterator[str]:
    """No two functions may do the same things only because they share a role."""
    roles = resources(template, "AWS::IAM::Role")
    used = [target(function.get("Role")) for function in functions(template).values()]
    for name, function in functions(template).items():
        role = target(function.get("Role"))
        if role not in roles:
            yield f"{name} has no role of its own"
        elif used.count(role) > 1:
            yield f"{name} shares {role}"
        elif roles[role].get("ManagedPolicyArns"):
            yield f"{role} uses managed policies, which allow more than is needed"


def roles_allow_single_actions_on_named_resources(template: Template) -> Iterator[str]:
    """No wildcard in an action; no "*" as a resource, unless AWS knows none."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            actions = [str(action) for action in listed(statement.get("Action"))]
            yield from (f"{name}: {action}" for action in actions if "*" in action)
            if "*" in listed(statement.get("Resource")) and not set(actions) <= WITHOUT_RESOURCE:
                yield f"{name}: {', '.join(actions)} on every resource"
            if "NotAction" in statement:
                yield f"{name}: NotAction"
            if "NotResource" in statement and actions != ["sns:Publish"]:
                yield f"{name}: NotResource is only for text messages"


def a_publisher_reaches_only_its_own_topics(template: Template) -> Iterator[str]:
    """Text messages have no ARN, so what is allowed beside the team's topics must exclude every topic."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            if "sns:Publish" not in listed(statement.get("Action")):
                continue
            excluded = statement.get("NotResource")
            if excluded is not None and section(excluded).get("Fn::Sub") != "arn:${AWS::Partition}:sns:*:*:*":
                yield f"{name} could publish to topics"


def mail_comes_only_from_our_own_address(template: Template) -> Iterator[str]:
    """ses:SendEmail is bound to the configured sender."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            condition = section(section(statement.get("Condition")).get("StringEquals"))
            if "ses:SendEmail" in listed(statement.get("Action")) and target(condition.get("ses:FromAddress")) != "EmailFrom":
                yield f"{name} could send as anybody"


def only_a_person_makes_a_secret(template: Template) -> Iterator[str]:
    """Functions read secrets, and write only the tokens that they renew; `dunning connect` makes and deletes, with a person's rights."""
    written = {"QuickBooksTokens", "XeroTokens"}
    written |= {
        f"arn:${{AWS::Partition}}:secretsmanager:{PLACE}:secret:${{AWS::StackName}}/{source}/*" for source in ("quickbooks", "xero")
    }
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            asked = {str(action) for action in listed(statement.get("Action"))}
            more = {action for action in asked if action.startswith("secretsmanager:")} - {GET_SECRET, PUT_SECRET}
            yield from (f"{name}: {action}" for action in sorted(more))
            if PUT_SECRET in asked:
                yield from (
                    f"{name} could write {resource}"
                    for resource in map(target, listed(statement.get("Resource")))
                    if resource not in written
                )


def every_function_has_its_own_log_group(template: Template) -> Iterator[str]:
    """A log group per function, with an end to what it keeps, that only this function may write to."""
    groups = resources(template, "AWS::Logs::LogGroup")
    used = [target(section(function.get("LoggingConfig")).get("LogGroup")) for function in functions(template).values()]
    for name, function in functions(template).items():
        group = target(section(function.get("LoggingConfig")).get("LogGroup"))
        if group not in groups or used.count(group) > 1:
            yield f"{name} has no log group of its own"
        elif "RetentionInDays" not in groups[group]:
            yield f"{group} keeps logs for ever"
        for statement in statements(role_of(template, function)):
            if "logs:PutLogEvents" in listed(statement.get("Action")) and target(statement.get("Resource")) != group:
                yield f"{name} may write to another log group"


def every_function_is_traced_and_runs_on_arm64(template: Template) -> Iterator[str]:
    """As Globals say; no function may opt out."""
    for name, function in functions(template).items():
        if function.get("Tracing") != "Active":
            yield f"{name} is not traced"
        if function.get("Architectures") != ["arm64"] or function.get("Runtime") != "python3.13":
            yield f"{name} does not run python3.13 on arm64"


def every_function_has_a_dead_letter_queue(template: Template) -> Iterator[str]:
    """What fails for good is kept: by the queue the function reads, or by the function's own; schedules have one for delivery too."""
    queues = resources(template, "AWS::SQS::Queue")
    for name, function in functions(template).items():
        own = target(section(function.get("DeadLetterQueue")).get("TargetArn"))
        read = [queues.get(target(event.get("Queue")), {}) for event in event_sources(function, "SQS")]
        streams = list(event_sources(function, "DynamoDB"))
        if own not in queues and not read and not streams:
            yield f"{name} loses what fails"
        if any(target(section(queue.get("RedrivePolicy")).get("deadLetterTargetArn")) not in queues for queue in read):
            yield f"{name} reads a queue without a dead-letter queue"
        for stream in streams:
            on_failure = section(section(stream.get("DestinationConfig")).get("OnFailure"))
            if target(on_failure.get("Destination")) not in queues:
                yield f"{name} loses what it cannot take from a stream"
        for schedule in event_sources(function, "Schedule"):
            if own not in queues or target(section(schedule.get("DeadLetterConfig")).get("Arn")) not in queues:
                yield f"{name}: a scheduled run that fails is lost"


def a_batch_reports_which_messages_failed(template: Template) -> Iterator[str]:
    """One bad message must not bring back the whole batch."""
    for name, function in functions(template).items():
        for event in event_sources(function, "SQS"):
            if event.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield f"{name} fails whole batches"


def messages_stay_hidden_while_they_are_worked_on(template: Template) -> Iterator[str]:
    """AWS asks for a visibility of six times the function's time-out."""
    queues = resources(template, "AWS::SQS::Queue")
    for name, function in functions(template).items():
        for event in event_sources(function, "SQS"):
            queue = target(event.get("Queue"))
            visibility, timeout = queues.get(queue, {}).get("VisibilityTimeout"), function.get("Timeout")
            if not isinstance(visibility, int) or not isinstance(timeout, int) or visibility < 6 * timeout:
                yield f"{queue} shows a message again after {visibility} s, but {name} may take {timeout} s"


def everything_at_rest_is_encrypted(template: Template) -> Iterator[str]:
    """Queues and tables hold customers' names."""
    for name, queue in resources(template, "AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
    for name, table in resources(template, "AWS::DynamoDB::Table").items():
        if section(table.get("SSESpecification")).get("SSEEnabled") is not True:
            yield f"{name} is not encrypted"


def data_survives_the_stack(template: Template) -> Iterator[str]:
    """Deleting the stack by mistake deletes no case and no secret."""
    for name, body in section(template["Resources"]).items():
        keeps = section(body)
        if keeps.get("Type") in {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}:
            yield from (f"{name} has no {policy}" for policy in ("DeletionPolicy", "UpdateReplacePolicy") if keeps.get(policy) != "Retain")
    for name, table in resources(template, "AWS::DynamoDB::Table").items():
        if section(table.get("PointInTimeRecoverySpecification")).get("PointInTimeRecoveryEnabled") is not True:
            yield f"{name} cannot be restored"


def the_http_api_is_throttled_and_logged(template: Template) -> Iterator[str]:
    """Anybody can call it."""
    for name, api in resources(template, "AWS::Serverless::HttpApi").items():
        routes = section(api.get("DefaultRouteSettings"))
        if not routes.get("ThrottlingRateLimit") or not routes.get("ThrottlingBurstLimit"):
            yield f"{name} is not throttled"
        if "DestinationArn" not in section(api.get("AccessLogSettings")):
            yield f"{name} keeps no access log"


def the_environment_is_what_config_reads(template: Template) -> Iterator[str]:
    """Every variable that config.py needs is in Globals; nothing else is."""
    shared = section(section(template["Globals"])["Function"])
    given = set(section(section(shared.get("Environment")).get("Variables")))
    read = set(re.findall(r'(?:need|env\.get|env)[(\[]"([A-Z_]+)"', (ROOT / "shared/dunning/config.py").read_text()))
    apart = {name for names in OWN_ENVIRONMENT.values() for name in names}
    yield from (f"{name} is read but not given" for name in sorted(read - given - apart - OPTIONAL_ENVIRONMENT))
    yield from (f"{name} is given but never read" for name in sorted(given - read - NOT_OURS))
    sample = dict.fromkeys(given, "x") | {"DUE_SHARDS": "8", "TEAM_TOPICS": '{"collections": "x"}'}
    sample |= {"WRITE_BACK": "stripe:off", "WRITE_BACK_QUEUES": '{"stripe": "x"}', "TEAM_LOCALE": "de-AT", "DEFAULT_LOCALE": "de-AT"}
    try:
        from_env(sample)
    except Rejected as error:
        yield str(error)
    for name, function in resources(template, "AWS::Serverless::Function").items():
        own = set(section(section(function.get("Environment")).get("Variables")))
        if own != OWN_ENVIRONMENT.get(name, set()):
            yield f"{name} has an environment of its own"


def every_function_has_its_folder(template: Template) -> Iterator[str]:
    """RunStepFunction is functions/run_step/app.py, and every folder is deployed."""
    deployed = {str(function.get("CodeUri")).strip("/"): name for name, function in functions(template).items()}
    folders = {path.parent.relative_to(ROOT).as_posix() for path in Path(ROOT / "functions").glob("*/app.py")}
    for folder, name in deployed.items():
        words = Path(folder).name.split("_")
        if name != "".join(word.capitalize() for word in words) + "Function":
            yield f"{name} is not named after {folder}"
    yield from (f"{folder} has no app.py" for folder in sorted(set(deployed) - folders))
    yield from (f"{folder} is not in the template" for folder in sorted(folders - set(deployed)))


TEMPLATE_RULES: tuple[TemplateRule, ...] = (
    every_function_has_its_own_role,
    roles_allow_single_actions_on_named_resources,
    a_publisher_reaches_only_its_own_topics,
    mail_comes_only_from_our_own_address,
    only_a_person_makes_a_secret,
    every_function_has_its_own_log_group,
    every_function_is_traced_and_runs_on_arm64,
    every_function_has_a_dead_letter_queue,
    a_batch_reports_which_messages_failed,
    messages_stay_hidden_while_they_are_worked_on,
    everything_at_rest_is_encrypted,
    data_survives_the_stack,
    the_http_api_is_throttled_and_logged,
    the_environment_is_what_config_reads,
    every_function_has_its_folder,
)
