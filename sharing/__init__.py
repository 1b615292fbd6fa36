"""STIX in and out, under each member's policy: gate, rules, ledger, TAXII, partner feeds.

What does not live here: norms (the other half), who is asking (auth), and anything every
room shares (kernel). `norms` and `sharing` never import each other.
"""
