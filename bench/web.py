"""What the web app costs a browser: its size, the first paint, long conversations, an answer of 4,000 tokens.

    python bench/web.py [--json FILE]

The server is `forebay serve` with a store, its model a small API in this process that streams 200 tokens a second; the
browser is Debian's Chromium, headless. CPU is what its page's main thread has spent on tasks (scripts, style, layout,
paint), from the DevTools protocol.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from forebay.web.static import Pages
from tests.support.served import Served, forebay
from tests.web.driving import field, picker
from tests.web.fake_api import FakeApi, serving

MESSAGES = 2000
TOKENS = 4000
RATE = 200
CONFIGURATION = """
store: {{url: "sqlite:///{folder}/forebay.db", conversations: {{titles: words}}}}
providers:
  far: {{kind: openai, base_url: "{url}/v1"}}
models:
  echo: {{provider: far}}
"""
PART = """## Part {number}

The *reservoir* stands **{number}** metres above the turbines, and `level({number})` says how it was before:

1. water comes in from the north
2. and leaves by the gate, see [the plan](https://example.org/{number})

```python
def level(step):
    return {number} + sum(inflow - outflow for inflow, outflow in flows[:step])
```

"""
OPEN = """async (id) => {
  const began = performance.now();
  location.hash = `#/chat/${id}`;
  for (;;) {
    await new Promise(requestAnimationFrame);
    if (document.querySelectorAll(".message").length === COUNT) break;
  }
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - began;
}""".replace("COUNT", str(MESSAGES))
SCROLL = """async () => {
  const scroller = document.querySelector(".scroller");
  const frames = [];
  let last = performance.now();
  for (let step = 0; step < 120; step += 1) {
    scroller.scrollTop -= 600;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  return frames;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Essayist(FakeApi):
    """Answers at length, whatever it is asked: a long question costs a browser time as well."""

    def answer(self, model: str, asked: str) -> str:  # noqa: ARG002  # it does not listen
        """The same each time."""
        return words()


def words() -> str:
    """Markdown of `TOKENS` words."""
    parts = "".join(PART.format(number=number) for number in range(TOKENS))
    return " ".join(parts.split(" ")[:TOKENS])


def size() -> int:
    """What a browser loads in all, compressed."""
    pages = Pages()
    loaded = [pages.find(path) for path in pages.paths if path == "/" or path.startswith("/assets/")]
    return sum(len(page.compressed) for page in loaded if page and b"text/plain" not in page.content_type)


def paints(browser: Browser, url: str) -> list[float]:
    """The first contentful paint with nothing cached, in milliseconds, ten times."""
    found = []
    for _ in range(10):
        page = browser.new_context().new_page()
        page.goto(url)
        expect(picker(page)).to_be_enabled()
        found.append(float(page.evaluate(PAINT)))
        page.context.close()
    return found


def metrics(session: CDPSession) -> dict[str, float]:
    """Seconds by kind."""
    told = session.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in told if each["name"].endswith("Duration")}


def answer(page: Page, url: str) -> dict[str, float]:
    """Seconds of the main thread for one answer, and how long it took to come."""
    page.goto(url)
    expect(picker(page)).to_be_enabled()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    field(page).fill("Tell me about reservoirs.")
    before = metrics(session)
    field(page).press("Enter")
    page.wait_for_timeout(TOKENS / RATE * 1000)
    page.wait_for_function(
        "() => !document.querySelector('.coming')", polling=1000
    )  # looking by role costs the page time
    after = metrics(session)
    return {name: round(after[name] - before[name], 3) for name in sorted(after)}


def long_conversation(server: Served) -> str:
    """The id of one with `MESSAGES` messages."""
    items: list[dict[str, Any]] = []
    for number in range(MESSAGES):
        role, kind = ("assistant", "output_text") if number % 2 else ("user", "input_text")
        text = PART.format(number=number) if number % 2 else f"Tell me about part {number}."
        parent = items[-1]["id"] if items else None
        content = [{"type": kind, "text": text}]
        items.append({"id": f"m{number}", "type": "message", "role": role, "content": content, "parent": parent})
    file = {"object": "forebay.conversation", "version": 1, "title": "Long", "created_at": 1, "metadata": {}}
    return str(server.post("/v1/conversations/import", {**file, "current_item": items[-1]["id"], "items": items})["id"])


def measure(browser: Browser, server: Served) -> dict[str, Any]:
    """All figures."""
    first = paints(browser, server.url)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(120_000)
    cpu = answer(page, server.url)
    conversation = long_conversation(server)
    opened = []
    for _ in range(5):
        page.goto(f"{server.url}/#/compare")
        page.reload()
        expect(page.get_by_label("Message to both")).to_be_visible()
        page.wait_for_timeout(500)
        opened.append(float(page.evaluate(OPEN, conversation)))
    frames = sorted(page.evaluate(SCROLL))
    return {
        "gzipped_bytes": size(),
        "first_paint_ms": {"median": round(statistics.median(first)), "worst": round(max(first))},
        "opening_2000_messages_ms": {"median": round(statistics.median(opened)), "worst": round(max(opened))},
        "scrolling_frame_ms": {"median": round(statistics.median(frames), 1), "p95": round(frames[-7], 1)},
        "answer_4000_tokens_cpu_seconds": cpu,
    }


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    api = Essayist()
    api.pause = 1 / RATE
    with tempfile.TemporaryDirectory() as folder, serving(api) as upstream, sync_playwright() as playwright:
        configuration = Path(folder) / "forebay.yaml"
        configuration.write_text(CONFIGURATION.format(folder=folder, url=upstream))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with forebay("--config", str(configuration)) as server:
            figures = measure(browser, server)
        browser.close()
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
