"""What auth's records may look like, and what a credential's owner lets it do. Pure.

What does not live here: whether a thing exists already (services), who is asking (doors).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from auth.reader import SCOPES
from kernel.errors import BadInput

SEAT_ROLES: Final = ("member", "partner-state", "observer")
MEMBER_STATUSES: Final = ("active", "suspended", "departed")
SEAT_STATUSES: Final = ("active", "suspended", "ended")
POLICY_OFFICER: Final = "policy-officer"
"""The role of who sets what its member shares and accepts."""
MEMBER_PERSON_ROLES: Final = (
    "reader",
    "contributor",
    POLICY_OFFICER,
    "release-approver",
    "drafter",
    "clearance-officer",
    "member-admin",
    "auditor",
)
FORUM_PERSON_ROLES: Final = ("secretariat",)
OPERATOR_PERSON_ROLES: Final = ("operator",)

PARTNER_SCOPES: Final = frozenset({"taxii:read", "api:read"})
# What the person behind an individual credential must be, one of, to use it for a scope.
_ROLES_FOR_SCOPE: Final = {
    "taxii:read": frozenset({"reader", "contributor"}),
    "taxii:write": frozenset({"contributor"}),
    "api:read": frozenset((*MEMBER_PERSON_ROLES, *FORUM_PERSON_ROLES)),
    "api:write": frozenset(
        {
            "contributor",
            POLICY_OFFICER,
            "release-approver",
            "drafter",
            "clearance-officer",
            "member-admin",
            "secretariat",
        }
    ),
}

_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,15}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_PARTNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}", re.ASCII)
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_IDENTITY = re.compile(r"identity--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CREDENTIAL_ID = re.compile(r"[a-z0-9]{8,32}", re.ASCII)
_TOOL_ID = re.compile(r"tool-[a-z0-9]{16}", re.ASCII)
_PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_QUERY = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_TARGET = rf"(?:/{_PATH})?(?:\?{_QUERY})?"
_HTTPS_REDIRECT = re.compile(
    rf"https://[a-z0-9](?:[a-z0-9.-]{{0,250}}[a-z0-9])?(?::[1-9][0-9]{{0,4}})?{_TARGET}", re.ASCII
)
# RFC 8252 §7.3: a program on the person's own computer listens where it finds a free port.
_LOOPBACK_REDIRECT = re.compile(
    rf"(http://(?:127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{{0,4}})?({_TARGET})", re.ASCII
)
_S256 = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_ORIGIN = re.compile(r"(https?)://([^/?]+)")
_REDIRECT_CHARACTERS = 500
_MOST_REDIRECTS = 10
_NAME_CHARACTERS = 200
# The API roots' siblings, and words that would read as one.
_RESERVED_SLUGS = frozenset({"collections", "status", "taxii2", "api"})


def check_code(code: str) -> str:
    """A member's code as sharing policy §1 writes it; raises BadInput (`auth.bad-code`)."""
    if _CODE.fullmatch(code) is None:
        raise BadInput(
            "auth.bad-code",
            f"{_shown(code)} is no member code; write 2 to 16 capital letters, digits and "
            "hyphens, a letter first",
        )
    return code


def is_slug(text: str) -> bool:
    """Whether a forum could be called so in an address."""
    return _SLUG.fullmatch(text) is not None and text not in _RESERVED_SLUGS


def check_slug(slug: str) -> str:
    """A forum's name in addresses; raises BadInput (`auth.bad-slug`)."""
    if not is_slug(slug):
        raise BadInput(
            "auth.bad-slug",
            f"{_shown(slug)} cannot name a forum; write up to 63 small letters, digits and "
            f"hyphens, and none of {', '.join(sorted(_RESERVED_SLUGS))}",
        )
    return slug


def check_partner_name(name: str) -> str:
    """A partner's name, as policies write it after `partner:`; raises BadInput."""
    if _PARTNER.fullmatch(name) is None:
        raise BadInput(
            "auth.bad-partner",
            f"{_shown(name)} cannot name a partner; write up to 63 letters, digits, dots, "
            "underscores and hyphens",
        )
    return name


def check_attribute(option: str, value: str) -> str:
    """A jurisdiction, bloc or residency, as policies write it; raises BadInput."""
    if _ATTRIBUTE.fullmatch(value) is None:
        raise BadInput(
            "auth.bad-attribute",
            f"{option} {_shown(value)}: write up to 63 letters, digits, dots, plus signs, "
            "underscores and hyphens",
        )
    return value


def check_name(option: str, name: str) -> str:
    """A name or title for people to read: one line; raises BadInput (`auth.bad-name`)."""
    stripped = name.strip()
    if not stripped or len(stripped) > _NAME_CHARACTERS or not stripped.isprintable():
        raise BadInput(
            "auth.bad-name", f"{option} must be one line of 1 to {_NAME_CHARACTERS} characters"
        )
    return stripped


def check_identity(stix_id: str) -> str:
    """A STIX identity id in canonical form; raises BadInput (`auth.bad-identity`)."""
    if _IDENTITY.fullmatch(stix_id) is None:
        raise BadInput(
            "auth.bad-identity",
            f"{_shown(stix_id)} is no STIX identity id; write identity-- and a UUID in small "
            "letters",
        )
    return stix_id


def check_email(email: str) -> str:
    """An e-mail address in small letters; raises BadInput (`auth.bad-email`)."""
    lowered = email.strip().lower()
    if len(lowered) > 254 or _EMAIL.fullmatch(lowered) is None or ".." in lowered:
        raise BadInput(
            "auth.bad-email", f"{_shown(email)} is no e-mail address; write one like a@b.example"
        )
    return lowered


def check_one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    """One of the words `allowed`; raises BadInput (`auth.bad-choice`) naming them."""
    if value not in allowed:
        raise BadInput(
            "auth.bad-choice", f"{option} {_shown(value)}: use one of {', '.join(allowed)}"
        )
    return value


def check_roles(roles: Iterable[str], allowed: Sequence[str]) -> list[str]:
    """At least one role of a person, sorted, each once; raises BadInput."""
    checked = sorted({check_one_of("--role", role, allowed) for role in roles})
    if not checked:
        raise BadInput("auth.bad-choice", f"--role is needed: one of {', '.join(allowed)}")
    return checked


def check_scopes(scopes: Iterable[str], *, of_partner: bool) -> list[str]:
    """The scopes of a credential in their usual order; none given means all it may have.

    Raises BadInput: a partner's credential only reads (sharing policy §1).
    """
    allowed = [scope for scope in SCOPES if not of_partner or scope in PARTNER_SCOPES]
    asked = {check_one_of("--scope", scope, allowed) for scope in scopes}
    return [scope for scope in allowed if not asked or scope in asked]


def is_credential_id(text: str) -> bool:
    """Whether this could be the id of a credential: anything else is never looked up."""
    return _CREDENTIAL_ID.fullmatch(text) is not None


def is_tool_id(text: str) -> bool:
    """Whether this could be the client id of a tool."""
    return _TOOL_ID.fullmatch(text) is not None


def check_tool_scopes(scopes: Iterable[str]) -> list[str]:
    """What a tool may ask for, one scope or more, in their usual order; raises BadInput."""
    asked = {check_one_of("--scope", scope, SCOPES) for scope in scopes}
    if not asked:
        raise BadInput("auth.bad-choice", f"--scope is needed: one of {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in asked]


def check_redirects(uris: Iterable[str]) -> list[str]:
    """Where a tool is answered (RFC 6749 §3.1.2), each once; raises BadInput.

    An address begins with https:, or is one of the person's own computer (RFC 8252 §7.3):
    `http://127.0.0.1` or `http://[::1]`, where any port is taken for it.
    """
    checked = sorted({uri.strip() for uri in uris})
    if not 1 <= len(checked) <= _MOST_REDIRECTS:
        raise BadInput(
            "auth.bad-redirect", f"a tool has 1 to {_MOST_REDIRECTS} addresses to go back to"
        )
    for uri in checked:
        is_known = _HTTPS_REDIRECT.fullmatch(uri) or _LOOPBACK_REDIRECT.fullmatch(uri)
        if not is_known or len(uri) > _REDIRECT_CHARACTERS:
            raise BadInput(
                "auth.bad-redirect",
                f"{_shown(uri)} cannot be gone back to; write https://HOST/PATH, or "
                "http://127.0.0.1/PATH for a program on one's own computer, without a fragment",
            )
    return checked


def is_redirect_to(registered: str, asked: str) -> bool:
    """Whether a tool that registered one address may ask to be answered at the other.

    Letter by letter (RFC 9700 §2.1); only the port of one's own computer is free.
    """
    if registered == asked:
        return True
    own, other = (_LOOPBACK_REDIRECT.fullmatch(uri) for uri in (registered, asked))
    return own is not None and other is not None and own.groups() == other.groups()


def is_s256_challenge(text: str) -> bool:
    """Whether this could be a SHA-256 in base64url (RFC 7636 §4.2)."""
    return _S256.fullmatch(text) is not None


def origin_of(uri: str) -> str:
    """The source that a policy of contents has to name for a checked address to be gone to."""
    scheme, place = _ORIGIN.match(uri).groups()  # type: ignore[union-attr] # it was checked
    # CSP 3 §2.3.1 has no way to write an IPv6 address.
    return f"{scheme}:" if place.startswith("[") else f"{scheme}://{place}"


def bound_scopes(
    scopes: Iterable[str], *, of_partner: bool, roles: frozenset[str] | None
) -> frozenset[str]:
    """What a credential may be used for: its scopes, less what its owner may not do.

    `roles` are those of the person behind an individual credential, None for a machine.
    """
    return frozenset(
        scope
        for scope in scopes
        if (not of_partner or scope in PARTNER_SCOPES)
        and (roles is None or not roles.isdisjoint(_ROLES_FOR_SCOPE[scope]))
    )


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")
