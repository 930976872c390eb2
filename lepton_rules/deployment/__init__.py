"""Kubernetes and Compose files of an image: how they are written, how overlays change them, and what is checked.

An action runs `main.py` with what the rule knows as one JSON file; `check.py` is the program of lepton_deployment_test.
PyYAML is the one library that either needs.
"""
