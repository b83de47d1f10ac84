"""The boundary around one thing among many: what nobody foresaw there becomes a type, and that one thing's failure."""

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from dunning.domain.errors import DunningError, Unforeseen

Answer = TypeVar("Answer")


def foreseen(work: Callable[[], Answer]) -> Answer:
    """Do it. Raises Unforeseen for every exception that is no DunningError.

    It tells the exception's type and place, not its words, which may hold what a customer is called; they stay in its cause.
    """
    try:
        return work()
    except DunningError:
        raise
    except Exception as exc:
        told = f"unforeseen {type(exc).__name__} at {_place(exc.__traceback__)}"
        raise Unforeseen(f"{told}: a defect of dunning, not of this message: report it") from exc


def _place(traceback: TracebackType | None) -> str:
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return "an unknown place"
    return f"{traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {traceback.tb_lineno}"
