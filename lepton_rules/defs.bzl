"""Every public rule of lepton_rules."""

load("//lepton_rules/private:accuracy_test.bzl", _lepton_accuracy_test = "lepton_accuracy_test")
load("//lepton_rules/private:artifact.bzl", _lepton_artifact = "lepton_artifact")
load("//lepton_rules/private:budgets.bzl", _lepton_budgets = "lepton_budgets")
load("//lepton_rules/private:checkpoint.bzl", _lepton_checkpoint = "lepton_checkpoint")
load("//lepton_rules/private:client.bzl", _lepton_client = "lepton_client")
load("//lepton_rules/private:command.bzl", _lepton_command = "lepton_command")
load("//lepton_rules/private:compatibility_test.bzl", _lepton_compatibility_test = "lepton_compatibility_test")
load("//lepton_rules/private:dataset.bzl", _lepton_dataset = "lepton_dataset")
load("//lepton_rules/private:deployment.bzl", _lepton_deployment = "lepton_deployment")
load("//lepton_rules/private:deployment_test.bzl", _lepton_deployment_test = "lepton_deployment_test")
load("//lepton_rules/private:hardware.bzl", _lepton_hardware = "lepton_hardware")
load("//lepton_rules/private:latency_test.bzl", _lepton_latency_test = "lepton_latency_test")
load("//lepton_rules/private:model.bzl", _lepton_model = "lepton_model")
load("//lepton_rules/private:parity_test.bzl", _lepton_parity_test = "lepton_parity_test")
load("//lepton_rules/private:plugin.bzl", _lepton_plugin = "lepton_plugin")
load("//lepton_rules/private:recipe.bzl", _lepton_recipe = "lepton_recipe")
load("//lepton_rules/private:size_test.bzl", _lepton_size_test = "lepton_size_test")

lepton_accuracy_test = _lepton_accuracy_test
lepton_artifact = _lepton_artifact
lepton_budgets = _lepton_budgets
lepton_checkpoint = _lepton_checkpoint
lepton_client = _lepton_client
lepton_command = _lepton_command
lepton_compatibility_test = _lepton_compatibility_test
lepton_dataset = _lepton_dataset
lepton_deployment = _lepton_deployment
lepton_deployment_test = _lepton_deployment_test
lepton_hardware = _lepton_hardware
lepton_latency_test = _lepton_latency_test
lepton_model = _lepton_model
lepton_parity_test = _lepton_parity_test
lepton_plugin = _lepton_plugin
lepton_recipe = _lepton_recipe
lepton_size_test = _lepton_size_test
