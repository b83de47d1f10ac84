"""How an envelope travels with a message, so that what comes back can be matched to what was sent.

SES tags allow letters, digits, `_` and `-` only, and 256 characters: customer, effect and invoices go as base64url without padding.
SNS attributes carry the same in plain text.
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dunning.workflow.ports import Envelope

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import MessageTagTypeDef
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

TAG_CHARACTERS = 250


def ses_tags(envelope: Envelope) -> "list[MessageTagTypeDef]":
    """Tags `kind`, `claim`, `step`, and `customer`, `effect`, `invoices`, `invoices_1`, … (what is numbered is joined before decoding)."""
    tags = {"kind": envelope.kind, "claim": envelope.claim, "step": envelope.step or ""}
    for name, text in (("customer", envelope.customer), ("effect", envelope.effect), ("invoices", ",".join(envelope.invoices))):
        encoded = _encoded(text)
        for number, start in enumerate(range(0, len(encoded), TAG_CHARACTERS)):
            tags[f"{name}_{number}" if number else name] = encoded[start : start + TAG_CHARACTERS]
    return [{"Name": name, "Value": value} for name, value in tags.items() if value]


def tag_text(tags: Mapping[str, str], name: str) -> str:
    """What `ses_tags` wrote under this name, over several tags perhaps; empty where there is none. Raises ValueError for any other."""
    parts = [tags.get(name, "")]
    while (following := f"{name}_{len(parts)}") in tags:
        parts.append(tags[following])
    encoded = "".join(parts)
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()


def sns_attributes(envelope: Envelope) -> "dict[str, MessageAttributeValueTypeDef]":
    """Message attributes of the same names; `invoices` are comma-separated, what is empty is left out."""
    values = {
        "kind": envelope.kind,
        "claim": envelope.claim,
        "customer": envelope.customer,
        "effect": envelope.effect,
        "step": envelope.step or "",
        "invoices": ",".join(envelope.invoices),
    }
    return {name: string_attribute(value) for name, value in values.items() if value}


def string_attribute(value: str) -> "MessageAttributeValueTypeDef":
    """One text attribute of an SNS message."""
    return {"DataType": "String", "StringValue": value}


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
