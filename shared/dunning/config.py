"""The only reader of the environment."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dunning.domain.errors import Rejected

NOTED_SOURCES = ("stripe", "quickbooks", "xero")
"""The sources to which activities are written back."""

PACKAGED_POLICIES = Path(__file__).parent / "content" / "policies"


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """An accounting provider: its app's secret, the index of its tokens' secrets, its API's base, its token endpoint.

    `grants_prefix`: how the names of those begin; empty in a stack of a release that kept all tokens in the index.
    """

    secret: str
    tokens: str
    grants_prefix: str
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
    sync_dead_letters: str
    sweep_queue: str
    sweep_dead_letters: str
    event_bus: str
    activity_dead_letters: str
    event_dead_letters: str
    write_back_queues: Mapping[str, str]
    write_back_dead_letters: str
    write_back_off: frozenset[str]
    stripe_secret: str
    stripe_api_base: str
    quickbooks: OAuthProvider
    xero: OAuthProvider
    email_from: str
    email_reply_to: str
    replies_domain: str
    configuration_set: str
    company_name: str
    team_locale: str
    default_locale: str
    sms_sender_id: str
    link_secret: str
    portal_url: str
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
    topics = _named("TEAM_TOPICS", need("TEAM_TOPICS"), 'team name to topic ARN, as in {"collections": "arn:…"}', problems)
    queues = _named("WRITE_BACK_QUEUES", need("WRITE_BACK_QUEUES"), "source to queue URL", problems)
    config = Config(
        table=need("TABLE_NAME"),
        due_shards=shards,
        run_queue=need("RUN_QUEUE_URL"),
        run_dead_letters=need("RUN_DEAD_LETTERS_URL"),
        sync_queue=need("SYNC_QUEUE_URL"),
        sync_dead_letters=need("SYNC_DEAD_LETTERS_URL"),
        sweep_queue=need("SWEEP_QUEUE_URL"),
        sweep_dead_letters=need("SWEEP_DEAD_LETTERS_URL"),
        event_bus=need("EVENT_BUS"),
        activity_dead_letters=need("ACTIVITY_DEAD_LETTERS_URL"),
        event_dead_letters=need("EVENT_DEAD_LETTERS_URL"),
        write_back_queues=queues,
        write_back_dead_letters=need("WRITE_BACK_DEAD_LETTERS_URL"),
        write_back_off=_switched_off(env.get("WRITE_BACK", ""), problems),
        stripe_secret=need("STRIPE_SECRET_ID"),
        stripe_api_base=env.get("STRIPE_API_BASE") or "https://api.stripe.com",
        quickbooks=OAuthProvider(
            secret=need("QUICKBOOKS_SECRET_ID"),
            tokens=need("QUICKBOOKS_TOKENS_ID"),
            grants_prefix=env.get("QUICKBOOKS_GRANTS_PREFIX", ""),
            api_base=env.get("QUICKBOOKS_API_BASE") or "https://quickbooks.api.intuit.com",
            token_url=env.get("QUICKBOOKS_TOKEN_URL") or "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        ),
        xero=OAuthProvider(
            secret=need("XERO_SECRET_ID"),
            tokens=need("XERO_TOKENS_ID"),
            grants_prefix=env.get("XERO_GRANTS_PREFIX", ""),
            api_base=env.get("XERO_API_BASE") or "https://api.xero.com",
            token_url=env.get("XERO_TOKEN_URL") or "https://identity.xero.com/connect/token",
        ),
        email_from=need("EMAIL_FROM"),
        email_reply_to=need("EMAIL_REPLY_TO"),
        replies_domain=env.get("REPLIES_DOMAIN", ""),
        configuration_set=need("SES_CONFIGURATION_SET"),
        company_name=need("COMPANY_NAME"),
        team_locale=_locale("TEAM_LOCALE", env.get("TEAM_LOCALE") or "en", problems),
        default_locale=_locale("DEFAULT_LOCALE", env.get("DEFAULT_LOCALE") or "en", problems),
        sms_sender_id=env.get("SMS_SENDER_ID", ""),
        link_secret=need("LINK_SECRET_ID"),
        portal_url=env.get("PORTAL_URL", ""),
        team_topics=topics,
        policies_dir=Path(env["POLICIES_DIR"]) if env.get("POLICIES_DIR") else PACKAGED_POLICIES,
    )
    if problems:
        raise Rejected("; ".join(problems) + " (see Globals.Function.Environment in template.yaml)")
    return config


def _named(name: str, text: str, what: str, problems: list[str]) -> Mapping[str, str]:
    """A JSON object of names to ARNs or addresses; `what` says which."""
    if not text:
        return {}
    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: _each_once(name, pairs, problems))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        problems.append(f"{name} must be a JSON object of {what}")
        return {}
    return {str(key): str(value) for key, value in found.items()}


def _each_once(name: str, pairs: list[tuple[str, object]], problems: list[str]) -> dict[str, object]:
    twice = sorted({key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1})
    problems += [f"{name} names {key} twice: give each another name" for key in twice]
    return dict(pairs)


def _locale(name: str, text: str, problems: list[str]) -> str:
    """One of the languages that ship, with or without a country."""
    if not re.fullmatch(r"(en|de|fr|es)(-[A-Z]{2})?", text):
        problems.append(f"{name} is {text!r}: write en, de, fr or es, or with a country, as in de-AT")
    return text


def _switched_off(text: str, problems: list[str]) -> frozenset[str]:
    """The sources that get no notes, from `stripe:on,quickbooks:off,xero:on`; what is not named is on."""
    switches = dict(part.strip().partition(":")[::2] for part in text.split(",") if part.strip())
    wrong = {name: state for name, state in switches.items() if name not in NOTED_SOURCES or state not in ("on", "off")}
    if wrong:
        problems.append(f"WRITE_BACK is {text!r}: write stripe:on,quickbooks:off,xero:on")
    return frozenset(name for name, state in switches.items() if state == "off")
