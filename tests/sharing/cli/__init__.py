"""The commands of the sharing room, run as an operator runs them."""
