"""Looks into models that run in onnxruntime: time by operator, the machine's peaks, layers, sensitivity.

Imported by who profiles, never by who only runs a model.
"""
