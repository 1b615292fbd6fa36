"""What a partner's answer can be besides an answer: each by its name, with what to do.

They join the errors of the session (kernel.outbound.errors): who asks a partner catches
`OutboundError` and has them all.
"""

from __future__ import annotations

from kernel.outbound.errors import OutboundError


class NotTaxii(OutboundError):
    """What answers is no TAXII 2.1: a web page, an older TAXII, something else."""

    step = "protocol"
    named = "sharing.remote-not-taxii"


class BadAnswer(OutboundError):
    """TAXII by its media type, and then not what TAXII 2.1 says comes there."""

    step = "content"
    named = "sharing.remote-bad-answer"


class RootElsewhere(OutboundError):
    """Discovery names API roots on other servers only, or none."""

    step = "discovery"
    named = "sharing.remote-root-elsewhere"


class NoCollection(OutboundError):
    """No collection of that name is shown to this credential, or several are."""

    step = "collection"
    named = "sharing.remote-no-collection"


class NotAllowed(OutboundError):
    """The collection does not let this credential read, or write."""

    step = "rights"
    named = "sharing.remote-not-allowed"
