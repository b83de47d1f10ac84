"""Templates compiled once per process: a new container of the local cloud reads the same files, and need not compile them again."""

from types import CodeType
from typing import ClassVar

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(BytecodeCache):
    """What templates compile to in one locale, by their file and their source: a changed file is compiled anew.

    By locale, because the engine runs a filter on a constant when it compiles, and filters differ by locale.
    """

    _codes: ClassVar[dict[tuple[str, str, str], CodeType]] = {}

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def load_bytecode(self, bucket: Bucket) -> None:
        """Put into the bucket what is known; leaves it empty otherwise."""
        bucket.code = self._codes.get((self._locale, bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember what was compiled."""
        if bucket.code is not None:
            self._codes[self._locale, bucket.key, bucket.checksum] = bucket.code
