"""The Stripe secret of the tests."""

import json
from datetime import UTC, datetime

from mypy_boto3_secretsmanager import SecretsManagerClient

from dunning.providers.secrets import StripeSecrets

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NAME = "dunning/stripe"


class Shelf:
    """The secret as Secrets Manager holds it, with a count of how often it was read."""

    def __init__(self, client: SecretsManagerClient) -> None:
        self.client = client
        self.now = NOW
        self.reads = 0
        client.meta.events.register("before-send.secretsmanager.GetSecretValue", self._count)

    def _count(self, **_: object) -> None:
        self.reads += 1

    def holds(self, value: object) -> None:
        """Put this there, as JSON unless it is text already."""
        text = value if isinstance(value, str) else json.dumps(value)
        listed = self.client.list_secrets()["SecretList"]
        if listed:
            self.client.put_secret_value(SecretId=NAME, SecretString=text)
        else:
            self.client.create_secret(Name=NAME, SecretString=text)

    def reader(self) -> StripeSecrets:
        """A reader of its own, with nothing cached."""
        return StripeSecrets(self.client, NAME, lambda: self.now)
