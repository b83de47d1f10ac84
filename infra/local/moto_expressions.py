"""What has to be different where moto reads update expressions, so that a long one does not cost by its square; written for moto 5.2.

moto parses each update expression two or three times and copies the tree before it changes anything in it; it then goes through the
tree ten times, asks at each node anew what is to be done at which, and counts the clauses below each node, not below the root alone.
"""

import copy
from functools import cache, lru_cache
from typing import Any

from moto.dynamodb.parsing import ast_nodes, expressions, validators

_Node: Any = vars(ast_nodes)["Node"]
_NO_NODE = object()


@cache
def cure_expressions() -> None:
    """Let moto's own classes work so; once for the process."""
    parser: Any = vars(expressions)["UpdateExpressionParser"]
    parser.make = staticmethod(lru_cache(maxsize=256)(parser.make))
    traverser: Any = vars(ast_nodes)["DepthFirstTraverser"]
    traverser.traverse_node_recursively = _traverse
    _Node.__deepcopy__ = _copied
    counter: Any = validators.ActionCountValidator
    counter.traverse = counter.verify_action_counts


def _traverse(self: Any, node: Any, child_id: int = -1) -> Any:
    """As moto does; what is done at which type of node is found out once for each type."""
    processors = vars(self).setdefault("_by_type", {})
    kind = type(node)
    if kind not in processors:
        processors[kind] = _processor(self, kind)
    process = processors[kind]
    if process is _NO_NODE:
        return node
    parent = node.parent
    for place, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, place)
        _traverse(self, child, place)
    if process:
        node = process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def _processor(traverser: Any, kind: type) -> object:
    if not issubclass(kind, _Node):
        return _NO_NODE
    return next((process for known, process in _processors(traverser).items() if issubclass(kind, known)), None)


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
