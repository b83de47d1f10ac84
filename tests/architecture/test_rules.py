"""The project keeps its own rules; and each rule notices when it is broken."""

import pytest

from tests.architecture import rules
from tests.architecture.modules import Module, modules
from tests.architecture.rules import RULES, Rule

HANDLER = "def build(platform): ...\ndef __getattr__(name): ...\n"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule: Rule) -> None:
    broken = [f"{module.path}: {problem}" for module in modules() for problem in rule(module)]
    assert broken == []


def test_every_layer_is_looked_at() -> None:
    seen = {module.name.split(".")[1] for module in modules() if module.name.startswith("dunning.")}
    assert seen >= {"domain", "workflow", "storage", "providers", "channels", "content", "config", "bootstrap"}
    assert {"stripe_webhook", "sync_invoice", "dispatch_due", "run_step", "daily_sweep"} <= {
        module.name.split(".")[1] for module in modules() if module.name.startswith("functions.")
    }


BROKEN: list[tuple[Rule, str, str]] = [
    (rules.imports_point_downwards, "shared/dunning/domain/x.py", "from dunning.storage import keys"),
    (rules.imports_point_downwards, "shared/dunning/domain/x.py", "def f():\n    import dunning.config"),
    (rules.imports_point_downwards, "shared/dunning/workflow/x.py", "from dunning.providers.stripe import StripeInvoices"),
    (rules.imports_point_downwards, "shared/dunning/workflow/x.py", "from dunning import channels"),
    (rules.imports_point_downwards, "shared/dunning/storage/x.py", "from dunning.workflow import run_step"),
    (rules.imports_point_downwards, "shared/dunning/storage/x.py", "from dunning.content import rendering"),
    (rules.imports_point_downwards, "shared/dunning/storage/x.py", "from .keys import instant"),
    (rules.imports_point_downwards, "shared/dunning/channels/x.py", "from dunning.bootstrap import Platform"),
    (rules.imports_point_downwards, "shared/dunning/channels/x.py", "from infra.local import clock"),
    (rules.imports_point_downwards, "shared/dunning/bootstrap.py", "from functions.run_step import app"),
    (rules.imports_point_downwards, "shared/dunning/elsewhere/x.py", "from dunning.domain import money"),
    (rules.imports_point_downwards, "functions/run_step/app.py", "from dunning.storage.cases import TableCases"),
    (rules.imports_point_downwards, "functions/run_step/app.py", "from functions.dispatch_due import app"),
    (rules.imports_point_downwards, "infra/cli.py", "from tests.architecture import modules"),
    (rules.the_domain_knows_only_the_standard_library, "shared/dunning/domain/x.py", "import boto3"),
    (rules.the_domain_knows_only_the_standard_library, "shared/dunning/domain/x.py", "from os import environ"),
    (rules.the_domain_knows_only_the_standard_library, "shared/dunning/domain/x.py", "import random"),
    (rules.the_clock_is_an_argument, "shared/dunning/domain/x.py", "from datetime import datetime, UTC\nnow = datetime.now(UTC)"),
    (rules.the_clock_is_an_argument, "shared/dunning/workflow/x.py", "import datetime as d\nimport datetime\nf = datetime.date.today"),
    (rules.the_clock_is_an_argument, "functions/run_step/app.py", "import time\nnow = time.time()"),
    (rules.the_environment_is_read_in_one_place, "shared/dunning/config.py", "import os\nTABLE = os.environ['TABLE_NAME']"),
    (rules.the_environment_is_read_in_one_place, "functions/run_step/app.py", "from os import getenv"),
    (rules.money_is_never_a_float, "shared/dunning/domain/x.py", "fee = 0.015"),
    (rules.money_is_never_a_float, "shared/dunning/domain/x.py", "def pay(amount: float) -> None: ..."),
    (rules.handlers_only_parse_call_and_return, "functions/run_step/app.py", HANDLER + "x = 1\n" * 80),
    (rules.handlers_only_parse_call_and_return, "functions/run_step/app.py", "def handler(event, context): ...\n"),
    (rules.files_are_short, "shared/dunning/domain/x.py", "x = 1\n" * 400),
    (rules.files_are_named_after_what_they_hold, "shared/dunning/domain/utils.py", ""),
    (rules.files_are_named_after_what_they_hold, "shared/dunning/workflow/date_helpers.py", ""),
    (rules.files_are_named_after_what_they_hold, "infra/common/clock.py", ""),
    (rules.the_layer_installs_what_it_imports, "shared/dunning/content/x.py", "import numpy"),
    (rules.the_layer_installs_what_it_imports, "shared/dunning/storage/x.py", "from mypy_boto3_sqs import SQSClient"),
    (rules.heavy_imports_wait_until_they_are_needed, "shared/dunning/bootstrap.py", "from dunning.storage.cases import TableCases"),
    (rules.heavy_imports_wait_until_they_are_needed, "functions/run_step/app.py", "import stripe"),
    (rules.nothing_is_silenced_or_left_open, "infra/x.py", "import y  # type: " + "ignore"),
    (rules.nothing_is_silenced_or_left_open, "infra/x.py", "x = 1  # TO" + "DO later"),
    (rules.nothing_is_silenced_or_left_open, "tests/x.py", "import pytest\n@pytest.mark.xfail\ndef test(): ..."),
    (rules.nothing_is_silenced_or_left_open, "infra/x.py", "def f():\n    raise NotImplementedError"),
]


@pytest.mark.parametrize(
    ("rule", "path", "source"), BROKEN, ids=[f"{rule.__name__}-{number}" for number, (rule, _, _) in enumerate(BROKEN)]
)
def test_a_broken_rule_is_noticed(rule: Rule, path: str, source: str) -> None:
    assert list(rule(Module(path, source))) != []


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


KEPT = [
    ("shared/dunning/domain/x.py", "from datetime import date\nfrom dunning.domain.money import Money\n"),
    ("shared/dunning/workflow/x.py", "from dunning.domain import case\nfrom dunning.workflow.ports import CaseStore\n"),
    (
        "shared/dunning/storage/x.py",
        "import boto3\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mypy_boto3_sqs import SQSClient\n",
    ),
    (
        "shared/dunning/bootstrap.py",
        "import os\nfrom datetime import UTC, datetime\ndef f():\n    import stripe\n    return os.environ, datetime.now(UTC)\n",
    ),
    ("functions/run_step/app.py", "from dunning.bootstrap import Platform\n" + HANDLER),
    ("tests/unit/x.py", "from dunning.storage import keys\nfrom functions.run_step import app\nfrom infra.cli import main\n"),
]


@pytest.mark.parametrize(("path", "source"), KEPT, ids=[path for path, _ in KEPT])
def test_what_is_allowed_passes_every_rule(path: str, source: str) -> None:
    assert [problem for rule in RULES for problem in rule(Module(path, source))] == []
