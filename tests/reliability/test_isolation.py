"""A page of the site's own with hostile scripts learns nothing of ours: it reports to the server all that it gets to see.

What it may do as any script of the site in any browser, it may do here too: ask the session endpoint by itself. Nothing is to
be had from our being there, though: Chromium shows the requests of an isolated world neither to service workers nor to observers.
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

#: Patches all that a client could use, in the main world, and tells the server whatever passes through.
SPY = """<!doctype html><title>Just a site</title><body><iframe src="/frame"></iframe><script>
  const ask = window.fetch.bind(window);
  const tell = (what) => ask("/told", { method: "POST", body: String(what) });
  const dump = (value) => {
    try { return typeof value === "string" ? value : JSONstringify(value) ?? String(value); } catch { return String(value); }
  };
  const JSONstringify = JSON.stringify.bind(JSON);
  const names = new Set(Object.getOwnPropertyNames(window));

  function spy(holder, name) {
    const original = holder[name];
    holder[name] = function (...args) {
      tell(name + " " + args.map(dump).join(" "));
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
    if (!inside) { inside = true; tell("then " + args.map(String).join(" ")); inside = false; }
    return Reflect.apply(then, this, args);
  };
  Object.defineProperty(Object.prototype, "authorization", {
    set(value) { tell("authorization " + value); Object.defineProperty(this, "authorization", { value, writable: true }); },
    get() { return undefined; },
    configurable: true,
  });
  window.addEventListener("message", (event) => tell("message " + dump(event.data)));
  new MutationObserver((records) => tell("mutation " + records.map((r) => r.target.textContent).join(" ")))
    .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  new PerformanceObserver((list) => tell("timing " + list.getEntries().map((e) => JSONstringify(e)).join(" ")))
    .observe({ type: "resource", buffered: true });
  const look = () => {
    const fresh = Object.getOwnPropertyNames(window).filter((name) => !names.has(name));
    tell("look " + JSONstringify([fresh, document.cookie, typeof chatgptBrowserDeliver, document.documentElement?.outerHTML,
      JSONstringify(localStorage), JSONstringify(sessionStorage), window.frames.length]));
  };
  fetch("/look").then(look);
  window.ready = "the spy is at work";
  ask("/told", { method: "POST", body: "ready" });
</script>"""

#: Takes over the document at once, and tells of every request that goes through it.
SERVICE_WORKER = """
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("message", (event) => self.clients.claim());
  self.addEventListener("fetch", (event) => {
    const { method, url, headers } = event.request;
    if (url.endsWith("/told")) return;
    const what = `worker ${method} ${url} ${JSON.stringify([...headers])}`;
    event.waitUntil(fetch("/told", { method: "POST", body: what }));
  });
"""
WITH_SERVICE_WORKER = """<!doctype html><script>
  (async () => {
    const taken = new Promise((resolve) => { navigator.serviceWorker.oncontrollerchange = resolve; });
    await navigator.serviceWorker.register("/worker.js");
    await taken;
    await fetch("/probe?by-the-page");  // goes through the worker, which shows that it is at work
    await fetch("/told", { method: "POST", body: "ready" });
  })();
</script>"""


def told(server: FakeChatGPT) -> list[str]:
    return [unquote(r.body.decode()) for r in server.requests if r.path == "/told"]


def wait_until_told(server: FakeChatGPT, what: str) -> None:
    count = 0
    while not any(said.startswith(what) for said in told(server)):
        count = len(told(server)) + 1
        server.wait_for_request("/told", "POST", count)


def assert_learned_nothing(server: FakeChatGPT, *more: str) -> None:
    said = "\\n".join(told(server))
    assert_none_in(said, secrets=secrets_of(server))
    for ours in ("Bearer", "chatgpt_browser", "parent_message_id", "text-davinci", "grant(", *more):
        assert ours not in said, said[max(0, said.index(ours) - 300) :][:600]


def talk(server: FakeChatGPT, api: ChatGPTAPI) -> None:
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


def test_patched_globals_see_nothing(serve: Serve, connect: Connect) -> None:
    server, look = serve(), Gate()
    server.script_path("/api/auth/session", Answer(200, SPY))
    server.script_path("/frame", Answer(200, "<script>parent.postMessage('from a frame', '*')</script>"))
    server.script_path("/look", Stall(before_head=True, gate=look))
    api = connect(server)
    api.start()
    wait_until_told(server, "ready")
    talk(server, api)
    look.open()
    wait_until_told(server, "look")

    heard = told(server)
    assert any(said.startswith("then ") for said in heard), "the spy's own patches are at work"
    assert any(said.startswith("timing ") for said in heard), "and so are its observers"
    assert "/backend-api/" not in "".join(heard)
    look_at = json.loads(next(said for said in heard if said.startswith("look "))[5:])
    assert look_at[0] == ["ready"]
    assert look_at[1] == ""
    assert look_at[2] == "undefined"
    assert_learned_nothing(server, *PRIVATE)
    assert len(refreshes_of(server.requests)) >= 1


def test_a_service_worker_sees_no_request_of_ours(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_path("/worker.js", Answer(200, SERVICE_WORKER, content_type="text/javascript"))
    server.script_path("/api/auth/session", Answer(200, WITH_SERVICE_WORKER))
    api = connect(server)
    api.start()
    wait_until_told(server, "ready")
    talk(server, api)
    assert "probe?by-the-page" in "".join(told(server)), "the worker is at work"

    assert "/backend-api/" not in "".join(told(server))
    assert "/api/auth/session" not in "".join(told(server))
    assert_learned_nothing(server, *PRIVATE)
