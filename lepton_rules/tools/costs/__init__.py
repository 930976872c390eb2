"""Measures what layers cost on this machine, for passes with a goal in time."""
