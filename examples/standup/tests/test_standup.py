"""Tests of the program, with a real browser and a fake ChatGPT. They need no account and no network."""

import io

import pytest
import standup

from chatgpt_browser import ChatGPTAPI, RateLimitError

COMMITS = ["1f2e3d4 Faults by name", "5a6b7c8 A page to watch"]


def test_write_note_sends_commits_and_returns_note(chatgpt_server, chatgpt_api):
    chatgpt_server.when("Sum up these commits", "Faults have names now.")

    assert standup.write_note(chatgpt_api, COMMITS) == "Faults have names now."
    [request] = [each for each in chatgpt_server.requests if each.method == "POST"]
    assert "1f2e3d4 Faults by name" in request.json["messages"][0]["content"]["parts"][0]


def test_write_note_after_stream_error_appends_rest(chatgpt_server, chatgpt_api):
    chatgpt_server.script("Faults have names now.", " The end.")
    with chatgpt_server.inject("error-event"):
        assert standup.write_note(chatgpt_api, COMMITS) == "Faults have names now. The end."


def test_write_note_at_rate_limit_raises(chatgpt_server, chatgpt_api):
    chatgpt_server.inject("rate-limit-header")
    with pytest.raises(RateLimitError) as caught:
        standup.write_note(chatgpt_api, COMMITS)
    assert caught.value.retry_after == 120


def test_write_note_with_recorded_reply_returns_it(chatgpt_recording, chatgpt_api):
    """Replay the recording in the folder `cassettes`. `pytest --chatgpt-record=all` records it again on the real site."""
    assert standup.write_note(chatgpt_api, COMMITS).count(".") == 2


def test_main_prints_note(chatgpt_server, monkeypatch, capsys):
    monkeypatch.setattr(standup, "ChatGPTAPI", lambda _: ChatGPTAPI(**chatgpt_server.client_options))
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", chatgpt_server.session_token)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(COMMITS)))
    chatgpt_server.script("A note.")

    standup.main()
    assert capsys.readouterr().out == "A note.\n"


@pytest.mark.chatgpt_live
def test_write_note_on_real_site_returns_note(chatgpt_api):
    """Use the real site. Without CHATGPT_SESSION_TOKEN the test is skipped."""
    assert standup.write_note(chatgpt_api, COMMITS)
