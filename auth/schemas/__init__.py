"""What answers of the auth room hold, for the API and for pages alike."""
