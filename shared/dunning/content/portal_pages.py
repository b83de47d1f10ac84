"""The pages behind a customer's link: small, without scripts, in the reader's language where it is one of ours."""

from dataclasses import dataclass
from html import escape

from dunning.content.templates import DEFAULT_LOCALE

_STYLE = (
    "body{margin:0;background:#f3f4f6;color:#1b2733;font:16px/1.5 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Arial,sans-serif}"
    "main{max-width:30rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #e2e5e9;border-radius:8px}"
    "h1{font-size:1.35rem;line-height:1.35;margin:0 0 .75rem}p{margin:0 0 1.25rem}"
    "button{font:inherit;font-weight:600;padding:.8rem 1.5rem;border:0;border-radius:6px;background:#1f4e79;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #9dbce0;outline-offset:2px}"
    "@media (max-width:36rem){main{margin:0;border:0;border-radius:0;min-height:100vh;box-sizing:border-box}}"
    "@media (prefers-color-scheme:dark){body{background:#14171b;color:#eceff2}main{background:#1d2126;border-color:#343a42}"
    "button{background:#9dbce0;color:#10202f}}"
)


@dataclass(frozen=True, slots=True)
class _Words:
    ask: str
    ask_text: str
    ask_button: str
    done: str
    done_text: str
    undo: str
    back: str
    back_text: str
    bad: str
    bad_text: str


_WORDS = {
    "en": _Words(
        "No more reminders by mail?",
        "{company} will not remind you of invoices by email any more. What is owed stays as it is.",
        "End reminders by mail",
        "Done: no more reminders by mail",
        "You may still hear from {company} another way about what is open.",
        "Get them again",
        "You get reminders by mail again",
        "You can end them whenever you like, with the link in each mail.",
        "This link does not work any more",
        "Please use the link in the newest mail, or answer to it: a person reads every answer.",
    ),
    "de": _Words(
        "Keine Erinnerungen mehr per E-Mail?",
        "{company} erinnert Sie dann nicht mehr per E-Mail an Rechnungen. Was offen ist, bleibt offen.",
        "Erinnerungen per E-Mail beenden",
        "Erledigt: keine Erinnerungen mehr per E-Mail",
        "{company} kann sich wegen offener Beträge weiterhin auf anderem Wege melden.",
        "Wieder erhalten",
        "Sie erhalten wieder Erinnerungen per E-Mail",
        "Sie können sie jederzeit über den Link in jeder E-Mail beenden.",
        "Dieser Link gilt nicht mehr",
        "Bitte nehmen Sie den Link in der neuesten E-Mail, oder antworten Sie darauf: Jede Antwort wird gelesen.",
    ),
    "fr": _Words(
        "Ne plus recevoir de rappels par e-mail ?",
        "{company} ne vous rappellera plus vos factures par e-mail. Les montants dus restent inchangés.",
        "Arrêter les rappels par e-mail",
        "C’est fait : plus de rappels par e-mail",
        "{company} peut encore vous joindre autrement au sujet de ce qui reste dû.",
        "Les recevoir à nouveau",
        "Vous recevez de nouveau les rappels par e-mail",
        "Vous pouvez les arrêter à tout moment, par le lien qui figure dans chaque e-mail.",
        "Ce lien n’est plus valable",
        "Utilisez le lien de l’e-mail le plus récent, ou répondez-y : chaque réponse est lue.",
    ),
    "es": _Words(
        "¿No recibir más recordatorios por correo?",
        "{company} ya no le recordará sus facturas por correo electrónico. Lo pendiente sigue pendiente.",
        "Dejar de recibir recordatorios",
        "Hecho: no más recordatorios por correo",
        "{company} aún puede contactarle por otra vía sobre lo que está pendiente.",
        "Recibirlos de nuevo",
        "Vuelve a recibir recordatorios por correo",
        "Puede dejar de recibirlos cuando quiera, con el enlace de cada correo.",
        "Este enlace ya no es válido",
        "Use el enlace del correo más reciente, o respóndalo: leemos todas las respuestas.",
    ),
}


@dataclass(frozen=True, slots=True)
class PortalPages:
    """The pages of one company, by language; `locale` is for who asks for none of ours."""

    company: str
    locale: str = DEFAULT_LOCALE

    def language_wanted(self, accept_language: str | None) -> str:
        """The first language of an Accept-Language header that is one of ours, else the default."""
        tags = (part.partition(";")[0].strip().lower().partition("-")[0] for part in f"{accept_language or ''},{self.locale}".split(","))
        return next((tag for tag in tags if tag in _WORDS), DEFAULT_LOCALE)

    def asking(self, language: str) -> str:
        """Asks first: programs that look at links before people do must not end anything."""
        words = _WORDS[language]
        return _page(language, self.company, words.ask, words.ask_text, _button(words.ask_button))

    def done(self, language: str) -> str:
        """Says so, and offers to take it back."""
        words = _WORDS[language]
        take_back = _button(words.undo, '<input type="hidden" name="again" value="1">')
        return _page(language, self.company, words.done, words.done_text, take_back)

    def back(self, language: str) -> str:
        """Says that mail comes again."""
        words = _WORDS[language]
        return _page(language, self.company, words.back, words.back_text)

    def bad_link(self, language: str) -> str:
        """Says that the link does not work."""
        words = _WORDS[language]
        return _page(language, self.company, words.bad, words.bad_text)


def _button(words: str, field: str = "") -> str:
    return f'<form method="post">{field}<button>{escape(words)}</button></form>'


def _page(language: str, company: str, title: str, text: str, form: str = "") -> str:
    said = escape(text.replace("{company}", company))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{said}</p>{form}</main></body></html>"
    )
