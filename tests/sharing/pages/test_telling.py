"""Pages tell of explanations, simulations and what is enforced as the API does, and no more."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.clock import format_instant
from sharing.pages import objects
from sharing.rules.tlp import Tlp
from sharing.services.markings import ENFORCED, RECORDED
from tests.access.test_page_sizes import MOST_BYTES
from tests.sharing.api.asking import FORUM, issue, read
from tests.sharing.pages.conftest import browse
from tests.sharing.taxii.world import World
from tests.sharing.views.asking import TLP as MARKINGS
from tests.sharing.views.asking import set_forum_policy
from tests.sharing.views.looking import DAY_US, policy, share, withhold

ROOT = "/sharing/harbour"
TERMS = {"attribution": "must-not"}
ARABIC = {"Accept-Language": "ar"}
NOTE = "What others keep to themselves is not told"


def words_of(page: Any) -> str:
    """The text of a page, without its tags, on one line."""
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
    return re.sub(r" (?=[,;:)])", "", text)


def report(world: World, *named: str) -> dict[str, Any]:
    return {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{'0' * 8}-0000-4000-8000-0000000000f1",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "Weekly",
        "description": "At length",
        "published": "2026-01-01T00:00:00Z",
        "object_refs": list(named),
    }


def contribute_report(world: World) -> tuple[dict[str, Any], str]:
    """A report that names an object which its originator shares with nobody."""
    world.set_policy(
        policy(
            share("member:XBB", omit=["description"], terms=TERMS, expire_after="P1D"),
            withhold("member:XCC"),
            withhold("forum", when={"labels": ["frost"]}),
        )
    )
    set_forum_policy(world, policy(withhold("member:XDD")))
    secret, open_ = world.indicator(labels=["frost"]), world.indicator()
    given = report(world, secret["id"], open_["id"])
    world.contribute(secret, open_, given)
    return given, secret["id"]


def test_an_originator_is_shown_all_that_the_api_tells_it(world: World) -> None:
    given, secret = contribute_report(world)
    page = browse(world).get(f"{ROOT}/objects/{given['id']}")
    shown = words_of(page)
    address = f"{FORUM}/contributions/{given['id']}"
    found = [
        read(world, "xaa", f"{address}/explanation", recipient=one, kind=kind)
        for one in ("XBB", "XCC")
        for kind in ("individual", "machine")
    ]
    assert {one["decision"] for one in found} == {"less", "hidden"}
    for told in found:
        for line in told["trace"]:
            said = f"{line['rule']}: {line['sentence']}" if line["rule"] else line["sentence"]
            assert f"{said} {line['clause']}" in shown
        for omitted in told["omitted"]:
            assert f"{omitted['property']} ({', '.join(omitted['rules'])})" in shown
        assert all(each in shown for each in told["dropped_ids"])
        for statement, values in told["terms"].items():
            assert f"{statement} {', '.join(values)}" in shown
    assert [one["dropped_ids"] for one in found if one["recipient"] == "XBB"] == [[secret]] * 2
    assert "Terms, recorded and shown, not enforced: attribution must-not" in shown
    changes = found[0]["changes_at"]
    assert changes == format_instant(world.clock() + DAY_US)
    assert f'datetime="{changes}"' in page.text


def test_an_originator_is_shown_which_rules_are_the_forum_s(small: World) -> None:
    small.set_policy(policy(share("forum")))
    set_forum_policy(small, policy(withhold("member:XBB")))
    given = small.indicator()
    small.contribute(given)
    shown = words_of(browse(small).get(f"{ROOT}/objects/{given['id']}"))
    assert "rule-0 (of the forum): A rule of the forum withholds the object from XBB." in shown


def test_a_recipient_is_shown_terms_and_no_rule_and_nothing_of_what_is_left_out(
    world: World,
) -> None:
    given, secret = contribute_report(world)
    page = browse(world, "xbb").get(f"{ROOT}/objects/{given['id']}")
    shown = words_of(page)
    told = read(world, "xbb-person", f"{FORUM}/received/objects/{given['id']}/explanation")
    for line in told["trace"]:
        assert f"{line['sentence']} {line['clause']}" in shown
    assert "not enforced: to honour them is yours. attribution must-not" in shown
    assert "by default in this collection: it carries no TLP marking" in shown
    for hidden in ("rule-0", "At length", "description", secret, NOTE, "next begins"):
        assert hidden not in page.text
    marked = world.indicator(object_marking_refs=[MARKINGS[Tlp.GREEN]])
    world.contribute(marked)
    assert "by default" not in words_of(browse(world, "xbb").get(f"{ROOT}/objects/{marked['id']}"))


def test_a_page_about_many_recipients_says_why_of_some_and_of_the_others_one_by_one(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_MOST_TRACED", 1)
    small.set_policy(policy(share("forum")))
    given = small.indicator()
    small.contribute(given)
    address = f"{ROOT}/objects/{given['id']}"
    xaa = browse(small)
    page = xaa.get(address)
    # What both kinds of credential are told alike stands once.
    assert words_of(page).count("XBB a feed, a person sees it whole") == 1
    assert page.text.count("<summary>What others keep") == 1
    assert "recipient=XBB" not in page.text
    assert "recipient=XCC" in page.text
    alone = xaa.get(f"{address}?recipient=XCC")
    assert "The rule shares the object with XCC." in words_of(alone)
    assert "XEE" not in words_of(alone)
    assert "XEE" in words_of(xaa.get(f"{address}?recipient=nobody"))
    # Whoever did not contribute it is told the same whomever it asks about.
    xbb = browse(small, "xbb")
    assert words_of(xbb.get(f"{address}?recipient=XCC")) == words_of(xbb.get(address))


def test_what_each_kind_of_credential_is_told_apart_stands_apart(small: World) -> None:
    small.set_policy(policy(share("member:XBB")))
    given = small.indicator(object_marking_refs=[MARKINGS[Tlp.RED]])
    small.contribute(given)
    shown = words_of(browse(small).get(f"{ROOT}/objects/{given['id']}"))
    assert "XBB a feed does not see it" in shown
    assert "XBB a person sees it whole" in shown


def test_what_a_copy_loses_at_length_is_cut_short_on_the_page(small: World) -> None:
    small.set_policy(policy(share("forum"), withhold("forum", when={"labels": ["frost"]})))
    secrets = small.indicators(200, labels=["frost"])
    [open_] = small.indicators(1)
    given = report(small, open_["id"], *(one["id"] for one in secrets))
    for batch in (secrets[:100], secrets[100:]):
        small.contribute(*batch)
    small.contribute(open_, given)
    page = browse(small).get(f"{ROOT}/objects/{given['id']}")
    assert "and 188 more" in words_of(page)
    assert len(page.data) < MOST_BYTES


# --- simulations ---------------------------------------------------------------------------


def list_effects(document: Any) -> Iterator[dict[str, Any]]:
    yield from document["gains"] + document["loses"] + document["already_served"]
    yield from document["later"]["opens"] + document["later"]["closes"]


def try_out(world: World, document: dict[str, Any]) -> tuple[Any, str]:
    """The page of a policy that is tried out, and the id of the simulation."""
    browser = browse(world)
    browser.get(f"{ROOT}/policy/edit")
    page = browser.post(f"{ROOT}/policy/edit", {"document": json.dumps(document)})
    assert page.status_code == 200, page.text
    return page, page.text.split('name="simulation" value="')[1].split('"', maxsplit=1)[0]


WORDS = {"appears": "appears", "disappears": "disappears", "more": "more of it"}
WORDS["less"] = "less of it"
"""How the page says what a version does for a recipient."""


def sentence_of(one: dict[str, Any]) -> str:
    """What the page says of a version that is named."""
    said = f"{one['id']} {one['version']} in Reports"
    if "change" in one:
        said += f": {WORDS[one['change']]}"
    for what in ("without", "properties"):
        if what in one:
            said += f", {what} {', '.join(one[what])}"
    if one.get("through") == ["machine"]:
        said += ", through a feed only"
    return said + (f", {one['at']}" if "at" in one else "")


def test_a_simulation_is_shown_with_everything_that_the_api_tells(world: World) -> None:
    world.set_policy(policy(share("member:XBB"), share("member:XCC", omit=["description"])))
    green = {"object_marking_refs": [MARKINGS[Tlp.GREEN]]}
    world.contribute(*(world.indicator(description="d", x_note="n", **green) for _ in range(2)))
    asked = {"min_contributions": 1, "window_days": 9}
    page, simulation = try_out(
        world,
        policy(
            share("member:XBB", omit=["x_note"], expire_after="P2D"),
            share("member:XCC"),
            share("partner:mirror", omit=["description"], delay="P1D"),
            share("member:XEE", conditions={"reciprocity": asked}),
        ),
    )
    issue(world, "officer", "XAA", "policy-officer")
    document = read(world, "officer", f"{FORUM}/policy/simulations/{simulation}")
    shown = words_of(page)
    rows = list(list_effects(document))
    assert {one["recipient"] for one in rows} == {"XBB", "XCC", "XEE", "partner:mirror"}
    for row in rows:
        for what in ("without", "properties"):
            for name, count in row.get(what, {}).items():
                assert f"{name} {count}" in shown
        assert all(sentence_of(one) in shown for one in row["objects"]), row["objects"]
        if "first_at" in row:
            assert row["first_at"] in shown
            assert row["last_at"] in shown
    assert document["kept_until"] in shown
    assert any("depends_on_reciprocity" in row for row in rows)
    assert "2 depend on reciprocity" in shown
    assert "; depends on reciprocity" in shown
    # And nothing of the ledger.
    assert "epoch" not in shown


def test_through_which_credential_is_said_where_it_is_one_of_the_two(small: World) -> None:
    small.set_policy(policy())
    given = small.indicator(object_marking_refs=[MARKINGS[Tlp.RED]])
    small.contribute(given)
    page, _ = try_out(small, policy(share("member:XBB")))
    said = f"{given['id']} {given['modified']} in Reports: appears, through a person only"
    assert said in words_of(page)


def test_a_simulation_about_much_is_a_small_page(small: World) -> None:
    small.set_policy(policy())
    for _ in range(2):
        small.contribute(*small.indicators(100))
    page, simulation = try_out(small, policy(share("forum", expire_after="P1D")))
    assert len(page.data) < MOST_BYTES
    issue(small, "officer", "XAA", "policy-officer")
    document = read(small, "officer", f"{FORUM}/policy/simulations/{simulation}")
    rows = list(list_effects(document))
    shown = words_of(page)
    most = 300 // len(rows)
    assert f"and {200 - most} more" in shown
    assert page.text.count("indicator--") == most * len(rows)


# --- what is enforced ----------------------------------------------------------------------


def test_a_collection_says_what_is_enforced_and_what_is_only_recorded(small: World) -> None:
    browser = browse(small, "xbb", "reads")
    address = f"{ROOT}/collections/{small.collections['reports']}"
    page = browser.get(address)
    told = read(small, "xbb", f"{FORUM}/collections/{small.collections['reports']}/markings")
    assert (told["enforced"], told["recorded"]) == (list(ENFORCED), list(RECORDED))
    details = re.search(r'<details class="printed">(.*?)</details>', page.text, re.DOTALL)
    assert details is not None
    lists = [re.findall("<li>(.*?)</li>", each) for each in details[1].split("</ul>")]
    assert [list(map(html.unescape, each)) for each in lists[:2]] == [
        told["enforced"],
        told["recorded"],
    ]
    arabic = browser.get(address, headers=ARABIC)
    assert 'dir="rtl"' in arabic.text
    assert all(line not in html.unescape(arabic.text) for line in (*ENFORCED, *RECORDED))


def test_the_pages_of_a_policy_say_that_terms_are_not_enforced(small: World) -> None:
    for address in (f"{ROOT}/policy", f"{ROOT}/policy/edit"):
        assert "terms of a rule are recorded and shown" in words_of(browse(small).get(address))
