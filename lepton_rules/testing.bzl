"""Rules for tests of plugins and of Python code in lepton environments."""

load("//lepton_rules/private:contract_test.bzl", _lepton_plugin_contract_test = "lepton_plugin_contract_test")
load("//lepton_rules/private:python_test.bzl", _lepton_python_test = "lepton_python_test")

lepton_plugin_contract_test = _lepton_plugin_contract_test
lepton_python_test = _lepton_python_test
