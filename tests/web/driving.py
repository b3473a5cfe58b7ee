"""What tests do with the page as people do: by role and label."""

from playwright.sync_api import Locator, Page, expect


def start(page: Page, url: str, model: str = "words") -> None:
    page.goto(url)
    picker(page).select_option(model)


def picker(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Model", exact=True)


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def ask(page: Page, text: str) -> None:
    field(page).fill(text)
    field(page).press("Enter")


def turns(page: Page, name: str = "Conversation") -> Locator:
    return page.get_by_role("list", name=name, exact=True).locator("> li")


def answered(page: Page, at: int = 1) -> Locator:
    """The message at ``at``, when it is complete."""
    turn = turns(page).nth(at)
    expect(turn.get_by_role("button", name="Regenerate")).to_be_enabled()
    return turn


def button(where: Page | Locator, name: str) -> Locator:
    return where.get_by_role("button", name=name, exact=True)
