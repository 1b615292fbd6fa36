"""What is done to the register: loaded, recorded, confirmed; each a verb and a transaction."""
