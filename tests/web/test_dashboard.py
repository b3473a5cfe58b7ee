"""The dashboard before a real server with a store that holds a month of usage."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.served import Served, forebay
from tests.web.driving import button
from tests.web.seeded import database_url, seed
from tests.web.test_accessible import check
from tests.web.test_pictures import picture

pytestmark = [pytest.mark.needs("browser")]

ROOT, ALICE = "sk-root-0123456789abcdef", "sk-alice-0123456789abcdef"
CONFIGURATION = """
store: {{url: "{url}"}}
auth:
  keys:
    - {{key: {root}, name: root, admin: true}}
    - {{key: {alice}, name: alice, tenant: team}}
  issued_keys: {{pepper: 0123456789abcdef0123456789abcdef}}
cache: {{store: memory}}
limits:
  keys: {{rpm: 600, budget_day: 5}}
providers:
  far: {{kind: openai, base_url: "http://127.0.0.1:9/v1"}}
models:
  fast: {{provider: far}}
"""
CHARTS = (
    *("Requests", "Errors", "Time to first token", "Time per output token", "Latency", "Throughput"),
    *("Cache hit rate", "Tokens saved", "Cost", "Guard verdicts"),
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("dashboard")
    url = database_url(folder)
    seed(url)
    configuration = folder / "forebay.yaml"
    configuration.write_text(CONFIGURATION.format(url=url, root=ROOT, alice=ALICE))
    with forebay("--config", str(configuration)) as server:
        yield server


def enter(page: Page, stored: Served, query: str = "", key: str = ROOT) -> None:
    page.goto(f"{stored.url}/dashboard{query}")
    page.get_by_label("API key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Use key")).to_have_count(0)


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def total(page: Page, name: str) -> Locator:
    return page.get_by_label("Totals").locator("div", has_text=name).locator("dd").first


def test_every_chart_is_drawn_and_can_be_read_as_a_table(page: Page, stored: Served) -> None:
    enter(page, stored)
    for title in CHARTS:
        expect(card(page, title).locator("canvas")).to_be_visible()
    expect(card(page, "Requests").get_by_role("img")).to_have_accessible_name(re.compile(r"fast [\d.]+/s"))
    page.keyboard.press("Tab")
    button(page, "Latency as a table").focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Latency, table").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Time", "p50", "p90", "p99"])
    assert table.get_by_role("row").count() > 50
    expect(card(page, "Engine queue")).to_contain_text("No engine runs in this process.")


def test_filters_stand_in_the_address(page: Page, stored: Served) -> None:
    enter(page, stored, "?range=30d")
    expect(total(page, "Requests")).to_have_text(re.compile(r"1,\d{3}"))
    page.get_by_label("Model", exact=True).fill("deep")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?range=30d&model=deep$"))
    expect(card(page, "Requests").get_by_role("img")).to_have_accessible_name(re.compile("^Requests: deep [^,]+$"))
    page.get_by_label("Cost by").select_option("tenant")
    expect(card(page, "Cost").get_by_role("img")).to_have_accessible_name(re.compile("team .*others |others .*team "))
    page.reload()
    expect(page.get_by_label("Model", exact=True)).to_have_value("deep")
    expect(page.get_by_label("Range")).to_have_value("30d")
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Model", exact=True)).to_have_value("")
    page.get_by_label("Model", exact=True).fill("nothing")
    page.keyboard.press("Enter")
    expect(card(page, "Requests")).to_contain_text("Nothing in this range.")


def test_a_chart_leads_to_its_requests_and_a_row_to_its_story(page: Page, stored: Served) -> None:
    enter(page, stored)
    card(page, "Errors").get_by_role("link", name=re.compile(r"^429 \S \d+")).click()
    expect(page).to_have_url(re.compile(r"view=requests&status=429"))
    rows = page.get_by_role("region", name="Requests").locator("tbody tr")
    expect(rows.first).to_contain_text("429 rate_limit_exceeded")
    page.get_by_label("Status").select_option("2xx")
    expect(rows.first).to_contain_text("200")
    expect(rows).to_have_count(50)
    button(page, "Older requests").click()
    expect(rows).to_have_count(100)
    rows.filter(has_text="miss").first.get_by_role("link").click()
    dialog = page.get_by_role("dialog", name="Request")
    expect(dialog.get_by_role("listitem").filter(has_text="guard").first).to_be_visible()
    expect(dialog).to_contain_text("pii on the input")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(rows).to_have_count(100)
    page.goto(f"{stored.url}/dashboard")
    card(page, "Requests").locator(".u-over").click()
    expect(page).to_have_url(re.compile(r"view=requests&since=\d+&until=\d+$"))
    expect(rows.first).to_be_visible()


def test_the_requests_behind_errors_are_those_of_every_status(page: Page, stored: Served) -> None:
    enter(page, stored)
    card(page, "Errors").get_by_role("link", name="Requests behind Errors").click()
    expect(page).to_have_url(re.compile(r"\?view=requests$"))
    names = page.get_by_label("Status").get_by_role("option").all_inner_texts()
    assert [name.split()[0] for name in names] == ["any", "2xx", "4xx", "429", "499", "5xx"]
    page.get_by_label("Status").select_option("429")
    rows = page.get_by_role("region", name="Requests").locator("tbody tr")
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("dialog", name="Request")).to_contain_text("refused it")


SERIES = """async () => {
  const base = document.querySelector("script[type=module]").src;
  const { errorShares, errorsOf, lone, statusOf } = await import(new URL("text/series.js", base));
  const data = ["200", "499", "429", "400"].map((group, at) => ({ group, requests: [at + 1], errors: [0] }));
  const errors = errorsOf({ data });
  return [
    errors.map((each) => each.status),
    errorShares({ data, times: [0] }).map((each) => each.label),
    statusOf(errors), statusOf(errors.slice(1)), statusOf([...errors, { status: "502" }]), statusOf([]),
    lone([1, null, 2, 3, null, null, 4]),
  ];
}"""


def test_who_left_is_no_error_and_what_stands_alone_is_known(page: Page, stored: Served) -> None:
    page.goto(f"{stored.url}/dashboard")
    found = page.evaluate(SERIES)
    assert found == [["400", "429"], ["429", "400"], "4xx", "429", "", "", [0, 6]]


COLOURED = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, canvas.width / 2, 0, canvas.width / 2, canvas.height, 0, 0, canvas.width / 2, canvas.height);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [least, most] = [Math.min(...data.slice(at, at + 3)), Math.max(...data.slice(at, at + 3))];
    if (data[at + 3] > 200 && most - least > 60) coloured += 1;
  }
  return coloured;
}"""


def test_a_step_without_neighbours_is_drawn(page: Page, stored: Served) -> None:
    def sparse(route: Route) -> None:
        reply = route.fetch()
        told = reply.json()
        steps = len(told["times"])
        some = [0.5 if at in {5, 6, 7, 8, steps - 10} else None for at in range(steps)]
        told["data"] = [each | {"ttft": dict.fromkeys(("p50", "p90", "p99"), some)} for each in told["data"]]
        route.fulfill(response=reply, json=told)

    page.route("**/v1/usage/series?**", sparse)
    enter(page, stored)
    chart = card(page, "Time to first token").locator("canvas")
    expect(chart).to_be_visible()
    assert chart.evaluate(COLOURED) > 0


def test_on_a_phone_the_page_that_is_open_is_in_sight(page: Page, stored: Served) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{stored.url}/dashboard?view=guards")
    expect(page.get_by_role("navigation").get_by_role("link", name="Guards")).to_be_in_viewport(ratio=0.9)


def test_keys_are_made_rotated_and_revoked(page: Page, stored: Served) -> None:
    enter(page, stored, "?view=keys")
    expect(card(page, "Your limits")).to_contain_text("5 of 5 dollars a day left")
    expect(page.get_by_text("Those of the configuration are not listed")).to_be_visible()
    button(page, "New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    dialog.get_by_label("Name").fill("dora")
    dialog.get_by_label("Scopes").fill("chat, nonsense")
    button(dialog, "Make key").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Unknown scope")
    dialog.get_by_label("Scopes").fill("chat")
    dialog.get_by_label("Dollars a day").fill("2.5")
    dialog.get_by_label("Dollars a month").fill("75")
    dialog.get_by_label("Requests a minute").fill("100")
    button(dialog, "Make key").click()
    once = page.get_by_role("dialog", name="The key of dora")
    secret = once.locator("code").inner_text()
    assert secret.startswith("fb-")
    button(once, "Done").click()
    expect(page.locator("body")).not_to_contain_text(secret)
    row = page.get_by_role("row").filter(has_text="dora")
    expect(row).to_contain_text("2.5 dollars a day")
    button(page, "What dora spent").click()
    expect(row).to_contain_text("$0 today")
    button(page, "Rotate dora").click()
    button(page.get_by_role("dialog"), "Rotate").click()
    assert page.get_by_role("dialog", name="The key of dora").locator("code").inner_text() != secret
    page.keyboard.press("Escape")
    sure = page.get_by_role("dialog", name="Has the key been kept?")
    button(sure, "Cancel").click()
    expect(page.get_by_role("dialog", name="The key of dora").locator("code")).to_be_visible()
    page.keyboard.press("Escape")
    button(sure, "Close").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button(page, "Revoke dora").first).to_be_in_viewport(ratio=0.9)
    button(page, "Revoke dora").first.click()
    button(page.get_by_role("dialog"), "Revoke").click()
    expect(row.filter(has_text="revoked")).to_have_count(1)


def test_whoever_is_no_admin_sees_their_tenants_usage_and_nothing_else(page: Page, stored: Served) -> None:
    enter(page, stored, "?range=30d", ALICE)
    expect(total(page, "Requests")).to_have_text(re.compile(r"1,\d{3}"))
    page.get_by_label("Tenant", exact=True).fill("others")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Only an admin sees other tenants' usage")
    for view in ("keys", "cache"):
        page.goto(f"{stored.url}/dashboard?view={view}")
        expect(page.get_by_text("This takes an admin:")).to_be_visible()


def test_models_adapters_cache_and_guards(page: Page, stored: Served) -> None:
    enter(page, stored, "?view=models")
    expect(page.get_by_role("row").filter(has_text="fast")).to_contain_text("model")
    form = page.get_by_role("region", name="Load an adapter")
    form.get_by_label("Name").fill("support")
    button(form, "Load").click()
    expect(form.get_by_role("alert")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Cache").click()
    expect(page.get_by_role("region", name="Figures of the cache")).to_be_visible()
    button(page, "Clear").click()
    button(page.get_by_role("dialog"), "Clear").click()
    expect(page.get_by_role("status").filter(has_text="0 entries deleted.")).to_have_count(1)
    page.get_by_role("navigation").get_by_role("link", name="Guards").click()
    expect(page.get_by_role("region", name="Verdicts by guard").get_by_role("row").nth(1)).to_contain_text("passed")


def test_it_asks_anew_while_it_is_looked_at_and_no_longer(page: Page, stored: Served) -> None:
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/usage/series" in request.url else None)
    enter(page, stored)
    expect(card(page, "Cost").locator("canvas")).to_be_visible()
    with page.expect_response(re.compile("usage/series")):
        page.clock.run_for(11_000)
    button(page, "Auto-refresh").click()
    page.wait_for_load_state("networkidle")
    before = len(asked)
    page.clock.run_for(60_000)
    assert len(asked) == before
    with page.expect_response(re.compile("usage/series")):
        button(page, "Refresh now").click()


def test_a_server_that_is_away_is_said_to_be(page: Page, stored: Served) -> None:
    enter(page, stored)
    expect(card(page, "Cost").locator("canvas")).to_be_visible()
    page.route("**/v1/usage/series*", lambda route: route.abort())
    button(page, "Refresh now").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(card(page, "Cost").locator("canvas")).to_be_visible()
    page.unroute("**/v1/usage/series*")
    button(page, "Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.needs("axe")
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        (1280, "light"),
        pytest.param(360, "light", marks=pytest.mark.slow),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
    ],
)
def test_no_page_breaks_a_rule(page: Page, stored: Served, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    enter(page, stored)
    expect(card(page, "Cost").locator("canvas")).to_be_visible()
    button(page, "Cost as a table").click()
    check(page)
    page.get_by_role("navigation").get_by_role("link", name="Requests").click()
    page.get_by_role("region", name="Requests").get_by_role("link").first.click()
    expect(page.get_by_role("dialog").get_by_text("Latency")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    for name, there in (("Keys", "New key"), ("Models", "Load"), ("Cache", "Clear"), ("Guards", "Verdicts as a table")):
        page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(button(page, there)).to_be_visible()
        check(page)


@pytest.mark.slow
def test_the_pictures_of_the_documentation(page: Page, stored: Served) -> None:
    page.set_viewport_size({"width": 1280, "height": 1000})
    enter(page, stored)
    expect(card(page, "Cost").locator("canvas")).to_be_visible()
    page.get_by_role("main").evaluate("main => main.scrollTo(0, 0)")
    picture(page, "dashboard")
    page.goto(f"{stored.url}/dashboard?view=requests&status=2xx")
    page.get_by_role("region", name="Requests").locator("tr", has_text="miss").first.get_by_role("link").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Stages")).to_be_visible()
    picture(page, "dashboard-story")
