"""What the tests of all pages use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

OpenAs = Callable[[str, str], Page]
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def enter_by(page: Page, link: str) -> None:
    """Opens a sign-in link and presses its button."""
    page.goto(link)
    page.get_by_role("button", name="登录").click()


def live(page: Page) -> None:
    expect(page.get_by_test_id("link")).to_have_attribute("data-state", "live")


def violations(page: Page) -> list[object]:
    """What axe-core finds. Evaluated, not added as a script: the hub's content policy forbids inline scripts.

    Of what is well it describes one example a rule; all of every rule's is most of its work.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[object] = page.evaluate(
        "axe.run({resultTypes: ['violations']})"
        ".then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]))"
    )
    return found
