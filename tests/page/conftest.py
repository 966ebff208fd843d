"""Fixtures: the browser, and the pages of made-up fleets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from browser import HOW_TO_INSTALL, Browser, installed  # noqa: E402

ROOT = Path(__file__).parents[2]


@dataclass
class Page:
    """A fleet's page, and what machines read of the same fleet."""

    path: Path
    fleet: dict


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for all tests; root can install what is missing, so only others may skip."""
    paths = installed()
    if paths is None:
        (pytest.fail if os.geteuid() == 0 else pytest.skip)(HOW_TO_INSTALL)
    browser = Browser(*paths)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[int, Page]:
    """The pages of fleets of three, forty-eight and two thousand targets."""
    directory = tmp_path_factory.mktemp("pages")

    def page(targets: int) -> Page:
        path = directory / f"{targets}.html"
        path.write_text(sample("--targets", str(targets)), "utf-8")
        return Page(path, json.loads(sample("--targets", str(targets), "--json")))

    return {targets: page(targets) for targets in (3, 48, 2000)}


def sample(*arguments: str) -> str:
    """What the report's example writes."""
    command = ["cargo", "run", "--quiet", "-p", "funade-report", "--example", "sample", "--"]
    ran = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
