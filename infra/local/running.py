"""The whole local cloud, started: the providers' sandboxes, the cloud itself, and what it answers over HTTP."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dunning.domain.errors import Rejected
from dunning.storage.cases import TableCaseStore
from infra.local.cloud import LocalCloud
from infra.local.http.api import LocalApi
from infra.local.http.wire import Request
from infra.local.sandbox.server import ProviderSandbox
from infra.local.stripes_webhooks import StripesWebhooks

_HERE = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """A local cloud that answers. `api` is what `dunning up` serves; the demonstration asks it without a socket."""

    cloud: LocalCloud
    sandbox: ProviderSandbox
    api: LocalApi

    def deliver(self, body: bytes, headers: Mapping[str, str], path: str = "/webhooks/stripe") -> int:
        """Deliver a provider's webhook and run what it makes due; the product's HTTP status."""
        lowered = {name.lower(): value for name, value in headers.items()}
        return self.api.answer(Request("POST", path, "", lowered, body)).status


@contextmanager
def running_cloud(
    start: datetime, *, policies_dir: Path | None = None, outer_env: Mapping[str, str] | None = None
) -> Iterator[RunningCloud]:
    """A local cloud whose virtual time stands at `start` (UTC), until the block ends.

    Raises Rejected when a policy does not load.
    """
    _reach_ourselves_directly()
    clouds: list[LocalCloud] = []
    sandbox = ProviderSandbox(lambda: clouds[0].now if clouds else start)
    sandbox.start()
    try:
        cloud = LocalCloud(
            start,
            policies_dir=policies_dir,
            outer_env=os.environ if outer_env is None else outer_env,
            sandbox_base=sandbox.url,
        )
        clouds.append(cloud)
        cloud.also_hears(StripesWebhooks(sandbox.next_webhook, cloud.request, lambda: cloud.now))
        if policies_dir:
            _check_policies(cloud, policies_dir)
        yield RunningCloud(cloud, sandbox, LocalApi(cloud, sandbox, _case_store(cloud)))
    finally:
        sandbox.stop()
        for cloud in clouds:
            cloud.close()


def _check_policies(cloud: LocalCloud, directory: Path) -> None:
    """Say now what is wrong, not when the first function reads them."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise Rejected(f"{directory} holds no policy: put one there as <name>.yaml")
    for file in files:
        try:
            cloud.put_policy(file.stem, file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as exc:
            raise Rejected(f"{file} is not UTF-8: {exc}") from exc


def _case_store(cloud: LocalCloud) -> TableCaseStore:
    """The one table, read. How many shards its indexes have matters only to writers."""
    client = cloud.session().client("dynamodb")
    (table,) = client.list_tables()["TableNames"]
    return TableCaseStore(client, table, shards=1)


def _reach_ourselves_directly() -> None:
    """A proxy in the environment must not come between the functions and the sandboxes on this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        if "127.0.0.1" not in known:
            os.environ[name] = f"{known},{_HERE}" if known else _HERE
