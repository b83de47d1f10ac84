"""What a file tells beside the debt chooses policies, hand-overs, fees and readers, as a provider's record of a customer does."""

from datetime import UTC, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.activity import ActivityType
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.workflow.import_invoices import Imported, ImportInvoices
from infra.customer_columns import columns_changed, settings_named
from infra.importing import ImportReport, print_report, report_of
from infra.invoice_file import read_invoices
from tests.fakes.deployment import FakeDeployment
from tests.unit.workflow.plan import said

DAY = timedelta(days=1)
NEEDED = "customer_id,invoice_number,currency,amount,due_on,email"
ROW = "anna,R-1,GBP,1200.00,2026-03-31,anna@example.com"
STANDARD = """
name: standard
steps: [{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}]
"""
KEY_ACCOUNTS = """
name: key_accounts
applies_to: {if: "'key account' in tags or 'fair' in tags", priority: 10}
steps:
  - {id: gentle, at: {after_due: 2d, time: "09:00"}, email: {template: friendly, to: [manager], cc: [owner], sender: owner}}
  - id: hand_over
    at: {after_previous: 1d, time: "09:00"}
    escalate: {team: collections, if: "'vip' in tags"}
    late_fee: {basis: statutory_uk, rates: {2025-12-18: "3.75"}, mode: propose}
"""


def world_with(*policies: str) -> FakeDeployment:
    found = [load_policy(text, "policy.yaml", frozenset({"collections"}), named_like_file=False) for text in policies]
    return FakeDeployment(PolicyBook.of({policy.name: policy for policy in found}))


@pytest.fixture
def world() -> FakeDeployment:
    """A plan for all, and a gentler one for key accounts and for what was sold at a fair."""
    return world_with(STANDARD, KEY_ACCOUNTS)


def imported(world: FakeDeployment, columns: str, *cells: str) -> Imported:
    """Import one invoice of Anna's, due on 31 March 2026, with further columns."""
    text = f"{NEEDED},{columns}\n{','.join((ROW, *cells))}" if columns else f"{NEEDED}\n{ROW}"
    file = read_invoices(text.encode(), "book.csv", world.clock())
    return ImportInvoices(world.record, world.open_index)([row.snapshot for row in file.all_good()], named=settings_named(file.columns))


def settings_of(world: FakeDeployment) -> CustomerSettings | None:
    return world.profile("manual:anna").contact.settings


def test_tags_contacts_and_being_a_business_count_in_the_whole_plan(world: FakeDeployment) -> None:
    columns = "tags,customer_tags,is_business,owner,contact_manager"
    cells = ("fair", "VIP; Key account", "yes", "Jane Doe <jane@ours.example>", '"Bo Lee <bo@anna.example>; cfo@anna.example"')
    assert imported(world, columns, *cells).new == ("R-1",)
    assert world.invoice("manual:anna", "R-1").policy == "key_accounts"
    world.run_until(datetime(2026, 4, 10, tzinfo=UTC))
    (mail,) = world.email.sent
    assert mail.to == ("bo@anna.example", "cfo@anna.example")
    assert (mail.addressing.cc, mail.addressing.sender) == (("jane@ours.example",), "Jane Doe")
    assert "escalated hand_over" in said(world.log("manual:anna"))
    (fee,) = [activity for activity in world.log("manual:anna") if activity.type is ActivityType.FEE_PROPOSED]
    # 1,200.00 x 11.75 % x 3 / 365 = 1.1589, and GBP 70.00 by law
    assert (fee.reason or "").startswith("GBP 71.16")


@pytest.mark.parametrize(("column", "cell"), [("is_business", "no"), ("is_business", ""), ("customer_tags", "wholesale")])
def test_without_them_it_is_another_plan_or_no_fee(world: FakeDeployment, column: str, cell: str) -> None:
    imported(world, f"tags,{column}", "fair" if column == "is_business" else "", cell)
    world.run_until(datetime(2026, 4, 20, tzinfo=UTC))
    assert ActivityType.FEE_PROPOSED not in [activity.type for activity in world.log("manual:anna")]
    assert len(world.email.sent) == 1


def test_an_invoices_own_tags_outlive_the_last_check_and_the_daily_sweep(world: FakeDeployment) -> None:
    imported(world, "tags,subscription", "fair", "yes")
    world.run_until(datetime(2026, 4, 3, tzinfo=UTC))
    invoice = world.invoice("manual:anna", "R-1")
    assert (invoice.tags, invoice.subscription, invoice.last_step) == (("fair",), True, "gentle")


def test_a_tag_that_a_second_file_adds_chooses_the_policy_at_once(world: FakeDeployment) -> None:
    imported(world, "", "")
    assert world.invoice("manual:anna", "R-1").policy == "standard"
    imported(world, "customer_tags", "key account")
    assert world.invoice("manual:anna", "R-1").policy == "key_accounts"
    imported(world, "customer_tags", "")
    assert world.invoice("manual:anna", "R-1").policy == "standard"


def test_what_a_file_has_no_column_for_stays_as_it_is(world: FakeDeployment) -> None:
    columns = "tags,do_not_chase,prefers,owner,contact_manager,contact_billing"
    imported(world, columns, "fair", "yes", "email", "jane@ours.example", "bo@anna.example", "kim@anna.example")
    first = settings_of(world)
    assert imported(world, "", "").unchanged == ("R-1",)
    assert settings_of(world) == first
    imported(world, "contact_manager", "Cy <cy@anna.example>")
    people = (Person("billing", "kim@anna.example"), Person("manager", "cy@anna.example", "Cy"))
    assert settings_of(world) == CustomerSettings(do_not_chase=True, prefers="email", owner="jane@ours.example", people=people)
    imported(world, "do_not_chase,owner,contact_billing", "", "", "")
    assert settings_of(world) == CustomerSettings(prefers="email", people=people[1:])
    assert world.invoice("manual:anna", "R-1").tags == ("fair",)


def test_a_customer_who_is_not_to_be_chased_is_not(world: FakeDeployment) -> None:
    imported(world, "do_not_chase", "true")
    world.run_until(datetime(2026, 5, 1, tzinfo=UTC))
    assert world.email.sent == []


def test_a_mistake_mended_within_a_minute_is_mended(world: FakeDeployment) -> None:
    imported(world, "phone", "+447700900123")
    for phone in ("+447700900124", "+447700900125"):
        world.advance(timedelta(seconds=20))
        imported(world, "phone", phone)
    assert world.profile("manual:anna").contact.phone == "+447700900125"


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("is_business", "perhaps", "'perhaps' is neither yes nor no; write one of them"),
        ("prefers", "fax", "'fax' is no channel; write email or sms"),
        ("owner", "Jane", "'Jane' is no mail address; write anna@example.com or Anna Lee <anna@example.com>"),
        ("owner", "a@ours.example; b@ours.example", "a customer belongs to one person"),
        ("contact_manager", "bo@anna.example; Bo Lee", "'Bo Lee' is no mail address"),
        ("contact_manager", ";".join(f"p{one}@anna.example" for one in range(11)), "more than 10 people"),
        ("tags", "x" * 65, "is longer than 64 characters"),
        ("customer_tags", ";".join(f"t{one}" for one in range(51)), "more than 50 tags"),
    ],
)
def test_a_bad_cell_is_told_with_its_line_its_column_and_the_remedy(column: str, cell: str, told: str) -> None:
    (problem,) = read_invoices(f"{NEEDED},{column}\n{ROW},{cell}".encode(), "book.csv", datetime(2026, 3, 2, tzinfo=UTC)).problems
    assert str(problem).startswith(f"line 2, {column}: ")
    assert told in problem.message


def test_rows_of_one_customer_must_not_disagree_about_the_customer_but_each_invoice_has_its_own_tags() -> None:
    rows = (f"{ROW},fair,vip,yes", f"{ROW.replace('R-1', 'R-2')},web,,", f"{ROW.replace('R-1', 'R-3')},web,loyal,no")
    file = read_invoices(
        "\n".join((f"{NEEDED},tags,customer_tags,is_business", *rows)).encode(), "book.csv", datetime(2026, 3, 2, tzinfo=UTC)
    )
    assert [(row.snapshot.tags, row.snapshot.contact.tags, row.snapshot.contact.is_business) for row in file.rows] == [
        (("fair",), ("vip",), True),
        (("web",), ("vip",), True),
    ]
    assert [(problem.line, problem.column) for problem in file.problems] == [(4, "customer_tags"), (4, "is_business")]


def test_the_same_tags_of_a_customer_in_another_order_and_other_letters_are_no_disagreement() -> None:
    rows = (f"{ROW},a; B", f'{ROW.replace("R-1", "R-2")},"b,A"', f"{ROW.replace('R-1', 'R-3')},a")
    file = read_invoices("\n".join((f"{NEEDED},customer_tags", *rows)).encode(), "book.csv", datetime(2026, 3, 2, tzinfo=UTC))
    assert [row.snapshot.contact.tags for row in file.rows] == [("a", "b"), ("a", "b")]
    assert [(problem.line, problem.column) for problem in file.problems] == [(4, "customer_tags")]


@pytest.mark.parametrize("name", ["contact", "contact_", "contact_Größe", "contact_owner", "customer_tag"])
def test_a_column_that_is_none_of_them_is_refused(name: str) -> None:
    with pytest.raises(Exception, match=f"no column '{name.lower()}' is known"):
        read_invoices(f"{NEEDED},{name}\n{ROW},x".encode(), "book.csv", datetime(2026, 3, 2, tzinfo=UTC))


def test_a_row_that_changes_only_its_customer_counts_as_changed_and_says_what(world: FakeDeployment) -> None:
    imported(world, "do_not_chase,contact_manager", "", "bo@anna.example")
    assert imported(world, "do_not_chase,contact_manager", "", "bo@anna.example").unchanged == ("R-1",)
    done = imported(world, "do_not_chase,contact_manager,customer_tags,country", "yes", "cfo@anna.example", "VIP", "GB")
    assert (done.changed, done.unchanged) == (("R-1",), ())
    (change,) = done.customers
    assert change.customer == "manual:anna"
    assert columns_changed(change.before, change.after) == ("country", "customer_tags", "do_not_chase", "contact_manager")
    again = imported(world, "customer_tags", "vip")
    assert (again.unchanged, again.customers) == (("R-1",), ())
    world.run_until(datetime(2026, 4, 30, tzinfo=UTC))
    assert world.email.sent == []


def test_what_a_file_changed_of_customers_is_printed_and_travels_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = ImportReport((), ("R-1",), (), (), customers=("anna: do_not_chase, contact_manager",))
    assert print_report(report_of(report.as_json())) == 0
    assert capsys.readouterr().out.splitlines() == [
        "    1 changed    R-1",
        "    1 customer   anna: do_not_chase, contact_manager",
    ]


def test_a_long_outcome_is_indented_and_a_row_that_was_left_out_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tuple(f"2026-01{n:02}" for n in range(12))
    problem = "line 3, customer_id: 'bo:x' holds a colon, which parts the source from the id; write another sign"
    assert print_report(ImportReport(numbers, (), (), (), (problem,))) == 1
    *rows, left_out = capsys.readouterr().out.splitlines()
    assert [row[:18] for row in rows] == ["   12 new        2", f"{'':17}2"]
    assert (rows[-1][-1], left_out) == ("…", f"left out: {problem}")
    print_report(ImportReport((), (), (), (), (problem,)))
    assert capsys.readouterr().out.splitlines()[0] == "nothing was taken"
