"""Compiling a condition with the template engine, after refusing all that a condition does not need.

What is left can neither run for ever nor eat the memory: no call, no attribute, no power, no repetition. A decimal fraction in a
condition is an exact Decimal, as amounts are: 120.10 is not a little less than itself.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.environment import TemplateExpression
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected

MAX_CHARACTERS = 500

_CONSTRUCTS = (
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg,
    nodes.Pos, nodes.Add, nodes.Sub, nodes.Div, nodes.FloorDiv, nodes.Filter, nodes.Test, nodes.CondExpr, nodes.Keyword,
)  # fmt: skip
_FILTERS = frozenset({"lower", "upper", "trim", "length", "count", "abs", "int", "round", "default", "d", "first", "last"})


def compiled(text: str, known: frozenset[str]) -> Callable[[Mapping[str, object]], bool]:
    """The condition as a function of the known facts. Raises Rejected with what to write instead."""
    if len(text) > MAX_CHARACTERS:
        raise Rejected(f"{len(text)} characters: a condition may have {MAX_CHARACTERS}")
    try:
        return _compiled(text, known)
    except TemplateSyntaxError as error:
        raise Rejected(f"{text!r} is not a condition: {error.message}") from error
    except RecursionError as error:
        raise Rejected("too deeply nested: write it with fewer brackets") from error


def _compiled(text: str, known: frozenset[str]) -> Callable[[Mapping[str, object]], bool]:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    parser = Parser(environment, text, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise Rejected(f"{text!r} should end before {parser.stream.current.value!r}: is an operator missing?")
    for node in (tree, *tree.find_all(nodes.Node)):
        _refuse_foreign(node, known)
    exact = _ExactFractions()
    result = nodes.Assign(nodes.Name("result", "store"), exact.visit(tree), lineno=1)
    evaluate = TemplateExpression(environment.from_string(nodes.Template([result], lineno=1)), undefined_to_none=False)
    return lambda facts: bool(evaluate({**facts, **exact.fractions}))


def is_question(text: str, questions: frozenset[str]) -> bool:
    """Whether a condition that compiles is answered by yes or no; `questions` are the facts that are."""
    return _is_question(Parser(ImmutableSandboxedEnvironment(), text, state="variable").parse_expression(), questions)


def _is_question(node: nodes.Node | None, questions: frozenset[str]) -> bool:
    match node:
        case nodes.Compare() | nodes.Not() | nodes.Test():
            return True
        case nodes.Const(value=value):
            return isinstance(value, bool)
        case nodes.Name(name=name):
            return name in questions
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            return _is_question(left, questions) and _is_question(right, questions)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _is_question(first, questions) and _is_question(second, questions)
        case nodes.Filter(name="default" | "d", node=filtered):
            return _is_question(filtered, questions)
        case _:
            return False


def _refuse_foreign(node: nodes.Node, known: frozenset[str]) -> None:
    if isinstance(node, nodes.Name) and node.name not in known:
        raise Rejected(f'there is no "{node.name}"{did_you_mean(node.name, known)}')
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise Rejected(f'the filter "{node.name}" may not be used{did_you_mean(node.name, _FILTERS)}')
    if not isinstance(node, _CONSTRUCTS):
        raise Rejected(f'"{type(node).__name__.lower()}" may not be used: write comparisons of facts, joined by and, or, not, in')


class _ExactFractions(NodeTransformer):
    """Puts a name in the place of each decimal fraction, and keeps what it stands for."""

    def __init__(self) -> None:
        self.fractions: dict[str, Decimal] = {}

    def visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        """The node, or the name in its place."""
        if not (isinstance(node, nodes.Const) and isinstance(node.value, float)):
            return self.generic_visit(node, *args, **kwargs)
        name = f"fraction_{len(self.fractions)}"
        self.fractions[name] = Decimal(str(node.value))
        return nodes.Name(name, "load", lineno=node.lineno)
