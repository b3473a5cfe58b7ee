"""``forebay report``: what is read by people, by mail programs and by machines."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forebay.cli.report import report
from forebay.core.feedback import Feedback
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import build
from tests.support.records import record

DAY = 86400.0
EVIL = "<script>alert(1)</script>\x1b[2J"


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'forebay.db'}"
    store = build(StoreSettings(Secret(url)))
    now = time.time()
    rows = [record(number, at=now - 2 * DAY, model=EVIL, cost=5 * 10**11) for number in range(30)]
    rows += [record(99, at=now - 9 * DAY, tenant="other")]
    await store.usage.add([(each.id, each) for each in rows])
    said = Feedback("f1", now - 2 * DAY, "team", "alice", "request", "req_1", "down", comment=EVIL)
    await store.feedback.put(said)
    await store.close()
    path = tmp_path / "forebay.yaml"
    path.write_text(f'store: {{url: "{url}"}}\n')
    return path


def run(config: Path, *arguments: str) -> Result:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
    return CliRunner().invoke(report, ["--config", str(config), "--until", tomorrow, *arguments])


class Page(HTMLParser):
    """The tags and the addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_mail_program_needs_nothing_else(config: Path) -> None:
    result = run(config, "--format", "html")
    assert result.exit_code == 0, result.output
    page = Page(result.output)
    assert not page.tags & {"script", "style", "img", "link", "iframe"}
    assert not {name for name in page.attributes if name.startswith("on")} | page.attributes & {"src", "href"}
    assert "&lt;script&gt;" in result.output
    assert "$15.00" in result.output


def test_people_read_it_in_a_terminal(config: Path) -> None:
    result = run(config)
    assert re.search(r"^Requests +30 +1$", result.output, re.MULTILINE)
    assert "No model failed for more than a moment." in result.output
    assert "\x1b" not in result.output


def test_machines_read_json_and_a_tenant_sees_its_own(config: Path) -> None:
    found = json.loads(run(config, "--format", "json").output)
    assert (found["now"]["requests"], found["disliked"]) == (30, 1)
    found = json.loads(run(config, "--format", "json", "--tenant", "other").output)
    assert (found["now"]["requests"], found["before"]["requests"], found["disliked"]) == (0, 1, 0)


def test_without_a_store_there_is_nothing_to_tell(tmp_path: Path) -> None:
    path = tmp_path / "forebay.yaml"
    path.write_text("log: {level: info}\n")
    assert "no 'store'" in run(path).output
