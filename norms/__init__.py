"""What was agreed, by whom, since when: forums' memberships, instruments, provisions, commitments.

The register of agreed norms comes with its own issue; until it is connected, a sharing policy
that names `committed:` is refused. What will not live here: who may sign in (auth), and anything
about STIX (sharing), which this room never imports.
"""
