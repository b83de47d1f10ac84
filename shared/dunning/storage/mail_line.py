"""The end of the account's line of mails: one number, moved by one conditional update for each mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dunning.domain.errors import Retryable
from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_GUESSES = 4
_LONGEST = timedelta(days=1) // _MICROSECOND
"""No line is longer than what may be sent in a day: an end beyond was written by a clock that was wrong, and must not stop all mail."""


@dataclass(slots=True)
class TableMailPlaces:
    """workflow.mail_line.MailPlaces on DynamoDB.

    Two updates are possible: behind the others, or first where nobody waits. Which one holds is guessed from what this process saw
    last; a wrong guess learns better from the refusal, so most places cost one write.
    """

    client: DynamoDBClient
    table: str
    _ends: int = field(default=0)

    def take(self, earliest: datetime, room: timedelta) -> datetime:
        """The next place, not before `earliest`. Raises Retryable.

        An answer that was lost costs a place, which stays empty; nobody gets another's.
        """
        first, step = (earliest - _EPOCH) // _MICROSECOND, room // _MICROSECOND
        for _ in range(_MOST_GUESSES):
            values = {":first": first, ":last": first + _LONGEST}
            if first < self._ends <= first + _LONGEST:
                write = {"UpdateExpression": "SET ends = ends + :room", "ConditionExpression": "ends > :first AND ends <= :last"}
                values[":room"] = step
            else:
                nobody = "attribute_not_exists(ends) OR ends <= :first OR ends > :last"
                write = {"UpdateExpression": "SET ends = :ends", "ConditionExpression": nobody}
                values[":ends"] = first + step
            if self._moved(write, values):
                return _EPOCH + (self._ends - step) * _MICROSECOND
        raise Retryable("the line of mails changes faster than a place in it can be taken")

    def _moved(self, write: dict[str, Any], values: dict[str, int]) -> bool:
        try:
            with aws_errors("taking a place in the line of mails"):
                answer = self.client.update_item(
                    TableName=self.table,
                    Key=to_wire({"pk": keys.MAIL_LINE, "sk": keys.LINE}),
                    ExpressionAttributeValues=to_wire(values),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **write,
                )
        except ConditionFailed as exc:
            self._ends = int(str(from_wire(exc.item).get("ends", 0))) if exc.item else 0
            return False
        self._ends = int(str(from_wire(answer["Attributes"])["ends"]))
        return True
