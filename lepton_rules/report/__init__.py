"""Reports: what is known of artifacts, as one page for people and the same as JSON."""
