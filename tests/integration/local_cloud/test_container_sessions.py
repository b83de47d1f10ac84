"""A container of the local cloud takes over the session of one that ended, unless anything of that one could be noticed."""

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

from infra.local.aws_sessions import Line


class Answers:
    """Answers every call so."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.calls = 0

    def __call__(self, **_told: object) -> AWSResponse:
        self.calls += 1
        answer = AWSResponse("http://local", self.status, HTTPHeaders(), None)
        vars(answer)["_content"] = b'{"TableNames": []}'
        return answer


def test_the_next_container_has_the_clients_of_the_last_and_its_own_answers() -> None:
    first, second = Answers(), Answers()
    line = Line.taken(first, "eu-north-1")
    client = line.session.client("dynamodb", config=Config(read_timeout=3))
    client.list_tables()
    line.give_back()
    taken = Line.taken(second, "eu-north-1")
    again = taken.session.client("dynamodb", config=Config(read_timeout=3))
    again.list_tables()
    other = taken.session.client("dynamodb", config=Config(read_timeout=4))
    taken.give_back()
    assert again is client
    assert other is not client
    assert (first.calls, second.calls) == (1, 1)


def test_two_containers_at_once_have_a_session_each() -> None:
    one, other = Line.taken(Answers(), "eu-north-1"), Line.taken(Answers(), "eu-north-1")
    assert one.session is not other.session
    one.give_back()
    other.give_back()


def test_a_container_that_ended_makes_no_calls() -> None:
    line = Line.taken(Answers(), "eu-north-1")
    client = line.session.client("dynamodb")
    line.give_back()
    with pytest.raises(RuntimeError, match="has ended"):
        client.list_tables()


def test_nobody_takes_over_a_session_whose_calls_broke_for_its_clients_would_retry_less() -> None:
    line = Line.taken(Answers(503), "eu-north-1")
    with pytest.raises(Exception, match="503"):
        line.session.client("dynamodb", config=Config(retries={"total_max_attempts": 1})).list_tables()
    line.give_back()
    line.give_back()
    assert Line.taken(Answers(), "eu-north-1").session is not line.session


def test_a_session_counts_the_calls_that_broke_lest_one_be_kept_that_has_no_retries_left() -> None:
    answers = Answers(503)
    line = Line.taken(answers, "eu-north-1")
    with pytest.raises(Exception, match="503"):
        line.session.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 4})).list_tables()
    answers.status = 200
    line.session.client("dynamodb").list_tables()
    assert line.failures == 4
