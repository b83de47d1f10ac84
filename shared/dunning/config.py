"""The only reader of the environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dunning.domain.errors import Rejected

PACKAGED_POLICIES = Path(__file__).parent / "content" / "policies"


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """An accounting provider: its two secrets (the app's and the tokens), its API's base, its token endpoint."""

    secret: str
    tokens: str
    api_base: str
    token_url: str


@dataclass(frozen=True, slots=True)
class Config:
    """One function's settings. Queues by URL, topics by ARN, secrets by their Secrets Manager id."""

    table: str
    due_shards: int
    run_queue: str
    run_dead_letters: str
    sync_queue: str
    sweep_queue: str
    stripe_secret: str
    stripe_api_base: str
    quickbooks: OAuthProvider
    xero: OAuthProvider
    email_from: str
    email_reply_to: str
    configuration_set: str
    company_name: str
    sms_sender_id: str
    team_topics: Mapping[str, str]
    policies_dir: Path


def from_env(env: Mapping[str, str]) -> Config:
    """Read the settings. Raises Rejected naming every variable that is missing or wrong, and where it is set."""
    problems: list[str] = []

    def need(name: str) -> str:
        value = env.get(name, "")
        if not value:
            problems.append(f"{name} is not set")
        return value

    shards_text = need("DUE_SHARDS")
    shards = int(shards_text) if shards_text.isdecimal() else 0
    if shards_text and not 1 <= shards <= 64:
        problems.append(f"DUE_SHARDS is {shards_text!r}: give a whole number from 1 to 64")
    topics = _topics(need("TEAM_TOPICS"), problems)
    config = Config(
        table=need("TABLE_NAME"),
        due_shards=shards,
        run_queue=need("RUN_QUEUE_URL"),
        run_dead_letters=need("RUN_DEAD_LETTERS_URL"),
        sync_queue=need("SYNC_QUEUE_URL"),
        sweep_queue=need("SWEEP_QUEUE_URL"),
        stripe_secret=need("STRIPE_SECRET_ID"),
        stripe_api_base=env.get("STRIPE_API_BASE") or "https://api.stripe.com",
        quickbooks=OAuthProvider(
            secret=need("QUICKBOOKS_SECRET_ID"),
            tokens=need("QUICKBOOKS_TOKENS_ID"),
            api_base=env.get("QUICKBOOKS_API_BASE") or "https://quickbooks.api.intuit.com",
            token_url=env.get("QUICKBOOKS_TOKEN_URL") or "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        ),
        xero=OAuthProvider(
            secret=need("XERO_SECRET_ID"),
            tokens=need("XERO_TOKENS_ID"),
            api_base=env.get("XERO_API_BASE") or "https://api.xero.com",
            token_url=env.get("XERO_TOKEN_URL") or "https://identity.xero.com/connect/token",
        ),
        email_from=need("EMAIL_FROM"),
        email_reply_to=need("EMAIL_REPLY_TO"),
        configuration_set=need("SES_CONFIGURATION_SET"),
        company_name=need("COMPANY_NAME"),
        sms_sender_id=env.get("SMS_SENDER_ID", ""),
        team_topics=topics,
        policies_dir=Path(env["POLICIES_DIR"]) if env.get("POLICIES_DIR") else PACKAGED_POLICIES,
    )
    if problems:
        raise Rejected("; ".join(problems) + " (see Globals.Function.Environment in template.yaml)")
    return config


def _topics(text: str, problems: list[str]) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        topics = json.loads(text)
    except ValueError:
        topics = None
    if not isinstance(topics, dict) or not all(isinstance(arn, str) for arn in topics.values()):
        problems.append('TEAM_TOPICS must be a JSON object of team name to topic ARN, as in {"collections": "arn:…"}')
        return {}
    return {str(team): str(arn) for team, arn in topics.items()}
