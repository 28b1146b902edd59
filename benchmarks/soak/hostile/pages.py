"""Hostile pages of the site: they loop, open windows and dialogs, leave, replace the document's properties, or alter requests."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

from chatgpt_browser.testing import Answer, Break, RawBody, Stall
from chatgpt_browser.testing.server.static_files import read_static

if TYPE_CHECKING:
    from .texts import Values

__all__ = ["Pages"]

_SCRIPTS = (
    "addEventListener('DOMContentLoaded', () => setTimeout(() => { for (;;); }, 0))",
    "setTimeout(() => { for (;;); }, 800)",
    "const end = Date.now() + 3000; while (Date.now() < end);",
    "setInterval(() => open('/'), 20)",
    "setInterval(() => { const a = document.createElement('a'); a.href = '/'; a.target = '_blank'; a.click(); }, 50)",
    "addEventListener('keydown', () => { for (let i = 0; i < 20; i++) open('/', 'w' + i) }, true)",
    "addEventListener('click', () => { for (let i = 0; i < 20; i++) open('/', 'w' + i) }, true)",
    "alert(1)",
    "setInterval(() => { alert(1); confirm(2); prompt(3) }, 10)",
    "addEventListener('beforeunload', e => { e.preventDefault(); e.returnValue = 'x' })",
    "print()",
    "setTimeout(() => location.reload(), 50)",
    "setTimeout(() => { location = 'http://localhost:1/' }, 50)",
    "setTimeout(() => { location = 'about:blank' }, 300)",
    "setTimeout(() => { location = 'blob:null/x' }, 100)",
    "setTimeout(() => { location = 'chrome://crash' }, 100)",
    "setInterval(() => history.pushState({}, '', '/c/' + Math.random()), 1)",
    "setInterval(() => { debugger }, 10)",
    "close()",
    "setInterval(() => { const a = document.createElement('a'); a.href = 'data:,x'; a.download = '../../x'; a.click() }, 100)",
    "Object.defineProperty(Element.prototype, 'outerHTML', {get() { throw new Error('no') }})",
    "Object.defineProperty(Element.prototype, 'innerText', {get: () => ({})})",
    "Object.defineProperty(document, 'documentElement', {get() { throw new Error('no') }})",
    "Object.defineProperty(document, 'documentElement', {value: 7})",
    "document.addEventListener = document.querySelector = document.querySelectorAll = null",
    "Element.prototype.click = Element.prototype.focus = HTMLElement.prototype.click = () => { throw 1 }",
    "Element.prototype.getBoundingClientRect = () => ({})",
    "Object.prototype.value = 1; Array.prototype.map = null",
    "Object.prototype.then = (f) => {}",
    "window.Promise = window.JSON = window.fetch = window.Date = null",
    "JSON.stringify = () => 'no'; String.prototype.trim = () => { throw 1 }",
    "Array.prototype.push = () => 0; Function.prototype.call = null",
    "window.MutationObserver = null; performance.now = () => NaN; window.setTimeout = null",
    "document.write('<p>'.repeat(50000))",
    "document.title = '\\x1b]52;c;c29haw==\\x07'.repeat(1000)",
    "setInterval(() => document.body.append(document.body.cloneNode(true)), 300)",
    "navigator.serviceWorker?.register('/app/app.js')",
    "setInterval(() => { document.querySelectorAll('textarea,[contenteditable]').forEach(e => e.innerText = 'gotcha') }, 5)",
    "setInterval(() => document.querySelectorAll('button').forEach(b => b.remove()), 5)",
    "setInterval(() => document.querySelectorAll('button').forEach(b => b.click()), 50)",
    "for (let i = 0; i < 3000; i++) fetch('/backend-api/models')",
    "const f = fetch; window.fetch = (u, o) => f(u, o && {...o, body: String(o.body).replace('Hello', 'Goodbye')})",
    "const f = fetch; window.fetch = (u, o) => { f(u, o); return f(u, o) }",
    "const f = fetch; window.fetch = (u, o) => f(u, o && o.body ? {...o, body: new Blob([o.body])} : o)",
    "const f = fetch; window.fetch = (u, o) => f(u, {...o, headers: {}})",
    "console.log('\\x1b]52;c;c29haw==\\x07'); throw new Error('\\x1b[7777m')",
    "sessionStorage.x = 'a'.repeat(4e6); localStorage.x = 'a'.repeat(4e6)",
    "for (let i = 0; i < 500; i++) document.cookie = 'c' + i + '=' + 'v'.repeat(3000)",
    "document.cookie = '__Secure-next-auth.session-token=stolen; path=/'",
    "new Worker(URL.createObjectURL(new Blob(['for (;;);'])))",
    "window.name = 'x'.repeat(3e6); const a = []; for (let i = 0; i < 200; i++) a.push(new Array(1e5).fill(i))",
    "document.documentElement.requestFullscreen?.(); Notification.requestPermission?.()",
    "document.body.innerHTML = '<dialog open>\\x1b[7777m</dialog>'.repeat(50)",
    "new MutationObserver(() => document.body.append('x')).observe(document, {childList: true, subtree: true})",
)
_MARKUP = (
    "<form name='documentElement'></form>",
    "<img name='documentElement'><img name='readyState'><img name='addEventListener'><img name='querySelector'>",
    "<meta http-equiv='refresh' content='0;url=/'>",
    "<iframe src='/'></iframe>" * 30,
    "<base href='http://localhost:1/'>",
    "<textarea>" * 3000,
    "<div>" * 30_000,
    "<button aria-label='Send'>" * 500,
    "<div contenteditable id='prompt-textarea'>gotcha</div><button data-testid='send-button'>x</button>",
    "<dialog open><h2>\x1b]52;c;c29haw==\x07\u202e</h2><button>OK</button></dialog>",
    "<a href='/auth/login'>Log in</a>",
    "<title" * 20_000,
    "<p>" + "a" * 2_000_000,
    "<object data='/'></object><embed src='/'>",
    "<svg onload='for(;;);'>",
    "<marquee>\x00\x1b[7777m</marquee>",
)
_HEADERS: tuple[list[tuple[str, str]], ...] = (
    [],
    [],
    [],
    [],
    [("content-security-policy", "sandbox")],
    [("content-security-policy", "default-src 'none'")],
    [("clear-site-data", '"*"')],
    [("refresh", "0; url=/")],
    [("content-disposition", "attachment; filename=../../x")],
    [("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")],
    [("content-type", "text/html; charset=utf-16")],
    [("link", "</app/app.js>; rel=preload; as=script, <http://localhost:1/>; rel=preconnect")],
    [("set-cookie", "__Secure-next-auth.session-token=" + "s" * 3900)],
)


class Pages:
    """Draws hostile pages."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._chance = values.chance

    def page(self) -> Any:
        """Return the response to a navigation: the application's page or an empty one, with hostile parts."""
        chance = self._chance
        if chance.random() < 0.1:
            return chance.choice(
                (
                    Break(),
                    Stall(),
                    Stall(before_head=True),
                    Answer(302, b"", [("location", "/")]),
                    Answer(204, b""),
                    Answer(401, b"", [("www-authenticate", "Basic realm=x")]),
                    RawBody([b"<p>"] * 300, content_type="text/html", interval=100),
                    RawBody([b"\x00\xff" * 100_000], content_type="application/octet-stream"),
                )
            )
        html = self._application() if chance.random() < 0.6 else "<!doctype html><body>"
        for _ in range(chance.choice((1, 1, 2, 3))):
            html = self._with_attack(html)
        status = chance.choice((200,) * 8 + (403, 404, 500))
        return Answer(
            status, html.encode("utf-8", "replace"), chance.choice(_HEADERS), "text/html; charset=utf-8"
        )

    def script(self) -> Any:
        """Return the application's script that sends messages, with an altered body, message or address."""
        changes = (
            ("parts: [text]", 'parts: [text, "gotcha"]'),
            ("parts: [text]", "parts: [{text}]"),
            ("parts: [text]", "parts: []"),
            ('role: "user"', 'role: "system"'),
            ("messages: [message]", "messages: [message, message]"),
            ("JSON.stringify(body)", "new Blob([JSON.stringify(body)])"),
            ("JSON.stringify(body)", "JSON.stringify(body).replace('{', '{\"messages\":[],')"),
            (
                "JSON.stringify(body)",
                "(() => { const f = new FormData(); f.append('m', JSON.stringify(body)); return f })()",
            ),
            ("JSON.stringify(body)", "new Uint8Array(3e6)"),
            ("JSON.stringify(body)", "JSON.stringify(body).padEnd(9e6)"),
            ("f/conversation", "conversation"),
            ("crypto.randomUUID()", "'\\x1b[7777m'"),
        )
        old, new = self._chance.choice(changes)
        return Answer(200, read_static("app/api.js").replace(old, new), (), "text/javascript; charset=utf-8")

    def _application(self) -> str:
        values = {
            "layout": "usual",
            "modal": "",
            "wakes_after": 0,
            "view": "{&quot;loading&quot;: &quot;conversation&quot;}",
        }
        return Template(read_static("app/index.html")).safe_substitute(values)

    def _with_attack(self, html: str) -> str:
        chance = self._chance
        attack = (
            chance.choice(_MARKUP) if chance.random() < 0.3 else f"<script>{chance.choice(_SCRIPTS)}</script>"
        )
        place = chance.choice(("<body", "</body>", "</head>", ""))
        return html.replace(place, attack + place, 1) if place and place in html else html + attack
