"""Questions about the register. Nothing here writes; every question has a reader."""
