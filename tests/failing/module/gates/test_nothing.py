"""A file of tests without a test: it must not pass in silence."""
