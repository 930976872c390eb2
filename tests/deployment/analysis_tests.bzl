"""What lepton_deployment provides. What it refuses is in tests/failing."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:providers.bzl", "DeploymentInfo")

def _names(files):
    return [file.short_path.removeprefix("tests/deployment/") for file in files.to_list()]

def _plain_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[DeploymentInfo]
    asserts.equals(env, ("plain", "256Mi", "", "restricted"), (info.name, info.memory, info.memory_test, info.pod_security))
    asserts.equals(
        env,
        ["ServiceAccount", "NetworkPolicy", "Deployment", "Service", "PodDisruptionBudget"],
        info.documents.keys(),
    )
    asserts.equals(env, ["plain_deployment.compose.yaml", "plain_deployment.yaml"], sorted(_names(target[DefaultInfo].files)))
    asserts.equals(env, ["plain_deployment.yaml"], _names(target[OutputGroupInfo].kubernetes))
    asserts.equals(env, ["plain_deployment.compose.yaml"], _names(target[OutputGroupInfo].compose))
    asserts.true(env, "plain_deployment/pod-disruption-budget.yaml" in _names(target[OutputGroupInfo].documents))
    (action,) = [action for action in analysistest.target_actions(env) if action.mnemonic == "LeptonDeployment"]

    # Of the image its digest and configuration, and of the model its manifest: no layer, and nothing that runs.
    inputs = [file.short_path for file in action.inputs.to_list() if file.short_path.startswith("tests/deployment/")]
    names = ["image.config.json", "image.digest", "manifest.json", "plain_deployment/spec.json"]
    asserts.equals(env, ["tests/deployment/" + name for name in names], sorted(inputs))
    return analysistest.end(env)

def _full_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[DeploymentInfo]
    asserts.equals(env, ("full-model", "//tests/deployment:full_memory_test"), (info.name, info.memory_test))
    asserts.true(env, "HorizontalPodAutoscaler" in info.documents and "ServiceMonitor" in info.documents)
    return analysistest.end(env)

def _kserve_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[DeploymentInfo]
    asserts.equals(
        env,
        ["ServiceAccount", "NetworkPolicy", "ServingRuntime", "InferenceService", "PodDisruptionBudget"],
        info.documents.keys(),
    )
    return analysistest.end(env)

_plain_test = analysistest.make(_plain_impl)
_full_test = analysistest.make(_full_impl)
_kserve_test = analysistest.make(_kserve_impl)

def analysis_test_suite(name):
    """Tests of lepton_deployment.

    Args:
      name: the suite's name.
    """
    _plain_test(name = name + "_plain", target_under_test = ":plain_deployment")
    _full_test(name = name + "_full", target_under_test = ":full")
    _kserve_test(name = name + "_kserve", target_under_test = ":modelcar_deployment")
    native.test_suite(name = name, tests = [":{}_{}".format(name, kind) for kind in ["plain", "full", "kserve"]])
