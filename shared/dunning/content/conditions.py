"""Conditions of steps: expressions of the sandboxed template language over a closed list of facts.

`amount_due` is in major units of the invoice's currency, as an exact Decimal (120.50, never 12050). The template engine costs tens
of milliseconds to import, so it is imported when a condition is first checked or evaluated, not when a policy is loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Permanent, Rejected
from dunning.domain.policy import Facts

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_CHARACTERS = 500

EXAMPLE: Facts = {
    "amount_due": Decimal("100.00"),
    "currency": "USD",
    "days_overdue": 7,
    "level": 1,
    "reminders_sent": 1,
    "replied": False,
    "opened": False,
    "promise_broken": False,
    "country": "US",
    "tags": ("vip",),
    "source": "stripe",
    "is_business": True,
}
FACTS = frozenset(EXAMPLE)

_CONSTRUCTS = frozenset(
    [
        "Name",
        "Const",
        "List",
        "Tuple",
        "Compare",
        "Operand",
        "And",
        "Or",
        "Not",
        "Neg",
        "Pos",
        "Add",
        "Sub",
        "Div",
        "FloorDiv",
        "Filter",
        "Test",
        "CondExpr",
        "Keyword",
    ]
)
_FILTERS = frozenset(["lower", "upper", "trim", "length", "count", "abs", "int", "round", "default", "d", "first", "last"])


@dataclass(frozen=True)
class Expression:
    """One condition as written; calling it with the facts answers whether the step may run. Equal when the text is."""

    text: str

    def check(self) -> None:
        """Compile, and try on an example. Raises Rejected saying what is wrong and what to write instead."""
        try:
            self._evaluate(EXAMPLE)
        except Rejected:
            raise
        except Exception as error:
            raise Rejected(f"{self.text!r} cannot be evaluated: {error}") from error

    def __call__(self, facts: Facts) -> bool:
        """Whether the condition holds. Raises Permanent when it cannot be evaluated on these facts."""
        try:
            return self._evaluate(facts)
        except Exception as error:
            raise Permanent(f"condition {self.text!r} cannot be evaluated: {error}: mend the policy") from error

    @cached_property
    def _evaluate(self) -> Callable[[Facts], bool]:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        _refuse_foreign_constructs(self.text)
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        compiled = environment.compile_expression(self.text, undefined_to_none=False)
        return lambda facts: bool(compiled(**facts))


def _refuse_foreign_constructs(text: str) -> None:
    """Only comparisons and simple arithmetic: what can neither run for ever nor eat the memory (no call, no power, no repetition)."""
    from jinja2 import Environment, TemplateSyntaxError
    from jinja2.parser import Parser

    if len(text) > MAX_CHARACTERS:
        raise Rejected(f"{len(text)} characters: a condition may have {MAX_CHARACTERS}")
    try:
        parser = Parser(Environment(autoescape=True), text, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise Rejected(f"{text!r} should end before {parser.stream.current.value!r}: is an operator missing?")
        _refuse_foreign_nodes(tree)
    except TemplateSyntaxError as error:
        raise Rejected(f"{text!r} is not a condition: {error.message}") from error
    except RecursionError as error:
        raise Rejected("too deeply nested: write it with fewer brackets") from error


def _refuse_foreign_nodes(tree: "nodes.Node") -> None:
    from jinja2 import nodes

    for node in (tree, *tree.find_all(nodes.Node)):
        kind = type(node).__name__
        if isinstance(node, nodes.Name) and node.name not in FACTS:
            raise Rejected(f'there is no "{node.name}"{did_you_mean(node.name, FACTS)}')
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise Rejected(f'the filter "{node.name}" may not be used{did_you_mean(node.name, _FILTERS)}')
        if kind not in _CONSTRUCTS:
            raise Rejected(f'"{kind.lower()}" may not be used: write comparisons of facts, joined by and, or, not, in')
