"""The looking itself: what is wrong with a page is seen."""

from pathlib import Path

import pytest

from support import chromium
from support.chromium import DESKTOP, PHONE, Browser, Page, ProtocolError, executable
from support.files_server import served

pytestmark = pytest.mark.browser

FAULTY = """<!doctype html><title>Faulty</title><link rel="icon" href="data:,">
<p style="width: 700px">wide</p>
<script>
  console.error("said so");
  console.log("not this");
  fetch("http://192.0.2.1/by-number").catch(() => {});
  const worker = new Worker("worker.js");
  worker.onmessage = () => { document.title = "heard"; };
  setTimeout(() => { throw new Error("thrown"); }, 0);
</script>
<img src="http://outside.example/picture.png">
<img src="absent.png">
"""

WORKER = 'fetch("http://worker.example/").catch(() => postMessage("done")); console.error("from the worker");'


def test_every_fault_of_a_page_is_seen(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "index.html").write_text(FAULTY, encoding="utf-8")
    (tmp_path / "worker.js").write_text(WORKER, encoding="utf-8")
    with served(tmp_path) as address, Page(browser, *PHONE, dark=True) as page:
        page.open(address)
        page.wait_for("document.title === 'heard'")
        assert page.evaluate("document.documentElement.scrollWidth") > PHONE[0]
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is True
        page.until(lambda: len(page.errors) >= 9, "all errors")
        assert page.outside(address) == [
            "http://192.0.2.1/by-number",
            "http://outside.example/picture.png",
            "http://worker.example/",
        ]
        said = " | ".join(page.errors)
        for expected in ("said so", "from the worker", "thrown", "absent.png", "net::ERR_NAME_NOT_RESOLVED"):
            assert expected in said
        assert "not this" not in said


def test_a_clean_page_has_no_fault(tmp_path: Path, browser: Browser) -> None:
    clean = '<!doctype html><title>Clean</title><link rel="icon" href="data:,"><p>here</p>'
    (tmp_path / "index.html").write_text(clean, encoding="utf-8")
    with served(tmp_path) as address, Page(browser, *DESKTOP, dark=False) as page:
        page.open(address)
        assert page.evaluate("document.body.innerText") == "here"
        assert (page.errors, page.outside(address)) == ([], [])
        with pytest.raises(ProtocolError, match="nowhere is not defined"):
            page.evaluate("nowhere")
        with pytest.raises(ProtocolError, match="waited 0 s for false"):
            page.wait_for("false", 0.2)


def test_a_missing_browser_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "NAMES", ("no-such-browser",))
    with pytest.raises(FileNotFoundError) as caught:
        executable()
    assert str(caught.value) == (
        "no Chromium in PATH: the tier `browser` needs one of chromium, chromium-browser, google-chrome, "
        "google-chrome-stable, chrome (Debian and Ubuntu: apt-get install chromium)"
    )
