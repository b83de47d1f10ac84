"""What customers and teams read: the right facts, in every twin, whatever the data holds."""

import re
import shlex
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.content.books import page_in_the_books
from dunning.content.rendering import TemplateRenderer
from dunning.content.templates import TEMPLATES, template_names
from dunning.domain.activity import ActivityType
from dunning.domain.charging import NO_LATE_FEE
from dunning.domain.errors import Permanent
from dunning.domain.history import PastEvent
from dunning.workflow.ports import MessageContent, MessageInvoice

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€")

RENDERER = TemplateRenderer("Northwind Studio", "accounts@northwind.example")
EMAILS = ("friendly", "second_notice", "thank_you", "upcoming")
REMINDERS = ("friendly", "second_notice", "upcoming")
INVOICE = MessageInvoice(
    id="in_1",
    number="INV-1042",
    currency="USD",
    amount_due=120000,
    total=120000,
    due_date=date(2026, 3, 2),
    days_overdue=7,
    payment_url="https://invoice.stripe.com/i/acct_1/live_x?s=ap&t=1",
    reminders_sent=1,
)
YEN = replace(INVOICE, id="in_2", number="INV-7", currency="JPY", amount_due=12000, total=50000, due_date=None, payment_url=None)
PAST = (
    PastEvent(date(2026, 3, 9), ActivityType.SENT, "email", "first"),
    PastEvent(date(2026, 3, 10), ActivityType.OPENED, "email", "first"),
    PastEvent(date(2026, 3, 11), ActivityType.FEE_DECLINED, None, "second", ("INV-7",), 'by Ada\n"the boss"'),
)


def about(*invoices: MessageInvoice, name: str | None = "Ada Lovelace", locale: str | None = None) -> MessageContent:
    return MessageContent(customer="stripe:cus_1", customer_name=name, locale=locale, invoices=invoices, step="first")


class Page(HTMLParser):
    """The text and links of an HTML mail, and the tags that were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self._text: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self._text.append(data)

    @property
    def text(self) -> str:
        assert self._open == []
        return " ".join(" ".join(self._text).split())


def test_every_shipped_mail_and_sms_can_be_named_in_a_policy() -> None:
    assert template_names().email == set(EMAILS)
    assert template_names().sms == {"friendly", "second_notice", "upcoming"}


@pytest.mark.parametrize("template", REMINDERS)
def test_a_reminder_states_its_facts_in_both_twins(template: str) -> None:
    mail = RENDERER.email(template, about(INVOICE))
    page = Page(mail.html)
    for fact in ("Dear Ada Lovelace,", "INV-1042", "$1,200.00", "2 March 2026", "Northwind Studio", "accounts@northwind.example"):
        assert fact in page.text
        assert fact in mail.text
    assert "Days overdue 7" in page.text
    assert re.search(r"^Days overdue:\s+7$", mail.text, re.MULTILINE)
    assert INVOICE.payment_url in page.links
    assert str(INVOICE.payment_url) in mail.text
    assert "INV-1042" in mail.subject


@pytest.mark.parametrize("template", REMINDERS)
def test_without_a_payment_page_there_is_no_button_and_no_empty_link(template: str) -> None:
    mail = RENDERER.email(template, about(replace(INVOICE, payment_url=None)))
    assert Page(mail.html).links == ["mailto:accounts@northwind.example"]
    assert "Pay online" not in mail.text
    assert "None" not in mail.text + mail.html


@pytest.mark.parametrize(
    ("name", "shown"), [("株式会社青空", "stripe:cus_1"), ("Æther Ö", "Æther Ö"), ("مؤسسة", "stripe:cus_1"), (None, "stripe:cus_1")]
)
def test_a_notice_about_a_customer_whose_name_no_subject_can_show_has_the_id_there(name: str | None, shown: str) -> None:
    subject, text = RENDERER.team("escalation", about(INVOICE, name=name))
    assert subject.startswith(f"Take over: {shown}, ")
    assert (name or "stripe:cus_1") in text


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    mail = RENDERER.email("friendly", about(replace(INVOICE, payment_url="javascript:alert(1)")))
    assert "javascript" not in mail.html + mail.text


@pytest.mark.parametrize("template", EMAILS)
def test_several_invoices_are_rows_and_currencies_are_never_added_up(template: str) -> None:
    mail = RENDERER.email(template, about(INVOICE, YEN))
    page = Page(mail.html)
    yen = "¥50,000" if template == "thank_you" else "¥12,000"
    for fact in ("INV-1042", "$1,200.00", "INV-7", yen):
        assert fact in page.text
        assert fact in mail.text


def test_a_partly_paid_invoice_shows_what_is_left_of_what() -> None:
    mail = RENDERER.email("friendly", about(replace(INVOICE, amount_due=30000)))
    assert "Amount due $300.00 Of a total of $1,200.00" in Page(mail.html).text
    assert re.search(r"Amount due:\s+\$300.00\nOf a total of:\s+\$1,200.00\n", mail.text)


def test_a_mail_sent_before_the_due_date_does_not_speak_of_delay() -> None:
    early = about(replace(INVOICE, days_overdue=-3, reminders_sent=0))
    for template in EMAILS:
        mail = RENDERER.email(template, early)
        assert "overdue" not in (mail.subject + mail.text + mail.html).lower()
        assert "was due" not in mail.subject + mail.text + mail.html


def test_one_day_overdue_is_a_day() -> None:
    mail = RENDERER.email("second_notice", about(replace(INVOICE, days_overdue=1)))
    assert mail.subject == "Second notice: invoice INV-1042 is 1 day overdue"
    assert "unpaid 1 day after its due date" in mail.text


def test_the_second_notice_warns_of_late_fees() -> None:
    mail = RENDERER.email("second_notice", about(INVOICE))
    assert "late fees" in mail.text
    assert "late fees" in Page(mail.html).text
    assert "Late fees" in RENDERER.sms("second_notice", about(INVOICE))


def test_a_second_notice_mentions_an_earlier_letter_only_if_there_was_one() -> None:
    first_contact = replace(INVOICE, reminders_sent=0)
    assert "written to you before" in RENDERER.email("second_notice", about(INVOICE)).text
    assert "before" not in RENDERER.email("second_notice", about(first_contact)).text


def test_thanks_ask_for_nothing() -> None:
    mail = RENDERER.email("thank_you", about(replace(INVOICE, amount_due=0, days_overdue=0)))
    assert mail.subject == "Thank you: invoice INV-1042 is paid"
    assert Page(mail.html).links == ["mailto:accounts@northwind.example"]
    assert "$0.00" not in mail.text + mail.html
    assert "$1,200.00" in mail.text


def test_a_customer_without_a_name_is_greeted_all_the_same() -> None:
    mail = RENDERER.email("friendly", about(INVOICE, name=None))
    assert mail.text.startswith("Hello,\n")
    assert "Hello," in Page(mail.html).text


@pytest.mark.parametrize("name", ["{{7*7}}", "{% for x in y %}", "<script>alert(1)</script>", '"><img src=x>', "{{ company.__class__ }}"])
@pytest.mark.parametrize("template", EMAILS)
def test_a_hostile_name_is_shown_as_text(template: str, name: str) -> None:
    mail = RENDERER.email(template, about(replace(INVOICE, number=name), name=name))
    page = Page(mail.html)
    assert f"Dear {name}," in mail.text
    assert f"Dear {name}," in page.text
    assert not {"script", "img"} & set(page.tags)


@pytest.mark.parametrize("template", EMAILS)
def test_no_line_break_gets_into_a_subject_or_makes_a_line_of_its_own(template: str) -> None:
    crlf = "INV\r\nBcc: victim@example.com"
    mail = RENDERER.email(template, about(replace(INVOICE, number=crlf), name="Ada\r\nBcc: victim@example.com"))
    assert len(mail.subject.splitlines()) == 1
    assert not any(line.startswith("Bcc") for line in mail.text.splitlines())


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["USD", "EUR", "JPY", "KWD", "XXX"]), st.integers(-1000, 10**12))
def test_any_name_number_and_amount_make_a_whole_message(name: str, number: str, currency: str, amount: int) -> None:
    invoice = replace(INVOICE, number=number, currency=currency, amount_due=amount)
    for template in EMAILS:
        mail = RENDERER.email(template, about(invoice, name=name))
        assert len(mail.subject.splitlines()) == 1
        assert Page(mail.html).tags[0] == "html"
    assert len(RENDERER.sms("second_notice", about(invoice, name=name)).splitlines()) == 1
    assert len(RENDERER.team("escalation", about(invoice, name=name))[0].splitlines()) == 1


@pytest.mark.parametrize("template", ["friendly", "second_notice"])
@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "JPY", "KWD"])
def test_an_sms_fits_one_message_and_says_who_what_and_where(template: str, currency: str) -> None:
    short_link = replace(INVOICE, currency=currency, payment_url="https://pay.example/i/4f9Q2x")
    text = RENDERER.sms(template, about(short_link))
    assert set(text) <= GSM_7 | GSM_7_EXTENDED
    assert len(text) + sum(char in GSM_7_EXTENDED for char in text) <= 160
    assert text.startswith("Northwind Studio: ")
    assert "INV-1042" in text
    assert "https://pay.example/i/4f9Q2x" in text


def test_an_sms_without_a_payment_page_asks_politely() -> None:
    text = RENDERER.sms("second_notice", about(replace(INVOICE, payment_url=None)))
    assert text == "Northwind Studio: invoice INV-1042 for $1,200.00 is 7 days overdue. Late fees may apply. Please pay now."


def test_the_team_learns_who_owes_what_for_how_long_and_what_was_sent() -> None:
    content = replace(about(INVOICE, YEN), history=PAST)
    subject, text = RENDERER.team("escalation", content)
    assert subject == "Take over: Ada Lovelace, 2 invoices, up to 7 days overdue"
    for fact in ("stripe:cus_1", "USD 1,200.00", "JPY 12,000 of JPY 50,000", "2 March 2026", "In all:        JPY 12,000; USD 1,200.00"):
        assert fact in text
    assert "- 9 March 2026: reminder sent (mail), step first\n- 10 March 2026: mail opened, step first\n" in text
    assert '- 11 March 2026: late fee waived, step second, INV-7: by Ada "the boss"\n' in text


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_the_team_is_told_why_the_customer_got_nothing_with_the_hand_over(language: str) -> None:
    renderer = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=language)
    content = about(INVOICE)
    told, plain = (renderer.team("escalation", replace(content, reason=reason))[1] for reason in ("nothing was sent: too much", None))
    first, second, *_ = told.split("\n\n")
    assert (second, plain.split("\n\n")[0]) == ("nothing was sent: too much", first)
    assert told.replace("nothing was sent: too much\n\n", "") == plain


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "- 9 March 2026: no late fee, step fee: the amount is disputed\n"),
        ("de", "- 9. März 2026: keine Verzugskosten, Schritt fee: the amount is disputed\n"),
        ("fr", ": pas de frais de retard, étape fee: the amount is disputed\n"),
        ("es", ": sin recargo, paso fee: the amount is disputed\n"),
    ],
)
def test_a_fee_that_the_rules_refuse_is_no_message_that_was_not_sent(language: str, line: str) -> None:
    refused = PastEvent(date(2026, 3, 9), ActivityType.SUPPRESSED, step="fee", reason=f"{NO_LATE_FEE}the amount is disputed")
    renderer = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=language)
    text = renderer.team("escalation", replace(about(INVOICE), history=(refused,)))[1]
    assert line in text


def test_the_team_can_act_from_where_it_reads() -> None:
    hostile = replace(INVOICE, id="a b; rm -rf $HOME", number="N-1")
    text = RENDERER.team("escalation", replace(about(hostile), customer="manual:O'Brien", answered_on=date(2026, 3, 9)))[1]
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("  dunning ")]
    assert [command[1:3] for command in commands] == [
        ["explain", "manual:O'Brien"],
        ["case", "manual:O'Brien"],
        ["case", "manual:O'Brien"],
        ["case", "manual:O'Brien"],
        ["paid", "N-1"],
    ]
    assert commands[1][5:] == ["promise", "a b; rm -rf $HOME", "--until", "YYYY-MM-DD"]
    assert "In the books" not in text


@pytest.mark.parametrize(
    ("customer", "invoice_id", "page"),
    [
        ("stripe:cus_1", "in_1", "https://dashboard.stripe.com/invoices/in_1"),
        ("quickbooks:1111:5", "145", "https://app.qbo.intuit.com/app/invoice?txnId=145"),
        ("xero:t:c", "x-1", "https://go.xero.com/AccountsReceivable/View.aspx?InvoiceID=x-1"),
        ("stripe:cus_1", "in 1&x=/../", "https://dashboard.stripe.com/invoices/in%201%26x%3D%2F..%2F"),
        ("manual:1", "N-1", None),
    ],
)
def test_an_invoice_has_its_page_in_the_books(customer: str, invoice_id: str, page: str | None) -> None:
    assert page_in_the_books(customer, invoice_id) == page


def test_a_team_notice_without_a_history_does_not_pretend_to_have_one() -> None:
    subject, text = RENDERER.team("escalation", about(INVOICE, name=None))
    assert subject == "Take over: stripe:cus_1, USD 1,200.00, 7 days overdue"
    assert "What was done" not in text


@pytest.mark.parametrize("locale", [None, "", "en", "en-GB", "en_US", "nl-BE", "../..", "xx"])
def test_a_locale_without_templates_is_answered_in_english(locale: str | None) -> None:
    assert RENDERER.email("friendly", about(INVOICE, locale=locale)).subject.startswith("Reminder:")


def test_a_translated_template_is_used_and_the_rest_stays_english(tmp_path: Path) -> None:
    for part in TEMPLATES.rglob("*.j2"):
        copy = tmp_path / part.relative_to(TEMPLATES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(part.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "nl" / "email").mkdir(parents=True)
    for ending, text in (("subject.txt", "Herinnering"), ("txt", "Goedendag"), ("html", "<p>Goedendag</p>")):
        (tmp_path / "nl" / "email" / f"friendly.{ending}.j2").write_text(text, encoding="utf-8")
    renderer = TemplateRenderer("Northwind Studio", "accounts@northwind.example", tmp_path)
    assert renderer.email("friendly", about(INVOICE, locale="nl-BE")).subject == "Herinnering"
    assert renderer.email("upcoming", about(INVOICE, locale="nl-BE")).subject == "Invoice INV-1042 is due on 2 March 2026"


def test_a_mail_is_in_one_language_even_when_a_part_of_it_is_not_translated(tmp_path: Path) -> None:
    (tmp_path / "en" / "email").mkdir(parents=True)
    (tmp_path / "nl" / "email").mkdir(parents=True)
    for ending in ("subject.txt", "txt", "html"):
        (tmp_path / "en" / "email" / f"hello.{ending}.j2").write_text("Hello", encoding="utf-8")
    (tmp_path / "nl" / "email" / "hello.html.j2").write_text("Hallo", encoding="utf-8")
    mail = TemplateRenderer("Northwind Studio", "accounts@northwind.example", tmp_path).email("hello", about(INVOICE, locale="nl"))
    assert (mail.subject, mail.text, mail.html) == ("Hello", "Hello\n", "Hello\n")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{{ amount_owed }}", "'amount_owed' is undefined"),
        ("{{ invoice.amount }}", "has no attribute 'amount'"),
        ("{{ invoice.__class__.__mro__ }}", "SecurityError"),
        ("{{ invoices.clear() }}", "SecurityError"),
        ("{% if %}", "TemplateSyntaxError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_template_that_fails_is_named(tmp_path: Path, body: str, problem: str) -> None:
    folder = tmp_path / "en" / "sms"
    folder.mkdir(parents=True)
    (folder / "broken.txt.j2").write_text(body, encoding="utf-8")
    with pytest.raises(Permanent) as failed:
        TemplateRenderer("Northwind", "a@b.example", tmp_path).sms("broken", about(INVOICE))
    assert 'sms template "broken" fails' in str(failed.value)
    assert problem in str(failed.value)


@pytest.mark.parametrize("name", ["missing", "_layout", "../email/friendly", "a/b", ""])
def test_a_template_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(Permanent) as failed:
        RENDERER.email(name, about(INVOICE))
    assert f'email template "{name}"' in str(failed.value)


def test_a_message_about_nothing_is_not_rendered() -> None:
    with pytest.raises(Permanent, match="no invoice to write about"):
        RENDERER.email("friendly", about())


@pytest.mark.parametrize("template", EMAILS)
def test_a_mail_needs_nothing_from_elsewhere_and_knows_the_dark(template: str) -> None:
    page_source = RENDERER.email(template, about(INVOICE)).html
    page = Page(page_source)
    assert not {"img", "link", "script", "iframe", "form"} & set(page.tags)
    assert "prefers-color-scheme: dark" in page_source
    assert "max-width:600px" in page_source
    assert "@import" not in page_source


@pytest.mark.parametrize("template", REMINDERS)
def test_under_several_invoices_stands_what_is_due_in_each_currency(template: str) -> None:
    more = replace(INVOICE, id="in_3", number="INV-9", amount_due=34_56, credit=10_00)
    mail = RENDERER.email(template, about(INVOICE, YEN, more))
    for text in (mail.text, Page(mail.html).text):
        for fact in ("Total JPY", "Total USD", "$1,234.56", "¥12,000", "-$10.00"):
            assert fact in text
    alone = RENDERER.email(template, about(INVOICE, more))
    assert "Total USD" not in alone.text
    assert "$1,234.56" in alone.text
    assert "Total" not in RENDERER.email(template, about(INVOICE)).text
