"""The project's own Python files as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("shared/dunning", "functions", "infra", "tests")


@dataclass(frozen=True)
class Import:
    """One imported module by its full name; `from a import b` counts as `a.b`, which covers modules and names alike."""

    target: str
    line: int
    inside_function: bool
    only_for_types: bool


@dataclass(frozen=True)
class Module:
    """A file: `path` relative to the project, `name` as Python imports it."""

    path: str
    source: str

    @property
    def name(self) -> str:
        """Dotted name: `dunning.domain.money`, `functions.run_step.app`, `infra.cli`."""
        dotted = self.path.removeprefix("shared/").removesuffix(".py").replace("/", ".")
        return dotted.removesuffix(".__init__")

    @property
    def lines(self) -> int:
        """How long the file is."""
        return len(self.source.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.source, self.path)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports, wherever they stand."""
        return tuple(_imports(self.tree, inside_function=False, only_for_types=False))

    def within(self, *packages: str) -> bool:
        """Whether this module is one of these packages, or inside one."""
        return is_within(self.name, *packages)


def is_within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages, or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def modules() -> tuple[Module, ...]:
    """Every Python file of the project."""
    files = sorted(file for source in SOURCES for file in (ROOT / source).rglob("*.py"))
    return tuple(Module(file.relative_to(ROOT).as_posix(), file.read_text()) for file in files)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _imports(node: ast.AST, *, inside_function: bool, only_for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, inside_function, only_for_types)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield Import(f"{'.' * child.level}{child.module or ''}.{alias.name}", child.lineno, inside_function, only_for_types)
        elif isinstance(child, ast.If) and dotted(child.test).endswith("TYPE_CHECKING"):
            for statement in child.body:
                yield from _imports(ast.Module([statement], []), inside_function=inside_function, only_for_types=True)
            for statement in child.orelse:
                yield from _imports(ast.Module([statement], []), inside_function=inside_function, only_for_types=only_for_types)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(child, inside_function=inside_function or is_function, only_for_types=only_for_types)
