"""A headless Chromium that tests drive; they are skipped, with the reason, where it is absent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-dev-shm-usage", "disable-sync", "hide-scrollbars",
)  # fmt: skip
SIZE = (1280, 900)


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """Yield Selenium's driver of a Chromium of its own."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"user-data-dir={profile}", f"window-size={SIZE[0]},{SIZE[1]}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        opened.set_window_rect(0, 0, *SIZE)
        yield opened
    finally:
        opened.quit()


def show(browser: Any, page: Path) -> None:
    """Open a page; it must not say anything on the console."""
    browser.get_log("browser")
    browser.get(page.as_uri())
    assert complaints(browser) == []


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def zoom_of(browser: Any, chart: str) -> tuple[float, float]:
    """Return the part of a chart's axis that is shown, in percent of the whole."""
    zoom = browser.execute_script(f"return dlasim.charts['{chart}'].chart.getOption().dataZoom[0]")
    return zoom["start"], zoom["end"]


def too_wide(browser: Any) -> list[str]:
    """Return what is wider than the page: the page itself, or a table that must be scrolled."""
    return browser.execute_script(
        """const wide = [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1);
        const root = document.documentElement;
        return [...wide.map(e => e.innerText.slice(0, 60)), ...(root.scrollWidth > innerWidth ? ['page'] : [])];"""
    )
