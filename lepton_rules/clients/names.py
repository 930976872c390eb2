"""Names of tensors as names of a programming language: models call tensors `serving_default_x:0` and `input.1`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable

_OTHER = re.compile(r"[^A-Za-z0-9]+")
_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Words that are no names, and names that the generated code itself has.
PYTHON = frozenset(keyword.kwlist) | {"annotations", "int", "np", "self", "tuple"}
# C++20, [lex.key].
CPP = frozenset(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl "
    "concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default "
    "delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long "
    "mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template "
    "this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t "
    "while xor xor_eq".split()
)
# The Java Language Specification, 3.9, with the literals, and methods that every object has.
JAVA = frozenset(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends false "
    "final finally float for goto if implements import instanceof int interface long native new null package private "
    "protected public return short static strictfp super switch synchronized this throw throws transient true try "
    "void volatile while _ getClass hashCode equals toString notify notifyAll wait clone finalize shape values "
    "at".split()
)


def words(name: str) -> list[str]:
    """The words of a name, in lower case: `inputIDs.1` is input, ids, 1."""
    return [word.lower() for part in _OTHER.split(name) for word in _WORD.findall(part)]


def snake(name: str) -> str:
    """`input_ids_1`; empty where a name has no letter and no digit."""
    return "_".join(words(name))


def camel(name: str) -> str:
    """`inputIds1`."""
    first, *others = words(name) or [""]
    return first + "".join(word.capitalize() for word in others)


def pascal(name: str) -> str:
    """`InputIds1`."""
    return "".join(word.capitalize() for word in words(name))


def distinct(
    names: Iterable[str], reserved: Collection[str], prefix: str, *, suffix: str = "_", joint: str = "_"
) -> list[str]:
    """Names that can stand in one scope.

    Args:
      prefix: what comes before a name that does not begin with a letter.
      suffix: what follows a name that is reserved.
      joint: what comes before the number that follows a name that is there already.
    """
    found: list[str] = []
    for name in names:
        base = name if name[:1].isalpha() else f"{prefix}{name}"
        if base in reserved:
            base += suffix
        candidate, number = base, 2
        while candidate in found or candidate in reserved:
            candidate = f"{base}{joint}{number}"
            number += 1
        found.append(candidate)
    return found


def literal(text: str, *, pairs: bool = False) -> str:
    """A text in double quotes, in ASCII, as Python, C++ and Java read it alike.

    Args:
      pairs: whether a character beyond the first plane is two of UTF-16, as Java has it.
    """
    return '"' + "".join(_escape(character, pairs) for character in text) + '"'


def _escape(character: str, pairs: bool) -> str:
    code = ord(character)
    if character in '\\"':
        return "\\" + character
    if " " <= character <= "~":
        return character
    if code < 0x80:
        # Octal: Java decodes \\u before it looks for the end of the text, and C++ has no \\u for ASCII.
        return f"\\{code:03o}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    if pairs:
        return f"\\u{0xD800 + ((code - 0x10000) >> 10):04x}\\u{0xDC00 + ((code - 0x10000) & 0x3FF):04x}"
    return f"\\U{code:08x}"


def comment(text: str) -> str:
    """A text that can stand in a comment of any language: on one line, and it ends none."""
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable.replace("\\", "/").replace("*/", "* /").replace('"""', "'''")
