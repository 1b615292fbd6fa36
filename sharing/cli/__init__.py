"""Commands of the exchange: who takes part, what is shared, and why. They run as the operator."""
