"""An example for each public method of the reference. tests/docs/test_api_examples.py runs them in this order, with one client.

The keys of `EXAMPLES` name the synchronous classes. `asynchronous` converts an example for the asynchronous class.
"""

from __future__ import annotations

import re

#: Maps each class in the code to the class under which the reference shows its methods.
CLASSES = {
    "ChatGPTAPI": "ChatGPTAPI",
    "BaseClient": "ChatGPTAPI",
    "AccountDataMixin": "ChatGPTAPI",
    "SendManyMixin": "ChatGPTAPI",
    "JobsMixin": "ChatGPTAPI",
    "ChatGPTConversation": "ChatGPTConversation",
    "ReplyStream": "ReplyStream",
    "WholeReplyMixin": "ReplyStream",
    "Job": "Job",
    "ReplyFile": "ReplyFile",
    "History": "History",
    "AbortController": "AbortController",
    "AbortSignal": "AbortSignal",
}

EXAMPLES = {
    "ChatGPTAPI.from_login": """\
with ChatGPTAPI.from_login("work", headless=False) as api:
    print(api.send_message("Hello."))
""",
    "ChatGPTAPI.start": "api.start()  # now, and not at the first message\n",
    "ChatGPTAPI.send_message": """\
text = api.send_message("Write a limerick.", timeout_ms=60_000)
""",
    "ChatGPTAPI.ask": """\
reply = api.ask("Who discovered radium?")
print(reply.text, reply.model, [citation.url for citation in reply.citations])
""",
    "ChatGPTAPI.stream_message": """\
with api.stream_message("Tell me a story.") as stream:
    for piece in stream:
        print(piece, end="", flush=True)
""",
    "ReplyStream.events": """\
with api.stream_message("Why is the sky blue?") as stream:
    for event in stream.events():
        if isinstance(event, TextDelta):
            print(event.text, end="")
""",
    "ReplyStream.close": """\
stream = api.stream_message("Tell me a long story.")
print(next(iter(stream)))  # only the first piece
stream.close()
""",
    "ReplyStream.aclose": """\
async with contextlib.aclosing(api.stream_message("Tell me a long story.")) as stream:
    print(await anext(stream))
""",
    "ChatGPTAPI.get_conversation": """\
conversation = api.get_conversation()
conversation = api.get_conversation(conversation_id=reply.conversation_id)  # continue one
""",
    "ChatGPTConversation.send_message": 'text = conversation.send_message("What did I just say?")\n',
    "ChatGPTConversation.ask": 'reply = conversation.ask("Which sources say that?")\n',
    "ChatGPTConversation.stream_message": """\
with conversation.stream_message("And then?") as stream:
    for piece in stream:
        print(piece, end="")
""",
    "ChatGPTConversation.submit": 'job = conversation.submit("Write the next chapter.")\n',
    "Job.wait": "reply = job.wait(timeout_ms=600_000)\n",
    "ChatGPTAPI.submit": 'job = api.submit("Summarise the history of Europe.")\nprint(job.id)\n',
    "ChatGPTAPI.get_job": "job = api.get_job(job.id)  # also in another process\n",
    "Job.refresh": "job.refresh()\nprint(job.state)\n",
    "Job.cancel": "job.cancel()\n",
    "ChatGPTAPI.list_jobs": "for job in api.list_jobs():\n    print(job.id, job.state)\n",
    "ChatGPTAPI.send_many": """\
for result in api.send_many(["One.", "Two.", "Three."], in_order=False):
    print(result.index, result.reply or result.error)
""",
    "ChatGPTAPI.ensure_auth": "api.ensure_auth()  # raises an error if you are not signed in\n",
    "ChatGPTAPI.refresh_access_token": "access_token = api.refresh_access_token()\n",
    "ChatGPTAPI.get_is_authenticated": 'if not api.get_is_authenticated():\n    print("Sign in first.")\n',
    "ChatGPTAPI.get_session": "session = api.get_session()\nprint(session.user.name, session.expires)\n",
    "ChatGPTAPI.list_models": "for model in api.list_models():\n    print(model.slug, model.efforts)\n",
    "ChatGPTAPI.list_conversations": """\
for conversation in api.list_conversations(limit=5):
    print(conversation.id, conversation.title)
""",
    "ChatGPTAPI.iter_conversations": """\
for conversation in api.iter_conversations():
    print(conversation.id, conversation.title)
""",
    "ChatGPTAPI.get_history": """\
history = api.get_history(reply.conversation_id)
for message in history.visible_messages:
    print(message.role, message.text)
""",
    "History.get_reply": "reply = history.get_reply()  # the newest answer, with its sources and files\n",
    "ReplyFile.read": "for file in reply.files:\n    content = file.read()\n",
    "ReplyFile.save": 'for file in reply.files:\n    path = file.save("downloads/")\n',
    "ChatGPTAPI.generate_title": "title = api.generate_title(reply.conversation_id)\n",
    "ChatGPTAPI.rename_conversation": 'api.rename_conversation(reply.conversation_id, "Physics")\n',
    "ChatGPTAPI.delete_conversation": "api.delete_conversation(reply.conversation_id)\n",
    "AbortController.abort": """\
controller = AbortController()
threading.Timer(30, controller.abort, ["too slow"]).start()
api.send_message("Tell me a story.", abort_signal=controller.signal)
""",
    "AbortSignal.listen": """\
remove = controller.signal.listen(lambda: print("aborted"))
remove()
""",
    "AbortSignal.error": "error = controller.signal.error()\n",
    "AbortSignal.throw_if_aborted": "controller.signal.throw_if_aborted()\n",
    "ChatGPTAPI.close": """\
api = ChatGPTAPI(token)
try:
    print(api.send_message("Hello."))
finally:
    api.close()
""",
}

#: Matches calls of the methods that must be awaited in the asynchronous classes.
_COROUTINES = re.compile(
    r"\b(?<!with )((?:api|conversation|job|file)\.(?!stream_message|get_conversation|send_many|iter_conversations)\w+\()"
)


def asynchronous(example: str) -> str:
    """Return the example, converted for the asynchronous client."""
    code = re.sub(
        r"\bfor (\w+) in (api\.(?:send_many|iter_conversations)|stream)\b", r"async for \1 in \2", example
    )
    code = re.sub(r"\bfor (\w+) in (api\.list_\w+\(.*?\)):", r"for \1 in await \2:", code)
    code = re.sub(r"(?m)^with (?=api\.|conversation\.|ChatGPTAPI)", "async with ", code)
    code = re.sub(r"\bnext\(iter\(stream\)\)", "await anext(stream)", code)
    code = re.sub(r"\bstream\.close\(", "await stream.close(", code)
    code = _COROUTINES.sub(
        lambda call: call[1] if _is_awaited(code, call.start()) else f"await {call[1]}", code
    )
    return re.sub(r"\bChatGPTAPI\b", "AsyncChatGPTAPI", code)


def _is_awaited(code: str, at: int) -> bool:
    return code[:at].endswith("await ")


def example_of(owner: str, name: str) -> str | None:
    """Return the example for a method of a class in the code, or None if there is none."""
    is_async = owner.startswith("Async") or owner == "WholeReplyMixin"
    example = EXAMPLES.get(f"{CLASSES.get(owner.removeprefix('Async'), '')}.{name}")
    return asynchronous(example) if example is not None and is_async else example
