"""What people do to a case: customers by the links in their mails, our own by commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.channels.unsubscribe_links import SignedUnsubscribeLinks
    from dunning.content.portal_pages import PortalPages
    from dunning.workflow.opt_out import OptOut
    from dunning.workflow.record_snapshot import RecordSnapshot


def operator_record(platform: Platform, actor: str = "operator") -> RecordSnapshot:
    """What the commands of `dunning` change a case with, on any function's environment; `actor` is who is logged."""
    return _Parts(platform, actor).record()


@dataclass(frozen=True, slots=True)
class PortalServices:
    """What the function customer_portal needs."""

    links: SignedUnsubscribeLinks
    opt_out: OptOut
    pages: PortalPages


def customer_portal(platform: Platform) -> PortalServices:
    """Builds customer_portal's container."""
    from dunning.channels.unsubscribe_links import LinkKey, SignedUnsubscribeLinks
    from dunning.content.portal_pages import PortalPages
    from dunning.workflow.opt_out import OptOut

    parts = _Parts(platform, "customer_portal")
    links = SignedUnsubscribeLinks(LinkKey(parts.secretsmanager, parts.config.link_secret, parts.clock))
    return PortalServices(links, OptOut(parts.record()), PortalPages(parts.config.company_name, parts.config.default_locale))
