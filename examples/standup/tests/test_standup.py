"""The program's tests: through a real browser, to a fake ChatGPT; no account, no network."""

import functools
import io
from pathlib import Path

import pytest
import standup

from chatgpt_browser import RateLimitError

COMMITS = ["1f2e3d4 Faults by name", "5a6b7c8 A page to watch"]
RECORDINGS = Path(__file__).parent / "recordings"


def test_the_commits_are_sent_and_the_note_comes_back(chatgpt_server, chatgpt_api):
    chatgpt_server.when("Sum up these commits", "Faults have names now.")

    assert standup.write_note(chatgpt_api, COMMITS) == "Faults have names now."
    [request] = [each for each in chatgpt_server.requests if each.method == "POST"]
    assert "1f2e3d4 Faults by name" in request.json["messages"][0]["content"]["parts"][0]


def test_a_reply_that_breaks_off_is_gone_on_with(chatgpt_server, chatgpt_api):
    chatgpt_server.script("Faults have names now.", " The end.")
    with chatgpt_server.inject("error-event"):
        assert standup.write_note(chatgpt_api, COMMITS) == "Faults have names now. The end."


def test_a_rate_limit_is_the_callers(chatgpt_server, chatgpt_api):
    chatgpt_server.inject("rate-limit-header")
    with pytest.raises(RateLimitError) as caught:
        standup.write_note(chatgpt_api, COMMITS)
    assert caught.value.retry_after == 120


def test_a_real_reply_as_it_was_recorded(chatgpt_server, chatgpt_api):
    chatgpt_server.replay(RECORDINGS / "note.jsonl", speed=None)
    assert standup.write_note(chatgpt_api, COMMITS).count(".") == 2


def test_the_command(chatgpt_server, monkeypatch, capsys):
    where = {
        "api_base_url": chatgpt_server.api_base_url,
        "backend_api_base_url": chatgpt_server.backend_api_base_url,
    }
    monkeypatch.setattr(standup, "ChatGPTAPI", functools.partial(standup.ChatGPTAPI, **where))
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", chatgpt_server.session_token)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(COMMITS)))
    chatgpt_server.script("A note.")

    standup.main()
    assert capsys.readouterr().out == "A note.\n"


@pytest.mark.chatgpt_live
def test_live(chatgpt_api):
    """With CHATGPT_SESSION_TOKEN in the environment, this one asks the real site."""
    assert standup.write_note(chatgpt_api, COMMITS)
