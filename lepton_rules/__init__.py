"""lepton_rules: build rules that turn a trained model into deployable artifacts."""

__version__ = "0.1.0"
