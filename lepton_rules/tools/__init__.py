"""Programs about what tests leave behind."""
