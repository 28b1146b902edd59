"""Output of the commands: consoles, replies, Markdown, tables, conversations and progress."""
