"""Long work on its pages: asked for, followed, cancelled, its file fetched; and by nobody else."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from auth.queries import find_person
from auth.services.persons import change_roles
from auth.tables import audit
from kernel.clock import DAY_US
from sharing.pages import policies
from sharing.queries.jobs import list_ready
from sharing.services import seating
from sharing.services.jobs import forget_jobs
from sharing.services.working import run_job
from sharing.tables import delivery, job_part
from tests.browsing import Browser
from tests.sharing.api.asking import RED, SHARE_ALL
from tests.sharing.pages.conftest import browse
from tests.sharing.taxii.world import World

ROOT = "/sharing/harbour"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
NEVER = "/sharing/jobs/00000000-0000-4000-8000-000000000000"
POLICY = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


def send_file(browser: Browser, content: bytes, name: str = "big.json", **more: str) -> Any:
    token = TOKEN.search(browser.get("/account").text)
    assert token is not None
    sent: dict[str, Any] = {"long_collection": browser.world.collections["reports"]}
    sent |= {"long_file": FileStorage(io.BytesIO(content), name), "csrf_token": token[1], **more}
    boundary, body = encode_multipart(sent)
    kind = f'multipart/form-data; boundary="{boundary}"'
    address = f"{ROOT}/contribute/file"
    browser.last = browser.client.post(address, data=body, content_type=kind, follow_redirects=True)
    return browser.last


def export(browser: Browser, collection: str = "reports") -> str:
    browser.get(f"{ROOT}/objects")
    sent = {"collection": browser.world.collections[collection]}
    assert browser.post(f"{ROOT}/export", sent).status_code == 200
    return browser.address()


def work(world: World) -> None:
    """What a worker does."""
    with world.database.read() as connection:
        ready = list_ready(connection)
    for job_id in ready:
        run_job(world.database, job_id, now_us=world.clock())


def count(world: World, table: Any, *conditions: Any) -> int:
    with world.database.read() as content, world.database.read_deliveries() as log:
        connection = log if table is delivery else content
        statement = select(func.count()).select_from(table).where(*conditions)
        return int(connection.execute(statement).scalar_one())


def test_a_large_file_is_contributed_while_its_page_is_left(world: World) -> None:
    objects = [world.indicator() for _ in range(3)]
    bad = world.indicator(created="yesterday")
    xaa = browse(world)
    sent = send_file(xaa, json.dumps([*objects, bad]).encode())
    where = xaa.address()
    assert (sent.status_code, "waiting" in sent.text) == (200, True)
    assert "hx-get" in sent.text
    assert '<meta http-equiv="refresh"' in sent.text
    assert '<meta http-equiv="refresh"' not in xaa.get(f"{where}?still=yes").text
    assert "big.json" in xaa.get("/sharing/jobs").text
    work(world)
    done = xaa.get(where).text
    assert "3 objects were taken, 0 were known already, 1 refused" in done
    assert bad["id"] in done
    assert "hx-get" not in done
    assert "http-equiv" not in done
    assert 'href="/sharing/harbour/contributions"' in done
    told = xaa.get(f"{where}?format=json").get_json()["items"]
    assert [(one["place"], one["id"]) for one in told] == [("index 3", bad["id"])]
    assert xaa.get(f"{where}?format=csv").text.count("\r\n") == 2


def test_refusals_are_shown_page_by_page(small: World) -> None:
    xaa = browse(small)
    send_file(xaa, b"1\n" * 5, "five.jsonl")
    where = xaa.address()
    work(small)
    seen: list[str] = []
    address = f"{where}?limit=2"
    while address:
        text = xaa.get(address).text
        seen += re.findall(r"line \d", text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"line {number}" for number in range(1, 6)]


def test_what_is_missing_in_the_form_is_told_beside_its_field(small: World) -> None:
    xaa = browse(small)
    answer = send_file(xaa, b"[]", long_collection="nowhere")
    assert (answer.status_code, "Choose a collection." in answer.text) == (400, True)
    answer = send_file(xaa, b"[]", "")
    assert (answer.status_code, "Choose a file." in answer.text) == (400, True)
    for _ in range(10):
        assert send_file(xaa, b"[]").status_code == 200
    answer = send_file(xaa, b"[]")
    assert (answer.status_code, "wait for one, or cancel it" in answer.text) == (409, True)


def test_a_file_may_be_longer_than_other_forms_and_has_an_end_of_its_own(small: World) -> None:
    small.with_app_of_its_own(max_content_length=100_000, max_import_length=1_000_000)
    xaa, reads = browse(small), browse(small, who="reads")
    long = json.dumps([small.indicator(description="d" * 90_000) for _ in range(5)]).encode()
    assert send_file(xaa, long).status_code == 200
    # Of who may not contribute no more is read than of any form.
    assert send_file(reads, long).status_code == 413
    assert send_file(reads, b"[]").status_code == 403
    assert send_file(xaa, b" " * 6_000_000).status_code == 413
    work(small)
    led = re.search(r'"(/sharing/jobs/[^"]+)"', xaa.get("/sharing/jobs").text)
    assert led is not None
    assert "5 objects were taken" in xaa.get(led[1]).text


def test_a_policy_over_many_contributions_is_tried_out_as_long_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_AT_ONCE", 2)
    world.set_policy({"rules": []})
    objects = [world.indicator() for _ in range(3)]
    world.contribute(*objects)
    xaa, xbb = browse(world), browse(world, "xbb")
    xaa.get(f"{ROOT}/policy/edit")
    wrong = xaa.post(f"{ROOT}/policy/edit", {"document": "{"})
    assert wrong.status_code == 400
    document = json.dumps(POLICY, indent=2)
    xaa.post(f"{ROOT}/policy/edit", {"document": document})
    where = xaa.address()
    assert where.startswith("/sharing/jobs/")
    work(world)
    told = xaa.get(where).text
    led = re.search(r'href="(/sharing/harbour/policy/simulations/[^"]+)"', told)
    assert led is not None
    assert xbb.get(led[1]).status_code == 404
    tried = xaa.get(led[1]).text
    assert "XBB" in tried
    simulation = tried.split('name="simulation" value="')[1].split('"')[0]
    applied = xaa.post(f"{ROOT}/policy", {"document": document, "simulation": simulation})
    assert "every member of this forum may see every object" in applied.text
    assert xbb.get(f"{ROOT}/objects/{objects[0]['id']}").status_code == 200


def test_a_trial_is_for_officers_alone_even_if_the_asker_is_none_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_AT_ONCE", 0)
    world.contribute(world.indicator())
    xaa = browse(world)
    xaa.get(f"{ROOT}/policy/edit")
    xaa.post(f"{ROOT}/policy/edit", {"document": json.dumps(POLICY)})
    where = xaa.address()
    work(world)
    led = re.search(r'href="(/sharing/harbour/policy/simulations/[^"]+)"', xaa.get(where).text)
    assert led is not None
    change(world, "reader")
    assert "policy/simulations" not in xaa.get(where).text
    assert xaa.get(led[1]).status_code == 403


def change(world: World, *roles: str, email: str = "all@xaa.example") -> None:
    with world.database.write() as connection:
        found = find_person(connection, email)
        assert found is not None
        change_roles(connection, found, roles, actor="operator", now_us=world.clock())


def test_a_view_is_made_into_a_file_that_is_on_record_before_it_is_there(world: World) -> None:
    world.set_policy(SHARE_ALL)
    plain = world.indicator(name="Relay")
    secret = world.indicator(name="Red", object_marking_refs=[RED])
    world.contribute(plain, secret)
    xbb = browse(world, "xbb")
    where = export(xbb)
    assert xbb.get(f"{where}/file").status_code == 404
    before = count(world, delivery)
    work(world)
    assert count(world, delivery) == before + 1
    assert count(world, delivery, delivery.c.door == "export") == 1
    told = xbb.get(where).text
    assert "1 version of an object is in the file" in told
    fetched = xbb.client.get(f"{where}/file")
    assert fetched.content_type == "application/stix+json;version=2.1"
    assert fetched.content_length == len(fetched.data)
    assert "attachment" in fetched.headers["Content-Disposition"]
    assert json.loads(fetched.data)["objects"] == [plain]
    assert count(world, audit, audit.c.action == "export.fetch") == 1
    assert xbb.client.head(f"{where}/file").status_code == 200
    assert count(world, audit, audit.c.action == "export.fetch") == 1


def test_a_file_of_what_was_taken_back_meanwhile_is_not_given_out(world: World) -> None:
    world.set_policy(SHARE_ALL)
    kept, taken = world.indicator(), world.indicator()
    world.contribute(kept, taken)
    xbb = browse(world, "xbb")
    where = export(xbb)
    work(world)
    assert xbb.get(f"{where}/file").status_code == 200
    # What is new does not spoil the file, nor that another recipient sees less.
    world.contribute(world.indicator())
    without_xcc = {"id": "not", "effect": "withhold", "audience": {"any": ["member:XCC"]}}
    world.set_policy({"rules": [*SHARE_ALL["rules"], without_xcc]})
    assert xbb.get(f"{where}/file").status_code == 200
    world.delete("xaa", world.address(rest=f"objects/{taken['id']}/"))
    outdated = xbb.get(f"{where}/file")
    assert (outdated.status_code, taken["id"] in outdated.text) == (409, False)
    again = export(xbb)
    work(world)
    assert kept["id"] in xbb.get(f"{again}/file").text


def lose_role(world: World) -> None:
    change(world, "policy-officer", email="all@xbb.example")


def lose_seat(world: World) -> None:
    seating.change_seat(
        world.database, "operator", "harbour", "XBB", "suspended", now_us=world.clock()
    )


@pytest.mark.parametrize(("lose", "expected"), [(lose_role, 403), (lose_seat, 404)])
def test_who_may_not_read_any_more_gets_no_file(world: World, lose: Any, expected: int) -> None:
    world.set_policy(SHARE_ALL)
    world.contribute(world.indicator())
    xbb = browse(world, "xbb")
    made, asked = export(xbb), ""
    work(world)
    asked = export(xbb)
    lose(world)
    refused = xbb.get(f"{made}/file")
    assert refused.status_code in {expected, 404}
    assert "indicator--" not in refused.text
    work(world)
    told = xbb.get(asked)
    assert (told.status_code, "failed" in told.text) == (200, True)
    assert f"{asked}/file" not in told.text


def test_nobody_else_finds_it_and_hidden_is_as_absent(world: World) -> None:
    world.contribute(world.indicator())
    xbb = browse(world, "xbb")
    where = export(xbb)
    work(world)
    for other in (browse(world), browse(world, "xbb", "reads")):
        for rest in ("", "/file"):
            hidden, absent = other.get(f"{where}{rest}"), other.get(f"{NEVER}{rest}")
            assert (hidden.status_code, absent.status_code) == (404, 404)
            there = where.rpartition("/")[2]
            assert _bare(hidden.text.replace(there, "")) == _bare(
                absent.text.replace(NEVER.rpartition("/")[2], "")
            )
        assert where not in other.get("/sharing/jobs").text
        other.get("/account")
        assert other.post(f"{where}/cancel").status_code == 404
    assert xbb.get(f"{where}/file").status_code == 200


def _bare(text: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", text)


def test_what_waits_is_cancelled_and_stays_so(world: World) -> None:
    xaa = browse(world)
    send_file(xaa, json.dumps([world.indicator()]).encode())
    where = xaa.address()
    cancelled = xaa.post(f"{where}/cancel")
    assert "Nothing more of it is done." in cancelled.text
    work(world)
    assert "cancelled" in xaa.get(where).text
    xaa.get("/account")
    assert "It had ended already." in xaa.post(f"{where}/cancel").text


def test_the_list_is_filtered_paged_and_exported(small: World) -> None:
    xaa = browse(small)
    for number in range(3):
        small.clock.now_us += 1
        send_file(xaa, b"[]", f"{number}.json")
    small.clock.now_us += 1
    export(xaa)
    first = xaa.get("/sharing/jobs?limit=2").text
    assert "2.json" in first
    assert "1.json" not in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = xaa.get(following[1].replace("&amp;", "&")).text
    assert ("1.json" in second, "2.json" in second) == (True, False)
    items = xaa.get("/sharing/jobs?format=json&kind=export").get_json()["items"]
    assert [one["kind"] for one in items] == ["export"]
    assert xaa.get("/sharing/jobs?format=csv").text.count("\r\n") == 5
    assert xaa.get("/sharing/jobs?state=nothing").status_code == 400
    assert "no long work like this" in xaa.get("/sharing/jobs?state=failed").text


def test_who_waits_long_is_told_that_there_may_be_no_worker(small: World) -> None:
    xaa = browse(small)
    export(xaa)
    where = xaa.address()
    assert "No worker has begun it yet" not in xaa.get(where).text
    small.clock.now_us += 31_000_000
    assert "No worker has begun it yet" in xaa.get(where).text


def test_it_is_forgotten_after_a_week(small: World) -> None:
    xaa = browse(small)
    where = export(xaa)
    work(small)
    small.clock.now_us += 7 * DAY_US + 5_000_000
    xaa.sign_in("all@xaa.example")
    assert xaa.get(where).status_code == 200
    forget_jobs(small.database, now_us=small.clock())
    assert xaa.get(where).status_code == 404


def test_a_file_is_kept_a_day_and_then_gone_for_good(world: World) -> None:
    world.set_policy(SHARE_ALL)
    world.contribute(world.indicator())
    xbb = browse(world, "xbb")
    where = export(xbb)
    work(world)
    job_id = where.rpartition("/")[2]
    world.clock.now_us += DAY_US - 1_000_000
    xbb.sign_in("all@xbb.example")
    assert forget_jobs(world.database, now_us=world.clock()) == 0
    assert xbb.get(f"{where}/file").status_code == 200
    world.clock.now_us += 5_000_000
    assert xbb.get(f"{where}/file").status_code == 404
    assert "not kept any more" in xbb.get(where).text
    assert forget_jobs(world.database, now_us=world.clock()) == 0
    assert count(world, job_part, job_part.c.job_id == job_id) == 0
    assert xbb.get(where).status_code == 200


def test_a_forum_may_be_called_as_the_pages_of_long_work_are(small: World) -> None:
    with small.app.test_request_context("/sharing/jobs/contribute"):
        adapter = small.app.url_map.bind("localhost")
        assert adapter.match("/sharing/jobs/contribute", method="GET")[0] == "exchange.contribute"
        assert adapter.match(NEVER, method="GET")[0] == "exchange.job"
