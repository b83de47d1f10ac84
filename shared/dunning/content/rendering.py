"""Templates and content become words. What comes from outside is shown as text, never run and never markup."""

import shlex
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dunning.content import wording
from dunning.content.books import page_in_the_books
from dunning.content.compiled_templates import CompiledTemplates
from dunning.content.languages import Wording, wording_for
from dunning.content.templates import DEFAULT_LOCALE, EMAIL_PARTS, TEMPLATES, is_template_name, language_of
from dunning.domain.approval import commands
from dunning.domain.digest import TOLD, Digest, Waiting
from dunning.domain.errors import Permanent
from dunning.domain.history import PastEvent
from dunning.workflow.ports import MessageContent, MessageInvoice, RenderedEmail

TEAM_PARTS = (".subject.txt.j2", ".txt.j2")
_MOST_NUMBERS = 5


class TemplateRenderer:
    """Renders `templates/<language>/{email,sms,team}/`. Implements `workflow.ports.Renderer`.

    `company_name` signs; `reply_to` is the address a customer may write to. Customers read their own language, that of
    `default_locale` where theirs is not known or has no such template, and English for want of both; our own people read that of
    `team_locale`. Every method raises Permanent, naming the template, when it is missing, asks for what the content does not
    have, or otherwise fails.
    """

    def __init__(
        self,
        company_name: str,
        reply_to: str,
        root: Path = TEMPLATES,
        *,
        team_locale: str = DEFAULT_LOCALE,
        default_locale: str = DEFAULT_LOCALE,
    ) -> None:
        self._company = wording.one_line(company_name)
        self._reply_to = wording.one_line(reply_to)
        self._root = root
        self._team_locale = team_locale
        self._default_locale = default_locale
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}

    def email(self, template: str, content: MessageContent) -> RenderedEmail:
        """Subject (one line), text and HTML."""
        subject, text, html = self._render("email", template, EMAIL_PARTS, content, content.locale)
        return RenderedEmail(subject=wording.one_line(subject), text=text, html=html)

    def sms(self, template: str, content: MessageContent) -> str:
        """One line, typed as a telephone types: a typographic apostrophe would halve what fits into a message."""
        (text,) = self._render("sms", template, (".txt.j2",), content, content.locale)
        return wording.one_line(text).replace("\u2019", "'")

    def team(self, template: str, content: MessageContent) -> tuple[str, str]:
        """Subject (one line) and text for our own people."""
        subject, text = self._render("team", template, TEAM_PARTS, content, self._team_locale)
        return wording.one_line(subject), text

    def digest(self, digest: Digest) -> RenderedEmail:
        """The daily digest, for our own people."""
        language = language_of(self._team_locale, self._root)
        counts = {kind.value: digest.counts.get(kind, 0) for kind in TOLD}
        values = {
            "company": self._company,
            "reply_to": self._reply_to,
            "customer_name": "",
            "language": language,
            "digest": digest,
            "waiting": [_who_waits(one) for one in digest.waiting],
            "asked": [{**_who_waits(one), "commands": commands(one.happened.customer)} for one in digest.asked],
            "counts": counts,
        }
        try:
            environment = self._environment(wording_for(self._team_locale, language))
            found = [environment.get_template(f"_digest{part}").render(values).strip() + "\n" for part in EMAIL_PARTS]
        except Exception as error:
            raise Permanent(f"the digest cannot be written: {type(error).__name__}: {error}") from error
        return RenderedEmail(subject=wording.one_line(found[0]), text=found[1], html=found[2])

    def _render(self, kind: str, name: str, parts: tuple[str, ...], content: MessageContent, locale: str | None) -> list[str]:
        locale, language = self._language(kind, name, parts, locale)
        try:
            environment = self._environment(wording_for(locale, language))
            values = {**self._values(content), "language": language}
            folder = f"{language}/{kind}"
            return [environment.get_template(f"{folder}/{name}{part}").render(values).strip() + "\n" for part in parts]
        except Exception as error:
            raise Permanent(f'{kind} template "{name}" fails: {type(error).__name__}: {error}') from error

    def _language(self, kind: str, name: str, parts: tuple[str, ...], locale: str | None) -> tuple[str, str]:
        """Whose ways to write in, and the language: the first that this template is wholly translated into."""
        if not is_template_name(name):
            raise Permanent(f'{kind} template "{name}": not a template\'s name')
        for wanted in (locale or self._default_locale, self._default_locale):
            language = language_of(wanted, self._root, otherwise="")
            folder = self._root / language / kind
            if language and all((folder / f"{name}{part}").is_file() for part in parts):
                return wanted, language
        return DEFAULT_LOCALE, DEFAULT_LOCALE

    def _values(self, content: MessageContent) -> dict[str, object]:
        if not content.invoices and not content.reason:
            raise Permanent("there is no invoice to write about")
        invoices, others = (
            [
                replace(invoice, number=wording.one_line(invoice.number), payment_url=wording.web_address(invoice.payment_url))
                for invoice in rows
            ]
            for rows in (content.invoices, content.others)
        )
        return {
            "company": self._company,
            "reply_to": self._reply_to,
            "customer": wording.one_line(content.customer),
            "customer_name": wording.one_line(content.customer_name or ""),
            "known_as": _known_as(content),
            "invoice": invoices[0] if invoices else None,
            "invoices": invoices,
            "totals": _totals(invoices),
            "currencies": sorted({invoice.currency for invoice in invoices}),
            "most_overdue": max((invoice.days_overdue for invoice in invoices), default=0),
            "reminded": any(invoice.reminders_sent for invoice in invoices),
            "others": others,
            "further": content.further,
            "also_by_mail": content.also_by_mail,
            "answered_on": content.answered_on,
            "step": content.step,
            "reason": wording.one_line(content.reason or ""),
            "quote": content.quote or "",
            "history": [_shown(event) for event in content.history],
            "books": {invoice.id: page_in_the_books(content.customer, invoice.id) for invoice in content.invoices},
        }

    def _environment(self, words: Wording) -> ImmutableSandboxedEnvironment:
        found = self._environments.get(words.locale)
        if found is None:
            found = self._environments[words.locale] = self._new_environment(words)
        return found

    def _new_environment(self, words: Wording) -> ImmutableSandboxedEnvironment:
        environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(self._root),
            autoescape=lambda name: name is None or name.endswith(".html.j2"),
            undefined=StrictUndefined,
            auto_reload=False,
            bytecode_cache=CompiledTemplates(words.locale),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            money=words.money,
            money_with_code=words.money_with_code,
            long_date=words.long_date,
            short_date=words.short_date,
            count_of=words.count,
            shell=shlex.quote,
        )
        return environment


def _shown(event: PastEvent) -> PastEvent:
    numbers = tuple(wording.one_line(number) for number in event.invoices)
    return replace(event, invoices=numbers, reason=wording.one_line(event.reason or ""), step=wording.one_line(event.step or ""))


def _known_as(content: MessageContent) -> str:
    """The name for an SNS subject, which is ASCII: the id where nothing of the name could be read there."""
    name = wording.one_line(content.customer_name or "")
    is_legible = any(char.isascii() and char.isalnum() for char in unicodedata.normalize("NFKD", name))
    return name if is_legible else wording.one_line(content.customer)


def _who_waits(one: Waiting) -> dict[str, object]:
    happened = one.happened
    return {
        "customer": wording.one_line(happened.customer),
        "name": wording.one_line(one.name or happened.customer),
        "type": happened.type.value,
        "reason": wording.one_line(happened.reason or ""),
        "commands": (),
        "is_known": bool(one.numbers),
        "owed": one.owed,
        "left_out": max(0, len(happened.invoices) - _MOST_NUMBERS),
        "invoices": [
            {"number": wording.one_line(one.numbers.get(name, name)), "page": page_in_the_books(happened.customer, name)}
            for name in happened.invoices[:_MOST_NUMBERS]
        ],
    }


def _totals(invoices: Sequence[MessageInvoice]) -> list[dict[str, object]]:
    """What is due in each currency, late fees too, as each has its row; currencies are never added up."""
    sums: Counter[str] = Counter()
    for invoice in invoices:
        sums[invoice.currency] += invoice.amount_due
        for fee in invoice.fees:
            sums[fee.currency] += fee.amount_due
    return [{"currency": currency, "amount": sums[currency]} for currency in sorted(sums)]
