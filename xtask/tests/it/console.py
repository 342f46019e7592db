"""A person's path through the console, in a real browser.

Usage: console.py CONSOLE CHROMIUM FOLDER

Creates a subscription, approves it, watches it become an invoice; tampers with an event, finds it in the error queue, tries
it again; replays and saves a hop; holds a queue and lets a changed message through. Writes screenshots in light, dark and
narrow to FOLDER. Nothing here sleeps: whoever waits for something looks for it until it is there.
"""

import json
import re
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

CONSOLE, CHROMIUM, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
PATIENCE_MS = 120_000
SALE = "PAYMENT.SALE.COMPLETED"
VIEWS = ["Picture", "Journeys", "Queues", "Functions", "Topics and alarms", "PayPal", "Faults and time"]


def go(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view, exact=True).click()


def said(page: Page, text: str) -> None:
    """The console says that something was done."""
    expect(page.locator("#said")).to_contain_text(text)


def subscribe(page: Page) -> str:
    go(page, "PayPal")
    page.get_by_label("Custom id").fill("buyer-7")
    page.get_by_role("button", name="Create a subscription").click()
    said(page, "Created: I-")
    subscription = page.locator("#said").inner_text().removeprefix("Created: ")
    page.get_by_role("button", name=f"Approve {subscription}").click()
    expect(page.get_by_role("button", name=f"Renew {subscription}")).to_be_visible()
    # No further hand: the webhooks come, and the invoice is made, sent and settled.
    paid = page.get_by_role("row").filter(has_text="SUB-").filter(has_text="DRAFT → UNPAID → MARKED_AS_PAID")
    expect(paid).to_have_count(1)
    expect(paid).to_contain_text("10.00 USD")
    return subscription


def follow(page: Page) -> None:
    """The journey of the payment ends with the paid invoice, and its hops can be opened, saved and done again."""
    go(page, "Journeys")
    page.get_by_label("Find, by event").fill(SALE)
    page.get_by_role("link", name=re.compile(SALE)).first.click()
    journey = page.get_by_role("region", name="The chosen journey")
    for hop in ["request", "published", "message", "invoice SUB-"]:
        expect(journey.get_by_role("button", name=hop).first).to_be_visible()
    expect(journey.get_by_role("button", name=re.compile("invoice SUB-.* MARKED_AS_PAID"))).to_have_count(1)
    expect(journey.get_by_role("button", name=re.compile("invoice SUB-.* buyer notified"))).to_have_count(1)
    # Times, in the order in which things happened.
    expect(journey.locator("tbody tr").first).to_contain_text("+0.0 ms")
    journey.get_by_role("button", name="request").click()
    hop = page.get_by_role("dialog")
    expect(hop).to_contain_text("paypal-transmission-sig")
    hop.get_by_role("button", name="Show as curl").click()
    expect(hop.get_by_label("What came of it")).to_contain_text("curl -X POST")
    with page.expect_download() as saving:
        hop.get_by_role("link", name="Save the event as a file").click()
    event = json.loads(Path(saving.value.path()).read_text())
    assert event["event_type"] == SALE, event
    hop.get_by_role("button", name="Do it again", exact=True).click()
    expect(hop.get_by_label("What came of it")).to_contain_text("200")
    page.keyboard.press("Escape")
    expect(hop).to_be_hidden()


def tamper(page: Page, subscription: str) -> None:
    go(page, "PayPal")
    page.get_by_label("About the subscription").select_option(subscription)
    page.get_by_label("How").select_option("tampered")
    page.get_by_role("button", name="Send the event").click()
    said(page, "On its way, changed after it was signed")
    event = page.locator("#said").inner_text().rsplit(" ", 1)[1]
    go(page, "Queues")
    page.get_by_role("link", name=re.compile("^forged")).click()
    queue = page.get_by_role("region", name="The chosen queue")
    rejected = queue.get_by_role("row").filter(has_text="wrong_signature")
    expect(rejected).to_have_count(1)
    first = rejected.locator("summary").inner_text()
    rejected.get_by_role("button", name=re.compile("^Try message")).click()
    said(page, "unverified")
    # It is as forged as before, so it comes back as another message: judged anew, not lost.
    expect(rejected).to_have_count(1)
    expect(rejected.locator("summary")).not_to_have_text(first)
    go(page, "Journeys")
    page.get_by_label("Find, by event").fill(event)
    page.get_by_role("link", name=re.compile(event)).click()
    journey = page.get_by_role("region", name="The chosen journey")
    expect(journey.get_by_role("button", name="redriven")).to_be_visible()
    expect(journey.locator("tbody tr").last).to_contain_text("forged")
    go(page, "PayPal")
    expect(page.get_by_role("row").filter(has_text="SUB-")).to_have_count(1)


def step(page: Page) -> None:
    """A queue is held; a message is looked at, changed, and let through."""
    go(page, "Queues")
    page.get_by_role("link", name=re.compile("^unverified")).click()
    queue = page.get_by_role("region", name="The chosen queue")
    hold = queue.get_by_label("Hold")
    hold.check()
    said(page, "Held")
    queue.get_by_role("textbox", name="Message", exact=True).fill('{"held": 1}')
    queue.get_by_role("button", name="Send").click()
    message = queue.get_by_role("row").filter(has_text="held")
    expect(message).to_contain_text("waiting")
    message.get_by_text("Change", exact=True).click()
    message.get_by_label("The message to let through instead").fill('{"changed": 2}')
    message.get_by_role("button", name="Let through, changed").click()
    said(page, "Let through, changed")
    expect(message).to_have_count(0)
    hold.uncheck()
    said(page, "Released")
    page.get_by_role("link", name=re.compile(r"^errors(?!\.)")).click()
    expect(queue.get_by_role("row").filter(has_text="changed")).to_have_count(1)


def functions(page: Page) -> None:
    go(page, "Functions")
    page.get_by_role("link", name=re.compile("^webhook-verify")).click()
    one = page.get_by_role("region", name="The chosen function")
    expect(one.get_by_role("row").filter(has_text="unverified").first).to_be_visible()
    expect(one.get_by_label("Log")).to_contain_text("event_id")
    one.get_by_role("button", name="Kill its environments").click()
    said(page, "Killed: ")


def faults(page: Page) -> None:
    go(page, "Faults and time")
    page.get_by_label("Seconds", exact=True).fill("90")
    page.get_by_role("button", name="Put it forward").click()
    expect(page.get_by_text("90 s ahead of this machine")).to_be_visible()
    page.get_by_label("Kills").fill("0.25")
    page.get_by_role("button", name="Apply").first.click()
    said(page, "Faults are as you say")
    page.reload()
    expect(page.get_by_label("Kills")).to_have_value("0.25")
    page.get_by_role("button", name="All off").click()
    expect(page.get_by_label("Kills")).to_have_value("0")


def keyboard(page: Page) -> None:
    """Everything that can be done can be reached without a mouse, and says what it is."""
    page.goto(CONSOLE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Queues", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    expect(page).to_have_title("Queues - console")
    nameless = page.evaluate(
        "() => [...document.querySelectorAll('button, a, input, select, textarea')].filter((one) =>"
        " !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length)).map((one) => one.outerHTML)"
    )
    assert not nameless, nameless


def look(page: Page, name: str) -> None:
    """Each view, as a picture; none wider than its window."""
    for view in VIEWS:
        go(page, view)
        expect(page.locator("#live")).to_have_text("live")
        if view == "Picture":
            expect(page.locator(".picture .edge.used").first).to_be_visible()
        wider = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{view} is {wider} pixels wider than a {name} window"
        if view in ["Journeys", "Queues", "Functions"]:
            pattern = {"Journeys": SALE, "Queues": r"^errors(?!\.)", "Functions": "^webhook-process"}[view]
            page.get_by_role("link", name=re.compile(pattern)).first.click()
        page.screenshot(path=FOLDER / f"{name}-{view.split()[0].lower()}.png", full_page=True)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        wrong: list[str] = []

        def open_page(**options: object) -> Page:
            page = browser.new_context(**options).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
            page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith((CONSOLE, "data:", "blob:")) else None)
            page.goto(CONSOLE)
            return page

        expect.set_options(timeout=PATIENCE_MS)
        page = open_page(color_scheme="light", viewport={"width": 1400, "height": 900})
        subscription = subscribe(page)
        follow(page)
        tamper(page, subscription)
        step(page)
        functions(page)
        faults(page)
        keyboard(page)
        look(page, "light")
        look(open_page(color_scheme="dark", viewport={"width": 1400, "height": 900}), "dark")
        look(open_page(color_scheme="light", viewport={"width": 390, "height": 844}), "narrow")
        browser.close()
        assert not wrong, wrong
    print("the whole path was walked")


main()
