"""The public clients `AsyncChatGPTAPI` and `ChatGPTAPI` (a thin synchronous client over it), with conversations and batches."""
