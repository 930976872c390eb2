"""What every action that runs a plugin's component does around it: requires, call, ensures.

The shape is that of onnx/ir-py's pass infrastructure: what a component needs is checked before it runs, and what it
says of its result afterwards, so that a component that lies fails here and not in the next action.
"""

import dataclasses
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules import manifest as manifests
from lepton_rules.actions import by_hand
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import LeptonError, ModelDirectory, ModelFacts, TensorSpec, distributions, parse_config
from lepton_rules.plugin.contexts import HardwareFacts
from lepton_rules.plugin.descriptors import Component
from lepton_rules.plugin.manager import LoadedPlugin, load


@dataclass(frozen=True)
class Loaded:
    """A component, ready to be called."""

    plugin: LoadedPlugin
    descriptor: Any
    config: Any
    implementation: Any

    @property
    def name(self) -> str:
        """`<plugin>.<component>`."""
        return f"{self.plugin.name}.{self.descriptor.name}"

    @property
    def what(self) -> str:
        """The component as messages name it."""
        return f"{type(self.descriptor).__name__.lower()} {self.name} (plugin {self.plugin.name} {self.plugin.version})"


def load_component(arguments: Arguments, kind: str) -> Loaded:
    """Loads the component that the flags --plugin, --plugin_entry, --component and --config name.

    --config_version, where it is given, is the version that passes.bzl says; the plugin's code must have the same.

    Args:
        arguments: the action's flags.
        kind: the hook's table, such as `passes`.

    Raises:
        LeptonError: the plugin is broken, has no such component, or refuses the configuration.
    """
    plugin = load(arguments.one("plugin"), arguments.one("plugin_entry"))
    descriptor = plugin.find(kind, arguments.one("component"))
    assert isinstance(descriptor, Component)
    config: Any = parse_config(
        descriptor.config,
        arguments.json("config"),
        what=f"configuration of {plugin.name}.{descriptor.name}",
        version=arguments.integer("config_version") if "config_version" in arguments.keys else None,
    )
    return Loaded(plugin, descriptor, config, plugin.resolve(descriptor))


def read_model(arguments: Arguments, key: str = "model") -> ModelDirectory:
    """The model that --model and --model_manifest name."""
    return ModelDirectory(path=arguments.path(key), manifest=manifests.read(arguments.path(f"{key}_manifest")))


def read_hardware(arguments: Arguments) -> HardwareFacts | None:
    """The chip that --hardware describes, or None without the flag."""
    facts = arguments.optional_json("hardware")
    if facts is None:
        return None
    return HardwareFacts(
        target=facts["target"],
        runtime=facts["runtime"],
        capabilities=frozenset(facts["capabilities"]),
        options=facts["options"],
        threads=facts["threads"],
    )


def seed_everything(seed: int) -> None:
    """Seeds each random number generator that is loaded, for components that forget to take `context.seed`."""
    random.seed(seed)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        # `torch.manual_seed` notes for every kind of accelerator, built in or not, where it was called from: 2 ms.
        build = torch.version
        only_cpu = sys.platform == "linux" and not (build.cuda or build.hip or getattr(build, "xpu", None))
        (torch.default_generator if only_cpu else torch).manual_seed(seed)


def signature(model: Mapping[str, Any]) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs that a manifest declares."""
    return (
        tuple(TensorSpec.from_json(tensor) for tensor in model["inputs"]),
        tuple(TensorSpec.from_json(tensor) for tensor in model["outputs"]),
    )


def check_facts(component: Loaded, facts: object) -> ModelFacts:
    """What the component returned, if it is what it must return."""
    if not isinstance(facts, ModelFacts):
        raise LeptonError(
            component.what, f"it returned {type(facts).__name__}, accepted is ModelFacts", "Return ModelFacts(…)"
        )
    return facts


def with_note(facts: ModelFacts, key: str, value: object) -> ModelFacts:
    """The same facts with one note more."""
    return dataclasses.replace(facts, notes={**facts.notes, key: value})


def check_signature_kept(component: Loaded, facts: ModelFacts, before: Mapping[str, Any]) -> None:
    """Fails when the component changed inputs or outputs and never said that it would.

    A symbolic dimension may get another name; its place may not become a number, nor the reverse.
    """

    def shape_of(tensors: tuple[TensorSpec, ...]) -> list[tuple[str, str, list[int | None]]]:
        return [(t.name, t.dtype, [d if isinstance(d, int) else None for d in t.shape]) for t in tensors]

    for side, old, new in zip(("inputs", "outputs"), signature(before), (facts.inputs, facts.outputs), strict=True):
        if shape_of(old) != shape_of(new):
            raise LeptonError(
                component.what,
                f"it changed the model's {side} from {_spell(old)} to {_spell(new)}, and declares that it keeps them",
                "Keep them, or register the pass with preserves_signature=False",
            )


def spell(model: Mapping[str, Any]) -> str:
    """A manifest's signature in one line."""
    inputs, outputs = signature(model)
    return f"({_spell(inputs)}) -> ({_spell(outputs)})"


def _spell(tensors: tuple[TensorSpec, ...]) -> str:
    return ", ".join(f"{t.name} {t.dtype}{list(t.shape)}" for t in tensors)


def libraries() -> dict[str, str]:
    """Every distribution of the environment with its version: the libraries that the result depends on."""
    return dict(sorted((found.name, found.version) for found in distributions.installed()))


def finish_model(
    arguments: Arguments,
    component: Loaded,
    facts: ModelFacts,
    *,
    format: str,
    parent: Mapping[str, Any] | None,
    hardware: HardwareFacts | None,
) -> None:
    """Writes the manifest and the weights' digest of the model that now lies at --output_model.

    Raises:
        LeptonError: about the component, when what lies there is no model, or the facts hold what no manifest may.
    """
    try:
        manifest = manifests.build(
            format=format,
            facts=facts,
            directory=arguments.path("output_model"),
            step=manifests.step(
                component=component.name,
                config=component.config,
                plugin=component.plugin.name,
                version=component.plugin.version,
                libraries=libraries(),
                command=by_hand.command(arguments, component.name, component.config),
            ),
            parent=parent,
            hardware=hardware,
        )
        write_facts(arguments, manifest)
    except LeptonError as error:
        raise LeptonError(component.what, f"{error.what}: {error.why}", error.fix) from None


def write_facts(arguments: Arguments, manifest: Mapping[str, Any]) -> None:
    """Writes --output_manifest and --output_weights_digest."""
    manifests.write(manifest, arguments.path("output_manifest"))
    digest = manifest["weights_digest"].removeprefix("sha256:")
    arguments.path("output_weights_digest").write_text(digest + "\n", encoding="ascii")


def output_directory(arguments: Arguments) -> Path:
    """The directory to fill, empty."""
    path = arguments.path("output_model")
    path.mkdir(parents=True, exist_ok=True)
    return path
