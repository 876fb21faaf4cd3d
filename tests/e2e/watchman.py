"""Notices whatever an answer must not do in a browser: run a script, ask another place for anything, open a window."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

# The payloads call `alert`; in a frame or a worker, too. Whatever was called is told to the page's console.
_TRAP = (
    "for (const name of ['alert', 'confirm', 'prompt', 'msgbox']) window[name] = () => console.error('TRAP ' + name);"
)

# What must not be in the document: scripts, handlers, frames of others, addresses that run or load by themselves.
_FIND_ALIENS = r"""() => {
  const handlers = [...document.body.querySelectorAll('*')].filter((one) =>
    [...one.attributes].some(({ name, value }) =>
      name.startsWith('on') || name === 'srcdoc' || name === 'style' && /url\(/i.test(value)
      || /^(href|src|action|formaction|xlink:href|data|ping|background|poster|srcset)$/i.test(name)
        && (/^\s*(java|vb|live)script:|^\s*data:text/i.test(value))));
  const kinds = 'script, object, embed, base, link, meta, style, frame, frameset, portal, form[action], area, image, '
    + 'img:not([src^="data:image/"]):not([src^="blob:"]), '
    + 'iframe:not([src="/sandbox/mermaid"][sandbox="allow-scripts"])';
  return [...handlers, ...document.body.querySelectorAll(kinds)]
    .filter((one) => !one.closest('svg.lucide') && !(one.tagName === 'SCRIPT' && one.id === 'quarterdeck-settings'))
    .map((one) => one.outerHTML.slice(0, 200));
}"""


class Watchman:
    """`alarms`: what was noticed, in plain words."""

    def __init__(self, page: Page, origin: str) -> None:
        self.alarms: list[str] = []
        self.policy_errors: list[str] = []
        self._page = page
        self._origin = origin
        page.add_init_script(_TRAP)
        page.on("dialog", self._note_dialog)
        page.context.on("request", self._note_request)
        page.context.on("requestfailed", self._forget_blocked)
        page.on("console", self._note_console)
        page.on("popup", lambda popup: self.alarms.append(f"a window was opened: {popup.url}"))
        page.on("framenavigated", lambda frame: self._note_address("a frame went to", frame.url))

    def _note_dialog(self, dialog: Dialog) -> None:
        self.alarms.append(f"a script ran: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, request: Request) -> None:
        self._note_address("asked for", request.url)

    def _forget_blocked(self, request: Request) -> None:
        """What the browser's policy held back was told nobody."""
        alarm = f"asked for {request.url}"
        if request.failure == "csp" and alarm in self.alarms:
            self.alarms.remove(alarm)

    def _note_address(self, what: str, url: str) -> None:
        if not url.startswith((f"{self._origin}/", "data:", "blob:", "about:")):
            self.alarms.append(f"{what} {url}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if "TRAP" in message.text:
            self.alarms.append(f"a script ran: {message.text}")
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.policy_errors.append(message.text)

    def look(self) -> list[str]:
        """All alarms so far, and what stands in the document that must not."""
        aliens: Any = self._page.evaluate(_FIND_ALIENS)
        return self.alarms + [f"in the document: {alien}" for alien in aliens]
