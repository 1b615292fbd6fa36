"""Requests that leave this installation: where they may go, what they may cost, how they fail.

`session.Outbound` is the one way out to servers that somebody else's word names. What does not
live here: TAXII, STIX, feeds, and what an answer means.
"""
