"""`dunning up`: the local cloud on a port, until told to stop."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from dunning.domain.errors import Rejected
from infra.local.http.wire import ADDRESS, Server, rfc3339
from infra.local.running import RunningCloud, running_cloud


def serve(
    port: int, start: datetime, policies: Path | None, stop: threading.Event, *, samples: bool, ready: Callable[[], None] = lambda: None
) -> int:
    """Serve on 127.0.0.1 until `stop` is set; the exit status. `ready` is called when requests are answered.

    The port is taken before the slow part begins, and refuses connections until all is ready.
    Raises Rejected when the port is in use or a policy does not load.
    """
    try:
        server = Server(port)
    except OSError as exc:
        raise _in_use(port, exc) from exc
    try:
        with running_cloud(start, policies_dir=policies) as running:
            if samples:
                _deliver_samples(running, start)
            _listen(server, running, port)
            print(_addresses(server.url, running, start), flush=True)
            ready()
            stop.wait()
    finally:
        server.stop()
    return 0


def _listen(server: Server, running: RunningCloud, port: int) -> None:
    try:
        server.start(running.api.answer)
    except OSError as exc:
        raise _in_use(port, exc) from exc


def _in_use(port: int, exc: OSError) -> Rejected:
    return Rejected(f"cannot listen on {ADDRESS}:{port}: {exc.strerror}; choose another with --port, or 0 for any free one")


def _deliver_samples(running: RunningCloud, start: datetime) -> None:
    from infra.samples import sample_webhooks

    statuses = [running.deliver(webhook.body, webhook.headers) for webhook in sample_webhooks(start)]
    refused = sum(status >= 300 for status in statuses)
    if refused:
        print(f"{refused} of {len(statuses)} sample webhooks were not taken", flush=True)


def _addresses(url: str, running: RunningCloud, start: datetime) -> str:
    return "\n".join(
        (
            f"Ready. It is {rfc3339(start)} and stays so until told otherwise.",
            "",
            f"  page      {url}/",
            f"  webhook   {url}/webhooks/stripe   (signed with whsec_local)",
            f"  control   {url}/_local/…   (clock, outbox, cases/<customer>, policies/<name>, …)",
            f"  Stripe    {running.sandbox.url}   (sandbox, key sk_test_local)",
            "",
            "Stop with Ctrl-C.",
        )
    )
