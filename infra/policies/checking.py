"""`dunning policy check`: whether policies load, and what they then do."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dunning.content.policy_book import refuse_equal_priorities
from dunning.domain.errors import Rejected
from dunning.domain.policy import Policy
from infra.demo.console import console
from infra.policies.reading import read_directory, read_policy
from infra.policies.words import rules_in_words, steps_in_words

REFUSED = 1


def check(paths: Sequence[Path], teams: frozenset[str]) -> int:
    """Print each policy's plan, and on stderr all that is wrong; 1 when one does not load, or two cannot stand together, else 0."""
    screen, status = console(), 0
    files: dict[str, Policy] = {}
    for path in paths:
        try:
            policies = _policies(path, teams)
        except Rejected as error:
            print(error, file=sys.stderr)
            status = REFUSED
            continue
        for policy in policies:
            show(screen, policy, path)
            if not path.is_dir():
                files[policy.name] = policy
                _warn_of_its_name(policy, path)
    try:
        refuse_equal_priorities(files.values())
    except Rejected as error:
        print(error, file=sys.stderr)
        status = REFUSED
    return status


def _warn_of_its_name(policy: Policy, path: Path) -> None:
    """A draft may have any file name; where it is deployed from it must have the policy's."""
    if policy.name != path.stem:
        place = f'{path}: field "name"'
        print(
            f'{place}: warning: "{policy.name}" is not the name of its file: rename it to {policy.name}.yaml before deploying',
            file=sys.stderr,
        )


def _policies(path: Path, teams: frozenset[str]) -> Iterable[Policy]:
    if not path.is_dir():
        return (read_policy(path, teams),)
    book = read_directory(path, teams)
    return [book.by_name[name] for name in sorted(book.by_name)]


def show(screen: Console, policy: Policy, path: Path) -> None:
    """The plan of a policy that loads."""
    screen.print(Text.assemble((policy.name, "bold"), f" loads ({path})"), soft_wrap=True)
    table = Table("step", "when", "what", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for step in steps_in_words(policy):
        table.add_row(Text(f"{step.position} {step.id}"), Text(step.when), Text(step.what))
    screen.print(table)
    rules = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for about, says in rules_in_words(policy):
        rules.add_row(Text(about, style="bright_black"), Text(says))
    screen.print(rules)
    screen.print()
