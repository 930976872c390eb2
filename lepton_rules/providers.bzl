"""Every public provider of lepton_rules."""

load("//lepton_rules/private/providers:dataset_info.bzl", _DatasetInfo = "DatasetInfo")
load("//lepton_rules/private/providers:deployment_info.bzl", _DeploymentInfo = "DeploymentInfo")
load("//lepton_rules/private/providers:environment_info.bzl", _EnvironmentInfo = "EnvironmentInfo")
load("//lepton_rules/private/providers:hardware_info.bzl", _HardwareInfo = "HardwareInfo")
load("//lepton_rules/private/providers:image_info.bzl", _ImageIndexInfo = "ImageIndexInfo", _ImageInfo = "ImageInfo")
load("//lepton_rules/private/providers:layers_info.bzl", _LayersInfo = "LayersInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", _MetricsInfo = "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", _ModelInfo = "ModelInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", _PluginInfo = "PluginInfo")
load("//lepton_rules/private/providers:recipe_info.bzl", _RecipeInfo = "RecipeInfo")

DatasetInfo = _DatasetInfo
DeploymentInfo = _DeploymentInfo
EnvironmentInfo = _EnvironmentInfo
HardwareInfo = _HardwareInfo
ImageIndexInfo = _ImageIndexInfo
ImageInfo = _ImageInfo
LayersInfo = _LayersInfo
MetricsInfo = _MetricsInfo
ModelInfo = _ModelInfo
PluginInfo = _PluginInfo
RecipeInfo = _RecipeInfo
