"""A smoke test over several browsers, with the fixtures and the fake server of the library."""

import pytest


@pytest.mark.parametrize("name", ["Ada", "Grace"])
def test_conversation_second_message_remembers_first(name, chatgpt_api):
    conversation = chatgpt_api.get_conversation()
    conversation.send_message(f"My name is {name}.")
    assert name in conversation.send_message("What is my name?")
