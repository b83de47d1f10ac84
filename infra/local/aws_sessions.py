"""boto3 sessions that know nothing of this machine. Each container has one of its own; what all have in common is made once.

To make a container's clients takes longer than most of what it then does: one that starts takes over the session of one that ended.
"""

import inspect
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from types import CodeType
from typing import Any

import boto3
import botocore.hooks
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import accepts_kwargs
from botocore.config import Config
from botocore.errorfactory import ClientExceptionsFactory
from botocore.hooks import EventAliaser
from botocore.loaders import Loader, create_loader

from infra.local.unordered_maps import hand_out_unordered

_NOTHING_OF_THIS_MACHINE: Mapping[str, tuple[str | None, str | list[str] | None, str | None, None]] = {
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "profile": (None, None, None, None),
    "retry_mode": (None, None, "legacy", None),
    "max_attempts": (None, None, None, None),
}


def session_through(before_send: Callable[..., AWSResponse], region: str) -> boto3.Session:
    """A session whose calls `before_send` answers."""
    session = botocore.session.Session(session_vars=dict(_NOTHING_OF_THIS_MACHINE))
    session.register_component("data_loader", _loader())
    vars(session)["_internal_components"].register_component("exceptions_factory", _exceptions())
    session.set_credentials("local", "local")
    # nobody here looks at signatures or user agents, and making them takes a quarter of each call's time
    session.set_default_client_config(Config(signature_version=UNSIGNED, user_agent="local"))
    session.get_component("event_emitter").register("before-send", before_send)
    found = boto3.Session(botocore_session=session, region_name=region)
    hand_out_unordered(found)
    return found


class Line:
    """A container's session, whose calls `before_send` answers until it is given back. `failures`: calls that broke."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._before_send: Callable[..., AWSResponse] | None = None
        self.failures = 0
        self.session = session_through(self._answer, region)
        _keep_clients(self.session)

    @classmethod
    def taken(cls, before_send: Callable[..., AWSResponse], region: str) -> "Line":
        """One that was given back, or a new one."""
        with _lock:
            line = _free[region].pop() if _free[region] else None
        line = line or cls(region)
        line.answer_with(before_send)
        return line

    def answer_with(self, before_send: Callable[..., AWSResponse]) -> None:
        """From now on, until it is given back."""
        self._before_send = before_send

    def give_back(self) -> None:
        """Let another container have it. Not where a call broke: its clients count their retries, and would have fewer left."""
        was_taken, self._before_send = self._before_send is not None, None
        if was_taken and not self.failures:
            with _lock:
                _free[self._region].append(self)

    def _answer(self, **told: object) -> AWSResponse:
        if self._before_send is None:
            raise RuntimeError("this container has ended, and makes no calls")
        try:
            answer = self._before_send(**told)
        except BaseException:
            self.failures += 1
            raise
        self.failures += answer.status_code >= HTTPStatus.TOO_MANY_REQUESTS
        return answer


_lock = threading.Lock()
_free: defaultdict[str, list[Line]] = defaultdict(list)


def _keep_clients(session: boto3.Session) -> None:
    """Let a session answer the same client where a service is asked for with the same configuration."""
    make: Any = session.client
    made: dict[tuple[str, str], object] = {}

    def client(service_name: str, config: Config | None = None) -> object:
        key = (service_name, repr(sorted(vars(config)["_user_provided_options"].items())) if config else "")
        if key not in made:
            made[key] = make(service_name, config=config)
        return made[key]

    vars(session)["client"] = client


@cache
def _loader() -> Loader:
    """The APIs' models, read once."""
    return create_loader()


@cache
def _exceptions() -> ClientExceptionsFactory:
    """A service's exception classes; to make them, all shapes of its API are gone through."""
    return ClientExceptionsFactory()


# ---------------------------------------------------------------- what botocore asks again for each session and each client


def _takes_any_keyword(handler: Callable[..., object]) -> object:
    """Asked of each of botocore's 140 handlers; the code's own flag says the same as its whole signature."""
    code = getattr(handler, "__code__", None)
    return code.co_flags & inspect.CO_VARKEYWORDS if isinstance(code, CodeType) else accepts_kwargs(handler)


_find_alias: Any = vars(EventAliaser)["_alias_event_name"]
_aliases: dict[str, str] = {}


def _alias(aliaser: object, event_name: str) -> str:
    """Looked for in a list of some 250, which is the same for all."""
    found = _aliases.get(event_name)
    if found is None:
        found = _aliases[event_name] = _find_alias(aliaser, event_name)
    return found


for _owner, _name, _cure in ((botocore.hooks, "accepts_kwargs", _takes_any_keyword), (EventAliaser, "_alias_event_name", _alias)):
    setattr(_owner, _name, _cure)
