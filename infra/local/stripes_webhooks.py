"""The webhooks that Stripe sends because the product wrote to it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from infra.local.routes import HttpAnswer
from infra.samples.stripe_objects import sign

_AGAIN_AFTER = timedelta(hours=1)
_MOST_ATTEMPTS = 72
_Deliver = Callable[[str, str, str, Mapping[str, str], bytes], HttpAnswer]


class StripesWebhooks:
    """Delivers what the sandbox owes, signed; what is not answered 2xx comes again an hour later, for three days."""

    def __init__(self, next_body: Callable[[], bytes | None], deliver: _Deliver, clock: Callable[[], datetime]) -> None:
        self._next_body = next_body
        self._deliver = deliver
        self._clock = clock
        self._owed: list[tuple[datetime, int, bytes]] = []

    def next_at(self) -> datetime | None:
        """When the next one is to be delivered."""
        while (body := self._next_body()) is not None:
            self._owed.append((self._clock(), 1, body))
        return min((at for at, _, _ in self._owed), default=None)

    def run(self) -> None:
        """Deliver one."""
        owed = min(self._owed, key=lambda each: each[0])
        self._owed.remove(owed)
        _, attempt, body = owed
        headers = {name.lower(): value for name, value in sign(body, self._clock()).items()}
        answer = self._deliver("POST", "/webhooks/stripe", "", headers, body)
        if not 200 <= answer.status < 300 and attempt < _MOST_ATTEMPTS:
            self._owed.append((self._clock() + _AGAIN_AFTER, attempt + 1, body))
