"""A copy of the source tree with one safeguard taken away, and what then notices."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import MUST_NOT_MISS
from tests.simulation.mutants.catalogue import Mutant

ROOT = Path(__file__).parents[3]
COPIED = ("shared", "functions", "tests", "template.yaml", "pyproject.toml")
FIRST_SEED, SEEDS = 1, 200
RACED_SEED = 1
"""A world in which workers overtake one another where it matters."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run on the copy ended: its exit code, and what it said."""

    code: int
    said: str


def simulated(mutant: Mutant | None, most: int = SEEDS) -> Verdict:
    """Run the simulator on the mutated copy (None: on a faithful one), until it fails or has tried so many seeds."""
    seeds = ("--seeds", str(most), "--first", str(FIRST_SEED), "--plain", "--twin-only")
    with _copy(mutant) as tree:
        return _run(tree, "tests.simulation", *seeds)


def played_on_cloud(mutant: Mutant, seed: int = RACED_SEED) -> Verdict:
    """Play the world of one seed on the whole local cloud, on the mutated copy."""
    with _copy(mutant, (*COPIED, "infra")) as tree:
        return _run(tree, "tests.simulation", "--seed", str(seed), "--cloud", "--plain")


def held_to_contract(mutant: Mutant) -> Verdict:
    """Run the storage's contract for the table on moto, on the mutated copy."""
    with _copy(mutant, (*COPIED, "infra")) as tree:
        return _run(tree, "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/contract/storage", "-k", "moto")


@contextmanager
def _copy(mutant: Mutant | None, names: Sequence[str] = COPIED) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in names:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules", ".*_cache", "node_modules")
                )
            else:
                shutil.copy(source, tree / name)
        if mutant:
            _change(tree / mutant.path, mutant)
        yield tree


def _change(file: Path, mutant: Mutant) -> None:
    text = file.read_text(encoding="utf-8")
    times = text.count(mutant.text)
    if times != 1:
        raise LookupError(f"{mutant.name}: its text stands {times} times in {mutant.path}: bring tests/simulation/mutants up to date")
    file.write_text(text.replace(mutant.text, mutant.instead), encoding="utf-8")


def _run(tree: Path, module: str, *arguments: str) -> Verdict:
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    paths = os.pathsep.join([str(tree), str(tree / "shared")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", MUST_NOT_MISS: ""}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return Verdict(done.returncode, done.stdout + done.stderr)
