"""Files of pages: kept by browsers as what they are, and by us under their own names alone."""

from __future__ import annotations

from flask import Flask

from web.assets import asset_address, init_assets


def test_a_file_is_kept_for_long_only_under_its_own_name_and_version() -> None:
    app = Flask(__name__, static_folder=None)
    init_assets(app)
    with app.test_request_context():
        named = asset_address("comity.css")
    other = named.replace("comity.css", "no/../comity.css")
    kept = {}
    for address in (named, "/static/comity.css?v=", other, "/static/no/../comity.css?v="):
        with app.test_client().get(address) as answer:
            assert answer.status_code == 200
            kept[address] = "immutable" in answer.headers["Cache-Control"]
    # What is not a file's own name has no version, and none is remembered for it.
    assert [address for address in kept if kept[address]] == [named]
