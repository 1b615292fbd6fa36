"""One object of every type of STIX 2.1, with as many of its properties as fit together."""

from __future__ import annotations

from typing import Any, Final

UUID: Final = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
TIME: Final = "2026-03-01T08:00:00.000Z"
LATER: Final = "2026-03-02T08:00:00.000Z"
STATEMENT: Final = "marking-definition--0e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
EXTENSION: Final = "extension-definition--a932fcc6-e032-476c-826f-cb970a5a1ade"
_HASHES: Final = {"SHA-256": "a" * 64, "MD5": "b" * 32}
_PHASES: Final = [{"kill_chain_name": "fictional", "phase_name": "first"}]
_SOURCES: Final = [
    {"source_name": "one", "url": "https://example.org/"},
    {"source_name": "two", "external_id": "2", "description": "the other"},
]


def name_id(stix_type: str, number: int = 0) -> str:
    """The id of one of the objects that samples name."""
    return f"{stix_type}--{number:08x}-17d4-4cbf-938f-98ee46b3cd3f"


def make_domain_object(stix_type: str, **own: Any) -> dict[str, Any]:
    """An object with the properties that domain and relationship objects have in common."""
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--{UUID}",
        "created": TIME,
        "modified": LATER,
        "created_by_ref": name_id("identity"),
    } | own


def make_observable(stix_type: str, **own: Any) -> dict[str, Any]:
    """An observable, which has neither `created` nor `modified`."""
    return {"type": stix_type, "spec_version": "2.1", "id": f"{stix_type}--{UUID}"} | own


_DOMAIN: Final[dict[str, dict[str, Any]]] = {
    "attack-pattern": {"name": "n", "aliases": ["a"], "kill_chain_phases": _PHASES},
    "campaign": {"name": "n", "first_seen": TIME, "last_seen": LATER, "objective": "o"},
    "course-of-action": {"name": "n", "description": "d"},
    "grouping": {
        "name": "n",
        "context": "suspicious-activity",
        "object_refs": [name_id("indicator"), name_id("malware")],
    },
    "identity": {"name": "n", "identity_class": "system", "sectors": ["energy"], "roles": ["r"]},
    "incident": {"name": "n", "external_references": _SOURCES},
    "indicator": {
        "pattern": "[url:value = 'https://example.org/']",
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": TIME,
        "valid_until": LATER,
        "indicator_types": ["anomalous-activity"],
        "kill_chain_phases": _PHASES,
    },
    "infrastructure": {"name": "n", "aliases": ["a"], "kill_chain_phases": _PHASES},
    "intrusion-set": {"name": "n", "goals": ["g"], "resource_level": "team"},
    "location": {
        "region": "northern-europe",
        "country": "XA",
        "latitude": 1.5,
        "longitude": 2.5,
        "precision": 10.0,
        "city": "c",
    },
    "malware": {
        "is_family": True,
        "name": "n",
        "sample_refs": [name_id("file"), name_id("artifact")],
        "operating_system_refs": [name_id("software")],
        "kill_chain_phases": _PHASES,
        "aliases": ["a"],
    },
    "malware-analysis": {
        "product": "p",
        "result": "malicious",
        "analysis_sco_refs": [name_id("file"), name_id("url")],
        "host_vm_ref": name_id("software"),
        "sample_ref": name_id("file", 1),
        "modules": ["m"],
    },
    "note": {"content": "c", "authors": ["a"], "object_refs": [name_id("indicator")]},
    "observed-data": {
        "first_observed": TIME,
        "last_observed": LATER,
        "number_observed": 2,
        "object_refs": [name_id("ipv4-addr"), name_id("url")],
    },
    "opinion": {"opinion": "agree", "explanation": "e", "object_refs": [name_id("indicator")]},
    "report": {
        "name": "n",
        "published": TIME,
        "report_types": ["campaign"],
        "object_refs": [name_id("indicator"), name_id("malware"), name_id("identity")],
    },
    "threat-actor": {"name": "n", "aliases": ["a"], "roles": ["agent"], "goals": ["g"]},
    "tool": {"name": "n", "tool_version": "1", "kill_chain_phases": _PHASES},
    "vulnerability": {"name": "n", "external_references": _SOURCES},
    "relationship": {
        "relationship_type": "indicates",
        "source_ref": name_id("indicator"),
        "target_ref": name_id("malware"),
        "start_time": TIME,
        "stop_time": LATER,
    },
    "sighting": {
        "sighting_of_ref": name_id("indicator"),
        "observed_data_refs": [name_id("observed-data")],
        "where_sighted_refs": [name_id("identity"), name_id("location")],
        "count": 3,
        "summary": False,
    },
    "language-content": {
        "object_ref": name_id("report"),
        "object_modified": LATER,
        "contents": {"de": {"name": "N"}, "fr": {"name": "n", "labels": ["l", "m"]}},
    },
    "extension-definition": {
        "name": "n",
        "schema": "https://example.org/s.json",
        "version": "1.0",
        "extension_types": ["toplevel-property-extension", "property-extension"],
        "extension_properties": ["x_one", "x_two"],
    },
}

_OBSERVABLES: Final[dict[str, dict[str, Any]]] = {
    "artifact": {
        "mime_type": "text/plain",
        "url": "https://example.org/",
        "hashes": _HASHES,
        "encryption_algorithm": "mime-type-indicated",
        "decryption_key": "k",
    },
    "autonomous-system": {"number": 64496, "name": "n", "rir": "r"},
    "directory": {"path": "/p", "ctime": TIME, "contains_refs": [name_id("file")]},
    "domain-name": {"value": "example.org", "resolves_to_refs": [name_id("ipv4-addr")]},
    "email-addr": {"value": "a@example.org", "belongs_to_ref": name_id("user-account")},
    "email-message": {
        "is_multipart": True,
        "from_ref": name_id("email-addr"),
        "to_refs": [name_id("email-addr", 1), name_id("email-addr", 2)],
        "subject": "s",
        "received_lines": ["r"],
        "additional_header_fields": {"X-Mailer": "m", "subject": "s"},
        "raw_email_ref": name_id("artifact"),
        "body_multipart": [
            {"body": "text", "content_type": "text/plain"},
            {"body_raw_ref": name_id("artifact", 1), "content_type": "image/png"},
        ],
    },
    "file": {
        "name": "n",
        "hashes": _HASHES,
        "size": 1,
        "parent_directory_ref": name_id("directory"),
        "contains_refs": [name_id("file", 1)],
        "content_ref": name_id("artifact"),
        "extensions": {
            "archive-ext": {
                "contains_refs": [name_id("file", 2), name_id("file", 3)],
                "comment": "c",
            },
            "ntfs-ext": {"sid": "s", "alternate_data_streams": [{"name": "n", "hashes": _HASHES}]},
            "pdf-ext": {"version": "1.7", "document_info_dict": {"Title": "t"}, "pdfid0": "p"},
            "raster-image-ext": {"image_height": 1, "exif_tags": {"Make": "m", "Model": "n"}},
            "windows-pebinary-ext": {
                "pe_type": "exe",
                "imphash": "i",
                "sections": [{"name": "n", "entropy": 0.5, "hashes": _HASHES}],
                "optional_header": {"hashes": _HASHES},
            },
        },
    },
    "ipv4-addr": {"value": "198.51.100.7", "resolves_to_refs": [name_id("mac-addr")]},
    "ipv6-addr": {"value": "2001:db8::1", "belongs_to_refs": [name_id("autonomous-system")]},
    "mac-addr": {"value": "00:00:5e:00:53:01"},
    "mutex": {"name": "n"},
    "network-traffic": {
        "is_active": False,
        "start": TIME,
        "end": LATER,
        "src_ref": name_id("ipv4-addr"),
        "dst_ref": name_id("ipv4-addr", 1),
        "protocols": ["tcp", "http"],
        "ipfix": {"minimumIpTotalLength": 32, "a": "b"},
        "src_payload_ref": name_id("artifact"),
        "encapsulates_refs": [name_id("network-traffic", 1), name_id("network-traffic", 2)],
        "extensions": {
            "http-request-ext": {
                "request_method": "get",
                "request_value": "/",
                "request_header": {"Accept": ["a", "b"], "Host": ["h"]},
                "message_body_data_ref": name_id("artifact", 1),
            },
            "icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"},
            "socket-ext": {"address_family": "AF_INET", "options": {"SO_KEEPALIVE": 1}},
            "tcp-ext": {"src_flags_hex": "02"},
        },
    },
    "process": {
        "is_hidden": False,
        "pid": 1,
        "command_line": "c",
        "environment_variables": {"A": "b"},
        "opened_connection_refs": [name_id("network-traffic")],
        "image_ref": name_id("file"),
        "child_refs": [name_id("process", 1), name_id("process", 2)],
        "extensions": {
            "windows-process-ext": {"owner_sid": "s", "startup_info": {"lpDesktop": "d"}},
            "windows-service-ext": {
                "service_name": "s",
                "descriptions": ["d"],
                "service_dll_refs": [name_id("file", 1)],
            },
        },
    },
    "software": {"name": "n", "vendor": "v", "version": "1", "languages": ["en"], "swid": "s"},
    "url": {"value": "https://example.org/"},
    "user-account": {
        "user_id": "u",
        "account_login": "a",
        "display_name": "d",
        "credential": "c",
        "is_disabled": False,
        "extensions": {"unix-account-ext": {"gid": 1, "groups": ["g"], "shell": "s"}},
    },
    "windows-registry-key": {
        "key": "HKEY_LOCAL_MACHINE\\x",
        "values": [{"name": "n", "data": "d"}, {"data": "e"}],
        "creator_user_ref": name_id("user-account"),
        "number_of_subkeys": 1,
    },
    "x509-certificate": {
        "is_self_signed": True,
        "serial_number": "1",
        "hashes": _HASHES,
        "version": "3",
        "issuer": "i",
        "subject": "s",
        "validity_not_before": TIME,
        "x509_v3_extensions": {"key_usage": "k", "policy_mappings": "p"},
    },
}

_MARKING: Final = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": f"marking-definition--{UUID}",
    "created": TIME,
    "created_by_ref": name_id("identity"),
    "name": "n",
    "definition_type": "statement",
    "definition": {"statement": "s"},
}

SAMPLES: Final[dict[str, dict[str, Any]]] = (
    {kind: make_domain_object(kind, **own) for kind, own in _DOMAIN.items()}
    | {kind: make_observable(kind, **own) for kind, own in _OBSERVABLES.items()}
    | {"marking-definition": _MARKING}
)
"""By type; each passes the gate, whoever names what."""

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "artifact-with-payload": make_observable(
        "artifact", payload_bin="YQ==", mime_type="text/plain"
    ),
    "email-message-of-one-part": make_observable(
        "email-message", is_multipart=False, body="b", subject="s", date=TIME
    ),
    "file-by-name": make_observable("file", name="n", size=2),
    "file-by-hash": make_observable("file", hashes=_HASHES, size=2),
    "location-by-country": make_domain_object("location", country="XA", city="c"),
    "location-by-place": make_domain_object("location", latitude=1.0, longitude=2.0, name="n"),
    "malware-instance": make_domain_object("malware", is_family=False, name="n", aliases=["a"]),
    "analysis-without-result": make_domain_object(
        "malware-analysis", product="p", analysis_sco_refs=[name_id("file")], version="1"
    ),
    "network-traffic-still-on": make_observable(
        "network-traffic", is_active=True, dst_ref=name_id("url"), protocols=["tcp"], dst_port=80
    ),
    "process-by-extension": make_observable(
        "process",
        extensions={
            "windows-process-ext": {"dep_enabled": True},
            "windows-service-ext": {"display_name": "d"},
        },
    ),
    "marking-of-another-scheme": make_domain_object(
        "marking-definition",
        extensions={EXTENSION: {"extension_type": "property-extension", "level": "x"}},
        name="n",
    ),
    "observed-data-with-objects": make_domain_object(
        "observed-data",
        first_observed=TIME,
        last_observed=LATER,
        number_observed=1,
        objects={
            "0": {"type": "domain-name", "id": name_id("domain-name"), "value": "example.org"},
            "1": {
                "type": "file",
                "id": name_id("file"),
                "name": "n",
                "x_note": [name_id("identity", 3), "text"],
                "extensions": {"archive-ext": {"contains_refs": [name_id("file", 4)]}},
            },
            "2": {
                "type": "x-custom",
                "id": name_id("x-custom"),
                "object_marking_refs": [STATEMENT],
                "x_ref": name_id("identity", 5),
            },
        },
    ),
    "new-kind-of-object": make_domain_object(
        "x-thing",
        name="n",
        extensions={EXTENSION: {"extension_type": "new-sdo"}},
        x_map={name_id("malware"): {"weight": 1}, "other": [[name_id("tool")], []]},
    ),
    "new-kind-of-observable": make_observable("x-seen", value="v", seen_ref=name_id("url")),
}
"""Objects that the samples leave out: other branches of a type, custom types."""
