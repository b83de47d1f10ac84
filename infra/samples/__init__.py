"""Sample invoices for the local cloud and the demonstration: invented companies, real shapes."""

from infra.samples.story import SampleWebhook, sample_webhooks

__all__ = ["SampleWebhook", "sample_webhooks"]
