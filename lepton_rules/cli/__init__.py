"""The command `lepton`: recipes and passes from a shell."""
