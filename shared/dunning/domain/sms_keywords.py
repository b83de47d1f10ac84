"""The words by which a customer ends text messages, or wants them again.

Those that AWS itself obeys for SNS (docs.aws.amazon.com/sns/latest/dg/sms_manage.html, opting out), and what people write for them in the
languages of our templates.
"""

from enum import StrEnum

_STOP = frozenset(
    """
    stop stopall stop-all end quit cancel unsubscribe arret arrêt revoke optout opt-out remove
    stopp abmelden désabonner baja cancelar
    """.split()
)
_START = frozenset("start unstop anmelden reprendre alta".split())


class SmsWish(StrEnum):
    """What a text message asks for."""

    STOP = "stop"
    START = "start"


def wish_in(body: str) -> SmsWish | None:
    """The wish, if the whole message is such a word, whatever its case and punctuation; None for any other answer."""
    word = body.strip().strip(".!\"'").lower()
    if word in _STOP:
        return SmsWish.STOP
    return SmsWish.START if word in _START else None
