"""The command `dunning redrive`: on AWS with the operator's own credentials, or in a running local cloud."""

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import cast
from urllib.parse import urlsplit

from dunning.domain.errors import Rejected
from infra.deployed_stack import platform_of
from infra.redrive import Redriven, Redriver


def redrive_stack(stack: str) -> list[Redriven]:
    """Redrive a deployed stack. Raises Rejected when there is none of that name within reach."""
    with platform_of(stack) as platform:
        cloudformation = platform.session.client("cloudformation")

        def physical_id(logical_id: str) -> str:
            found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
            return str(found["StackResourceDetail"]["PhysicalResourceId"])

        return Redriver(platform, physical_id)()


def redrive_local(url: str) -> list[Redriven]:
    """Redrive a running `dunning up`. Raises Rejected when none answers there."""
    place = urlsplit(url)
    if place.scheme != "http" or place.hostname not in ("127.0.0.1", "localhost"):
        raise Rejected(f"--url {url!r} is not a local cloud's: it listens on http://127.0.0.1 only")
    try:
        connection = HTTPConnection(place.hostname, place.port or 80, timeout=60)
        connection.request("POST", "/_local/redrive", b"")
        rows = cast("list[dict[str, str]]", json.loads(connection.getresponse().read()))
    except (OSError, HTTPException, ValueError) as exc:
        raise Rejected(f"no local cloud answers at {url}: start one with `dunning up`, or give --stack NAME for AWS") from exc
    return [Redriven(row["queue"], row["reason"], row["outcome"]) for row in rows]


def print_redriven(letters: Sequence[Redriven]) -> int:
    """A table of what became of each; exit status 1 when something had to be left."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not letters:
        console.print("Nothing lies in the dead-letter queues.")
        return 0
    table = Table("queue", "why it was there", "now", title=f"{len(letters)} dead letters", title_justify="left")
    for letter in letters:
        table.add_row(letter.queue, letter.reason or "not said", "released" if letter.outcome == "recorded" else letter.outcome)
    console.print(table)
    return int(any(letter.outcome.startswith("left") for letter in letters))
