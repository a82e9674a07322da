"""The pages of `pradrill web` in a real Chromium: a phone's and a desktop's, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from tests.integration.chromium import CHROMIUM
from tests.integration.devtools import Tab, tab
from tests.integration.web_server import GoingRun, WebServer, web_server
from tests.support.status_house import StatusHouse

from pradrill.domain.register.entry import EntryKind
from pradrill.testing import a_finding

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

OF_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "another.localhost")
WIDE = "unbreakable" * 20
PLACES = ("/", "/runs", "/findings?all=1", "/coverage", "/nowhere")
VIEWS = tuple(product((390, 1_280), (False, True)))
ALL_IS_WITHIN = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> StatusHouse:
    """Return services that stand in every way, one of them with a name that no line can hold."""
    folder = tmp_path_factory.mktemp("house")
    house = StatusHouse(folder, ["moodle", "wiki", "mail", "never-drilled"])
    for number, letter in enumerate("PMFI" * 2):
        house.run(("moodle", "wiki", "mail")[number % 3], letter, 30 - number, reasons=(WIDE,))
    finding = a_finding(title=WIDE, detail=WIDE, services=("moodle",))
    house.register.append(EntryKind.FINDING, finding, finding.opened)
    return house


@pytest.fixture(scope="module")
def server(house: StatusHouse) -> Iterator[WebServer]:
    """Return a server that looks at them."""
    with web_server(house.state, house.drills, "--lang", "fr") as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Return a tab of a browser."""
    with tab(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def run_ids(house: StatusHouse) -> list[str]:
    """Return the runs that have ended, oldest first."""
    return sorted(path.parent.name for path in (house.state / "runs").glob("*/record.json"))


def wrong(browser: Tab, server: WebServer, path: str, views: Sequence[tuple[int, bool]]) -> object:
    """Return what is wrong with a page, as wide and as dark as asked."""
    problems: list[str] = []
    for width, dark in views:
        browser.look(width, dark=dark)
        browser.open(server.base + path)
        scheme = f"matchMedia('(prefers-color-scheme: {'dark' if dark else 'light'})').matches"
        assert browser.value(f"{scheme} && innerWidth == {width}")
        problems += browser.violations()
        problems += [f"{path} is wider than {width}"] * (not browser.value(ALL_IS_WITHIN))
        problems += [text for text in browser.refused() if "status of 40" not in text]
    return problems


def test_a_browser_is_let_in_and_follows_a_run(
    browser: Tab, server: WebServer, house: StatusHouse
) -> None:
    """By the address that is printed; each page fits, axe finds nothing, a run moves by itself."""
    going = GoingRun(house.state)
    going.begin()
    browser.open(f"{server.base}/runs")
    assert browser.value("document.title").startswith("Jeton")
    assert wrong(browser, server, "/", [(390, True)]) == []
    browser.open(server.address)
    assert browser.value("location.href") == f"{server.base}/"
    assert browser.value("document.cookie") == ""
    here, elsewhere = [server.base], [f"http://{name}:9999/" for name in OF_LOOPBACK]
    assert len(browser.call("Network.getCookies", urls=here)["cookies"]) == 1
    assert browser.call("Network.getCookies", urls=elsewhere)["cookies"] == []

    for path, view in (("/", VIEWS[3]), (f"/runs/{run_ids(house)[0]}", VIEWS[2])):
        assert wrong(browser, server, path, [view]) == []  # all pages in every view are nightly
    assert wrong(browser, server, f"/runs/{going.run_id}", [(390, True)]) == []

    browser.until("document.body?.innerText.includes('0 étapes terminées')")
    going.finish(detail="<img src=x onerror=document.title='hostile'>")
    browser.until("document.body?.innerText.includes('1 étapes terminées')")
    assert browser.value("document.querySelectorAll('img').length") == 0
    going.seal()
    browser.until("document.querySelector('.verdict') !== null")
    assert browser.value("document.title") != "hostile"


def test_the_audit_can_fail(browser: Tab, server: WebServer) -> None:
    """A pale word is a violation, and what reaches over the edge is seen."""
    browser.look(390)
    browser.call("Network.clearBrowserCookies")
    browser.open(server.base)
    browser.until("document.title.startsWith('Jeton') && document.querySelector('h1') !== null")
    browser.value(
        "document.querySelector('h1').style.color = '#aaa';"
        "document.querySelector('h1').style.width = '900px'; 0"
    )
    assert any(text.startswith("color-contrast") for text in browser.violations())
    assert not browser.value(ALL_IS_WITHIN)

    token = server.address.partition("token=")[2]  # which may be entered as well
    browser.value(f"document.querySelector('#token').value = '{token}'; 0")
    browser.value("document.querySelector('form button').click()")
    browser.until("location.pathname == '/' && document.querySelector('table.status') !== null")


@pytest.mark.nightly
def test_without_script_a_run_is_loaded_anew(
    browser: Tab, server: WebServer, house: StatusHouse
) -> None:
    """A browser without JavaScript sees the same, and asks again while the run goes on."""
    going = GoingRun(house.state)
    browser.open(server.address)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{server.base}/runs/{going.run_id}")
    assert "0 étapes terminées" in browser.value("document.body.innerText")
    going.begin()
    going.finish()
    browser.until("document.body?.innerText.includes('1 étapes terminées')")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_wrong_with_any_page(
    browser: Tab, house: StatusHouse, language: str
) -> None:
    """In either language, at either width, light and dark, every page fits and has no violation."""
    going = GoingRun(house.state)
    going.begin()
    runs = run_ids(house)
    with web_server(house.state, house.drills, "--lang", language) as server:
        assert wrong(browser, server, "/", VIEWS) == []  # which asks for the token
        browser.open(server.address)
        for path in (*PLACES, "/dossier", *(f"/runs/{run}" for run in (*runs, going.run_id))):
            assert wrong(browser, server, path, VIEWS) == []
        for run in runs[:4]:
            assert wrong(browser, server, f"/runs/{run}/report", VIEWS) == []
