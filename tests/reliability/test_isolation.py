"""Isolation from hostile scripts of the site: they report everything that they can observe to the server.

As in any browser, a script of the site can request the session endpoint itself. The client does not make more observable:
Chromium hides the requests of an isolated world from service workers and from performance observers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply, Stall
from tests.support.scripted_site import refreshes_of
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI
    from tests.support.client_fixtures import Connect, Serve

#: Replaces every function that a client could use in the main world, and reports all calls to the server.
SPY = """<!doctype html><title>Just a site</title><body><iframe src="/frame"></iframe><script>
  const ask = window.fetch.bind(window);
  const report = (what) => ask("/report", { method: "POST", body: String(what) });
  const dump = (value) => {
    try { return typeof value === "string" ? value : JSONstringify(value) ?? String(value); } catch { return String(value); }
  };
  const JSONstringify = JSON.stringify.bind(JSON);
  const names = new Set(Object.getOwnPropertyNames(window));

  function spy(holder, name) {
    const original = holder[name];
    holder[name] = function (...args) {
      report(name + " " + args.map(dump).join(" "));
      return new.target ? Reflect.construct(original, args) : Reflect.apply(original, this, args);
    };
    holder[name].prototype = original.prototype;
  }
  spy(window, "fetch");
  spy(window, "Request");
  spy(window, "Headers");
  spy(window, "Response");
  spy(window, "AbortController");
  spy(window, "TextDecoder");
  spy(window, "XMLHttpRequest");
  spy(JSON, "parse");
  spy(JSON, "stringify");
  spy(Headers.prototype, "set");
  spy(Headers.prototype, "append");
  spy(TextDecoder.prototype, "decode");
  spy(ReadableStream.prototype, "getReader");
  spy(ReadableStreamDefaultReader.prototype, "read");
  spy(EventTarget.prototype, "addEventListener");
  spy(EventTarget.prototype, "dispatchEvent");
  spy(XMLHttpRequest.prototype, "setRequestHeader");
  spy(window, "postMessage");
  spy(window, "setTimeout");
  spy(performance, "now");
  const then = Promise.prototype.then;
  let inside = false;
  Promise.prototype.then = function (...args) {
    if (!inside) { inside = true; report("then " + args.map(String).join(" ")); inside = false; }
    return Reflect.apply(then, this, args);
  };
  Object.defineProperty(Object.prototype, "authorization", {
    set(value) { report("authorization " + value); Object.defineProperty(this, "authorization", { value, writable: true }); },
    get() { return undefined; },
    configurable: true,
  });
  window.addEventListener("message", (event) => report("message " + dump(event.data)));
  new MutationObserver((records) => report("mutation " + records.map((r) => r.target.textContent).join(" ")))
    .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  new PerformanceObserver((list) => report("timing " + list.getEntries().map((e) => JSONstringify(e)).join(" ")))
    .observe({ type: "resource", buffered: true });
  const look = () => {
    const fresh = Object.getOwnPropertyNames(window).filter((name) => !names.has(name));
    report("look " + JSONstringify([fresh, document.cookie, typeof chatgptBrowserDeliver, document.documentElement?.outerHTML,
      JSONstringify(localStorage), JSONstringify(sessionStorage), window.frames.length]));
  };
  fetch("/look").then(look);
  window.ready = "the spy is installed";
  ask("/report", { method: "POST", body: "ready" });
</script>"""

#: Controls the document at once, and reports every request that it handles.
SERVICE_WORKER = """
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("message", (event) => self.clients.claim());
  self.addEventListener("fetch", (event) => {
    const { method, url, headers } = event.request;
    if (url.endsWith("/report")) return;
    const what = `worker ${method} ${url} ${JSON.stringify([...headers])}`;
    event.waitUntil(fetch("/report", { method: "POST", body: what }));
  });
"""
WITH_SERVICE_WORKER = """<!doctype html><script>
  (async () => {
    const taken = new Promise((resolve) => { navigator.serviceWorker.oncontrollerchange = resolve; });
    await navigator.serviceWorker.register("/worker.js");
    await taken;
    await fetch("/probe?by-the-page");  // handled by the worker, which shows that it is active
    await fetch("/report", { method: "POST", body: "ready" });
  })();
</script>"""


def reports(server: FakeChatGPT) -> list[str]:
    return [unquote(r.body.decode()) for r in server.requests if r.path == "/report"]


def wait_until_reported(server: FakeChatGPT, what: str) -> None:
    count = 0
    while not any(text.startswith(what) for text in reports(server)):
        count = len(reports(server)) + 1
        server.wait_for_request("/report", "POST", count)


def assert_no_secret_reported(server: FakeChatGPT, *more: str) -> None:
    text = "\\n".join(reports(server))
    assert_none_in(text, secrets=secrets_of(server))
    for own in ("Bearer", "chatgpt_browser", "parent_message_id", "text-davinci", "grant(", *more):
        assert own not in text, text[max(0, text.index(own) - 300) :][:600]


def exchange_messages(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    server.script(
        Reply("The answer is a secret of the two of us."), Reply(error="an error"), Answer.server_error()
    )
    assert api.send_message("What I say is nobody's business.") == "The answer is a secret of the two of us."
    for _ in range(2):
        with pytest.raises(Exception, match="error"):
            api.send_message("What I say is nobody's business.")
    with pytest.raises(TimeoutError):
        server.script(Stall())
        api.send_message("What I say is nobody's business.", timeout_ms=1500)


PRIVATE = ("nobody's business", "secret of the two")


def test_patched_globals_observe_no_request(serve: Serve, connect: Connect) -> None:
    server, look = serve(), Gate()
    server.script_path("/api/auth/session", Answer(200, SPY))
    server.script_path("/frame", Answer(200, "<script>parent.postMessage('from a frame', '*')</script>"))
    server.script_path("/look", Stall(before_head=True, gate=look))
    api = connect(server)
    api.start()
    wait_until_reported(server, "ready")
    exchange_messages(server, api)
    look.open()
    wait_until_reported(server, "look")

    reported = reports(server)
    assert any(text.startswith("then ") for text in reported), "the patched functions are active"
    assert any(text.startswith("timing ") for text in reported), "the performance observer is active"
    assert "/backend-api/" not in "".join(reported)
    found = json.loads(next(text for text in reported if text.startswith("look "))[5:])
    assert found[0] == ["ready"]
    assert found[1] == ""
    assert found[2] == "undefined"
    assert_no_secret_reported(server, *PRIVATE)
    assert len(refreshes_of(server.requests)) >= 1


def test_service_worker_observes_no_request(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_path("/worker.js", Answer(200, SERVICE_WORKER, content_type="text/javascript"))
    server.script_path("/api/auth/session", Answer(200, WITH_SERVICE_WORKER))
    api = connect(server)
    api.start()
    wait_until_reported(server, "ready")
    exchange_messages(server, api)
    assert "probe?by-the-page" in "".join(reports(server)), "the service worker is active"

    assert "/backend-api/" not in "".join(reports(server))
    assert "/api/auth/session" not in "".join(reports(server))
    assert_no_secret_reported(server, *PRIVATE)
