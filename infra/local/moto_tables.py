"""What has to be different inside moto's DynamoDB, so that cost follows what is touched and not what is stored; written for moto 5.2.

moto answers a query by sorting the whole table and a transaction by copying it once for each of its items, and takes no notice of
ClientRequestToken. The rest (conditions, expressions, errors, paging) is moto's own.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from infra.local.moto_expressions import cure_expressions
from infra.local.table_index import TableIndex

_TOKEN_LIVES = timedelta(minutes=10)  # of TransactWriteItems, by DynamoDB's API reference


def _text(item: Item | None, attribute: str) -> str | None:
    value = item.attrs.get(attribute) if item is not None else None
    return value.value if isinstance(value, DynamoType) and value.type == "S" else None


class OrderedTable(Table):
    """A table that keeps its indexes sorted. For tables whose keys, and whose indexes' keys, are two strings each."""

    _ordered: dict[str, TableIndex]
    _narrowed: list[Item] | None

    @classmethod
    def adopt(cls, table: Table) -> None:
        """Turn a freshly deployed table of moto's into one; leaves a table alone that it cannot serve."""
        types = {definition["AttributeName"]: definition["AttributeType"] for definition in table.attr}
        in_pairs = all(len(index.schema) == 2 for index in table.all_indexes()) and len(table.table_key_attrs) == 2
        if in_pairs and all(types.get(key) == "S" for key in table.attribute_keys):
            table.__class__ = cls
            vars(table).update(_ordered={index.name: TableIndex() for index in table.all_indexes()}, _narrowed=None)

    def __deepcopy__(self, memo: dict[int, object]) -> "OrderedTable":
        # only TransactWriteItems copies a table, as its way back; CuredBackend has its own
        return self

    def reindex(self, hash_key: DynamoType, range_key: DynamoType) -> None:
        """Bring the indexes up to date with one item, whatever happened to it."""
        item = self.items.get(hash_key, {}).get(range_key)
        for index in self.all_indexes():
            of_hash, of_range = index.schema_key_attrs
            self._ordered[index.name].put((hash_key.value, range_key.value), _text(item, of_hash), _text(item, of_range))

    def put_item(self, *args: Any, **kwargs: Any) -> Item:
        """As moto does; the indexes follow."""
        item = super().put_item(*args, **kwargs)
        if item.range_key is not None:
            self.reindex(item.hash_key, item.range_key)
        return item

    def delete_item(self, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
        """As moto does; the indexes follow."""
        item = super().delete_item(hash_key, range_key)
        if range_key is not None:
            self.reindex(hash_key, range_key)
        return item

    def restore(self, hash_key: DynamoType, range_key: DynamoType, item: Item | None) -> None:
        """Put an item back as it was before a transaction that failed."""
        if item is None:
            self.items[hash_key].pop(range_key, None)
        else:
            self.items[hash_key][range_key] = item
        self.reindex(hash_key, range_key)

    def query(
        self,
        hash_key: DynamoType | None,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int,
        exclusive_start_key: dict[str, Any],
        scan_index_forward: bool,
        projection_expressions: list[list[str]] | None,
        index_name: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[list[Item], int, dict[str, Any] | None]:
        """As moto does, over the items that can match instead of over all."""
        paging = (limit, exclusive_start_key, scan_index_forward, projection_expressions, index_name)
        if hash_key is None or hash_key.type != "S" or any(value.type != "S" for value in range_objs):
            return super().query(hash_key, range_comparison, range_objs, *paging, *args, **kwargs)
        with self._only(self._candidates(hash_key, range_comparison, range_objs, index_name)):
            return super().query(hash_key, range_comparison, range_objs, *paging, *args, **kwargs)

    def all_items(self) -> list[Item]:
        """The items that a query has to look at."""
        return super().all_items() if self._narrowed is None else self._narrowed

    def _candidates(
        self, hash_key: DynamoType, comparison: str | None, operands: Sequence[DynamoType], index_name: str | None
    ) -> list[Item]:
        if index_name is None:
            partition = self.items.get(hash_key, {})
            return [item for sort_key, item in partition.items() if comparison is None or sort_key.compare(comparison, operands)]
        ordered = self._ordered.get(index_name)
        keys = ordered.keys(hash_key.value, comparison, [value.value for value in operands]) if ordered else []
        return [self.items[DynamoType({"S": pk})][DynamoType({"S": sk})] for pk, sk in keys]

    @contextmanager
    def _only(self, items: list[Item]) -> Iterator[None]:
        self._narrowed = items
        try:
            yield
        finally:
            self._narrowed = None


class IdempotentParameterMismatch(DynamodbException):
    """A ClientRequestToken was used again for another transaction."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException", "The token was used with other parameters before."
        )


class CuredBackend(DynamoDBBackend):
    """moto's DynamoDB of one account, with ordered tables and transactions that undo only what they touched."""

    _clock: Callable[[], datetime]
    _tokens: dict[str, tuple[datetime, bytes]]

    @classmethod
    def adopt(cls, backend: DynamoDBBackend, clock: Callable[[], datetime]) -> None:
        """Turn moto's backend, with all tables deployed, into one."""
        cure_expressions()
        backend.__class__ = cls
        vars(backend).update(_clock=clock, _tokens={})
        for table in backend.tables.values():
            table.lambda_event_source_mappings.clear()  # moto invokes these, in Docker, even when they are disabled
            OrderedTable.adopt(table)

    def update_item(self, table_name: str, key: dict[str, dict[str, Any]], *args: Any, **kwargs: Any) -> Item:
        """As moto does; the indexes follow."""
        item = super().update_item(table_name, key, *args, **kwargs)
        table = self.get_table(table_name)
        if isinstance(table, OrderedTable) and item.range_key is not None:
            table.reindex(item.hash_key, item.range_key)
        return item

    def is_repeated(self, token: str, body: bytes) -> bool:
        """Whether a transaction with this ClientRequestToken has succeeded; raises IdempotentParameterMismatch for another body."""
        known = self._tokens.get(token)
        if known is None or self._clock() - known[0] >= _TOKEN_LIVES:
            return False
        if known[1] != body:
            raise IdempotentParameterMismatch
        return True

    def succeeded(self, token: str, body: bytes) -> None:
        """Remember a transaction."""
        now = self._clock()
        self._tokens = {other: use for other, use in self._tokens.items() if now - use[0] < _TOKEN_LIVES}
        self._tokens[token] = (now, body)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """As moto does, and on failure puts back the touched items (moto puts back its copy of the table)."""
        before = list(self._touched(transact_items))
        marks = {name: len(table.stream_shard.items) for name, table in self.tables.items() if table.stream_shard}
        try:
            super().transact_write_items(transact_items)
        except Exception:
            for table, hash_key, range_key, item in before:
                table.restore(hash_key, range_key, item)
            for name, mark in marks.items():
                shard = self.tables[name].stream_shard
                if shard is not None:
                    del shard.items[mark:]
            raise

    def _touched(self, transact_items: list[dict[str, Any]]) -> Iterator[tuple[OrderedTable, DynamoType, DynamoType, Item | None]]:
        for action in transact_items:
            for kind, operation in action.items():
                table = self.tables.get(operation.get("TableName", ""))
                key = operation.get("Item" if kind == "Put" else "Key", {})
                if not isinstance(table, OrderedTable) or kind == "ConditionCheck" or not {*table.table_key_attrs} <= {*key}:
                    continue
                hash_key, range_key = (DynamoType(key[name]) for name in table.table_key_attrs)
                item = table.items.get(hash_key, {}).get(range_key)
                yield table, hash_key, range_key, copy.deepcopy(item) if kind == "Update" else item
