"""A stack on AWS, reached with this shell's credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from dunning.bootstrap import Platform
from dunning.domain.errors import Rejected

_ANY_FUNCTION = "RunStepFunction"


@contextmanager
def platform_of(stack: str) -> Iterator[Platform]:
    """What the stack's functions run on: their environment, our credentials. Raises Rejected when AWS refuses, also within."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session = boto3.Session()
        found = session.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=_ANY_FUNCTION)
        name = str(found["StackResourceDetail"]["PhysicalResourceId"])
        env = session.client("lambda").get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
        yield Platform(env, session, lambda: datetime.now(UTC))
    except (ClientError, BotoCoreError) as exc:
        raise Rejected(f"the stack {stack!r} cannot be reached ({exc}): check its name, your credentials and your region") from exc
