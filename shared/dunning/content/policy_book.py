"""All policies of a deployment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dunning.content.policy_features import NOT_YET
from dunning.content.policy_loader import load_policy
from dunning.content.templates import template_names
from dunning.domain.errors import Rejected
from dunning.domain.policy import AppliesTo, Facts, Policy

STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """The loaded policies by name, and the one that new invoices follow. Implements `workflow.ports.Policies`."""

    by_name: Mapping[str, Policy]
    default: Policy

    @classmethod
    def of(cls, policies: Mapping[str, Policy]) -> "PolicyBook":
        """A book of these. Raises Rejected unless one is called `standard`, or there is exactly one; and for equal priorities."""
        default = policies.get(STANDARD)
        if default is None and len(policies) == 1:
            default = next(iter(policies.values()))
        if default is None:
            raise Rejected(f'no policy is called "{STANDARD}" (there are: {", ".join(sorted(policies)) or "none"}): name one so')
        refuse_equal_priorities(policies.values())
        return cls(dict(policies), default)

    @classmethod
    def load(cls, directory: Path, teams: frozenset[str], *, validate: bool = False, not_yet: frozenset[str] = NOT_YET) -> "PolicyBook":
        """Every `*.yaml` of a folder. Raises Rejected with every problem of every file; `validate` and `not_yet` as in `load_policy`."""
        templates = template_names()
        policies: dict[str, Policy] = {}
        problems: list[str] = []
        for path in sorted(directory.glob("*.yaml")):
            try:
                text = _text(path)
                policies[path.stem] = load_policy(text, path.name, teams, validate=validate, templates=templates, not_yet=not_yet)
            except Rejected as error:
                problems.append(str(error))
        if problems:
            raise Rejected("\n".join(problems))
        if not policies:
            raise Rejected(f"{directory}: no policy (*.yaml) here: put {STANDARD}.yaml into it")
        return cls.of(policies)

    def assigned(self, facts: Facts) -> Policy:
        """The policy for an invoice with these facts (`content.conditions.NEW_INVOICE` lists them): of those that say whom
        they are for the first that matches, lowest priority first; else the default. Raises Permanent when a condition fails.
        """
        return next((policy for rule, policy in _by_priority(self.by_name.values()) if rule.condition(facts)), self.default)

    def knows(self, name: str) -> bool:
        """Whether there is a policy of this name."""
        return name in self.by_name

    def digest_to(self) -> tuple[str, ...]:
        """Everybody whom a policy names for the daily digest, each once."""
        return tuple(dict.fromkeys(address for policy in self.by_name.values() for address in policy.digest_to))

    def named(self, name: str | None) -> Policy:
        """The policy by name; the default one when that name is gone."""
        return self.by_name.get(name or "", self.default)

    def with_policy(self, policy: Policy) -> "PolicyBook":
        """The book with one policy put in or replaced."""
        return PolicyBook.of({**self.by_name, policy.name: policy})


def _by_priority(policies: Iterable[Policy]) -> list[tuple[AppliesTo, Policy]]:
    stated = [(policy.applies_to, policy) for policy in policies if policy.applies_to is not None]
    return sorted(stated, key=lambda one: one[0].priority)


def refuse_equal_priorities(policies: Iterable[Policy]) -> None:
    """Raises Rejected when two policies ask to be tried at the same place in the order."""
    found = _by_priority(policies)
    for (rule, policy), (next_rule, other) in pairwise(found):
        if rule.priority == next_rule.priority:
            both = " and ".join(sorted((policy.name, other.name)))
            raise Rejected(f'{both}: field "applies_to.priority": both say {rule.priority}: give each policy its own')


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(f"{path.name}: not UTF-8 text: save it as UTF-8") from error
