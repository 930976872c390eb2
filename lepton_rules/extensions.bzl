"""Module extensions of lepton_rules."""

load("//lepton_rules/private/environment:extension.bzl", _lepton = "lepton")

lepton = _lepton
