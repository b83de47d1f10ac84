"""GET and POST /u/{token}: the page behind the link that ends mail, and the one click of RFC 8058. No cookies, no scripts."""

from urllib.parse import parse_qs

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.people import customer_portal
from dunning.domain.errors import Rejected, Retryable
from dunning.workflow.opt_out import EMAIL

_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}


def build(platform: Platform) -> Handler:
    """The handler on a platform. The same click twice changes nothing."""
    portal = customer_portal(platform)
    log = logger(platform, "customer_portal")

    def handle(event: dict[str, object], _context: object) -> object:
        request = APIGatewayProxyEventV2(event)
        language = portal.pages.language_wanted(request.headers.get("accept-language"))
        try:
            customer = portal.links.customer(str((request.path_parameters or {}).get("token", "")), platform.clock())
            if request.http_method != "POST":
                return _answer(200, portal.pages.asking(language))
            again = "again" in parse_qs(request.decoded_body if request.body else "")
            say = portal.opt_out.again if again else portal.opt_out
            outcome = say(customer, EMAIL, "by the link in a mail")
        except Rejected as exc:
            log.warning("refused", extra={"reason": str(exc)})
            return _answer(404, portal.pages.bad_link(language))
        except Retryable:
            log.exception("not done, the reader may try again")
            return {"statusCode": 503, "headers": {"retry-after": "60"}}
        log.info("preference", extra={"customer": customer, "again": again, "outcome": outcome})
        return _answer(200, portal.pages.back(language) if again else portal.pages.done(language))

    return handle


def _answer(status: int, page: str) -> dict[str, object]:
    return {"statusCode": status, "headers": _HEADERS, "body": page}


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
