"""A liaison's pages: what is seen, looked up, contributed, taken back; and by whom."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from sharing.tables import delivery
from tests.browsing import add_person
from tests.sharing.api.asking import GREEN, RED, SHARE_ALL
from tests.sharing.pages.conftest import browse
from tests.sharing.taxii.world import World

ROOT = "/sharing/harbour"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
WITHHOLD_NAME = {
    "rules": [
        {"id": "all", "effect": "share", "audience": {"any": ["forum"]}, "omit": ["name"]},
    ]
}


def contribute(browser: Any, world: World, *objects: Any, **more: str) -> Any:
    browser.get(f"{ROOT}/contribute")
    sent = {"collection": world.collections["reports"], "objects": json.dumps(list(objects))}
    return browser.post(f"{ROOT}/contribute", sent | more)


def test_a_liaison_contributes_after_having_seen_what_would_become_of_it(world: World) -> None:
    world.set_policy(SHARE_ALL)
    xaa, xbb = browse(world), browse(world, "xbb", "reads")
    good, bad = world.indicator(name="Relay"), world.indicator(created="yesterday")
    tried = contribute(xaa, world, good, bad)
    assert tried.status_code == 200
    assert "Nothing has been contributed yet" in tried.text
    assert "XBB, XCC" in tried.text
    assert "refused" in tried.text
    assert good["id"] not in xbb.get(f"{ROOT}/objects").text
    done = contribute(xaa, world, good, bad, confirm="yes")
    assert "1 taken, 1 refused" in done.text
    assert "Relay" in xbb.get(f"{ROOT}/objects").text
    assert "Relay" in xbb.get("/sharing").text
    seen = xbb.get(f"{ROOT}/objects/{good['id']}")
    assert "Its originator shares it with you" in seen.text
    assert "sees it whole" not in seen.text
    own = xaa.get(f"{ROOT}/objects/{good['id']}")
    assert "sees it whole" in own.text
    again = contribute(xaa, world, good)
    assert "known already" in again.text


def test_it_is_told_who_will_see_the_very_version_that_is_contributed(small: World) -> None:
    green = {"types": ["indicator"], "tlp_at_most": "green"}
    small.set_policy({"rules": [dict(SHARE_ALL["rules"][0], when=green)]})
    newer = small.indicator(modified="2026-05-01T00:00:00.000Z", object_marking_refs=[GREEN])
    strict = small.indicator(id=newer["id"], modified="2026-04-01T00:00:00.000Z")
    browser = browse(small)
    assert "XBB" in contribute(browser, small, newer).text
    contribute(browser, small, newer, confirm="yes")
    tried = contribute(browser, small, strict).text
    assert "XBB" not in tried
    assert "your member alone" in tried


def test_what_answers_an_object_goes_to_those_who_see_it(world: World) -> None:
    world.set_policy(SHARE_ALL)
    claim = world.indicator(name="Claim", object_marking_refs=[GREEN])
    world.contribute(claim)
    xbb, xcc = browse(world, "xbb"), browse(world, "xcc", "reads")
    assert f"answers={claim['id']}" in xbb.get(f"{ROOT}/objects/{claim['id']}").text
    assert f'value="{claim["id"]}"' in xbb.get(f"{ROOT}/contribute?answers={claim['id']}").text
    reply = world.indicator(name="Reply", object_marking_refs=[GREEN])
    tried = contribute(xbb, world, reply, answers=claim["id"])
    assert "those who see what it answers" in tried.text
    assert "your member alone" not in tried.text
    # What is confirmed is the very thing that was shown.
    moved = contribute(xbb, world, reply, answers=claim["id"], answered="0" * 64, confirm="yes")
    assert moved.status_code == 400
    assert "another by now" in moved.text
    sealed = re.search(r'name="answered" value="([0-9a-f]+)"', tried.text)
    assert sealed is not None
    contribute(xbb, world, reply, answers=claim["id"], answered=sealed[1], confirm="yes")
    assert reply["id"] in xcc.get(f"{ROOT}/objects").text
    unknown = contribute(xbb, world, world.indicator(), answers=world.indicator()["id"])
    assert unknown.status_code == 400
    assert "You see no object of this id" in unknown.text


def test_what_is_not_stix_is_answered_beside_its_field(small: World) -> None:
    browser = browse(small)
    for text in ("", "{", "[]x", '{"type":"bundle"}', "\x00"):
        browser.get(f"{ROOT}/contribute")
        sent = {"collection": small.collections["reports"], "objects": text}
        answer = browser.post(f"{ROOT}/contribute", sent)
        assert 400 <= answer.status_code < 500, text
        assert 'id="error-summary"' in answer.text
    browser.get(f"{ROOT}/contribute")
    answer = browser.post(f"{ROOT}/contribute", {"collection": "nowhere", "objects": "[]"})
    assert answer.status_code == 400


def send_as_browsers_do(browser: Any, sent: dict[str, Any]) -> Any:
    token = TOKEN.search(browser.get(f"{ROOT}/contribute").text)
    assert token is not None
    boundary, body = encode_multipart({**sent, "csrf_token": token[1]})
    kind = f'multipart/form-data; boundary="{boundary}"'
    return browser.client.post(f"{ROOT}/contribute", data=body, content_type=kind)


def test_what_is_tried_out_can_be_confirmed_however_it_was_sent(small: World) -> None:
    browser = browse(small)
    # Longer than Flask lets a field be by itself.
    pasted = json.dumps(small.indicator(description="d" * 600_000), indent=1)
    sent: dict[str, Any] = {"collection": small.collections["reports"], "objects": pasted}
    for more, said in (({}, "1 object would be taken"), ({"confirm": "yes"}, "1 object was taken")):
        answer = send_as_browsers_do(browser, sent | more)
        assert (answer.status_code, said in answer.text) == (200, True)
    big = json.dumps([small.indicator(description="d" * 9000) for _ in range(240)]).encode()
    for name, holds in (
        ("objects", big.decode()),
        ("file", FileStorage(io.BytesIO(big), "big.json")),
    ):
        answer = send_as_browsers_do(browser, sent | {name: holds})
        assert (answer.status_code, "more than a page takes" in answer.text) == (400, True)
    sent["objects"] = "d" * 5_000_000
    assert send_as_browsers_do(browser, sent).status_code == 413
    browser.get(f"{ROOT}/contribute")
    assert browser.post(f"{ROOT}/contribute", sent).status_code == 413


def test_a_withdrawal_leaves_every_view(world: World) -> None:
    indicator = world.indicator(name="Relay")
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    address = f"{ROOT}/collections/{world.collections['reports']}/contributions/{indicator['id']}"
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 200
    assert xbb.get(f"{address}/withdraw").status_code == 404
    assert "Withdraw every version" in xaa.get(f"{address}/withdraw").text
    assert xaa.post(f"{address}/withdraw").status_code == 200
    assert "deleted" in xaa.last.text
    assert xbb.get(f"{ROOT}/objects/{indicator['id']}").status_code == 404


def test_a_lookup_finds_what_is_seen_in_the_form_in_which_it_is_seen(world: World) -> None:
    world.set_policy(WITHHOLD_NAME)
    cited = {"source_name": "comity-register", "external_id": "un-a-70-174:13(k)"}
    world.contribute(world.indicator(name="Codename", external_references=[cited]))
    xaa, xbb, xee = browse(world), browse(world, "xbb"), browse(world, "xcc")
    host = "host-1[.]example"
    lines = f"{host}\nCodename\nunknown.example\ncomity-register:UN-A-70-174:13(k)"

    def known(browser: Any) -> int:
        browser.get("/sharing/search")
        return int(browser.post("/sharing/search", {"q": lines}).text.count("yes, in"))

    assert known(xaa) == 3
    assert known(xbb) == known(xee) == 2
    assert "yes, in" in xaa.get("/sharing/search?q=coden").text
    assert "yes, in" not in xbb.get("/sharing/search?q=coden").text
    world.set_policy({"rules": []})
    assert (known(xaa), known(xbb)) == (3, 0)


@pytest.mark.parametrize("question", ["%", "_", "a", "\U0010ffff", "'", "\\", "x" * 5000])
def test_a_lookup_of_anything_is_answered(small: World, question: str) -> None:
    small.contribute(small.indicator())
    answer = browse(small).get("/sharing/search", query_string={"q": question})
    assert answer.status_code == 200
    assert "yes, in" not in answer.text


def test_what_is_hidden_is_absent_from_every_page(world: World) -> None:
    world.set_policy(SHARE_ALL)
    world.contribute(world.indicator(name="Shared"))
    xbb = browse(world, "xbb")
    hidden = world.indicator(name="Hidden", pattern="[domain-name:value = 'secret.example']")
    never = world.indicator()["id"]
    pages = [
        "/sharing",
        f"{ROOT}/objects",
        f"{ROOT}/objects?type=indicator",
        f"{ROOT}/objects?format=csv",
        f"{ROOT}/contributions",
        f"{ROOT}/policy",
        f"{ROOT}/held",
        f"{ROOT}/recalls",
        f"{ROOT}/collections",
        "/sharing/search?q=secret.example",
        "/sharing/search?q=hidd",
        f"{ROOT}/objects/{hidden['id']}",
        f"{ROOT}/objects/{hidden['id']}?format=graph",
        f"{ROOT}/served?collection=reports&id={hidden['id']}",
    ]
    before = [_bare(xbb.get(page), never, never) for page in pages]
    world.set_policy({"rules": []}, "XCC")
    world.contribute(hidden, who="xcc")
    after = [_bare(xbb.get(page), never, never) for page in pages]
    assert before == after
    absent = xbb.get(f"{ROOT}/objects/{never}")
    assert _bare(absent, never, "") == _bare(
        xbb.get(f"{ROOT}/objects/{hidden['id']}"), hidden["id"], ""
    )


def test_control_what_is_shown_makes_a_difference(world: World) -> None:
    xbb = browse(world, "xbb")
    before = _bare(xbb.get(f"{ROOT}/objects"), "", "")
    world.contribute(world.indicator())
    assert before != _bare(xbb.get(f"{ROOT}/objects"), "", "")


def _bare(answer: Any, stix_id: str, instead: str) -> tuple[int, str]:
    text = answer.text.replace(stix_id, instead) if stix_id else answer.text
    parts = text.split('name="csrf_token" value="')
    return answer.status_code, parts[0] + "".join(part.partition('"')[2] for part in parts[1:])


def test_a_page_that_shows_objects_is_a_delivery(world: World) -> None:
    indicator = world.indicator()
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    served = f"{ROOT}/served?collection={world.collections['reports']}&id={indicator['id']}"
    assert "Nobody else has been served it" in xaa.get(served).text
    xbb.get(f"{ROOT}/objects")
    text = xaa.get(served).text
    assert "its content" in text
    assert "XBB" in text


def test_a_lookup_serves_what_it_shows_and_a_look_at_headers_nothing(small: World) -> None:
    alike = "[domain-name:value = 'many.example']"
    small.contribute(*(small.indicator(pattern=alike) for _ in range(23)))
    xbb = browse(small, "xbb")
    for address in ("/sharing", "/sharing/search?q=many.example", f"{ROOT}/objects"):
        assert xbb.client.head(address).status_code == 200
    page = xbb.get("/sharing/search?q=many.example").text
    with small.database.read_deliveries() as connection:
        counts = connection.execute(select(delivery.c.count)).scalars().all()
    assert counts == [page.count("yes, in")] == [20]


def test_a_file_that_names_objects_has_served_none_of_what_they_say(world: World) -> None:
    indicator = world.indicator(name="Relay")
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    served = f"{ROOT}/served?collection={world.collections['reports']}&id={indicator['id']}"
    for form in ("csv", "json"):
        text = xbb.get(f"{ROOT}/objects?format={form}").text
        assert indicator["id"] in text
        assert "Relay" not in text
    told = xaa.get(served).text
    assert "that it exists" in told
    assert "its content" not in told


def test_a_recall_reaches_whoever_was_served_at_a_page(world: World) -> None:
    indicator = world.indicator()
    world.contribute(indicator)
    xaa, xbb = browse(world), browse(world, "xbb")
    xbb.get(f"{ROOT}/objects/{indicator['id']}")
    served = f"{ROOT}/served?collection={world.collections['reports']}&id={indicator['id']}"
    world.clock.now_us += 1_000_000
    assert "its content" in xaa.get(served).text
    assert xaa.post(served, {"reason": ""}).status_code == 400
    assert xaa.post(served, {"reason": "A mistake"}).status_code == 200
    assert "A mistake" in xbb.get(f"{ROOT}/recalls").text
    assert "1 recall waits" in xbb.get("/sharing").text
    receipt = xbb.get(f"{ROOT}/recalls").text.split('action="')
    address = next(one.split('"')[0] for one in receipt if "/receipt" in one.split('"')[0])
    assert ": not yet" in xaa.get(f"{ROOT}/recalls").text
    xbb.get(f"{ROOT}/recalls")
    xbb.post(address)
    assert ": not yet" not in xaa.get(f"{ROOT}/recalls").text


def test_an_approver_releases_what_is_held_unless_it_is_its_own(world: World) -> None:
    add_person(world, "second@xaa.example", "XAA", "reader", "release-approver")
    world.set_policy(
        {
            "rules": [
                {
                    "id": "green",
                    "effect": "share",
                    "audience": {"any": ["forum"]},
                    "when": {"tlp_at_most": "green"},
                }
            ]
        }
    )
    first, second = browse(world), browse(world, "xaa", "second")
    indicator = world.indicator()
    contribute(first, world, indicator, confirm="yes")
    looser = indicator | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_marking_refs": [GREEN],
    }
    contribute(first, world, looser, confirm="yes")
    page = first.get(f"{ROOT}/held").text
    assert indicator["id"] in page
    address = next(
        one.split('"')[0] for one in page.split('action="') if "/confirm" in one.split('"')[0]
    )
    first.post(address)
    assert "It is released" not in first.last.text
    second.get(f"{ROOT}/held")
    second.post(address)
    assert "It is released" in second.last.text
    assert browse(world, "xbb").get(f"{ROOT}/objects/{indicator['id']}").status_code == 200


def test_the_graph_and_the_bundle_hold_what_the_page_shows(small: World) -> None:
    one, two = small.indicator(name="One"), small.indicator(name="Two")
    relation = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-0000000000aa",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "derived-from",
        "source_ref": one["id"],
        "target_ref": two["id"],
    }
    small.contribute(one, two, relation)
    xaa, xbb = browse(small), browse(small, "xbb")
    served = f"{ROOT}/served?collection={small.collections['reports']}&id={relation['id']}"
    xbb.get(f"{ROOT}/objects/{one['id']}?format=stix")
    assert "Nobody else has been served it" in xaa.get(served).text
    page = xbb.get(f"{ROOT}/objects/{one['id']}").text
    assert "Nobody else has been served it" not in xaa.get(served).text
    assert "derived-from" in page
    graph = json.loads(xbb.get(f"{ROOT}/objects/{one['id']}?format=graph").data)
    assert {node["id"] for node in graph["nodes"]} == {one["id"], two["id"], relation["id"]}
    assert len(graph["edges"]) == 2
    bundle = json.loads(xbb.get(f"{ROOT}/objects/{one['id']}?format=stix").data)
    assert bundle["objects"] == [one]


def test_red_is_read_at_a_page_and_leaves_in_no_file(small: World) -> None:
    named = {"rules": [{"id": "named", "effect": "share", "audience": {"any": ["member:XBB"]}}]}
    small.set_policy(named)
    red = small.indicator(name="Codename", object_marking_refs=[RED])
    inner = small.indicator(
        name="Inside", granular_markings=[{"marking_ref": RED, "selectors": ["name"]}]
    )
    small.contribute(red, inner)
    for browser in (browse(small), browse(small, "xbb")):
        for one in (red, inner):
            address = f"{ROOT}/objects/{one['id']}"
            page = browser.get(address)
            assert one["name"] in page.text
            assert "format=stix" not in page.text
            assert browser.get(f"{address}?format=stix").status_code == 403
        for form in ("json", "csv"):
            text = browser.get(f"{ROOT}/objects?format={form}").text
            assert red["id"] in text
            assert "Codename" not in text


def test_a_list_is_walked_filtered_and_exported(small: World) -> None:
    small.contribute(*small.indicators(7))
    xbb = browse(small, "xbb")
    seen: list[str] = []
    answer = xbb.get(f"{ROOT}/objects?limit=3&format=json").get_json()
    while True:
        seen += [row["id"] for row in answer["items"]]
        if "next" not in answer:
            break
        query = {"limit": 3, "format": "json", "next": answer["next"]}
        answer = xbb.get(f"{ROOT}/objects", query_string=query).get_json()
    assert len(seen) == len(set(seen)) == 7
    assert xbb.get(f"{ROOT}/objects?format=csv").text.count("\r\n") == 8
    assert "Nothing in our views is like this" in xbb.get(f"{ROOT}/objects?type=malware").text
    assert xbb.get(f"{ROOT}/objects?tlp=purple").status_code == 400
    assert xbb.get(f"{ROOT}/objects?wrong=1").status_code == 400
    assert xbb.get(f"{ROOT}/objects?limit=3").text.count('rel="next"') == 1


def test_a_connection_test_names_the_step_that_fails(small: World) -> None:
    browser = browse(small)
    place = f"{ROOT}/collections/{small.collections['reports']}"
    assert "curl -u" in browser.get(place).text
    name, secret = small.secrets["xaa"]
    good = browser.post(f"{place}/test", {"id": name, "secret": secret}).text
    assert good.count("good") == 5
    assert secret not in good
    browser.get(place)
    bad = browser.post(f"{place}/test", {"id": name, "secret": "no"}).text
    assert "failed" in bad
    assert "401" in bad
    writes, its = small.secrets["xaa-writes"]
    browser.get(place)
    last = browser.post(f"{place}/test", {"id": writes, "secret": its}).text
    assert "failed" in last


def test_people_without_the_role_are_refused_and_see_no_button(small: World) -> None:
    indicator = small.indicator()
    small.contribute(indicator)
    reads = browse(small, "xaa", "reads")
    page = reads.get(f"{ROOT}/policy").text
    assert "Change it" not in page
    assert reads.get(f"{ROOT}/contribute").status_code == 403
    assert reads.get(f"{ROOT}/policy/edit").status_code == 403
    reads.get(f"{ROOT}/policy")
    assert reads.post(f"{ROOT}/policy", {"document": '{"rules": []}'}).status_code == 403
    ref = small.collections["reports"]
    address = f"{ROOT}/collections/{ref}/contributions/{indicator['id']}/withdraw"
    assert reads.get(address).status_code == 403
    add_person(small, "drafts@xbb.example", "XBB", "drafter")
    drafter = browse(small, "xbb", "drafts")
    assert drafter.get(f"{ROOT}/objects").status_code == 403
    assert indicator["id"] not in drafter.get("/sharing").text
    assert drafter.get(f"{ROOT}/objects/{indicator['id']}").status_code == 403
    add_person(small, "all@xdd.example", "XDD", "reader")
    assert browse(small, "xdd").get(f"{ROOT}/objects").status_code == 404


def test_an_embargo_has_opened_when_a_page_is_looked_at(small: World) -> None:
    small.set_policy(
        {
            "rules": [
                {
                    "id": "later",
                    "effect": "share",
                    "audience": {"any": ["forum"]},
                    "delay": "PT1H",
                }
            ]
        }
    )
    indicator = small.indicator()
    small.contribute(indicator)
    xbb = browse(small, "xbb")
    address = f"{ROOT}/objects/{indicator['id']}"
    small.clock.now_us += 3_599_999_999
    assert xbb.get(address).status_code == 404
    small.clock.now_us += 1
    assert xbb.get(address).status_code == 200
