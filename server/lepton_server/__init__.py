"""lepton_server: serves one model over the Open Inference Protocol v2. See docs/serving.md."""

__version__ = "0.1.0"
