"""What was agreed, by whom, since when: forums' memberships, instruments, provisions, commitments.

What does not live here: who may sign in, and the forum's one record (auth); anything about STIX
(sharing), which this room never imports. What sharing must know of it goes through `port`.
"""
