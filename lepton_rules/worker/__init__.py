"""The persistent worker: runs the actions of lepton_rules, each in a process of its own."""
