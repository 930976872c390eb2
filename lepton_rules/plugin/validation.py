"""Checks of one descriptor: types, names, formats, capabilities, configuration."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping

from lepton_rules.plugin.capabilities import CAPABILITIES
from lepton_rules.plugin.config import config_schema
from lepton_rules.plugin.descriptors import (
    API_VERSION,
    Descriptor,
    Exporter,
    Importer,
    Metric,
    Packager,
    Pass,
    Runtime,
    Slot,
    Target,
)
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import is_name, suggestion

_IMPLEMENTATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)

Problem = Callable[[str, str], LeptonError]


def check(descriptor: Descriptor, what: str) -> None:
    """Raises LeptonError, with `what` as its subject, for the first thing wrong with `descriptor`."""

    def problem(why: str, fix: str) -> LeptonError:
        return LeptonError(what, why, fix)

    if descriptor.api_version != API_VERSION:
        newer = isinstance(descriptor.api_version, int) and descriptor.api_version > API_VERSION
        raise problem(
            f"it was written for api_version {descriptor.api_version!r}, this lepton_rules has {API_VERSION}",
            "Upgrade lepton_rules, or install an older release of the plugin"
            if newer
            else "Install a newer release of the plugin",
        )
    _check_name(problem, "name", descriptor.name)
    if not isinstance(descriptor.doc, str):
        raise problem(f"doc is {descriptor.doc!r}, accepted is a string", "Write one sentence")
    if isinstance(descriptor, Target):
        _check_target(problem, descriptor)
        return
    if not isinstance(descriptor.implementation, str) or not _IMPLEMENTATION.fullmatch(descriptor.implementation):
        raise problem(
            f"implementation is {descriptor.implementation!r}, accepted is 'module:attribute'",
            "Write the dotted module, a colon, and the name of the function or class",
        )
    try:
        config_schema(descriptor.config)
    except LeptonError as error:
        raise problem(f"{error.what}: {error.why}", error.fix) from error
    if isinstance(descriptor, Importer):
        _check_name(problem, "produces", descriptor.produces)
        _check_bool(problem, "allows_code", descriptor.allows_code)
        _check_memory(problem, descriptor)
    elif isinstance(descriptor, Pass):
        _check_pass(problem, descriptor)
    elif isinstance(descriptor, Exporter):
        _check_name(problem, "consumes", descriptor.consumes)
        _check_name(problem, "produces", descriptor.produces)
        if descriptor.consumes == descriptor.produces:
            raise problem(f"it consumes and produces {descriptor.produces!r}", "Register it as a pass")
    elif isinstance(descriptor, Runtime):
        _check_names(problem, "consumes", descriptor.consumes, at_least=1)
    elif isinstance(descriptor, Metric):
        _check_bool(problem, "needs_baseline", descriptor.needs_baseline)
        _check_bool(problem, "higher_is_better", descriptor.higher_is_better)
        _check_largest(problem, descriptor.largest)
    elif isinstance(descriptor, Packager):
        if not isinstance(descriptor.layers, Mapping) or not descriptor.layers:
            raise problem(f"layers is {descriptor.layers!r}, accepted is a dict", "Write {'model': ('model',)}")
        _check_names(problem, "layers", tuple(descriptor.layers), at_least=1)
        for name, sources in descriptor.layers.items():
            _check_names(problem, f"layer {name!r}", sources)
        _check_names(problem, "consumes", descriptor.consumes)
        _check_bool(problem, "serves", descriptor.serves)


def _check_largest(problem: Problem, largest: object) -> None:
    if largest is None:
        return
    if isinstance(largest, bool) or not isinstance(largest, int | float) or not 0 < largest < math.inf:
        raise problem(f"largest is {largest!r}, accepted is a positive number", "Write the bound, or leave it out")


def _check_name(problem: Problem, field: str, name: object) -> None:
    if not is_name(name):
        raise problem(
            f"{field} is {name!r}",
            "Use at most 63 lower case ASCII letters, digits and _, a letter first, no reserved word",
        )


def _check_bool(problem: Problem, field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise problem(f"{field} is {value!r}, accepted is True or False", f"Give {field} a bool")


def _check_memory(problem: Problem, importer: Importer) -> None:
    if not isinstance(importer.saves, Mapping) or not all(
        isinstance(text, str) and pattern.fullmatch(text)
        for pair in importer.saves.items()
        for pattern, text in zip((_CLASS, _IMPLEMENTATION), pair, strict=True)
    ):
        raise problem(
            f"saves is {importer.saves!r}, accepted is a dict of a class to 'module:function'",
            "Write the class with its module, such as {'torch.nn.modules.module.Module': 'my_plugin.memory:save'}",
        )
    if not isinstance(importer.loads, str) or (importer.loads and not _IMPLEMENTATION.fullmatch(importer.loads)):
        raise problem(f"loads is {importer.loads!r}, accepted is 'module:function'", "Write it so, or leave it out")


def _check_names(problem: Problem, field: str, names: object, at_least: int = 0) -> None:
    if not isinstance(names, tuple) or len(names) < at_least:
        wanted = "a tuple of names" + (f", at least {at_least}" if at_least else "")
        raise problem(f"{field} is {names!r}, accepted is {wanted}", f"Write a tuple, such as {field}=('onnx',)")
    for name in names:
        _check_name(problem, f"an element of {field}", name)
        if names.count(name) > 1:
            raise problem(f"{field} names {name!r} twice", "Name it once")


def _check_capabilities(problem: Problem, field: str, names: tuple[str, ...]) -> None:
    _check_names(problem, field, names)
    for name in names:
        if name not in CAPABILITIES:
            raise problem(f"{field} names the unknown capability {name!r}", suggestion(name, CAPABILITIES))


def _check_pass(problem: Problem, descriptor: Pass) -> None:
    _check_name(problem, "consumes", descriptor.consumes)
    _check_name(problem, "produces", descriptor.produces)
    _check_bool(problem, "preserves_signature", descriptor.preserves_signature)
    _check_capabilities(problem, "requires", descriptor.requires)
    if not isinstance(descriptor.slots, tuple) or not all(isinstance(s, Slot) for s in descriptor.slots):
        raise problem(f"slots is {descriptor.slots!r}, accepted is a tuple of Slot", "Write slots=(Slot(name=…),)")
    names = [slot.name for slot in descriptor.slots]
    for slot in descriptor.slots:
        _check_name(problem, "a slot's name", slot.name)
        _check_bool(problem, f"required of slot {slot.name!r}", slot.required)
        if slot.kind not in ("dataset", "model"):
            raise problem(
                f"slot {slot.name!r} has kind {slot.kind!r}", suggestion(str(slot.kind), ("dataset", "model"))
            )
        if not isinstance(slot.doc, str):
            raise problem(f"doc of slot {slot.name!r} is {slot.doc!r}, accepted is a string", "Write one sentence")
        if names.count(slot.name) > 1:
            raise problem(f"slot {slot.name!r} is there twice", "Name every slot once")


def _check_target(problem: Problem, target: Target) -> None:
    _check_name(problem, "runtime", target.runtime)
    _check_names(problem, "accepts", target.accepts, at_least=1)
    _check_capabilities(problem, "capabilities", target.capabilities)
    if target.available != "":
        _check_name(problem, "available", target.available)
    options = target.options
    if not isinstance(options, Mapping) or not all(isinstance(s, str) for pair in options.items() for s in pair):
        raise problem(
            f"options is {options!r}, accepted is a dict of strings to strings", "Write the values as strings"
        )
    if not isinstance(target.pass_defaults, Mapping):
        raise problem(
            f"pass_defaults is {target.pass_defaults!r}, accepted is a dict", "Write {'plugin.pass': {'option': value}}"
        )
    for key, values in target.pass_defaults.items():
        if not isinstance(key, str) or [is_name(part) for part in key.split(".")] != [True, True]:
            raise problem(f"pass_defaults has the key {key!r}", "Write 'plugin.pass', such as 'onnx.quantize'")
        if not isinstance(values, Mapping) or not all(is_name(name) for name in values):
            raise problem(f"pass_defaults[{key!r}] is {values!r}", "Write a dict of option names to values")
        try:
            json.dumps(dict(values), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise problem(
                f"pass_defaults[{key!r}] is not JSON ({error})", "Use bools, numbers, strings, lists"
            ) from error
