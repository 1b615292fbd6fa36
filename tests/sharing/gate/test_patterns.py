"""The gate takes the patterns that stix2-patterns takes, in time that grows with their length."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.test.v21 import test_validator as reference_cases
from stix2patterns.validator import run_validator

from kernel.errors import BadInput
from sharing.gate.patterns import check_pattern, is_common, take_apart

CASES: list[str] = [
    *reference_cases.SPEC_CASES,
    *reference_cases.PASS_CASES,
    *reference_cases.TIMESTAMP_PASS_CASES,
    *(pattern for pattern, _ in reference_cases.FAIL_CASES),
    *(pattern for pattern, _ in reference_cases.TIMESTAMP_FAIL_CASES),
]
_PIECES = """[ ] ( ) AND OR NOT FOLLOWEDBY EXISTS IN LIKE MATCHES ISSUBSET ISSUPERSET START STOP
WITHIN SECONDS REPEATS TIMES LAST a a-b file : . , * 'x' 5 -5 +5 -+5 1.5 -.5 07 0 a1 true false
h'ab' h'a' h'' b'AAA=' b'' t'2026-01-01T00:00:00Z' = == != <> < <= >= > /*c*/ / - + ' \\ @ ^ é
'\\'' '\\x'"""
PIECES = [*_PIECES.split(), " //x\n", "\n", "\xa0", "NOT EXISTS a:b", "WITHIN 5 SECONDS"]
_UNITS = re.compile(r"'(?:[^'\\]|\\.)*'|\w+|\s+|.", re.DOTALL)


def fault_of(pattern: str) -> str | None:
    try:
        check_pattern(pattern, "$.pattern")
    except BadInput as fault:
        return f"{fault.code} {fault.message}"
    return None


def reference_takes(pattern: str) -> bool:
    """Less what is no syntax: lengths of hashes, and a first look that trips over comments."""
    return not [
        fault
        for fault in run_validator(pattern, stix_version="2.1")
        if not fault.endswith("hash") and "missing square brackets" not in fault
    ]


def mutated(chance: random.Random) -> str:
    units = _UNITS.findall(chance.choice(CASES))
    for _ in range(chance.randint(1, 3)):
        at, kind = chance.randrange(len(units) + 1), chance.random()
        if kind < 0.4:
            units.insert(at, chance.choice(PIECES))
        elif kind < 0.7:
            units[at : at + 1] = []
        else:
            other = chance.randrange(len(units) + 1)
            units[at : at + 1] = units[other : other + 1]
    return "".join(units)


@pytest.mark.parametrize("pattern", CASES)
def test_gate_and_reference_agree_on_the_reference_s_own_cases(pattern: str) -> None:
    assert (fault_of(pattern) is None) == reference_takes(pattern)


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("[EXISTS a:b]", True),
        ("[NOT EXISTS a:b AND NOT EXISTS a:'c'.d[*]]", True),
        ("[a:b NOT = 1]", True),
        ("[a:b IN ()]", True),
        ("[a:b IN (1, 'x', true, h'ab')]", True),
        ("[a:b > true]", False),
        ("[NOT a:b = 1]", False),
        ("[a:b = 1] AND", False),
        ("([a:b = 1]))", False),
        ("[(a:b = 1]", False),
        ("[a:b LIKE 5]", False),
        ("[a:b 5]", False),
        ("[a:and = 1 AND a:AND = 1]", False),
    ],
)
def test_gate_and_reference_agree_on_each_form_of_the_grammar(pattern: str, taken: bool) -> None:
    assert (fault_of(pattern) is None) is taken
    assert reference_takes(pattern) is taken


def disagreements(seed: int, count: int) -> tuple[list[str], int]:
    chance = random.Random(seed)
    patterns = [mutated(chance) for _ in range(count)]
    verdicts = [(pattern, fault_of(pattern) is None) for pattern in patterns]
    different = [pattern for pattern, taken in verdicts if taken != reference_takes(pattern)]
    return different, sum(taken for _, taken in verdicts)


def test_gate_and_reference_agree_on_mutated_patterns() -> None:
    different, taken = disagreements(seed=2, count=1_500)
    assert different == []
    assert taken > 50


@pytest.mark.audit
def test_gate_and_reference_agree_on_many_mutated_patterns() -> None:
    different, taken = disagreements(seed=3, count=60_000)
    assert different == []
    assert taken > 2_000


@pytest.mark.parametrize(
    "pattern",
    [
        "[" + " OR ".join(f"a:b = '{n}'" for n in range(20_000)) + "]",
        " FOLLOWEDBY ".join(["[a:b = 1]"] * 20_000),
        "(" * 200_000,
        "[" + "(" * 100_000 + "a:b = 1" + ")" * 100_000 + "]",
        "[a:b" + ".c[0]" * 50_000 + " = 1]",
        "[a:b = '" + "\\'" * 200_000,
        "[a:b = b'" + "A" * 200_000,
        "[a:b = " + "/*" * 100_000,
        "[a:b IN (" + "1," * 100_000,
        "[" + " " * 300_000,
        "[a:b = " + "1" * 300_000,
    ],
    ids=lambda pattern: ascii(pattern[:12]),
)
def test_pattern_of_any_shape_is_answered_in_linear_time(pattern: str) -> None:
    start = time.process_time()
    assert fault_of(pattern) is None or "was expected" in str(fault_of(pattern))
    assert time.process_time() - start < 20.0


def test_refusal_says_where_and_what_was_expected() -> None:
    assert fault_of("[file:size = ]") == (
        "sharing.bad-pattern $.pattern: at character 14: ']' where a literal such as 'text', 5 or "
        "t'2026-11-27T08:30:00Z' was expected"
    )
    assert "the end of the pattern where ] was expected" in str(fault_of("[a:b = 1"))
    assert "character 1: the end of the pattern where [ was expected" in str(fault_of(""))
    assert "only one WITHIN" in str(fault_of("[a:b=1] WITHIN 5 SECONDS WITHIN 6 SECONDS"))
    assert "'b-c' where name or string was expected" in str(fault_of("[a:b-c = 1]"))


_TYPES = st.sampled_from(["file", "ipv4-addr", "x--y-", "true", "IN", "trueish", "a_b", "5", "'x'"])
_STEPS = st.sampled_from(
    [
        "value",
        "hashes",
        "MD5",
        "SHA-256",
        "'SHA-256'",
        "IN",
        "INTO",
        "START",
        "false",
        "b_1",
        "h'ab'",
    ]
)
_TEXTS = st.sampled_from(
    ["'x'", "''", "'[a] AND '", "'\n'", "'\\''", "'\\x'", "h'ab'", "5", "true"]
)
_EQUALS = st.builds(
    lambda kind, steps, sign, text: f"{kind}:{'.'.join(steps)}{sign}{text}",
    _TYPES,
    st.lists(_STEPS, min_size=1, max_size=3),
    st.sampled_from([" = ", " = ", " = ", "=", " IN "]),
    _TEXTS,
)


@given(st.lists(_EQUALS, min_size=1, max_size=3), st.sampled_from([" AND ", " OR ", " ", "AND"]))
def test_what_is_common_is_well_formed(equals: list[str], joined: str) -> None:
    pattern = f"[{joined.join(equals)}]"
    if is_common(pattern):
        take_apart(pattern, "$.pattern")


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '198.51.100.7']",
        "[file:hashes.'SHA-256' = 'ab' OR file:hashes.MD5 = 'cd']",
        "[x-custom:a_1.b = '' AND domain-name:value = 'x]y']",
    ],
)
def test_what_feeds_carry_is_common(pattern: str) -> None:
    assert is_common(pattern)
    take_apart(pattern, "$.pattern")


@pytest.mark.parametrize(
    "pattern",
    ["[true:a = 'x']", "[a:IN = 'x']", "[a:b.false = 'x']", "[a:b = 'x'] ", "[a:b = '\\x']"],
)
def test_other_forms_are_taken_apart(pattern: str) -> None:
    assert not is_common(pattern)
