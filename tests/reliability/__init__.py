"""What must survive what: exits, kills, faults, races, cuts. Each proof has its control."""
