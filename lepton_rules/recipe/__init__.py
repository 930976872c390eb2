"""Recipes outside Bazel: read, planned for a chip, and run one action at a time, as Bazel runs them."""
