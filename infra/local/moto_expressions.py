"""What has to be different where moto reads update expressions, so that a long one does not cost by its square; written for moto 5.2.

moto parses each update expression two or three times and copies the tree before it changes anything in it; it then goes through the
tree ten times, asks at each node anew what is to be done at which, and counts the clauses below each node, not below the root alone.
To give a value back as JSON, it copies all that is in it once for each level. And it fails where a condition asks which of a text
and a number is greater; DynamoDB says that neither is.
"""

import base64
import copy
from functools import cache, lru_cache
from typing import Any

from moto.dynamodb import comparisons
from moto.dynamodb.models import dynamo_type
from moto.dynamodb.parsing import ast_nodes, expressions, validators

_Node: Any = vars(ast_nodes)["Node"]
_Traverser: Any = vars(ast_nodes)["DepthFirstTraverser"]
_Value: Any = dynamo_type.DynamoType


@cache
def cure_expressions() -> None:
    """Let moto's own classes work so; once for the process."""
    parser: Any = vars(expressions)["UpdateExpressionParser"]
    parser.make = staticmethod(_parsed(parser.make))
    _Traverser.traverse = _traverse
    _Node.__deepcopy__ = _copied
    counter: Any = validators.ActionCountValidator
    counter.traverse = counter.verify_action_counts
    value: Any = dynamo_type.DynamoType
    value.to_regular_json = _regular
    for name in ("OpLessThan", "OpLessThanOrEqual", "OpGreaterThan", "OpGreaterThanOrEqual"):
        operator: Any = vars(comparisons)[name]
        operator.expr = _false_of_two_types(operator.expr)


class _Ways:
    """Of one class of traverser: which types of node it changes, and so below which of them it has anything to do."""

    def __init__(self, traverser: Any) -> None:
        self._changed = tuple(_processors(traverser))
        self._by_type: dict[type, type | None] = {}
        self._by_types: dict[frozenset[type], bool] = {}
        self.looks_ahead = type(traverser).pre_processing_of_child is not _Traverser.pre_processing_of_child

    def changed(self, kind: type) -> type | None:
        """The type under which the traverser knows what to do at nodes of this one."""
        if kind not in self._by_type:
            self._by_type[kind] = next((known for known in self._changed if issubclass(kind, known)), None)
        return self._by_type[kind]

    def concern(self, kinds: frozenset[type]) -> bool:
        """Whether anything is to be done at nodes of any of these types."""
        found = self._by_types.get(kinds)
        if found is None:
            found = self._by_types[kinds] = any(self.changed(kind) for kind in kinds)
        return found


_ways: dict[type, _Ways] = {}


def _traverse(self: Any, root: Any) -> Any:
    """As moto does; but it goes only where there is something to do."""
    kind = type(self)
    if kind not in _ways:
        _ways[kind] = _Ways(self)
    ways = _ways[kind]
    return _go(ways, _processors(self), self.pre_processing_of_child if ways.looks_ahead else None, root, -1)


def _go(ways: _Ways, processors: Any, look_ahead: Any, node: Any, place: int) -> Any:
    if not ways.concern(_kinds(node)):
        return node
    parent = node.parent
    for at, child in enumerate(node.children or ()):
        if look_ahead:
            look_ahead(node, at)
        if isinstance(child, _Node):
            _go(ways, processors, look_ahead, child, at)
    known = ways.changed(type(node))
    if known:
        node = processors[known](node)
        node.parent = parent
        if parent:
            parent.children[place] = node
            _tell(parent, _kinds(node))
    return node


def _kinds(node: Any) -> frozenset[type]:
    """The types of a node and of those below it: found out once, and told by whoever puts others there."""
    known: frozenset[type] | None = vars(node).get("_kinds")
    if known is None:
        below = (_kinds(child) for child in node.children or () if isinstance(child, _Node))
        known = vars(node)["_kinds"] = frozenset({type(node)}).union(*below)
    return known


def _tell(node: Any, kinds: frozenset[type]) -> None:
    while node and not kinds <= _kinds(node):
        vars(node)["_kinds"] = _kinds(node) | kinds
        node = node.parent


def _parsed(parse: Any) -> Any:
    @lru_cache(maxsize=256)
    def parsed(*expression: object) -> Any:
        tree = parse(*expression)
        _kinds(tree)  # every copy of the tree then knows it
        return tree

    return parsed


def _false_of_two_types(compared: Any) -> Any:
    def expr(self: Any, item: Any) -> bool:
        try:
            return bool(compared(self, item))
        except TypeError:
            return False

    return expr


def _processors(traverser: Any) -> Any:
    return vars(type(traverser))["_processing_map"](traverser)


def _copied(node: Any, memo: dict[int, object]) -> Any:
    """A tree of its own, as deepcopy makes it, but at a tenth of the cost: no node stands in a tree twice."""
    copied = object.__new__(type(node))
    vars(copied).update(vars(node))
    if node.children is not None:
        copied.children = [_copied(child, memo) if isinstance(child, _Node) else copy.deepcopy(child, memo) for child in node.children]
        for child in copied.children:
            if isinstance(child, _Node):
                child.parent = copied
    return copied


def _regular(value: Any) -> dict[str, Any]:
    """A value as DynamoDB's JSON, and nothing of the value itself in it."""
    inner = value.value
    if isinstance(inner, dict):
        inner = {name: each.to_regular_json() if isinstance(each, _Value) else copy.deepcopy(each) for name, each in inner.items()}
    elif isinstance(inner, list):
        inner = [each.to_regular_json() if isinstance(each, _Value) else copy.deepcopy(each) for each in inner]
    elif value.is_binary() and isinstance(inner, str):
        inner = base64.b64decode(inner)
    return {value.type: inner}
