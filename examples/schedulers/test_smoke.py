"""A smoke test over several browsers; the fixtures are the library's own, and the site is its fake one."""

import pytest


@pytest.mark.parametrize("name", ["Ada", "Grace"])
def test_it_remembers(name, chatgpt_api):
    conversation = chatgpt_api.get_conversation()
    conversation.send_message(f"My name is {name}.")
    assert name in conversation.send_message("What is my name?")
