"""A browser, and a page of it that must load nothing from elsewhere, break no policy and raise nothing."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.fake_api import FakeApi, serving


@pytest.fixture(scope="module")
def serving_api() -> Iterator[tuple[FakeApi, str]]:
    api = FakeApi()
    with serving(api) as url:
        yield api, url


@pytest.fixture
def api(serving_api: tuple[FakeApi, str]) -> FakeApi:
    api, _ = serving_api
    api.reset()
    return api


@pytest.fixture
def api_url(api: FakeApi, serving_api: tuple[FakeApi, str]) -> str:  # noqa: ARG001  # it begins anew
    return serving_api[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. For one module only: while it runs, its event loop keeps asynchronous tests from theirs."""
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, and in containers without user namespaces.
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """For one module: what is loaded once need not be loaded again."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must load nothing from elsewhere, break no policy and raise nothing."""
    page = context.new_page()
    problems: list[str] = []
    wanted: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if _is_problem(line.type, line.text) else None)
    page.on("request", lambda request: wanted.append(request.url))
    yield page
    context.set_offline(offline=False)
    page.evaluate("localStorage.clear()")
    page.close()
    elsewhere = [url for url in wanted if not url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:"))]
    assert not elsewhere
    assert not problems


def _is_problem(kind: str, text: str) -> bool:
    # The browser itself reports every refused request that way; the page shows it, which the tests look at.
    return kind in {"error", "warning"} and not text.startswith("Failed to load resource")
