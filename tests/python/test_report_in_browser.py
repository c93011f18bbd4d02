"""The evaluation report in a real browser: it can be read on a desktop and on a phone, in light
and in dark, asks nobody for anything, and shows the numbers that `--json` gives.

The screenshots are left in target/report-screenshots/, to be looked at.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[2]
POSTLOAN = ROOT / "target" / os.environ.get("POSTLOAN_PROFILE", "debug") / "postloan"
SCREENSHOTS = ROOT / "target" / "report-screenshots"
HOSTILE = '<script>document.title="x"</script><img src="http://192.0.2.1/x.png">，已逾期３个月。'
SCREENS = {
    "desktop": {"width": 1280, "dark": False},
    "dark": {"width": 1280, "dark": True},
    "phone": {"width": 390, "dark": False},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report on some comments of the corpus and one with markup in it, and its figures."""
    folder = tmp_path_factory.mktemp("report")
    data, page = folder / "labelled.jsonl", folder / "report.html"
    lines = (ROOT / "data" / "reviews.jsonl").read_text("utf-8").splitlines()[::40]
    rows = [json.loads(line) for line in lines]
    # Some wrong labels, for there to be mistakes.
    for row in rows[::10]:
        row["label"] = "normal" if row["label"] == "risky" else "risky"
    rows.append({"id": HOSTILE, "text": HOSTILE, "label": "normal", "phenomenon": HOSTILE})
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    printed = subprocess.run(
        [POSTLOAN, "evaluate", data, "--by", "phenomenon", "--report", page, "--json"],
        check=True, capture_output=True, cwd=ROOT,
    )
    return page, json.loads(printed.stdout)


@pytest.fixture(scope="module")
def browser():
    options = Options()
    # A container's root user has no sandbox, and its shared memory may be small.
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def open_page(browser, page, screen):
    """Opens a page on a screen: nothing is fetched, and nothing stands on the console."""
    width, dark = SCREENS[screen]["width"], SCREENS[screen]["dark"]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500,
    })
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get_log("performance")
    browser.get(page.as_uri())
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert asked and all(url == page.as_uri() or url.startswith("data:") for url in asked), asked
    return width, dark


@pytest.mark.parametrize("screen", SCREENS)
def test_the_report_is_read_in_a_browser(report, browser, screen):
    page, figures = report
    width, dark = open_page(browser, page, screen)

    assert browser.title == "模型评估报告"
    shown = browser.execute_script("return document.body.textContent")
    metrics = figures["metrics"]
    for number in [
        f"{metrics['accuracy']:.1%}", f"{metrics['macro_f1']:.1%}", f"{metrics['log_loss']:.4f}",
        f"{figures['calibration']['brier']:.4f}", HOSTILE,
        *(f"{label['recall']:.1%}" for label in metrics["classes"]),
        *(f"{count:,}" for row in metrics["confusion"] for count in row),
    ]:
        assert number in shown, number
    assert "NaN" not in browser.page_source

    # Nothing but a table, which scrolls by itself, is wider than the screen.
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper.removeprefix("rgb(").removesuffix(")").split(","))) < 200) == dark
    smallest = browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('svg text')]"
        ".map(text => text.getBoundingClientRect().height))"
    )
    assert smallest >= 8, "words in charts can be read"

    height = browser.execute_script("return document.documentElement.scrollHeight")
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": width, "height": min(height, 8000), "scale": 1},
    })
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = base64.b64decode(shot["data"])
    (SCREENSHOTS / f"{screen}.png").write_bytes(picture)
    assert len(picture) > 100_000, "a page of text and charts, not an empty one"
