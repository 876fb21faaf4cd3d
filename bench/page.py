"""The page in headless Chromium: `python -m bench.page`, Markdown on standard output.

    python -m bench.page           everything
    python -m bench.page scroll    only what is called so: load, long, scroll, answer

First load, a long answer that streams, a conversation of 5,000 messages, and one of 10,000 that is scrolled from its
beginning on, each once, on the real server with the tests' fake model. "Busy" is the time that the page's main thread
worked (`TaskDuration` of the browser).
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, expect
from tests.e2e.answers import RICH
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor, open_chromium
from tests.e2e.seeding import Said, seed_conversation
from tests.fakes.script import Script
from tests.harness.server import Server
from tests.harness.upstream import Upstream, open_upstream

from bench.tables import median, table
from quarterdeck.domain.ids import now_ms

ANSWER_CHARS = 22_500
TOKENS_PER_S = 60
WINDOW_S = 15
MESSAGES = 5_000
KEYS = 30
PAINT_WINDOWS = 20
SCROLLED = 10_000
SCROLL_S = 8

_COUNT_FRAMES = """(seconds) => new Promise((done) => {
  let frames = 0;
  const end = performance.now() + 1000 * seconds;
  const tick = (now) => { frames++; now < end ? requestAnimationFrame(tick) : done(frames / seconds); };
  requestAnimationFrame(tick);
})"""
_SCROLL = """([seconds, step]) => new Promise((done) => {
  const list = document.querySelector('section[aria-label="Messages"]');
  const gaps = [];
  let last = performance.now();
  const begun = last;
  const tick = (now) => {
    gaps.push(now - last);
    last = now;
    if (now - begun > 1000 * seconds) return done(gaps.slice(2));
    list.scrollTop += step;
    list.dispatchEvent(new WheelEvent('wheel'));
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})"""
_COUNT_PAINTS = """() => {
  window.paints = 0;
  let changed = false;
  const list = document.querySelector('section[aria-label="Messages"]');
  const what = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => { changed = true; }).observe(list, what);
  const tick = () => { if (changed) window.paints++; changed = false; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
_WORK = {
    "ScriptDuration": "scripts",
    "RecalcStyleDuration": "style",
    "LayoutDuration": "layout",
    "TaskDuration": "all of the page's thread",
}
_COUNT_ELEMENTS = "document.querySelectorAll('*').length"
_NOTE_KEYS = """() => {
  window.keys = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === 'keydown') window.keys.push(entry.duration);
  }).observe({ type: 'event', durationThreshold: 16 });
}"""


class Meter:
    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")

    def read(self, name: str) -> float:
        found: dict[str, Any] = self._session.send("Performance.getMetrics")
        return next(float(metric["value"]) for metric in found["metrics"] if metric["name"] == name)

    def read_all(self, names: Iterable[str]) -> list[float]:
        return [self.read(name) for name in names]

    def count_processor_time(self) -> None:
        """From now on durations leave out what other programs took."""
        self._session.send("Performance.disable")
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def collect_garbage(self) -> None:
        self._session.send("HeapProfiler.collectGarbage")

    def slow_down(self, times: int) -> None:
        self._session.send("Emulation.setCPUThrottlingRate", {"rate": times})

    def busy_ms_per_s(self, seconds: float) -> float:
        """Over the next `seconds`."""
        begun, busy = time.monotonic(), self.read("TaskDuration")
        self._session.send("Runtime.evaluate", {"expression": _sleep(seconds), "awaitPromise": True})
        return 1000 * (self.read("TaskDuration") - busy) / (time.monotonic() - begun)


def _sleep(seconds: float) -> str:
    return f"new Promise((done) => setTimeout(done, {1000 * seconds}))"


def measure_first_load(visitor: Visitor) -> Iterator[list[str]]:
    sizes: list[int] = []
    with opened(visitor) as (chat, _):
        network = chat.page.context.new_cdp_session(chat.page)
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        network.send("Network.enable")
        chat.open().page.wait_for_load_state("networkidle")
    yield ["first load, kB over the wire", f"{sum(sizes) / 1000:.0f}"]
    yield ["first load, requests and the socket", f"{len(sizes) + 1}"]
    for rate, name in ((1, "composer can be typed in, ms"), (6, "the same, processor slowed six times, ms")):
        with opened(visitor) as (chat, meter):
            meter.slow_down(rate)
            begun = time.monotonic()
            chat.open().field.press("a")
            yield [name, f"{1000 * (time.monotonic() - begun):.0f}"]


def measure_long_answer(visitor: Visitor, upstream: Upstream) -> Iterator[list[str]]:
    text = (RICH * (ANSWER_CHARS // len(RICH) + 1))[:ANSWER_CHARS]
    pieces = re.findall(r".{1,5}", text, flags=re.DOTALL)
    model = upstream.model(Script(pieces=pieces, delay_s=1 / TOKENS_PER_S))
    with opened(visitor) as (chat, meter):
        conversation = seed_conversation(
            visitor.server.data_dir,
            "A long answer",
            [Said("user", "Begin", now_ms()), Said("assistant", "Yes", now_ms() + 1, model=model)],
        )
        chat.open(f"/c/{conversation}").send("All of it, please")
        expect(chat.stop_button).to_be_visible()
        yield ["a long answer, busy in the first 15 s, ms per s", f"{meter.busy_ms_per_s(WINDOW_S):.0f}"]
        left_s = len(pieces) / TOKENS_PER_S - 2 * WINDOW_S - PAINT_WINDOWS / 2 - 6
        chat.page.wait_for_timeout(1000 * max(left_s, 0))
        yield ["busy in the last 15 s, ms per s", f"{meter.busy_ms_per_s(WINDOW_S):.0f}"]
        for name, used in zip(_WORK.values(), _ms_per_paint(chat.page, meter), strict=True):
            yield [f"processor time for each paint of it, ms, median: {name}", f"{used:.2f}"]
        chat.page.evaluate(_NOTE_KEYS)
        frames = chat.page.evaluate(_COUNT_FRAMES, 1)
        for _ in range(KEYS):
            chat.field.press("a")
        keys = sorted([8.0, *chat.page.evaluate("keys")])  # none is told that is faster than two frames
        yield ["frames a second at the end", f"{frames:.0f}"]
        yield ["slowest key at the end, ms", f"{keys[-1]:.0f}"]
        chat.stop_button.wait_for(state="detached", timeout=60_000)


def _ms_per_paint(page: Page, meter: Meter) -> list[float]:
    """For each of `_WORK`, of the page's thread: the median of windows of half a second."""
    meter.count_processor_time()
    page.evaluate(_COUNT_PAINTS)
    found = list[list[float]]()
    for _ in range(PAINT_WINDOWS):
        used, paints = meter.read_all(_WORK), int(page.evaluate("paints"))
        page.wait_for_timeout(500)
        more, painted = meter.read_all(_WORK), int(page.evaluate("paints")) - paints
        if painted:
            found.append([1000 * (after - before) / painted for before, after in zip(used, more, strict=True)])
    return [median(column) for column in zip(*found, strict=True)]


def measure_long_conversation(visitor: Visitor) -> Iterator[list[str]]:
    begun_ms = now_ms() - 40 * 86_400_000
    said = [_short_one(number, begun_ms + number * 600_000) for number in range(MESSAGES)]
    conversation = seed_conversation(visitor.server.data_dir, "A very long conversation", said)
    with opened(visitor) as (chat, meter):
        begun = time.monotonic()
        chat.open(f"/c/{conversation}")
        chat.page.get_by_text(f"({MESSAGES - 1})").wait_for()
        yield ["5,000 messages, seconds until the end is shown", f"{time.monotonic() - begun:.2f}"]
        chat.page.wait_for_load_state("networkidle")
        yield ["DOM elements", str(chat.page.evaluate(_COUNT_ELEMENTS))]
        yield ["heap, MB", f"{meter.read('JSHeapUsedSize') / 1e6:.0f}"]


def measure_scrolling(visitor: Visitor) -> Iterator[list[str]]:
    """All messages are loaded first, by a link to the oldest one; then the list moves by so many pixels a frame."""
    begun_ms = now_ms() - 80 * 86_400_000
    said = [_short_one(number, begun_ms + number * 600_000) for number in range(SCROLLED)]
    conversation = seed_conversation(visitor.server.data_dir, "A conversation to scroll", said)
    first = _oldest(visitor, conversation)
    with opened(visitor) as (chat, meter):
        begun = time.monotonic()
        chat.open(f"/c/{conversation}#m-{first}")
        chat.page.get_by_text("(0)").wait_for(timeout=60_000)
        yield ["10,000 messages, seconds until the first is shown, all loaded", f"{time.monotonic() - begun:.2f}"]
        chat.page.wait_for_load_state("networkidle")
        meter.count_processor_time()
        for step, name in ((100, "down, 100 px a frame"), (-100, "up"), (1_000, "down, 1,000 px a frame")):
            used = meter.read("TaskDuration")
            gaps = chat.page.evaluate(_SCROLL, [SCROLL_S, step])
            used = 1000 * (meter.read("TaskDuration") - used) / len(gaps)
            yield [f"scrolling {name}: processor time of the page's thread, ms a frame", f"{used:.1f}"]
            yield [f"scrolling {name}: frames a second", f"{1000 * len(gaps) / sum(gaps):.0f}"]
            yield [f"scrolling {name}: the slowest second", f"{_slowest_second(gaps):.0f}"]
        meter.collect_garbage()
        yield ["heap after it, MB", f"{meter.read('JSHeapUsedSize') / 1e6:.0f}"]
        yield ["DOM elements after it", str(chat.page.evaluate(_COUNT_ELEMENTS))]


def _oldest(visitor: Visitor, conversation: str) -> str:
    with visitor.server.http() as http:
        page = http.get(f"/api/conversations/{conversation}/messages", params={"limit": 1}).json()
        while page["next_cursor"]:
            query = {"limit": 200, "before": page["next_cursor"]}
            page = http.get(f"/api/conversations/{conversation}/messages", params=query).json()
    return min(str(message["id"]) for message in page["items"])


def _slowest_second(gaps: list[float]) -> float:
    """Frames a second in the worst of all windows of one second; `gaps` are milliseconds between frames."""
    worst, start, length = float("inf"), 0, 0.0
    for end, gap in enumerate(gaps):
        length += gap
        while length - gaps[start] >= 1000:
            length -= gaps[start]
            start += 1
        if length >= 1000:
            worst = min(worst, 1000 * (end - start + 1) / length)
    return worst


def _short_one(number: int, at_ms: int) -> Said:
    """Every tenth message has everything in it."""
    text = RICH if number % 10 == 9 else "A short one, of the kind that most are."
    return Said("assistant" if number % 2 else "user", f"{text} ({number})", at_ms)


@contextmanager
def opened(visitor: Visitor) -> Iterator[tuple[ChatPage, Meter]]:
    context = visitor.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    yield ChatPage(page, visitor.server), Meter(page)
    context.close()


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_upstream() as upstream, open_chromium() as browser:
        server = Server(Path(folder), QUARTERDECK_MODEL="openai/fake-chat", **upstream.environment).start()
        try:
            visitor = Visitor(browser, server)
            measures = {
                "load": lambda: measure_first_load(visitor),
                "long": lambda: measure_long_conversation(visitor),
                "scroll": lambda: measure_scrolling(visitor),
                "answer": lambda: measure_long_answer(visitor, upstream),
            }
            rows = [row for name in wanted or measures for row in measures[name]()]
        finally:
            server.close()
    print("## The page\n\n" + table(["what", "figure"], rows))


if __name__ == "__main__":
    main(sys.argv[1:])
