"""Pages for diplomats: what was agreed, by whom, since when; and what each State says itself."""
