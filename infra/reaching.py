"""A running local cloud, asked by a command."""

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from dunning.domain.errors import Rejected

LOCAL_URL = "http://127.0.0.1:8787"


def ask_local_cloud(url: str, path: str, body: bytes) -> object:
    """What a running `dunning up` answers to a POST. Raises Rejected with its own words, or when none answers there."""
    place = urlsplit(url)
    if place.scheme != "http" or place.hostname not in ("127.0.0.1", "localhost"):
        raise Rejected(f"--url {url!r} is not a local cloud's: it listens on http://127.0.0.1 only")
    try:
        connection = HTTPConnection(place.hostname, place.port or 80, timeout=300)
        connection.request("POST", path, body)
        response = connection.getresponse()
        answer: object = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as exc:
        raise Rejected(f"no local cloud answers at {url}: start one with `dunning up`, or give --stack NAME for AWS") from exc
    if response.status >= 300:
        raise Rejected(str(answer.get("error")) if isinstance(answer, dict) else f"{path} was answered with {response.status}")
    return answer
