"""Typed clients of a served model, generated from its manifest in the languages that services are written in."""
