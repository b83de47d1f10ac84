"""Makes the AWS calls that a request asks for, and answers what came of each; on /echo it answers its event."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dunning.bootstrap import Handler, Platform


def build(platform: Platform) -> Handler:
    """The handler."""
    make_client: Callable[..., Any] = platform.session.client

    def handle(event: dict[str, object], _context: object) -> object:
        if str(event["rawPath"]).startswith("/echo"):
            return event
        wanted = json.loads(str(event["body"]))
        return {"answers": [call(**one) for one in wanted["calls"]], "env": dict(platform.env)}

    def call(service: str, operation: str, parameters: dict[str, object], swallow: str = "Exception") -> object:
        try:
            answer = getattr(make_client(service), operation)(**parameters)
        except ClientError as error:
            return {"error": error.response["Error"]["Code"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        except BotoCoreError as error:
            return {"error": type(error).__name__}
        except BaseException:
            if swallow == "BaseException":
                return {"error": "swallowed"}
            raise
        answer.pop("ResponseMetadata")
        return json.loads(json.dumps(answer, default=str))

    return handle
