"""The words by which a customer ends text messages."""

import pytest

from dunning.domain.sms_keywords import SmsWish, wish_in


@pytest.mark.parametrize("body", ["STOP", " Stop. ", "stopall", "UNSUBSCRIBE", "Arrêt", "baja!", "Abmelden", "opt-out"])
def test_a_message_that_is_such_a_word_ends_text_messages(body: str) -> None:
    assert wish_in(body) is SmsWish.STOP


@pytest.mark.parametrize("body", ["START", "unstop", "Alta"])
def test_another_word_brings_them_back(body: str) -> None:
    assert wish_in(body) is SmsWish.START


@pytest.mark.parametrize("body", ["", "Please stop the delivery, I paid", "I will cancel the transfer", "ok", "stop it"])
def test_any_other_answer_is_for_a_person_to_read(body: str) -> None:
    assert wish_in(body) is None
