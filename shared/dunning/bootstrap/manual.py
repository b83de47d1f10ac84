"""The source of imported invoices, and the container behind `dunning import` and `dunning paid`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.providers.manual import ManualSource
    from dunning.workflow.import_invoices import ImportInvoices


def manual_source(parts: _Parts) -> ManualSource:
    """What was imported from files."""
    from dunning.providers.manual import ManualSource
    from dunning.storage.timers import TableOpenIndex

    return ManualSource(parts.store(), TableOpenIndex(parts.dynamodb, parts.config.table, parts.config.due_shards), parts.clock)


def import_invoices(platform: Platform) -> ImportInvoices:
    """Builds the use case, on any function's environment. Raises Rejected for a bad environment."""
    from dunning.storage.timers import TableOpenIndex
    from dunning.workflow.import_invoices import ImportInvoices

    parts = _Parts(platform, "import")
    return ImportInvoices(parts.record(), TableOpenIndex(parts.dynamodb, parts.config.table, parts.config.due_shards))
