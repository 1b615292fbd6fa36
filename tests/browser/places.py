"""Every page of the demonstration that somebody can look at, and who looks at it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.browser.conftest import Site

ANALYST = "analyst@aurelia.example"
OFFICER = "officer@aurelia.example"
DIPLOMAT = "diplomat@aurelia.example"
REGISTRAR = "registrar@example-forum.example"
COUNSEL = "counsel@example-forum.example"
"""Of a secretariat: what the first recorded waits for the second."""
OPERATOR = "operator@comity.example"
BRIEFING = "/norms/briefing?forum=oas&state=MEX&state=USA&as_of=2024-06-01&tlp=green"
FORUM = "/sharing/example-forum"
SEEN = "indicator--dd687a8c-39d9-4140-a20b-cb9c9f6a0ccf"
"""An object with a sighting."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looks at a page; None is a visitor."""

    name: str
    who: str | None
    address: str


def list_looks(site: Site) -> list[Look]:
    """Of the pages that are there, each once."""
    place = f"{FORUM}/collections/{site.collection}"
    own = "indicator--ebde6182-8fce-4473-9d0c-96c071a7ec9c"
    return [
        Look("sign-in", None, "/sign-in"),
        Look("welcome", None, "/"),
        Look("refused", None, "/nothing"),
        Look("account", ANALYST, "/account"),
        Look("inbox", OFFICER, "/inbox"),
        Look("credentials", OFFICER, "/account/credentials"),
        Look("members", OFFICER, "/members"),
        Look("member-audit", OFFICER, "/members/audit"),
        Look("operator", OPERATOR, "/operator"),
        Look("tools-of-member", OFFICER, "/members/tools"),
        Look("tools-of-all", OPERATOR, "/operator/tools"),
        Look("credentials", ANALYST, "/account/credentials"),
        Look("passkeys", ANALYST, "/account/passkeys"),
        Look("sharing", ANALYST, "/sharing"),
        Look("lookup", ANALYST, "/sharing/search?q=198.51.100.23"),
        Look("objects", ANALYST, f"{FORUM}/objects"),
        Look("object", ANALYST, f"{FORUM}/objects/{own}"),
        Look("object-seen", ANALYST, f"{FORUM}/objects/{SEEN}"),
        Look("contribute", ANALYST, f"{FORUM}/contribute"),
        Look("contributions", ANALYST, f"{FORUM}/contributions"),
        Look("jobs", ANALYST, "/sharing/jobs"),
        Look("feeds", OFFICER, "/sharing/feeds"),
        Look("feed-new", OFFICER, "/sharing/feeds/new"),
        Look("policy", OFFICER, f"{FORUM}/policy"),
        Look("policy-edit", OFFICER, f"{FORUM}/policy/edit"),
        Look("simulation", OFFICER, site.simulation_of(OFFICER, f"{FORUM}/policy")),
        Look("accepts", OFFICER, f"{FORUM}/accepts"),
        Look("held", OFFICER, f"{FORUM}/held"),
        Look("recalls", ANALYST, f"{FORUM}/recalls"),
        Look("served", ANALYST, f"{FORUM}/served?collection={site.collection}&id={own}"),
        Look("collections", ANALYST, f"{FORUM}/collections"),
        Look("collection", ANALYST, place),
        Look("norms", DIPLOMAT, "/norms"),
        Look("norms-forums", DIPLOMAT, "/norms/forums"),
        Look("norms-forum", DIPLOMAT, "/norms/forums/osce?as_of=2017-01-01"),
        Look("norms-status", DIPLOMAT, "/norms/forums/oas/status?as_of=2024-06-01"),
        Look("norms-instruments", DIPLOMAT, "/norms/instruments"),
        Look("norms-instrument", DIPLOMAT, "/norms/instruments/un-a-70-174"),
        Look("norms-provision", DIPLOMAT, "/norms/provisions/un-a-70-174:13(k)"),
        Look("norms-parties", DIPLOMAT, "/norms/parties?code=FRA"),
        Look("norms-party", DIPLOMAT, "/norms/parties/FRA"),
        Look("norms-comparison", DIPLOMAT, "/norms/compare/parties?left=FRA&right=MEX"),
        Look("norms-parallels", DIPLOMAT, "/norms/compare/provisions"),
        Look("norms-due", DIPLOMAT, "/norms/due"),
        Look("norms-positions", DIPLOMAT, "/norms/positions"),
        Look("norms-position-new", DIPLOMAT, "/norms/positions/new"),
        Look("norms-actions", DIPLOMAT, "/norms/actions"),
        Look("norms-action-new", DIPLOMAT, "/norms/actions/new"),
        Look("norms-silences", DIPLOMAT, "/norms/silence-procedures"),
        Look("norms-events", DIPLOMAT, "/norms/events"),
        Look("norms-event-new", DIPLOMAT, "/norms/events/new"),
        Look("norms-unverified", DIPLOMAT, "/norms/unverified"),
        Look("inbox-of-secretariat", COUNSEL, "/inbox"),
        Look("norms-recordings", COUNSEL, "/norms/recordings"),
        Look("norms-recording", COUNSEL, site.recording_seen_by(COUNSEL)),
        Look("norms-recording-own", REGISTRAR, site.recording_seen_by(COUNSEL)),
        Look("norms-record", REGISTRAR, "/norms/events/new"),
        Look("norms-records", REGISTRAR, "/norms/records/new"),
        Look("norms-briefing", DIPLOMAT, BRIEFING),
        Look("withdraw", ANALYST, f"{place}/contributions/{own}/withdraw"),
    ]
