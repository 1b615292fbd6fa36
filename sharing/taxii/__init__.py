"""The TAXII 2.1 server: views that authenticate, ask one query or call one verb, and answer.

What does not live here: who sees what (visibility), what is stored (services), who is asking
(auth), what an object must look like (gate).
"""
