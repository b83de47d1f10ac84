"""The house's rules (DESIGN, sections 3 and 9), each a function from a module to what is wrong with it."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from tests.architecture.modules import ROOT, Module, dotted, is_within

Rule = Callable[[Module], Iterator[str]]

ADAPTERS = ("dunning.storage", "dunning.providers", "dunning.channels", "dunning.content")
# The ports are Protocols and the plain data they speak of: an adapter has to know what it adapts to, and nothing else of workflow.
PORTS = (
    "dunning.workflow.ports",
    "dunning.workflow.mail_ports",
    "dunning.workflow.digest_ports",
    "dunning.workflow.sweep_ports",
    "dunning.workflow.wheel_ports",
    "dunning.workflow.moving_port",
    "dunning.workflow.activity_feed",
    "dunning.workflow.fee_port",
    "dunning.workflow.source_events",
    "dunning.workflow.delivery_news",
)
# What a queue carries is written and read in one file; the handler of the queue reads it there.
MESSAGES = ("dunning.storage.queues",)
LEAVES = ("dunning.identifiers",)
MAY_KNOW: dict[str, tuple[str, ...]] = {
    "dunning.domain": ("dunning.domain",),
    "dunning.identifiers": (),
    "dunning.config": ("dunning.domain",),
    "dunning.workflow": ("dunning.domain", "dunning.workflow", *LEAVES),
    **{adapter: ("dunning.domain", adapter, *PORTS, *LEAVES) for adapter in ADAPTERS},
    "dunning.bootstrap": ("dunning",),
    "functions": ("dunning.domain", "dunning.workflow", "dunning.bootstrap", *MESSAGES),
    "infra": ("dunning", "functions", "infra"),
}
BROUGHT_BY_LAMBDA = {"boto3", "botocore"}
HEAVY = {"stripe", "jinja2", "yaml"}
CLOCKS = {"now", "utcnow", "today"}
WALL_CLOCKS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime"}


def imports_point_downwards(module: Module) -> Iterator[str]:
    """functions → bootstrap → {workflow, storage, providers, channels, content} → domain."""
    owner = max((package for package in MAY_KNOW if module.within(package)), key=len, default=None)
    for found in module.imports:
        if found.target.startswith("."):
            yield f"line {found.line}: write the whole name instead of {found.target}"
        ours = is_within(found.target, "dunning", "functions", "infra", "tests")
        if not ours or module.within("tests"):
            continue
        if owner is None:
            yield f"line {found.line}: this file belongs to no layer; give it one in tests/architecture/rules.py"
        elif not is_within(found.target, *MAY_KNOW[owner]) and not is_within(found.target, module.name):
            yield f"line {found.line}: {owner} may not know {found.target}"


def the_domain_knows_only_the_standard_library(module: Module) -> Iterator[str]:
    """Rules are pure: no AWS, no os, no process."""
    if not module.within("dunning.domain"):
        return
    for found in module.imports:
        top = found.target.split(".")[0]
        if top == "dunning":
            continue
        if top not in sys.stdlib_module_names or top in {"os", "time", "random", "secrets", "uuid", "socket", "subprocess"}:
            yield f"line {found.line}: the domain may not import {top}"


def the_clock_is_an_argument(module: Module) -> Iterator[str]:
    """Only the composition root asks what time it is."""
    if not module.within("dunning", "functions") or module.within("dunning.bootstrap"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            owner = name.rpartition(".")[0].rpartition(".")[2]
            if (node.attr in CLOCKS and owner in {"datetime", "date"}) or name in WALL_CLOCKS:
                yield f"line {node.lineno}: {name} reads the clock; take `now` as an argument"


def the_environment_is_read_in_one_place(module: Module) -> Iterator[str]:
    """config.from_env reads a mapping; only bootstrap hands it the process's own."""
    if not module.within("dunning", "functions") or module.within("dunning.bootstrap"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.environb", "os.getenv", "os.putenv"}:
            yield f"line {node.lineno}: {dotted(node)}"
    for found in module.imports:
        if found.target in {"os.environ", "os.environb", "os.getenv", "os.putenv"}:
            yield f"line {found.line}: {found.target}"


def money_is_never_a_float(module: Module) -> Iterator[str]:
    """No float is made in the domain; durations are timedeltas, amounts are integers or Decimals."""
    if not module.within("dunning.domain"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id == "float":
            yield f"line {node.lineno}: float"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: the float {node.value}"


def handlers_only_parse_call_and_return(module: Module) -> Iterator[str]:
    """A handler fits on a screen or two, and is built from a platform, not while it is imported."""
    if not module.within("functions"):
        return
    if module.lines > 80:
        yield f"{module.lines} lines; a handler has at most 80"
    defined = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)}
    missing = {"build", "__getattr__"} - defined
    if PurePosixPath(module.path).name == "app.py" and missing:
        yield f"does not define {', '.join(sorted(missing))}"


def files_are_short(module: Module) -> Iterator[str]:
    """A file that has grown to 400 lines holds two things."""
    if module.lines >= 400:
        yield f"{module.lines} lines; fewer than 400 please"


def files_are_named_after_what_they_hold(module: Module) -> Iterator[str]:
    """Drawers for everything have no place."""
    for part in PurePosixPath(module.path).with_suffix("").parts:
        if re.search(r"(^|_)(utils?|helpers?|common|misc|managers?)$", part):
            yield f"`{part}` says nothing"


def the_layer_installs_what_it_imports(module: Module) -> Iterator[str]:
    """What runs in Lambda comes from shared/requirements.txt, from the runtime, or from the standard library."""
    if not module.within("dunning", "functions"):
        return
    for found in module.imports:
        top = found.target.split(".")[0]
        if found.only_for_types or top in sys.stdlib_module_names or top in {"dunning", "functions", *BROUGHT_BY_LAMBDA}:
            continue
        if top not in layer_packages():
            yield f"line {found.line}: {top} is not in shared/requirements.txt"


def heavy_imports_wait_until_they_are_needed(module: Module) -> Iterator[str]:
    """The composition root and the handlers load no provider, template engine or adapter at import: each function pays for its own."""
    if not module.within("dunning.bootstrap", "functions"):
        return
    for found in module.imports:
        heavy = found.target.split(".")[0] in HEAVY or (is_within(found.target, *ADAPTERS) and not is_within(found.target, *MESSAGES))
        if heavy and not found.inside_function and not found.only_for_types:
            yield f"line {found.line}: {found.target} at import"


def nothing_is_silenced_or_left_open(module: Module) -> Iterator[str]:
    """No comment that silences a checker, no test that does not run, no promise to do it later."""
    for token in tokenize.generate_tokens(io.StringIO(module.source).readline):
        if token.type == tokenize.COMMENT and re.search(r"type:\s*ignore|noqa|pragma:\s*no cover|\b(TODO|FIXME|XXX)\b", token.string):
            yield f"line {token.start[0]}: {token.string}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)", dotted(node)):
            yield f"line {node.lineno}: {dotted(node)}"
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if dotted(raised) == "NotImplementedError":
                yield f"line {node.lineno}: NotImplementedError"


def layer_packages() -> frozenset[str]:
    """Import names of what shared/requirements.txt lists."""
    import_names = {"pyyaml": "yaml"}
    listed = re.findall(r"^([A-Za-z0-9_-]+)==", (ROOT / "shared/requirements.txt").read_text(), re.MULTILINE)
    return frozenset(import_names.get(name, name.replace("-", "_")) for name in listed)


RULES: tuple[Rule, ...] = (
    imports_point_downwards,
    the_domain_knows_only_the_standard_library,
    the_clock_is_an_argument,
    the_environment_is_read_in_one_place,
    money_is_never_a_float,
    handlers_only_parse_call_and_return,
    files_are_short,
    files_are_named_after_what_they_hold,
    the_layer_installs_what_it_imports,
    heavy_imports_wait_until_they_are_needed,
    nothing_is_silenced_or_left_open,
)
