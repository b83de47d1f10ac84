"""What we tag a mail with is what SES's report of it tells us again."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dunning.channels.envelopes import ses_tags
from dunning.channels.ses_events import read_ses_event
from dunning.workflow.ports import Envelope

CUSTOMERS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=210)
IDS = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=40)
STEPS = st.none() | st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)


@given(customer=CUSTOMERS, invoices=st.lists(IDS, max_size=95), step=STEPS, effect=IDS)
def test_an_envelope_survives_the_way_through_ses(customer: str, invoices: list[str], step: str | None, effect: str) -> None:
    envelope = Envelope("reminder", customer, tuple(invoices), step, "01JABCDEFGHJKMNPQRSTVWXYZ0", effect)
    tags = {tag["Name"]: [tag["Value"]] for tag in ses_tags(envelope)}
    assert all(len(value) <= 256 for values in tags.values() for value in values)
    mail = {"messageId": "m", "timestamp": "2026-03-02T08:00:00.000Z", "tags": tags}
    news = read_ses_event(json.dumps({"eventType": "Send", "mail": mail}))
    assert news is not None
    assert (news.customer, news.invoices, news.step, news.claim, news.effect) == (
        customer,
        tuple(invoices),
        step,
        envelope.claim,
        effect,
    )
