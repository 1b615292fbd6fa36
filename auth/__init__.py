"""Who is asking, for which member, in which forums; what they may do; what they did.

Here: forums (one record for both halves), members, seats, partners, persons, credentials,
tokens, doors and the audit trail. Not here: what is shared or agreed.
"""
