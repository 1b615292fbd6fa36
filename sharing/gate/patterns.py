"""The syntax of STIX patterns (STIX 2.1 §9), decided in one pass whatever is sent.

The reference parser, stix2-patterns, costs 10 µs a byte, recurses once per operand (an
indicator of 400 addresses overruns Python's stack) and takes cubic time on open parentheses;
so a hostile envelope could hold a server for minutes. Precedence does not decide whether a
pattern is well-formed, hence an automaton with a count of open parentheses is enough. The
tests hold it equal to stix2-patterns. What does not live here: the meaning of a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn

from sharing.gate.verdicts import refusal, shown

_DIGITS: Final = r"(?:0|[1-9][0-9]*+)"
_HOUR: Final = r"(?:[01][0-9]|2[0-3])"
_BASE64: Final = "[A-Za-z0-9+/]"
# In this order the first alternative that matches is the longest, as ANTLR's lexer has it.
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>[ \t\r\n\x0b\x0c\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]++
               |/\*(?:[^*]|\*(?!/))*+\*/|//[^\r\n]*+)
    | (?P<time>t'[0-9]{{4}}-(?:0[1-9]|1[012])-(?:0[1-9]|[12][0-9]|3[01])
               T{_HOUR}:[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]++)?Z')
    | (?P<hex>h'(?:[a-fA-F0-9]{{2}})*+')
    | (?P<binary>b'(?:{_BASE64}{{4}})*(?:{_BASE64}{{4}}|{_BASE64}{{3}}=|{_BASE64}{{2}}==)')
    | (?P<string>'(?:[^'\\]|\\'|\\\\)*+')
    | (?P<name>[a-zA-Z_][a-zA-Z0-9_-]*+)
    | (?P<float>\+?[0-9]*\.[0-9]++)
    | (?P<negative_float>-[0-9]*\.[0-9]++)
    | (?P<integer>\+?{_DIGITS})
    | (?P<negative>-{_DIGITS})
    | (?P<equal>==|=|!=|<>)
    | (?P<order><=|>=|<|>)
    | (?P<mark>[\[\]():.,*])
    """,
    re.VERBOSE | re.ASCII,
)
_KEYWORDS: Final = frozenset(
    [
        "AND",
        "OR",
        "NOT",
        "FOLLOWEDBY",
        "LIKE",
        "MATCHES",
        "ISSUPERSET",
        "ISSUBSET",
        "EXISTS",
        "LAST",
        "IN",
        "START",
        "STOP",
        "SECONDS",
        "WITHIN",
        "REPEATS",
        "TIMES",
    ]
)
_BOOLEANS: Final = frozenset({"true", "false"})
_ORDERABLE: Final = (
    *("integer", "negative", "float", "negative_float"),
    *("string", "binary", "hex", "time"),
)
_LITERAL: Final = "a literal such as 'text', 5 or t'2026-11-27T08:30:00Z'"
_END: Final = "the end of the pattern"


# Most patterns that feeds carry: texts that properties are equal to, in one observation. What is
# written so is well-formed, and need not be taken apart; keywords are no names.
_NO_NAME: Final = rf"(?!(?:{'|'.join(sorted(_KEYWORDS | _BOOLEANS))})(?![a-zA-Z0-9_-]))"
_NAME: Final = rf"{_NO_NAME}[a-zA-Z_][a-zA-Z0-9_]*+"
_TEXT: Final = r"'[^'\\]*+'"
_PATH: Final = rf"{_NAME}(?:-[a-zA-Z0-9_-]++)?+:{_NAME}(?:\.(?:{_NAME}|{_TEXT}))*+"
_EQUAL: Final = rf"{_PATH} = {_TEXT}"
_COMMON: Final = re.compile(rf"\[{_EQUAL}(?: (?:AND|OR) {_EQUAL})*+\]", re.ASCII)


def check_pattern(pattern: str, path: str) -> None:
    """Checks the syntax of a STIX pattern, found at `path` of an object.

    Raises BadInput (`sharing.bad-pattern`) with the position and what was expected there.
    """
    if not is_common(pattern):
        take_apart(pattern, path)


def is_common(pattern: str) -> bool:
    """Whether a pattern is of the most common form, and so well-formed."""
    return _COMMON.fullmatch(pattern) is not None


def take_apart(pattern: str, path: str) -> None:
    """Checks a pattern of any form, token by token. Raises BadInput as `check_pattern` does."""
    cursor = _Cursor(pattern, path)
    _take_observations(cursor)
    cursor.expect(_END)


class _Cursor:
    """The token at hand, and the way to the next one."""

    def __init__(self, pattern: str, path: str) -> None:
        self._path = path
        self._tokens = _tokens(pattern)
        self._advance()

    def _advance(self) -> None:
        self._kind, self._text, self._at = next(self._tokens)

    def take(self, *kinds: str) -> str:
        """The kind of the token if it is one of `kinds`, and moves on; else an empty string."""
        kind = self._kind
        if kind not in kinds:
            return ""
        if kind != _END:
            self._advance()
        return kind

    def expect(self, *kinds: str) -> None:
        """Moves past a token of one of `kinds`. Raises BadInput when it is another."""
        if not self.take(*kinds):
            self.fail(_LITERAL if "time" in kinds and len(kinds) > 1 else " or ".join(kinds))

    def fail(self, expected: str) -> NoReturn:
        found = ascii(shown(self._text, 30)) if self._text else _END
        raise refusal(
            "sharing.bad-pattern",
            self._path,
            f"at character {self._at + 1}: {found} where {expected} was expected",
        )


def _tokens(pattern: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, index) of each token; what no token starts with has the kind `invalid`."""
    at = 0
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        if match is None:
            yield "invalid", pattern[at : at + 30], at
            return
        if match.lastgroup != "space":
            yield _kind_of(match.lastgroup or "", match[0]), match[0], at
        at = match.end()
    yield _END, "", len(pattern)


def _kind_of(group: str, text: str) -> str:
    if group == "mark" or (group == "name" and text in _KEYWORDS):
        return text
    if group == "name" and text in _BOOLEANS:
        return "true or false"
    if group == "name" and "-" in text:
        return "name with a hyphen"
    return group


def _take_observations(cursor: _Cursor) -> None:
    open_parentheses = 0
    while True:
        while cursor.take("("):
            open_parentheses += 1
        cursor.expect("[")
        _take_comparisons(cursor)
        _take_qualifiers(cursor, once_each=True)
        while open_parentheses and cursor.take(")"):
            open_parentheses -= 1
            _take_qualifiers(cursor, once_each=False)
        if not cursor.take("AND", "OR", "FOLLOWEDBY"):
            break
    if open_parentheses:
        cursor.fail(")")


def _take_qualifiers(cursor: _Cursor, *, once_each: bool) -> None:
    """A single observation has each qualifier once; a group may repeat them."""
    seen: set[str] = set()
    while kind := cursor.take("START", "WITHIN", "REPEATS"):
        if once_each and kind in seen:
            cursor.fail(f"only one {kind}")
        seen.add(kind)
        if kind == "START":
            cursor.expect("time")
            cursor.expect("STOP")
            cursor.expect("time")
        elif kind == "WITHIN":
            cursor.expect("integer", "float")
            cursor.expect("SECONDS")
        else:
            cursor.expect("integer")
            cursor.expect("TIMES")


def _take_comparisons(cursor: _Cursor) -> None:
    """What stands between the brackets of one observation, and the closing bracket."""
    open_parentheses = 0
    while True:
        while cursor.take("("):
            open_parentheses += 1
        _take_comparison(cursor)
        while open_parentheses and cursor.take(")"):
            open_parentheses -= 1
        if not cursor.take("AND", "OR"):
            break
    cursor.expect(")" if open_parentheses else "]")


def _take_comparison(cursor: _Cursor) -> None:
    if cursor.take("NOT"):
        cursor.expect("EXISTS")
        _take_object_path(cursor)
        return
    if cursor.take("EXISTS"):
        _take_object_path(cursor)
        return
    _take_object_path(cursor)
    cursor.take("NOT")
    operator = cursor.take("equal", "order", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET")
    if operator == "equal":
        cursor.expect(*_ORDERABLE, "true or false")
    elif operator == "order":
        cursor.expect(*_ORDERABLE)
    elif operator == "IN":
        _take_set(cursor)
    elif operator:
        cursor.expect("string")
    else:
        cursor.fail("a comparison operator")


def _take_object_path(cursor: _Cursor) -> None:
    cursor.expect("name", "name with a hyphen")
    cursor.expect(":")
    cursor.expect("name", "string")
    while step := cursor.take(".", "["):
        if step == ".":
            cursor.expect("name", "string")
        else:
            cursor.expect("integer", "negative", "*")
            cursor.expect("]")


def _take_set(cursor: _Cursor) -> None:
    cursor.expect("(")
    if cursor.take(")"):
        return
    cursor.expect(*_ORDERABLE, "true or false")
    while cursor.take(","):
        cursor.expect(*_ORDERABLE, "true or false")
    cursor.expect(")")
