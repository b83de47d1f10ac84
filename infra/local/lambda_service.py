"""A small stand-in for Lambda: the same handlers, in one container per function, on plain JSON events."""

import importlib.util
import itertools
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from uuid import uuid4

from dunning.bootstrap import Handler, Platform
from infra.local.aws_sessions import Line
from infra.local.stack import Function

log = logging.getLogger("dunning.local")
_serial = itertools.count(1)


class InvocationDied(BaseException):
    """The invocation was ended from outside; no handler's `except Exception` sees it."""


@dataclass(slots=True)
class Caller:
    """Who makes AWS calls: one container of a function. A dead one makes no more; of one that was struck, a call was made to fail."""

    function: str
    dead: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an invocation: the handler's answer, or the error it ended with (`Type: message`)."""

    payload: object = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The context object a handler gets."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    timeout_ms: int
    function_version: str = "$LATEST"
    log_group_name: str = "local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """All of the function's timeout: time stands still during an invocation."""
        return self.timeout_ms


@dataclass(slots=True)
class UnderWay:
    """An invocation that has not ended: the function's name and ARN, its event, and how many AWS calls it has begun."""

    function: str
    arn: str
    event: object
    calls: int = 0


@dataclass(frozen=True, slots=True)
class _Container:
    caller: Caller
    line: Line
    handler: Handler


class LambdaService:
    """Invokes functions, by ARN."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        extra_env: Mapping[str, str],
        line: Callable[[Caller], Line],
        clock: Callable[[], datetime],
    ) -> None:
        """`extra_env` is added to each function's own environment; `line` has the boto3 session of one container."""
        self._functions = functions
        self._extra_env = extra_env
        self._line = line
        self._clock = clock
        self._containers: dict[str, _Container] = {}
        self.invocations = 0
        self.under_way: list[UnderWay] = []

    def function(self, arn: str) -> Function:
        """A function by its ARN."""
        return self._functions[arn]

    def forget_containers(self) -> None:
        """Let each function start anew at its next invocation."""
        for arn in list(self._containers):
            self._end(arn)

    def forget_worn_containers(self, failures: int) -> None:
        """Let those start anew whose calls broke so often: the SDK spends of a budget for retries, and has few left."""
        for arn in [arn for arn, container in self._containers.items() if container.line.failures >= failures]:
            self._end(arn)

    def _end(self, arn: str) -> None:
        container = self._containers.pop(arn, None)
        if container and not container.caller.struck and arn not in {each.arn for each in self.under_way}:
            container.line.give_back()

    def invoke(self, arn: str, event: object) -> Outcome:
        """Run a function's handler once. Never raises for what the handler does."""
        self.under_way.append(UnderWay(self._functions[arn].name, arn, event))
        try:
            return self._invoke(self._functions[arn], event)
        finally:
            self.under_way.pop()

    def invoke_beside(self, arn: str, event: object) -> Outcome:
        """Run it once in a container of its own, while the one that there is waits for an AWS call."""
        busy = self._containers.pop(arn, None)
        try:
            return self.invoke(arn, event)
        finally:
            self._end(arn)
            if busy:
                self._containers[arn] = busy

    def _invoke(self, function: Function, event: object) -> Outcome:
        self.invocations += 1
        container: _Container | None = None
        try:
            container = self._containers.get(function.arn) or self._start(function)
            payload = container.handler(json.loads(json.dumps(event)), _context(function))
            answer = json.loads(json.dumps(payload))
        except InvocationDied as death:
            return self._died(function, str(death))
        except Exception as error:
            log.exception("%s failed", function.name)
            return Outcome(error=f"{type(error).__name__}: {error}")
        if container.caller.dead:  # a handler that swallows even BaseException is dead all the same
            return self._died(function, "crashed")
        return Outcome(answer)

    def _died(self, function: Function, reason: str) -> Outcome:
        self._containers.pop(function.arn, None)
        return Outcome(error=f"Runtime.ExitError: {reason}")

    def _start(self, function: Function) -> _Container:
        caller = Caller(function.name)
        env = {**function.env, **self._extra_env, "AWS_LAMBDA_FUNCTION_NAME": function.name}
        line = self._line(caller)
        platform = Platform(env=env, session=line.session, clock=self._clock)
        container = _Container(caller, line, _load(function).build(platform))
        self._containers[function.arn] = container
        return container


def _context(function: Function) -> Context:
    return Context(function.name, function.arn, function.memory, str(uuid4()), function.timeout * 1000)


def _load(function: Function) -> ModuleType:
    path = function.folder / f"{function.module}.py"
    spec = importlib.util.spec_from_file_location(f"dunning_local_{next(_serial)}_{function.name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
