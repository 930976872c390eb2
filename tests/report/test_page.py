"""The page in a browser: no complaint, nothing fetched, readable on a phone and a wide screen, dark and in print."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from test_report import full

from lepton_rules.report import page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian's package chromium)")

# What sticks out of the window, but for what has a scrollbar of its own around it.
_TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (box.width === 0 || box.right <= innerWidth + 1) return false;
  for (let p = e.parentElement; p; p = p.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return false;
  return true;
}).map(e => e.outerHTML.slice(0, 120))
"""
# The ratio of W3C's contrast (WCAG 2.2, 1.4.3), the least over elements of a kind.
_CONTRAST = """
(() => {
  const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = c => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = c; probe.fillRect(0, 0, 1, 1);
                     return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const lum = c => rgb(c).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                         .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = lum(getComputedStyle(document.body).backgroundColor);
  const kinds = {p: 'color', td: 'color', th: 'color', dt: 'color', figcaption: 'color', '.badge': 'color',
                 'svg text': 'fill'};
  return Object.fromEntries(Object.entries(kinds).map(([kind, property]) => [kind, Math.min(
    ...[...document.querySelectorAll(kind)].map(e => lum(getComputedStyle(e)[property])).map(
      ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)))]));
})()
"""
_LEAST_TEXT = """
Math.min(...[...document.querySelectorAll('svg text')].filter(e => e.textContent.trim())
  .map(e => e.getBoundingClientRect()).map(box => Math.min(box.height, 99)).filter(h => h > 0))
"""
_PAPER = 718  # A4 in CSS pixels, within Chromium's margins


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    file = folder / "report.html"
    file.write_text(page.html(full(folder / "in")), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.mark.parametrize(
    ("kind", "scheme", "width"),
    [("", "light", 400), ("", "light", 1600), ("", "dark", 400), ("", "dark", 1600), ("print", "light", _PAPER)],
)
def test_it_reads_well(browser: Browser, made: Path, kind: str, scheme: str, width: int) -> None:
    browser.complaints.clear()
    browser.requests.clear()
    browser.media(kind, scheme)
    browser.open(made, width)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.run("innerWidth") == width
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(_TOO_WIDE) == []
    contrast = browser.run(_CONTRAST)
    assert all(value >= 4.5 for value in contrast.values()), contrast
    assert contrast["td"] >= 7 and contrast["svg text"] >= 7, contrast
    assert browser.run(_LEAST_TEXT) >= 8
    assert float(browser.run("getComputedStyle(document.body).fontSize").removesuffix("px")) >= 13
    assert browser.run("document.title").startswith("//models:<script>")
    keep(f"report_{kind or scheme}_{width}.png", browser.screenshot())
    assert browser.complaints == []
    assert browser.requests == [made.absolute().as_uri()]


def test_a_script_would_not_run(browser: Browser, made: Path, tmp_path: Path) -> None:
    """What forbids it and every request is in the page itself, were escaping ever to fail."""
    file = tmp_path / "attacked.html"
    attack = '<script>document.title = "run"</script><img src="http://example.com/x.png">'
    file.write_text(made.read_text(encoding="utf-8").replace("<main>", "<main>" + attack), encoding="utf-8")
    browser.media()
    browser.open(file, 800)
    assert browser.run("document.title") != "run"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)
    assert [url for url in browser.sent if not url.startswith("file:")] == []


def keep(name: str, picture: bytes) -> None:
    """A screenshot is an output of the test, for who changes the page."""
    assert picture.startswith(b"\x89PNG")
    folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    if folder:
        Path(folder, name).write_bytes(picture)
