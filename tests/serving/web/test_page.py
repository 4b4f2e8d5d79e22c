"""The page in a real browser, as a person uses it: by pointer and by keyboard, at a desk and on a phone."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, ZERO_SHOT
from brainmri.serving.model import read_model
from tests.pictures import draw_head
from tests.scans.samples import save_nifti
from tests.serving.conftest import SERVE
from tests.serving.web.running import Server, show

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's packages chromium and chromium-driver"
)
DESK, PHONE = (1100, 900), (390, 844)


class Browser:
    """Chromium with what the tests ask of it."""

    def __init__(self, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        # Without a sandbox: tests may run as root, and look at nothing but their own server.
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))

    def open(self, url: str, size: tuple[int, int] = DESK, scheme: str = "light") -> None:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(url)

    def find(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.driver, 60).until(lambda _: condition())

    def choose(self, *paths: Path) -> None:
        self.find("files").send_keys("\n".join(map(str, paths)))
        self.wait(lambda: "answered" in self.said() or "No answer" in self.said() or "Too" in self.said())

    def said(self) -> str:
        return self.find("status").text

    def run(self, script: str, *given: object) -> Any:
        return self.driver.execute_script(script, *given)

    def canvas(self) -> list[int]:
        """The picture's pixels, red, green, blue and opacity."""
        script = "const c = arguments[0]; return [...c.getContext('2d')"
        script += ".getImageData(0, 0, c.width, c.height).data.filter((_, k) => k % 97 < 4)]"
        found: list[int] = self.run(script, self.find("slice"))
        return found

    def violations(self) -> list[object]:
        """Of the rules of accessibility, by axe-core."""
        self.run((resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
        script = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map("
        script += "(rule) => [rule.id, rule.nodes.map((node) => node.html)])))"
        found: list[object] = self.driver.execute_async_script(script)
        return found

    def errors(self) -> list[str]:
        """What the console says of errors, and of what the policy has stopped."""
        logged: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in logged if entry["level"] == "SEVERE"]

    def asked(self) -> set[str]:
        """Every address that was asked for."""
        logged: list[dict[str, str]] = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in logged]
        sent = [item["params"] for item in messages if item["method"] == "Network.requestWillBeSent"]
        return {item["request"]["url"] for item in sent}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("downloads"))
    yield opened
    opened.driver.quit()


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A picture, a volume and a file that is neither."""
    folder = tmp_path_factory.mktemp("scans")
    Image.fromarray(draw_head(1, tumor=True)).save(folder / "a picture.png")
    heads = np.stack([draw_head(number, tumor=number > 6) for number in range(10)])
    volume = save_nifti(folder / "volume.nii.gz", heads)
    (folder / "notes.txt").write_text("no picture")
    return [folder / "a picture.png", volume, folder / "notes.txt"]


def test_scans_are_answered_in_a_table_and_drawn(server: Server, browser: Browser, scans: list[Path]) -> None:
    browser.open(server.url)
    browser.choose(*scans)
    assert "2 answered, 1 not readable." == browser.said()
    rows = [row.text for row in browser.find("rows").find_elements(By.TAG_NAME, "tr")]
    assert 3 == len(rows)
    assert rows[0].startswith("a picture.png ")
    assert "notes.txt not read expected PNG, JPEG, TIFF, BMP, DICOM or NIfTI content" in rows[2]
    assert browser.find("says").text.startswith("The model says: ")
    assert "the model's threshold of 40 %" in browser.find("means").text
    assert "nobody has checked them on yours" in browser.find("calibration").text
    assert "none is drawn" in browser.find("caption").text
    assert len(set(browser.canvas())) > 20
    assert not browser.find("place-line").is_displayed()
    assert not browser.find("outline-line").is_displayed()


def test_a_volume_is_walked_through_by_keyboard(server: Server, browser: Browser, scans: list[Path]) -> None:
    browser.open(server.url)
    browser.choose(*scans)
    buttons = browser.find("rows").find_elements(By.TAG_NAME, "button")
    buttons[1].send_keys(Keys.ENTER)
    assert "volume.nii.gz" == browser.find("viewer-title").text
    assert "R on the left, L on the right" in browser.find("caption").text
    slider = browser.find("place")
    slider.send_keys(Keys.HOME)
    first = browser.canvas()
    slider.send_keys(Keys.ARROW_RIGHT)
    assert browser.find("place-value").text.startswith("2 of the 8 looked at, probability ")
    assert first != browser.canvas()
    for name, key in (("opacity", Keys.END), ("level", Keys.ARROW_RIGHT), ("width", Keys.END)):
        before = browser.canvas()
        browser.find(name).send_keys(key)
        assert before != browser.canvas(), name


def test_everything_is_reached_by_the_tab_key(server: Server, browser: Browser, scans: list[Path]) -> None:
    browser.open(server.url)
    browser.choose(*scans)
    browser.find("rows").find_elements(By.TAG_NAME, "button")[1].click()
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    reached = []
    for _ in range(20):
        webdriver.ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        reached.append(browser.run("const e = document.activeElement; return e.id || e.textContent"))
    wanted = {"files", "a picture.png", "volume.nii.gz", "csv", "place", "level", "width", "opacity"}
    assert wanted <= set(reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_breaks_a_rule_of_accessibility_or_leaves_the_screen(
    server: Server, browser: Browser, scans: list[Path], size: tuple[int, int], scheme: str
) -> None:
    browser.open(server.url, size, scheme)
    browser.choose(*scans)
    browser.find("rows").find_elements(By.TAG_NAME, "button")[1].click()
    assert [] == browser.violations()
    assert size[0] >= browser.run("return document.documentElement.scrollWidth")
    browser.errors()
    browser.open(f"{server.url}/quality", size, scheme)
    assert 2 == len(browser.driver.find_elements(By.TAG_NAME, "table"))
    assert [] == browser.violations() + browser.errors()
    assert size[0] >= browser.run("return document.documentElement.scrollWidth")


def test_nothing_is_asked_of_anybody_else_and_the_console_is_clean(
    server: Server, browser: Browser, scans: list[Path]
) -> None:
    browser.asked(), browser.errors()
    browser.open(server.url)
    browser.choose(*scans)
    assert {server.url} == {"/".join(url.split("/")[:3]) for url in browser.asked() if url[:4] == "http"}
    assert [] == browser.errors()


def test_the_answers_come_as_csv(server: Server, browser: Browser, scans: list[Path], tmp_path: Path) -> None:
    browser.open(server.url)
    browser.choose(*scans)
    behavior = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)
    browser.find("csv").click()
    browser.wait((tmp_path / "brainmri.csv").is_file)
    lines = (tmp_path / "brainmri.csv").read_text().splitlines()
    assert 4 == len(lines)
    assert lines[0].startswith("scan,patient,slices")
    assert all(NOT_FOR_DIAGNOSIS in line for line in lines[1:])


def test_what_can_t_be_answered_is_said_in_words(
    server: Server, browser: Browser, scans: list[Path], tmp_path: Path
) -> None:
    browser.open(server.url)
    browser.choose(scans[2])
    assert browser.said().startswith("No answer: none of 1 scans can be read; the first: expected PNG")
    assert "notes.txt" in browser.find("rows").text
    browser.choose(scans[0])
    assert browser.find("viewer").is_displayed()
    (tmp_path / "large").write_bytes(bytes(SERVE.max_upload_megabytes * 1_000_000 + 1))
    browser.choose(tmp_path / "large")
    assert "Too much at once: at most 200 files and 20 MB together." == browser.said()
    browser.choose(scans[2])
    assert browser.said().startswith("No answer")
    assert not browser.find("viewer").is_displayed()


def test_a_model_that_has_seen_no_scan_of_a_person_is_warned_of(
    server: Server, browser: Browser, shipped_weights: Path
) -> None:
    browser.open(server.url)
    assert not browser.find("model-warning").is_displayed()
    with show(read_model(shipped_weights / "resnet18")) as url:
        browser.open(url)
        browser.wait(lambda: browser.find("model-warning").is_displayed())
        assert ZERO_SHOT == browser.find("model-warning").text


def test_a_name_is_text_and_no_markup(server: Server, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    Image.fromarray(draw_head(1, tumor=True)).save(path)
    browser.open(server.url)
    browser.choose(path)
    assert path.name in browser.find("rows").text
    assert not browser.find("rows").find_elements(By.TAG_NAME, "img")


def test_a_slice_is_drawn_in_no_time(server: Server, browser: Browser, scans: list[Path]) -> None:
    """A bound that a machine under load keeps; benchmarks/serving.py measures."""
    browser.open(server.url)
    browser.choose(*scans)
    browser.find("rows").find_elements(By.TAG_NAME, "button")[1].click()
    began = time.monotonic()
    script = "const place = arguments[0]; for (let k = 0; k < 40; k++) { place.value = k % 8; "
    browser.run(script + "place.dispatchEvent(new Event('input')) }", browser.find("place"))
    assert (time.monotonic() - began) / 40 < 0.1
