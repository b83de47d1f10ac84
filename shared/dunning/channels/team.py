"""Notices to our own people, through one SNS topic for each team."""

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt
from dunning.channels.envelopes import sns_attributes
from dunning.domain.errors import Permanent
from dunning.workflow.ports import Envelope

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_CHARACTERS = 100


class SnsTeamChannel:
    """Publishes to the topic of a team. Implements `workflow.ports.TeamChannel`. `client` must be built with `one_attempt_config`."""

    def __init__(self, client: "SNSClient", topics: Mapping[str, str]) -> None:
        self._client = client
        self._topics = topics

    def send(self, team: str, subject: str, text: str, envelope: Envelope) -> str:
        """Publish in one attempt; answers the message id. Raises Refused, OutcomeUnknown, or Permanent (also for an unknown team)."""
        topic = self._topics.get(team)
        if topic is None:
            raise Permanent(f'no topic for team "{team}" (there are: {", ".join(sorted(self._topics)) or "none"}): see TEAM_TOPICS')
        with one_attempt("SNS"):
            answer = self._client.publish(
                TopicArn=topic, Subject=sns_subject(subject), Message=text, MessageAttributes=sns_attributes(envelope)
            )
        return answer["MessageId"]


def sns_subject(text: str) -> str:
    """What SNS takes as a subject: one line of at most 100 printable ASCII characters. Accents are dropped, other letters become "?"."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    line = " ".join("".join(char if " " <= char <= "~" else " " if char.isspace() else "?" for char in plain).split())
    return line if len(line) <= SUBJECT_CHARACTERS else line[: SUBJECT_CHARACTERS - 3].rstrip() + "..."
