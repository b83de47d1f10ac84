"""The command `dunning redrive`: on AWS with the operator's own credentials, or in a running local cloud."""

from collections.abc import Sequence
from typing import cast

from infra.deployed_stack import platform_of
from infra.reaching import ask_local_cloud
from infra.redrive import Redriven, Redriver


def redrive_stack(stack: str, *, drop_unreadable: bool) -> list[Redriven]:
    """Redrive a deployed stack. Raises Rejected when there is none of that name within reach."""
    with platform_of(stack) as platform:
        cloudformation = platform.session.client("cloudformation")

        def physical_id(logical_id: str) -> str:
            found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
            return str(found["StackResourceDetail"]["PhysicalResourceId"])

        return Redriver(platform, physical_id)(drop_unreadable=drop_unreadable)


def redrive_local(url: str, *, drop_unreadable: bool) -> list[Redriven]:
    """Redrive a running `dunning up`. Raises Rejected when none answers there."""
    rows = cast("list[dict[str, str]]", ask_local_cloud(url, "/_local/redrive" + "?drop_unreadable=yes" * drop_unreadable, b""))
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
        why = letter.reason or "its function failed each time: see the log"
        table.add_row(letter.queue, why, letter.outcome.replace("recorded", "released", 1))
    console.print(table)
    return int(any(letter.outcome.startswith("left") for letter in letters))
