"""What agreed norms mean: dates, events, and what follows from them. Pure; reads no database."""
