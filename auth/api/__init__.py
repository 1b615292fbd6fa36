"""The JSON API about oneself: who am I here, and my member's credentials."""
