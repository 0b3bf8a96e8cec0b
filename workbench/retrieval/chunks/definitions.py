"""Where the functions, methods and classes of a program begin.

Python is parsed. In other languages a definition is recognised by its first line: a keyword (`function`, `func`, `fn`,
`fun`, `def`, `sub`, `class`, `struct`, `impl`, ...: Go, Rust, Kotlin, Swift, Ruby, PHP, Perl), a type and a name before
parentheses (C, C++, Java, C#), or a name that is assigned a function or an arrow function (JavaScript, TypeScript).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_FUNCTION = re.compile(
    r"[ \t]*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|virtual|inline"
    r"|pub(?:\([a-z]+\))?|unsafe|extern|const|open|suspend|sealed|data|template[ \t]*<[^>]*>)[ \t]+)*"
    r"(?:(?:def|class|object|function\*?|func|fun|fn|interface|protocol|struct|impl|trait|enum|module|namespace|sub|proc)\b"
    r"[^;]*"
    r"|(?:let[ \t]+|var[ \t]+)?\w+[ \t]*=[ \t]*(?:async[ \t]*)?(?:function\b[^;]*|(?:\([^;]*\)|\w+)[^;=]*=>[^;]*;?)"
    r"|(?!(?:if|for|while|switch|else|return|do|try|catch|new|throw)\b)[A-Za-z_][\w:<>,*&\[\] \t]*[ \t*&]"
    r"[~\w:]+[ \t]*\([^;{}]*\)[^;{}]*\{?)[ \t]*$"
)
_ABOVE = ("@", "//", "/*", "*", "#[")
_LONGEST_DEFINITION = 500  # characters of its first line; the pattern's time grows with the square of the length


def line_starts(text: str) -> list[int]:
    """Where the lines of a text begin."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


def definition_starts(text: str) -> list[int]:
    """Where definitions begin: in Python with their decorators; in text that does not parse as Python, or has no
    definition as such, with the comments, annotations and attributes right above them."""
    lines = line_starts(text)
    found = _python_functions(text, lines)
    return _looking_like_definitions(text, lines) if found is None else found


def _looking_like_definitions(text: str, lines: Sequence[int]) -> list[int]:
    """Starts of the lines that look like a definition, with the comments and annotations right above them."""
    written = [text[start:end] for start, end in pairwise([*lines, len(text)])]
    found = []
    for number, line in enumerate(written):
        if len(line) <= _LONGEST_DEFINITION and _FUNCTION.match(line.rstrip("\r\n")):
            while number and written[number - 1].lstrip().startswith(_ABOVE):
                number -= 1
            found.append(lines[number])
    return found


def _python_functions(text: str, lines: Sequence[int]) -> list[int] | None:
    """Starts of the functions, classes and methods of a Python text, nested functions left out; None when it does not
    parse or has none."""
    if re.search("\r(?!\n)", text):  # Python ends a line at a lone carriage return, `line_starts` does not
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = []
    bodies: list[Any] = [tree.body]
    while bodies:
        for node in bodies.pop():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found.append(first - 1)
                if isinstance(node, ast.ClassDef):
                    bodies.append(node.body)
    if not found or max(found) >= len(lines):
        return None
    return [lines[number] for number in found]
