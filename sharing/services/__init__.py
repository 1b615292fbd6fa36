"""The verbs of the exchange. Each is one transaction; none knows HTTP."""
