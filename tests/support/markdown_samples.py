"""Markdown texts for the tests of the renderer."""

from __future__ import annotations

#: A text with each kind of block.
SAMPLE = """\
# A heading

Some **bold** and *italic* words, enough of them to go on over several lines of a terminal that is not a very wide one.
With `code` and a [link](https://site.example/a).

## Steps

1. First do this
2. Then do that:
   ```python
   for number in range(3):
       print(number)
   ```
3. Third
   - nested

- a loose one

- another

> A quote
> goes on

| name | value |
|------|------:|
| one  | 1     |
| a much longer name | 22 |

```python
def f(x):
    \"\"\"Of several
    lines.\"\"\"
    return x + 1


print(f(2))
```

Setext
------
and a line
***
The end: 世界 🌍
"""
LONG_CODE = "Look:\n\n```python\n" + "".join(f"line_{n} = {n}\n" for n in range(40)) + "```\n\nThat was it."
LONG_LIST = "".join(f"{n}. item number {n}\n" for n in range(1, 31))
LONG_TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {'x' * n} | {n} |\n" for n in range(1, 25)) + "\nEnd."
LONG_ITEM = "1. See:\n\n" + "".join(f"   Paragraph {n}.\n\n" for n in range(15)) + "2. Second"
