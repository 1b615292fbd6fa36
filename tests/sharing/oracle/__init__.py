"""What every recipient should see, read from the sharing policy apart from the engine.

A plain second reading of the policy's text: one recipient, one credential kind, one
contribution at a time. `record` keeps what has happened, `objects` reads single objects,
`reading` decides (§4) and lets versions and copies stand (§5), `clock` brings a record from one
instant to the next. Shares no code with the release engine: rules stay the JSON that they were
written in, and who saw what when is kept here, not read from the database.
"""
