"""The page in a real browser: it plays, answers clicks and keys, complains about nothing and asks for nothing."""

from __future__ import annotations

import pytest
from tests.reports.browser import Browser, program
from tests.reports.conftest import CHINESE, HOSTILE

from auricle.reports.html import write_report

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium on this machine")

_DURATIONS = """Promise.all([...document.querySelectorAll("audio")].map((a) => new Promise((done) => {
  if (a.readyState >= 1) done(a.duration);
  else { a.addEventListener("loadedmetadata", () => done(a.duration)); a.addEventListener("error", () => done(-1)); a.load(); }
})))"""


@pytest.fixture(scope="module")
def page(run):
    return write_report(run)


@pytest.fixture(scope="module")
def browser(page):
    with Browser() as browser:
        browser.open(page)
        yield browser
        assert browser.complaints() == []
        assert set(browser.requests()) <= {page.as_uri()}


def test_every_player_has_a_duration(browser, run):
    durations = browser.value(_DURATIONS)
    assert len(durations) == 12
    assert all(0.1 < d < 2.5 for d in durations), durations


def test_pictures_are_drawn(browser):
    assert browser.value("[...document.images].length") == 12
    assert browser.value("[...document.images].every((i) => i.complete && i.naturalWidth === 420)")


def test_choosing_a_cell_lists_its_clips(browser):
    found = browser.value(
        """(() => { const a = [...document.querySelectorAll(".matrix td.miss a")].sort((x, y) => y.textContent - x.textContent)[0];
        return [a.getAttribute("href"), +a.textContent]; })()"""
    )
    shown = "[...document.querySelectorAll('.lists .list')].filter((l) => l.offsetHeight > 0).map((l) => '#' + l.id)"
    assert browser.value(shown) == []
    browser.click(f'.matrix a[href="{found[0]}"]')
    place = browser.value("scrollY")
    browser.until(f"document.querySelector('.matrix a[aria-current]')?.getAttribute('href') === '{found[0]}'")
    assert browser.value(shown) == [found[0]]
    assert browser.value(f"document.querySelectorAll('{found[0]} li').length") == found[1]
    assert browser.value("document.querySelector('.rest').offsetHeight") == 0
    assert browser.value("document.activeElement.id") == found[0][1:]
    assert browser.value("scrollY") == place  # the matrix stays where it was
    browser.click(f"{found[0]} .close")
    browser.until(f"({shown}).length === 0")


def test_a_cell_answers_the_keyboard(browser):
    href = browser.value("(() => { const a = document.querySelector('.matrix td.hit a'); a.focus(); return a.getAttribute('href'); })()")
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    browser.until(f"location.hash === '{href}'")


def test_the_table_sorts_both_ways(browser):
    column = "[...document.querySelectorAll('.classes tbody tr')].map((r) => +r.cells[3].dataset.value)"
    browser.click(".classes thead th:nth-child(4) button")
    browser.until("document.querySelector('.classes [aria-sort=descending]')")
    falling = browser.value(column)
    assert falling == sorted(falling, reverse=True)
    browser.click(".classes thead th:nth-child(4) button")
    browser.until("document.querySelector('.classes [aria-sort=ascending]') === document.querySelector('.classes thead th:nth-child(4)')")
    assert browser.value(column) == sorted(falling)


def test_a_picture_plays_from_where_it_is_touched_and_one_sound_at_a_time(browser):
    browser.value(
        "window.started = []; for (const a of document.querySelectorAll('audio')) a.addEventListener('play', () => started.push(a))"
    )
    browser.click("#mistake-1 .picture")
    browser.until("started.length === 1 && started[0].currentTime > 0")
    browser.click("#mistake-2 .picture")
    browser.until("started.length === 2 && started[0] !== started[1] && started[0].paused")


def test_hostile_and_chinese_labels_are_letters(browser):
    assert browser.value("document.scripts.length") == 1
    labels = browser.value("[...document.querySelectorAll('.classes tbody th')].map((t) => t.textContent)")
    assert {HOSTILE, CHINESE} <= set(labels)
    assert browser.value("document.characterSet") == "UTF-8"


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1200, True)])
def test_it_fits_a_telephone_and_turns_dark(page, width, dark):
    with Browser(width=width, dark=dark) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= width
        light = browser.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((c) => +c > 128)")
        assert light is not dark
        assert browser.complaints() == []


def test_it_reads_without_a_script(page):
    with Browser() as browser:
        browser.open(page, script=False)
        browser.click(".matrix td.miss a")
        browser.until("[...document.querySelectorAll('.lists .list')].filter((l) => l.offsetHeight > 0).length === 1")
        assert browser.value("document.querySelectorAll('.classes button').length") == 0
