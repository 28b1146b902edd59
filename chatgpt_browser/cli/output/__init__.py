"""What the commands print: consoles, Markdown, tables, conversations, progress."""
