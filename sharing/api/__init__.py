"""The JSON API of the exchange: policies, contributions, statuses, what was received.

Objects themselves travel by TAXII; here is what their originator, or who received them, wants
to know about them.
"""
