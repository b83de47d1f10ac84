"""Every message in every language that ships, whatever the data holds."""

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.channels.team import sns_subject
from dunning.content.languages import wording_for
from dunning.content.portal_pages import PortalPages
from dunning.content.rendering import TemplateRenderer
from dunning.content.templates import TEMPLATES, language_of
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.digest import Happened, OpenAmount, digest_of
from dunning.domain.history import history_of
from dunning.domain.money import Money
from dunning.workflow.ports import MessageInvoice
from tests.unit.content.test_rendering import EMAILS, GSM_7, GSM_7_EXTENDED, INVOICE, PAST, REMINDERS, RENDERER, YEN, Page, about

LANGUAGES = ("en", "de", "fr", "es")
TRANSLATED = ("de", "fr", "es")
LOCALES = ("en", "en-US", "en-IN", "en-ZA", "de", "de-AT", "de-CH", "fr", "fr-CA", "fr-CH", "es", "es-MX", "es-419")
CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "KWD", "IQD", "XXX")
NAMES = ("Ada Lovelace", "O’Brien & Söhne <GmbH>", "{{ 7*7 }}", "株式会社 東京", "Ünal\r\nBcc: x@example.com", "", "عبد الله")
ENGLISH_WORDS = re.compile(r"\b(invoice|please|amount due|overdue|paid|reminder|dear|regards|thank you|hello)\b", re.IGNORECASE)


def files_of(language: str) -> set[str]:
    return {path.relative_to(TEMPLATES / language).as_posix() for path in (TEMPLATES / language).rglob("*.j2")}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_template_is_translated(language: str) -> None:
    assert files_of(language) == files_of("en")


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_fact_that_english_tells_is_told(language: str) -> None:
    """The same conditions and values, so that no translation tells less or more."""
    for name in sorted(files_of("en") - {"_words.j2", "team/_words.j2"}):
        assert asked(TEMPLATES / language / name) == asked(TEMPLATES / "en" / name), name


def asked(path: Path) -> set[str]:
    """The facts that a template's file speaks of."""
    facts = r"invoice\.\w+|\b(?:customer_name|customer|reminded|history|reason|most_overdue)\b"
    return set(re.findall(facts, path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_every_message_can_be_written_to_anyone_in_any_currency(locale: str, name: str, currency: str) -> None:
    odd = replace(INVOICE, currency=currency, number=name or "INV-1042")
    bare = replace(odd, due_date=None, days_overdue=-3, payment_url=None, total=odd.amount_due * 2, reminders_sent=0)
    for invoices in ((odd,), (bare,), (odd, bare, YEN)):
        content = about(*invoices, name=name or None, locale=locale)
        for template in EMAILS:
            mail = RENDERER.email(template, content)
            assert len(mail.subject.splitlines()) == 1
            assert "None" not in mail.subject + mail.text
            assert Page(mail.html).text
            assert f'<html lang="{locale[:2]}"' in mail.html
            assert not any(line.startswith("Bcc") for line in mail.text.splitlines())
        for template in ("friendly", "second_notice"):
            assert len(RENDERER.sms(template, content).splitlines()) == 1


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("invoices", [(INVOICE,), (INVOICE, YEN), (replace(INVOICE, reminders_sent=0, days_overdue=0, total=1),)])
def test_no_english_is_left_in_a_translation(language: str, invoices: tuple[MessageInvoice, ...]) -> None:
    for link in (INVOICE.payment_url, None):
        content = about(*(replace(one, payment_url=link and "https://pay.example/1") for one in invoices), name=None, locale=language)
        told = [RENDERER.sms(template, content) for template in ("friendly", "second_notice")]
        for template in EMAILS:
            mail = RENDERER.email(template, content)
            told += [mail.subject, mail.text, Page(mail.html).text]
        assert [text for text in told if ENGLISH_WORDS.search(text)] == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("template", REMINDERS)
def test_a_reminder_states_its_facts_in_both_twins(language: str, template: str) -> None:
    mail = RENDERER.email(template, about(replace(INVOICE, currency="EUR", amount_due=30000), locale=language))
    page = Page(mail.html)
    amounts = {"de": ("300,00 €", "1.200,00 €"), "fr": ("300,00 €", "1 200,00 €"), "es": ("300,00 €", "1.200,00 €")}[language]
    day = {"de": "2. März 2026", "fr": "2 mars 2026", "es": "2 de marzo de 2026"}[language]
    for fact in ("Ada Lovelace", "INV-1042", *amounts, day, "Northwind Studio", "accounts@northwind.example"):
        assert fact in page.text
        assert fact in " ".join(mail.text.split())
    assert INVOICE.payment_url in page.links
    assert str(INVOICE.payment_url) in mail.text


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("template", EMAILS)
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x>', "{{ company.__class__ }}"])
def test_a_hostile_name_is_shown_as_text(language: str, template: str, name: str) -> None:
    mail = RENDERER.email(template, about(replace(INVOICE, number=name), name=name, locale=language))
    page = Page(mail.html)
    assert name in page.text
    assert not {"script", "img"} & set(page.tags)


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("template", ["friendly", "second_notice"])
@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "CHF", "JPY", "KWD"])
def test_an_sms_fits_one_message(language: str, template: str, currency: str) -> None:
    for day in (date(2026, 3, 2), date(2026, 8, 12)):
        invoice = replace(INVOICE, currency=currency, due_date=day, payment_url="https://pay.example/i/4f9Q2x")
        text = RENDERER.sms(template, about(invoice, locale=language))
        assert set(text) - GSM_7 - GSM_7_EXTENDED == set()
        assert len(text) + sum(char in GSM_7_EXTENDED for char in text) <= 160
        assert text.startswith("Northwind Studio: ")
        assert "https://pay.example/i/4f9Q2x" in text


def test_a_swiss_amount_in_an_sms_keeps_to_the_letters_of_a_telephone() -> None:
    assert "CHF 1'200.00" in RENDERER.sms("friendly", about(replace(INVOICE, currency="CHF"), locale="de-CH"))


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("en", "Second notice: invoice INV-1042 is 1 day overdue"),
        ("de", "Mahnung: Rechnung INV-1042 ist seit 1 Tag überfällig"),
        ("fr", "Deuxième rappel : la facture INV-1042 a 1 jour de retard"),
        ("es", "Segundo aviso: la factura INV-1042 lleva 1 día de retraso"),
    ],
)
def test_one_day_is_a_day_in_every_language(locale: str, subject: str) -> None:
    assert RENDERER.email("second_notice", about(replace(INVOICE, days_overdue=1), locale=locale)).subject == subject


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_second_notice_mentions_an_earlier_letter_only_if_there_was_one(language: str) -> None:
    for invoices in ((INVOICE,), (INVOICE, YEN)):
        first = about(*(replace(one, reminders_sent=0) for one in invoices), locale=language)
        said, unsaid = RENDERER.email("second_notice", about(*invoices, locale=language)), RENDERER.email("second_notice", first)
        before = re.compile("geschrieben|précédent|déjà écrit|hemos escrito")
        assert before.search(said.text)
        assert before.search(Page(said.html).text)
        assert not before.search(unsaid.text)
        assert not before.search(unsaid.html)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("DE", "de"),
        ("fr-CA", "fr"),
        ("es-419", "es"),
        ("pt-BR", "en"),
        ("", "en"),
        (None, "en"),
        ("_words", "en"),
    ],
)
def test_the_nearest_language_is_chosen(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


@pytest.mark.parametrize(
    ("locale", "language", "amount", "day"),
    [
        ("de", "de", "1.200,50 €", "2. Januar 2026"),
        ("de-AT", "de", "€ 1.200,50", "2. Jänner 2026"),
        ("de-CH", "de", "EUR 1’200.50", "2. Januar 2026"),
        ("fr", "fr", "1 200,50 €", "2 janvier 2026"),
        ("fr-CA", "fr", "1 200,50 €", "2 janvier 2026"),
        ("es", "es", "1.200,50 €", "2 de enero de 2026"),
        ("es-MX", "es", "EUR 1,200.50", "2 de enero de 2026"),
        ("de-XX", "de", "1.200,50 €", "2. Januar 2026"),
        ("de-../../etc", "de", "1.200,50 €", "2. Januar 2026"),
        ("pt-BR", "en", "€1,200.50", "2 January 2026"),
        ("en", "en", "€1,200.50", "2 January 2026"),
        ("en-XX", "en", "€1,200.50", "2 January 2026"),
        ("en-../../etc", "en", "€1,200.50", "2 January 2026"),
        ("en-US", "en", "€1,200.50", "January 2, 2026"),
        ("en_us", "en", "€1,200.50", "January 2, 2026"),
        ("en-GB", "en", "€1,200.50", "2 January 2026"),
        ("en-IN", "en", "€1,200.50", "2 January 2026"),
        ("de", "en", "€1,200.50", "2 January 2026"),
    ],
)
def test_amounts_and_dates_follow_the_customers_own_country(locale: str, language: str, amount: str, day: str) -> None:
    words = wording_for(locale, language)
    assert " ".join(words.money(1200_50, "EUR").split()) == amount
    assert " ".join(words.long_date(date(2026, 1, 2)).split()) == day


@pytest.mark.parametrize(
    ("currency", "minor", "shown"),
    [
        ("JPY", 12000, "12.000 ¥"),
        ("KWD", 1234, "1,234 KWD"),
        ("IQD", 1234, "1,234 IQD"),
        ("XXX", 700, "7,00 XXX"),
        ("USD", -500, "-5,00 $"),
    ],
)
def test_an_amount_has_the_decimals_that_its_currency_has_with_us(currency: str, minor: int, shown: str) -> None:
    assert " ".join(wording_for("de", "de").money(minor, currency).split()) == shown


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "short"),
    [
        ("en-US", "USD", "$1,234,567.50", "Nov 24, 2026"),
        ("en-IN", "INR", "₹12,34,567.50", "24 Nov 2026"),
        ("en-GB", "USD", "US$1,234,567.50", "24 Nov 2026"),
        ("en", "INR", "INR 1,234,567.50", "24 November 2026"),
    ],
)
def test_english_follows_its_country_and_its_dates_cannot_be_misread(locale: str, currency: str, amount: str, short: str) -> None:
    words = wording_for(locale, "en")
    assert " ".join(words.money(1234567_50, currency).split()) == amount
    assert words.short_date(date(2026, 11, 24)) == short


@given(st.integers(-(10**14), 10**14), st.sampled_from(CURRENCIES), st.sampled_from(LOCALES))
def test_no_digit_of_an_amount_is_lost(minor: int, currency: str, locale: str) -> None:
    words = wording_for(locale, locale[:2])
    for shown in (words.money(minor, currency), words.money_with_code(minor, currency)):
        assert int("".join(char for char in shown if char.isdigit())) == abs(Money(minor, currency).minor)
        assert ("-" in shown) == (Decimal(minor) < 0)


@pytest.mark.parametrize(("number", "shown"), [(0, "0 jour"), (1, "1 jour"), (2, "2 jours"), (21, "21 jours")])
def test_french_counts_none_as_one(number: int, shown: str) -> None:
    assert wording_for("fr", "fr").count(number, "jour", "jours") == shown


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        (None, "Zahlungserinnerung: "),
        ("", "Zahlungserinnerung: "),
        ("pt-BR", "Zahlungserinnerung: "),
        ("en", "Reminder: "),
        ("fr", "Rappel"),
    ],
)
def test_who_has_no_language_of_ours_is_written_to_in_the_default_one(locale: str | None, subject: str) -> None:
    renderer = TemplateRenderer("Northwind Studio", "accounts@northwind.example", default_locale="de-AT")
    mail = renderer.email("friendly", about(INVOICE, locale=locale))
    assert mail.subject.startswith(subject)
    assert ("$ 1.200,00" in " ".join(mail.text.split())) == subject.startswith("Zahlung")


def test_a_template_that_is_in_no_wanted_language_is_in_english(tmp_path: Path) -> None:
    for part in ("subject.txt", "txt", "html"):
        (tmp_path / "en" / "email").mkdir(parents=True, exist_ok=True)
        (tmp_path / "en" / "email" / f"own.{part}.j2").write_text("Hello", encoding="utf-8")
    (tmp_path / "de" / "email").mkdir(parents=True)
    mail = TemplateRenderer("Northwind", "a@b.example", tmp_path, default_locale="de").email("own", about(INVOICE, locale="de-AT"))
    assert mail.text == "Hello\n"


@pytest.mark.parametrize(("asked", "language"), [(None, "de"), ("pt-BR, nl;q=0.9", "de"), ("fr-CA, de", "fr"), ("en", "en")])
def test_the_page_is_in_the_readers_language_and_else_in_the_default_one(asked: str | None, language: str) -> None:
    assert PortalPages("Northwind Studio", "de-AT").language_wanted(asked) == language


@pytest.mark.parametrize(("team", "subject"), [("en", "Take over: Ada"), ("de", "Bitte übernehmen: Ada"), ("fr", "À reprendre : Ada")])
def test_our_own_people_read_their_own_language_not_the_customers(team: str, subject: str) -> None:
    renderer = TemplateRenderer("Northwind Studio", "accounts@northwind.example", team_locale=team)
    shown, text = renderer.team("escalation", replace(about(INVOICE, YEN, locale="es"), history=PAST))
    assert shown.startswith(subject)
    for fact in ("stripe:cus_1", "INV-1042", "USD", "JPY", "stripe.com/invoices/in_1", "dunning explain stripe:cus_1 --stack "):
        assert fact in text
    assert {"en": "reminder sent (mail)", "de": "Erinnerung gesendet (Mail)", "fr": "rappel envoyé (courriel)"}[team] in text
    assert "?" not in sns_subject(shown)
    look, why = renderer.team("notice", replace(about(INVOICE, locale="es"), reason="the mail bounced"))
    assert "the mail bounced" in look
    assert "the mail bounced" in why


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ActivityType)
def test_all_that_a_history_may_tell_has_words(language: str, kind: ActivityType) -> None:
    log = [Activity(datetime(2026, 3, 9, tzinfo=UTC), kind, "why", (), "first", None, "email, sms")]
    told = history_of(log, ("in_1",), {}, ZoneInfo("UTC"))
    text = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=language).team(
        "escalation", replace(about(INVOICE), history=told)
    )[1]
    assert all(f"- {wording_for(language, language).long_date(event.on)}: " in text for event in told)


@pytest.mark.parametrize(
    ("team", "subject", "facts"),
    [
        ("en", "Reminders, 2 March 2026: 2 sent, 1 paid, 22 cases for a person", ("EUR 1,200.50", "over 90 days", "31 to 60 days")),
        ("de-AT", "Erinnerungen, 2. März 2026: 2 gesendet, 1 bezahlt, 22 Fälle für einen Menschen", ("über 90 Tage", "noch nicht fällig")),
        (
            "fr",
            "Rappels, 2 mars 2026: 2 envoyés, 1 payée, 22 dossiers pour une personne",
            ("EUR 1 200,50", "plus de 90 jours", "sur 1 facture"),
        ),
        ("es", "Recordatorios, 2 de marzo de 2026: 2 enviados, 1 pagada, 22 casos para una persona", ("EUR 1.200,50", "más de 90 días")),
    ],
)
def test_the_digest_is_in_the_teams_own_language(team: str, subject: str, facts: tuple[str, ...]) -> None:
    day = date(2026, 3, 2)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    happened = [
        Happened("stripe:cus_1", ActivityType.SENT, midnight, ("in_1", "in_2")),
        Happened("stripe:cus_1", ActivityType.PAID, midnight, ("in_3",)),
        *[Happened(f"stripe:cus_{n}", ActivityType.ESCALATED, midnight, ("in_9",)) for n in range(22)],
    ]
    owed = [OpenAmount("EUR", 1200_50, date(2025, 1, 1)), OpenAmount("JPY", 700, None), OpenAmount("JPY", 700, date(2026, 2, 1))]
    renderer = TemplateRenderer("Northwind Studio", "a@b.example", team_locale=team)
    mail = renderer.digest(digest_of(day, happened, owed))
    assert mail.subject == subject
    assert f'<html lang="{team[:2]}"' in mail.html
    text, page = (" ".join(told.split()) for told in (mail.text, Page(mail.html).text))
    for fact in (*facts, "stripe:cus_21", "in_9"):
        assert fact in text
        assert fact in page or fact[0].upper() + fact[1:] in page
    nothing = renderer.digest(digest_of(day, (), ()))
    if team != "en":
        english = r"(?i)\b(reminders|handed|waiting|owed|days|nothing|the team|more|case)\b"
        assert not [told for told in (mail.subject, text, page, nothing.text, Page(nothing.html).text) if re.search(english, told)]


def imports_babel_for(locale: str) -> bool:
    TemplateRenderer("Northwind Studio", "accounts@northwind.example").email("friendly", about(INVOICE, locale=locale))
    return "babel" in sys.modules


@pytest.mark.parametrize(("locale", "days", "said"), [("en-GB", 7, "7 days"), ("en-US", 1, "1 day"), ("en-AU", 0, "0 days")])
def test_a_region_of_english_counts_as_english_does(locale: str, days: int, said: str) -> None:
    words = wording_for(locale, "en")
    assert words.count(days, "day") == said
    if days:
        mail = RENDERER.email("second_notice", about(replace(INVOICE, days_overdue=days), locale=locale))
        assert f"is {said} overdue" in mail.subject
        assert f"unpaid {said} after its due date" in mail.text


@pytest.mark.parametrize(("locale", "imported"), [("en", False), ("pt-BR", False), ("en-GB", True), ("de-AT", True)])
def test_only_plain_english_does_without_babel(locale: str, *, imported: bool) -> None:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as fresh_process:
        assert fresh_process.submit(imports_babel_for, locale).result() is imported


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
@pytest.mark.parametrize("template", ["friendly", "second_notice"])
def test_an_sms_about_several_invoices_points_to_a_mail_only_where_one_goes(language: str, template: str) -> None:
    content = about(INVOICE, replace(INVOICE, number="INV-1043"), locale=language)
    with_mail, alone = RENDERER.sms(template, content), RENDERER.sms(template, replace(content, also_by_mail=False))
    assert [bool(re.search(r"(?i)mail|correo", text)) for text in (with_mail, alone)] == [True, False]
    assert "INV-1043" in alone
