"""What a webhook told of a dispute, carried along while its customer is looked up: the source may keep it no longer."""

import json
from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.workflow.source_events import DisputeSeen


def write_note(dispute: DisputeSeen) -> str:
    """The dispute as a short text."""
    return json.dumps([dispute.is_open, dispute.charge, dispute.payment_intent])


def read_note(dispute_id: str, note: str | None, stamp: datetime | None) -> DisputeSeen | None:
    """The dispute in a note; None without one. Raises Rejected when it is not one of ours."""
    if note is None or stamp is None:
        return None
    try:
        is_open, charge, payment_intent = json.loads(note)
    except (ValueError, TypeError) as exc:
        raise Rejected(f"dispute {dispute_id}: its note is unreadable") from exc
    return DisputeSeen(dispute_id, bool(is_open), charge, payment_intent, stamp)
