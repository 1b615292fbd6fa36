"""Words every room shares: settings, clock, errors, database, strict JSON, cursors.

What does not live here: anything that knows a forum, a member, STIX, HTTP or a page.
The kernel imports no other room.
"""
