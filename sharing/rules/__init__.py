"""The rules that decide who sees what (sharing policy §2 to §4): pure, no clock, no database.

What does not live here: reading STIX (gate), SQL (visibility, queries), transactions
(services). Everything in here could be read aloud to a diplomat.
"""
