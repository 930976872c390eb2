"""Reads and replaces the constants of a graph, in place where nothing else reads them: no weight is there twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.graphs import fresh_name, names_of, reads_of

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]


class Constants:
    """The initializers of a main graph by name."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._taken = names_of(graph)
        self._reads: Counter[str] = Counter()
        for node in graph.node:
            self._reads.update(node.input)
            self._reads.update(reads_of(node) - set(node.input))
        self._reads.update(value.name for value in graph.output)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def dims(self, name: str) -> list[int]:
        """The dimensions of a constant."""
        return list(self._tensors[name].dims)

    def element_type(self, name: str) -> int:
        """The TensorProto.DataType of a constant."""
        return int(self._tensors[name].data_type)

    def values(self, name: str) -> Array:
        """The values of a constant, not to be written to."""
        from onnx import numpy_helper

        values: Array = numpy_helper.to_array(self._tensors[name])
        return values

    def add(self, base: str, values: Array) -> str:
        """Makes a new constant; its name, which is `base` where that is free."""
        from onnx import numpy_helper

        name = fresh_name(base, self._taken)
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        self._tensors[name] = self._graph.initializer[-1]
        return name

    def add_tensor(self, tensor: onnx.TensorProto) -> str:
        """Makes a constant of a tensor; its name, which is the tensor's where that is free."""
        tensor.name = fresh_name(tensor.name, self._taken)
        self._graph.initializer.append(tensor)
        self._tensors[tensor.name] = self._graph.initializer[-1]
        return str(tensor.name)

    def redirect(self, node: onnx.NodeProto, place: int, name: str) -> None:
        """Makes one input of a node another value. A constant that nothing reads any more gives its memory back."""
        old = node.input[place]
        node.input[place] = name
        self._reads[name] += 1
        self._reads[old] -= 1
        if not self._reads[old] and old in self._tensors:
            self._tensors.pop(old).ClearField("raw_data")

    def replace(self, node: onnx.NodeProto, place: int, values: Array) -> None:
        """Gives one input of a node other values: in the constant itself where this is its only reader, else in a copy
        of another name."""
        from onnx import numpy_helper

        name = node.input[place]
        if self._reads[name] == 1:
            self._tensors[name].CopyFrom(numpy_helper.from_array(values, name))
            return
        self.redirect(node, place, self.add(name, values))
