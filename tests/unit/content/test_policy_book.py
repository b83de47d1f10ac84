"""The policies of a deployment, and the plan that ships."""

import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import time, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from dunning.config import PACKAGED_POLICIES
from dunning.content.conditions import Expression
from dunning.content.policy_book import PolicyBook
from dunning.domain.errors import Rejected
from dunning.domain.policy import AfterDue, AfterPrevious, Policy, Step, Window

TEAMS = frozenset({"collections"})
BODY = 'steps: [{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}]'


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"{name}.yaml").write_text(f"name: {name}\n{BODY}\n", encoding="utf-8")
    return folder


def test_the_shipped_plan_is_the_founding_briefs() -> None:
    book = PolicyBook.load(PACKAGED_POLICIES, TEAMS, validate=True)
    assert book.default == Policy(
        name="standard",
        timezone="UTC",
        steps=(
            Step(id="first", at=AfterDue(7, time(9)), email="friendly", sms_instead="friendly"),
            Step(
                id="second",
                at=AfterPrevious(timedelta(hours=48)),
                condition=Expression("not replied"),
                condition_text="not replied",
                email="second_notice",
                sms="second_notice",
            ),
            Step(id="escalate", at=AfterPrevious(timedelta(hours=72)), escalate="collections"),
        ),
        send_window={"email": Window(8 * 60, 18 * 60), "sms": Window(8 * 60, 20 * 60)},
        default_minimum="1.00",
        revision=book.default.revision,
    )


def test_what_the_shipped_plan_offers_in_comments_loads_too(tmp_path: Path) -> None:
    text = (PACKAGED_POLICIES / "standard.yaml").read_text(encoding="utf-8")
    for offer in ("on_paid:", "charge_automatically:", "no_due_date:"):
        assert f"\n# {offer}" in text
        text = text.replace(f"\n# {offer}", f"\n{offer}")
    (tmp_path / "standard.yaml").write_text(text, encoding="utf-8")
    policy = PolicyBook.load(tmp_path, TEAMS, validate=True).default
    assert (policy.on_paid_email, policy.remind_charge_automatically, policy.no_due_date_after) == ("thank_you", True, 30)


def test_invoices_follow_the_standard_policy_or_the_only_one(tmp_path: Path) -> None:
    assert PolicyBook.load(write(tmp_path, "gentle"), TEAMS).default.name == "gentle"
    assert PolicyBook.load(write(tmp_path, "standard"), TEAMS).default.name == "standard"


def test_a_policy_that_is_gone_is_replaced_by_the_default(tmp_path: Path) -> None:
    book = PolicyBook.load(write(tmp_path, "gentle", "standard"), TEAMS)
    assert [book.named(name).name for name in ("gentle", "deleted", None)] == ["gentle", "standard", "standard"]


def test_a_policy_can_be_put_in_place_of_another(tmp_path: Path) -> None:
    book = PolicyBook.load(write(tmp_path, "standard"), TEAMS)
    replaced = book.with_policy(Policy(name="standard", timezone="Asia/Tokyo", steps=()))
    assert replaced.default.timezone == "Asia/Tokyo"
    assert book.default.timezone == "UTC"


def test_several_policies_without_a_standard_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r'no policy is called "standard" \(there are: brisk, gentle\)'):
        PolicyBook.load(write(tmp_path, "gentle", "brisk"), TEAMS)


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"no policy \(\*\.yaml\) here"):
        PolicyBook.load(tmp_path, TEAMS)
    with pytest.raises(Rejected, match=r"no policy \(\*\.yaml\) here"):
        PolicyBook.load(tmp_path / "missing", TEAMS)


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "standard")
    (tmp_path / "one.yaml").write_text(f"name: two\n{BODY}", encoding="utf-8")
    (tmp_path / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    with pytest.raises(Rejected) as rejected:
        PolicyBook.load(tmp_path, TEAMS)
    lines = str(rejected.value).split("\n")
    assert [line.partition(":")[0] for line in lines] == ["latin.yaml", "one.yaml"]


def imports_the_template_engine() -> bool:
    PolicyBook.load(PACKAGED_POLICIES, TEAMS)
    return "jinja2" in sys.modules


def test_loading_policies_does_not_import_the_template_engine() -> None:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as fresh_process:
        assert not fresh_process.submit(imports_the_template_engine).result()
