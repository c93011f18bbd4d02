"""The nightly report in a real browser: no console error, nothing fetched, the key numbers there,
and no sideways scrolling on a phone."""

import json
import subprocess

import pytest

from test_report_in_browser import POSTLOAN, ROOT, SCREENS, browser, open_page  # noqa: F401


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The page of the demo's last night, and its figures."""
    folder = tmp_path_factory.mktemp("nightly") / "demo"
    done = subprocess.run([POSTLOAN, "nightly", "demo", "--folder", folder], cwd=ROOT, check=False)
    assert done.returncode == 6  # a comment of each night is empty
    page = sorted((folder / "reports").glob("*.html"))[-1]
    return page, json.loads(page.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("screen", SCREENS)
def test_the_report_of_a_night_is_read_in_a_browser(night, browser, screen):  # noqa: F811
    page, figures = night
    width, _ = open_page(browser, page, screen)
    text = browser.execute_script("return document.body.innerText")
    for label in figures["summary"]["by_label"]:
        assert str(label["count"]) in text
    assert figures["riskiest"][0]["id"] in text
    assert len(figures["past"]) == 4
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
