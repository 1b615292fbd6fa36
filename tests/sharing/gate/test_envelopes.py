"""Objects are read out of whatever they arrive in; one bad object leaves the rest alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernel.errors import BadInput, TooLarge
from kernel.strictjson import Limits
from sharing.gate.envelopes import read_envelope, read_import, read_lines
from sharing.gate.objects import check_object
from sharing.gate.verdicts import Checked, Refused
from tests.sharing.gate.makers import NOW_US, UUID, WIDE, make_indicator

SHARED = Path(__file__).parents[4] / "shared" / "data" / "stix"
ONE = json.dumps(make_indicator())


def test_envelope_and_bundle_give_the_bytes_that_were_sent() -> None:
    odd = ONE.replace(", ", " ,\n\t")
    for body in (
        f'{{"more": false, "objects": [{ONE}, {odd}], "next": "n"}}',
        f'{{"type": "bundle", "id": "bundle--{UUID}", "objects": [{ONE} ,\n{odd} ]}}',
    ):
        objects = read_envelope(body.encode())
        assert [each.raw.decode() for each in objects] == [ONE, odd]
        assert [each.index for each in objects] == [0, 1]
        assert objects[0].value == objects[1].value == make_indicator()


@pytest.mark.parametrize(
    "body", [b"{}", b'{"more":false}', b'{"objects":[]}', b'{"type":"bundle"}']
)
def test_envelope_without_objects_holds_none(body: bytes) -> None:
    assert read_envelope(body) == []


@pytest.mark.parametrize(
    "body",
    [
        f"[{ONE}]",
        ONE,
        '{"object":[]}',
        '{"objects":{"0":{}}}',
        '{"objects":null}',
        '{"objects":"x"}',
        '{"type":"report","objects":[]}',
    ],
)
def test_envelope_door_refuses_another_shape(body: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_envelope(body.encode())
    assert caught.value.code == "sharing.not-an-envelope"


def test_import_takes_arrays_and_single_objects_too() -> None:
    for body in (f"[{ONE}]", f"\n {ONE}\n", f'{{"objects":[{ONE}]}}'):
        objects = read_import(body.encode())
        assert [each.raw.decode() for each in objects] == [ONE]
    assert read_import(b"[]") == []


def test_import_of_a_file_without_stix_says_so() -> None:
    with pytest.raises(BadInput, match="holds no STIX"):
        read_import(b'{"a": 1}')


def test_file_that_is_one_faulty_object_is_refused_with_the_place() -> None:
    with pytest.raises(BadInput, match=r"column \d+ \(byte \d+\): the key 'name' appears twice"):
        read_import((ONE[:-1] + ', "name": 1, "name": 2}').encode())


def test_object_with_a_duplicate_key_is_refused_by_name() -> None:
    body = f'{{"objects":[{ONE[:-1]}, "name": 1, "name": 2}}]}}'
    verdict = check_object(read_envelope(body.encode())[0], now_us=NOW_US)
    assert isinstance(verdict, Refused)
    assert verdict.code == "sharing.bad-json"
    assert verdict.stix_id == f"indicator--{UUID}"
    assert verdict.version == "2026-03-02T08:00:00.000Z"


def test_bad_objects_of_an_envelope_leave_the_good_ones_alone() -> None:
    twice = ONE[:-1] + ', "pattern": "[a:b=1]"}'
    body = f'{{"objects":[{ONE}, {twice}, 7, null, [], {{"id": 5}}, {{"x": NaN}}, {ONE}]}}'
    verdicts = [check_object(each, now_us=NOW_US) for each in read_envelope(body.encode())]
    assert [isinstance(each, Checked) for each in verdicts] == [True, *[False] * 6, True]
    assert [each.index for each in verdicts] == list(range(8))
    codes = [each.code for each in verdicts if isinstance(each, Refused)]
    assert codes == [
        "sharing.bad-json",
        "sharing.not-an-object",
        "sharing.not-an-object",
        "sharing.not-an-object",
        "sharing.bad-type",
        "sharing.bad-json",
    ]


def test_malformed_envelope_is_refused_whole_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"line 2, column \d+ \(byte \d+\): expecting ':'"):
        read_envelope(f'{{"objects":[{ONE},\n{{"a" 1}}]}}'.encode())
    with pytest.raises(TooLarge):
        read_envelope(ONE.encode(), limits=Limits(max_bytes=10))


def test_lines_are_read_one_object_each_and_fail_alone() -> None:
    lines = [
        ONE.encode() + b"\r\n",
        b"\n",
        b"{broken\n",
        b"\xff\n",
        b"{} {}",
        b'{"a":1,"a":2}',
        b"9" * 400,
    ]
    objects = list(read_lines(lines, limits=Limits(max_bytes=len(ONE) + 2)))
    assert [each.index for each in objects] == [0, 2, 3, 4, 5, 6]
    assert objects[0].raw.decode() == ONE
    assert objects[0].fault is None
    assert "expecting property name" in str(objects[1].fault)
    assert "not UTF-8" in str(objects[2].fault)
    assert "expected the end" in str(objects[3].fault)
    assert "appears twice" in str(objects[4].fault)
    assert "send at most" in str(objects[5].fault)


def test_object_that_could_not_travel_in_an_envelope_is_not_taken_alone() -> None:
    def nested(levels: int) -> bytes:
        return b'{"type":"x-deep","a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    assert read_envelope(b'{"objects":[' + nested(62) + b"]}")
    assert read_import(nested(62))
    with pytest.raises(BadInput, match="nests deeper"):
        read_envelope(b'{"objects":[' + nested(63) + b"]}")
    with pytest.raises(BadInput, match="nests deeper"):
        read_import(nested(63))
    (line,) = read_lines([nested(63)])
    assert "nests deeper" in str(line.fault)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/stix is not beside this checkout")
def test_bundles_of_other_organisations_pass_without_a_refusal() -> None:
    files = sorted([*SHARED.glob("*.json"), *SHARED.glob("*.stix2")])
    assert len(files) >= 9
    for file in files:
        body = file.read_bytes()
        verdicts = [check_object(each, now_us=NOW_US) for each in read_import(body, limits=WIDE)]
        assert [each for each in verdicts if isinstance(each, Refused)] == []
        assert len(verdicts) == len(json.loads(body)["objects"])
        assert all(isinstance(each, Checked) and each.raw in body for each in verdicts)
