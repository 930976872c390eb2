"""What the plugin torch offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "pytorch_to_onnx": {
   "config": {
    "fields": {
     "opset": {
      "default": 20,
      "doc": "Version of the ONNX operator set.",
      "maximum": 23,
      "minimum": 18,
      "optional": false,
      "type": "int"
     },
     "tolerance": {
      "default": 0.0001,
      "doc": "How far an output may be from torch\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.",
   "produces": "onnx"
  },
  "torch_export_to_onnx": {
   "config": {
    "fields": {
     "opset": {
      "default": 20,
      "doc": "Version of the ONNX operator set.",
      "maximum": 23,
      "minimum": 18,
      "optional": false,
      "type": "int"
     },
     "tolerance": {
      "default": 0.0001,
      "doc": "How far an output may be from torch\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "torch_export",
   "doc": "The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.",
   "produces": "onnx"
  }
 },
 "importers": {
  "pytorch": {
   "allows_code": true,
   "config": {
    "fields": {
     "factory": {
      "doc": "`module:attribute` in the target\u0027s sources: a subclass of torch.nn.Module, or a function that gives one.",
      "optional": false,
      "type": "string"
     },
     "inputs": {
      "doc": "The arguments of `forward` in their order, each as `name:dtype:shape`, such as `image:float32:batch,3,32,32`. A dimension is a length, or a name where it is known only at run time.",
      "optional": false,
      "type": "string_list"
     },
     "kwargs": {
      "default": "{}",
      "doc": "Keyword arguments of the factory, as JSON: `json.encode({…})`.",
      "optional": false,
      "type": "string"
     },
     "outputs": {
      "default": [
       "output"
      ],
      "doc": "Names of what `forward` gives, in order: one for a tensor, more for a tuple. A dict brings its own names.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "doc": "A PyTorch module: the target\u0027s sources, which build it, and one safetensors file, which fills it.",
   "produces": "pytorch"
  },
  "torch_export": {
   "allows_code": false,
   "config": {
    "fields": {
     "outputs": {
      "default": [],
      "doc": "Names for the outputs, in order; empty for the graph\u0027s own.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "doc": "A `.pt2` file that torch.export.save wrote: a graph of torch\u0027s own operators. Nothing in it runs.",
   "produces": "torch_export"
  }
 },
 "metrics": {},
 "name": "torch",
 "passes": {
  "distill": {
   "config": {
    "fields": {
     "angle_weight": {
      "default": 0.0,
      "doc": "Weight of the angles between three samples, of the features or else of the answers.",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "attention_weight": {
      "default": 0.0,
      "doc": "Weight of the attention maps\u0027 difference.",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "batch_size": {
      "default": 50,
      "doc": "Samples of a step.",
      "maximum": 1048576,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "distance_weight": {
      "default": 0.0,
      "doc": "Weight of the distances between samples, of the features or else of the answers.",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "epochs": {
      "default": 10,
      "doc": "Passes over the samples of the slot `train`.",
      "maximum": 10000,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "features": {
      "default": [],
      "doc": "Layers to compare: `student=teacher`, or one name where both have it, such as `blocks.3`.",
      "optional": false,
      "type": "string_list"
     },
     "focal_alpha": {
      "default": 1.0,
      "doc": "Factor of the focal loss.",
      "maximum": 1000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "focal_gamma": {
      "default": 2.0,
      "doc": "How much the focal loss leaves out what is easy.",
      "maximum": 100,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "hint_weight": {
      "default": 0.0,
      "doc": "Weight of the features\u0027 squared error (FitNets).",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "label_loss": {
      "choices": [
       "cross_entropy",
       "focal"
      ],
      "default": "cross_entropy",
      "doc": "Loss on the labels.",
      "optional": false,
      "type": "string"
     },
     "label_weight": {
      "default": 0.1,
      "doc": "Weight of the labels\u0027 term.",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "learning_rate": {
      "default": 0.02,
      "doc": "The greatest learning rate of the cycle.",
      "maximum": 100,
      "minimum": 1e-08,
      "optional": false,
      "type": "float"
     },
     "mixup": {
      "default": 0.0,
      "doc": "How much inputs are mixed in pairs: 0 not at all, 1 up to half and half.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "optimizer": {
      "choices": [
       "sgd",
       "adamw"
      ],
      "default": "sgd",
      "doc": "SGD with Nesterov\u0027s momentum of 0.9, or AdamW.",
      "optional": false,
      "type": "string"
     },
     "response": {
      "choices": [
       "kl",
       "mse"
      ],
      "default": "kl",
      "doc": "How answers are compared: softened classes, or logits.",
      "optional": false,
      "type": "string"
     },
     "response_weight": {
      "default": 0.9,
      "doc": "Weight of the answers\u0027 term.",
      "maximum": 1000000.0,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "temperature": {
      "default": 4.0,
      "doc": "What logits are divided by before `kl`.",
      "maximum": 1000,
      "minimum": 0.01,
      "optional": false,
      "type": "float"
     },
     "weight_decay": {
      "default": 0.0005,
      "doc": "Decay of matrices and kernels.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "Teaches the model to answer as the model in the slot `teacher` does.",
   "preserves_signature": true,
   "produces": "pytorch",
   "requires": [],
   "slots": {
    "teacher": {
     "doc": "The model to learn from, in format pytorch.",
     "kind": "model",
     "required": true
    },
    "train": {
     "doc": "Samples, and labels where label_weight is not 0.",
     "kind": "dataset",
     "required": true
    }
   }
  },
  "prune_channels": {
   "config": {
    "fields": {
     "batch_size": {
      "default": 50,
      "doc": "Samples of a step.",
      "maximum": 1048576,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "cost_table": {
      "default": "",
      "doc": "What layers cost on the chip, as JSON, such as from a checked-in .bzl file through the hardware\u0027s `pass_defaults`; docs/compression.md tells the form.",
      "optional": false,
      "type": "string"
     },
     "epochs": {
      "default": 0,
      "doc": "Passes over the samples of the slot `train`.",
      "maximum": 10000,
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Names of layers whose output channels all stay.",
      "optional": false,
      "type": "string_list"
     },
     "importance": {
      "choices": [
       "l1",
       "l2",
       "batch_norm_scale",
       "taylor"
      ],
      "default": "l2",
      "doc": "What a channel is kept for: the norm of its weights, the scale of its batch normalization, or what the loss on the slot `train` would change without it.",
      "optional": false,
      "type": "string"
     },
     "learning_rate": {
      "default": 0.02,
      "doc": "The greatest learning rate of the cycle.",
      "maximum": 100,
      "minimum": 1e-08,
      "optional": false,
      "type": "float"
     },
     "macs_ratio": {
      "default": null,
      "doc": "Goal: at most this share of the multiply-accumulates is left.",
      "maximum": 1,
      "minimum": 0.0001,
      "optional": true,
      "type": "float"
     },
     "max_latency_us": {
      "default": null,
      "doc": "Goal: at most so many microseconds a sample by the chip\u0027s `cost_table`.",
      "maximum": 1000000000.0,
      "minimum": 0.001,
      "optional": true,
      "type": "float"
     },
     "optimizer": {
      "choices": [
       "sgd",
       "adamw"
      ],
      "default": "sgd",
      "doc": "SGD with Nesterov\u0027s momentum of 0.9, or AdamW.",
      "optional": false,
      "type": "string"
     },
     "ratio": {
      "default": null,
      "doc": "Share of the channels to remove; 0.5 where no goal is given either.",
      "maximum": 0.98,
      "minimum": 0,
      "optional": true,
      "type": "float"
     },
     "round_to": {
      "default": 8,
      "doc": "Numbers of channels are multiples of this where they can be.",
      "maximum": 512,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "scope": {
      "choices": [
       "layer",
       "model"
      ],
      "default": "layer",
      "doc": "Whether each layer loses the same share of its channels, or the least important go anywhere.",
      "optional": false,
      "type": "string"
     },
     "weight_decay": {
      "default": 0.0005,
      "doc": "Decay of matrices and kernels.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "Removes whole channels, and all that depends on them across residual connections, until a goal is met.",
   "preserves_signature": true,
   "produces": "pytorch",
   "requires": [],
   "slots": {
    "train": {
     "doc": "Samples with labels, for fine-tuning.",
     "kind": "dataset",
     "required": false
    }
   }
  },
  "prune_magnitude": {
   "config": {
    "fields": {
     "batch_size": {
      "default": 50,
      "doc": "Samples of a step.",
      "maximum": 1048576,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "epochs": {
      "default": 0,
      "doc": "Passes over the samples of the slot `train`.",
      "maximum": 10000,
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Names of layers that stay dense.",
      "optional": false,
      "type": "string_list"
     },
     "learning_rate": {
      "default": 0.02,
      "doc": "The greatest learning rate of the cycle.",
      "maximum": 100,
      "minimum": 1e-08,
      "optional": false,
      "type": "float"
     },
     "optimizer": {
      "choices": [
       "sgd",
       "adamw"
      ],
      "default": "sgd",
      "doc": "SGD with Nesterov\u0027s momentum of 0.9, or AdamW.",
      "optional": false,
      "type": "string"
     },
     "scope": {
      "choices": [
       "layer",
       "model"
      ],
      "default": "layer",
      "doc": "Whether each layer loses that share, or the least weights of the whole model go.",
      "optional": false,
      "type": "string"
     },
     "sparsity": {
      "default": 0.5,
      "doc": "Share of the weights that become zero.",
      "maximum": 0.999,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "weight_decay": {
      "default": 0.0005,
      "doc": "Decay of matrices and kernels.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "Sets the weights of least magnitude to zero. Size only: shapes stay, and dense kernels take the same time.",
   "preserves_signature": true,
   "produces": "pytorch",
   "requires": [],
   "slots": {
    "train": {
     "doc": "Samples with labels, for fine-tuning.",
     "kind": "dataset",
     "required": false
    }
   }
  },
  "prune_n_m": {
   "config": {
    "fields": {
     "batch_size": {
      "default": 50,
      "doc": "Samples of a step.",
      "maximum": 1048576,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "epochs": {
      "default": 0,
      "doc": "Passes over the samples of the slot `train`.",
      "maximum": 10000,
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Names of layers that stay dense.",
      "optional": false,
      "type": "string_list"
     },
     "learning_rate": {
      "default": 0.02,
      "doc": "The greatest learning rate of the cycle.",
      "maximum": 100,
      "minimum": 1e-08,
      "optional": false,
      "type": "float"
     },
     "m": {
      "default": 4,
      "doc": "Weights of a group.",
      "maximum": 64,
      "minimum": 2,
      "optional": false,
      "type": "int"
     },
     "n": {
      "default": 2,
      "doc": "Non-zero weights that stay in a group.",
      "maximum": 63,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "optimizer": {
      "choices": [
       "sgd",
       "adamw"
      ],
      "default": "sgd",
      "doc": "SGD with Nesterov\u0027s momentum of 0.9, or AdamW.",
      "optional": false,
      "type": "string"
     },
     "weight_decay": {
      "default": 0.0005,
      "doc": "Decay of matrices and kernels.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "Leaves at most N non-zero weights in each M along the reduced axis. Size only, but on chips with `sparse_2_4`.",
   "preserves_signature": true,
   "produces": "pytorch",
   "requires": [],
   "slots": {
    "train": {
     "doc": "Samples with labels, for fine-tuning.",
     "kind": "dataset",
     "required": false
    }
   }
  },
  "quantize_aware_training": {
   "config": {
    "fields": {
     "activation_bits": {
      "default": 8,
      "doc": "Bits of an activation.",
      "maximum": 8,
      "minimum": 2,
      "optional": false,
      "type": "int"
     },
     "activation_symmetric": {
      "default": false,
      "doc": "Zero is the middle of an activation\u0027s range.",
      "optional": false,
      "type": "bool"
     },
     "batch_size": {
      "default": 50,
      "doc": "Samples of a step.",
      "maximum": 1048576,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "epochs": {
      "default": 5,
      "doc": "Passes over the samples of the slot `train`.",
      "maximum": 10000,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Names of layers that stay in floating point.",
      "optional": false,
      "type": "string_list"
     },
     "learning_rate": {
      "default": 0.005,
      "doc": "The greatest learning rate of the cycle.",
      "maximum": 100,
      "minimum": 1e-08,
      "optional": false,
      "type": "float"
     },
     "optimizer": {
      "choices": [
       "sgd",
       "adamw"
      ],
      "default": "sgd",
      "doc": "SGD with Nesterov\u0027s momentum of 0.9, or AdamW.",
      "optional": false,
      "type": "string"
     },
     "per_channel": {
      "default": true,
      "doc": "One weight scale for each output channel.",
      "optional": false,
      "type": "bool"
     },
     "weight_bits": {
      "default": 8,
      "doc": "Bits of a weight: 7 where the chip wants `reduce_range`.",
      "maximum": 8,
      "minimum": 2,
      "optional": false,
      "type": "int"
     },
     "weight_decay": {
      "default": 0.0005,
      "doc": "Decay of matrices and kernels.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "Fine-tunes with weights and activations rounded as int8 will round them; `onnx.quantize` then loses less.",
   "preserves_signature": true,
   "produces": "pytorch",
   "requires": [],
   "slots": {
    "train": {
     "doc": "Samples with labels.",
     "kind": "dataset",
     "required": true
    }
   }
  }
 },
 "runtimes": {},
 "targets": {}
}''')

def _distill(
        *,
        angle_weight = None,
        attention_weight = None,
        batch_size = None,
        distance_weight = None,
        epochs = None,
        features = None,
        focal_alpha = None,
        focal_gamma = None,
        hint_weight = None,
        label_loss = None,
        label_weight = None,
        learning_rate = None,
        mixup = None,
        optimizer = None,
        response = None,
        response_weight = None,
        temperature = None,
        weight_decay = None,
        **unknown):
    """Teaches the model to answer as the model in the slot `teacher` does.

    Consumes pytorch, produces pytorch.
    The artifact must bind the model slot teacher. The model to learn from, in format pytorch.
    The artifact must bind the dataset slot train. Samples, and labels where label_weight is not 0.

    Args:
      angle_weight: Weight of the angles between three samples, of the features or else of the
        answers. At least 0 and at most 1000000.0. Default 0.0.
      attention_weight: Weight of the attention maps' difference. At least 0 and at most 1000000.0.
        Default 0.0.
      batch_size: Samples of a step. At least 1 and at most 1048576. Default 50.
      distance_weight: Weight of the distances between samples, of the features or else of the
        answers. At least 0 and at most 1000000.0. Default 0.0.
      epochs: Passes over the samples of the slot `train`. At least 1 and at most 10000. Default 10.
      features: Layers to compare: `student=teacher`, or one name where both have it, such as
        `blocks.3`. Default [].
      focal_alpha: Factor of the focal loss. At least 0 and at most 1000.0. Default 1.0.
      focal_gamma: How much the focal loss leaves out what is easy. At least 0 and at most 100.
        Default 2.0.
      hint_weight: Weight of the features' squared error (FitNets). At least 0 and at most
        1000000.0. Default 0.0.
      label_loss: Loss on the labels. One of cross_entropy, focal. Default "cross_entropy".
      label_weight: Weight of the labels' term. At least 0 and at most 1000000.0. Default 0.1.
      learning_rate: The greatest learning rate of the cycle. At least 1e-08 and at most 100.
        Default 0.02.
      mixup: How much inputs are mixed in pairs: 0 not at all, 1 up to half and half. At least 0 and
        at most 1. Default 0.0.
      optimizer: SGD with Nesterov's momentum of 0.9, or AdamW. One of sgd, adamw. Default "sgd".
      response: How answers are compared: softened classes, or logits. One of kl, mse. Default "kl".
      response_weight: Weight of the answers' term. At least 0 and at most 1000000.0. Default 0.9.
      temperature: What logits are divided by before `kl`. At least 0.01 and at most 1000. Default
        4.0.
      weight_decay: Decay of matrices and kernels. At least 0 and at most 1. Default 0.0005.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/torch"),
        name = "distill",
        config = {
            "angle_weight": angle_weight,
            "attention_weight": attention_weight,
            "batch_size": batch_size,
            "distance_weight": distance_weight,
            "epochs": epochs,
            "features": features,
            "focal_alpha": focal_alpha,
            "focal_gamma": focal_gamma,
            "hint_weight": hint_weight,
            "label_loss": label_loss,
            "label_weight": label_weight,
            "learning_rate": learning_rate,
            "mixup": mixup,
            "optimizer": optimizer,
            "response": response,
            "response_weight": response_weight,
            "temperature": temperature,
            "weight_decay": weight_decay,
        },
        unknown = unknown,
    )

def _prune_channels(
        *,
        batch_size = None,
        cost_table = None,
        epochs = None,
        exclude = None,
        importance = None,
        learning_rate = None,
        macs_ratio = None,
        max_latency_us = None,
        optimizer = None,
        ratio = None,
        round_to = None,
        scope = None,
        weight_decay = None,
        **unknown):
    """Removes whole channels, and all that depends on them across residual connections, until a goal is met.

    Consumes pytorch, produces pytorch.
    The artifact may bind the dataset slot train. Samples with labels, for fine-tuning.

    Args:
      batch_size: Samples of a step. At least 1 and at most 1048576. Default 50.
      cost_table: What layers cost on the chip, as JSON, such as from a checked-in .bzl file through
        the hardware's `pass_defaults`; docs/compression.md tells the form. Default "".
      epochs: Passes over the samples of the slot `train`. At least 0 and at most 10000. Default 0.
      exclude: Names of layers whose output channels all stay. Default [].
      importance: What a channel is kept for: the norm of its weights, the scale of its batch
        normalization, or what the loss on the slot `train` would change without it. One of l1, l2,
        batch_norm_scale, taylor. Default "l2".
      learning_rate: The greatest learning rate of the cycle. At least 1e-08 and at most 100.
        Default 0.02.
      macs_ratio: Goal: at most this share of the multiply-accumulates is left. At least 0.0001 and
        at most 1.
      max_latency_us: Goal: at most so many microseconds a sample by the chip's `cost_table`. At
        least 0.001 and at most 1000000000.0.
      optimizer: SGD with Nesterov's momentum of 0.9, or AdamW. One of sgd, adamw. Default "sgd".
      ratio: Share of the channels to remove; 0.5 where no goal is given either. At least 0 and at
        most 0.98.
      round_to: Numbers of channels are multiples of this where they can be. At least 1 and at most
        512. Default 8.
      scope: Whether each layer loses the same share of its channels, or the least important go
        anywhere. One of layer, model. Default "layer".
      weight_decay: Decay of matrices and kernels. At least 0 and at most 1. Default 0.0005.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/torch"),
        name = "prune_channels",
        config = {
            "batch_size": batch_size,
            "cost_table": cost_table,
            "epochs": epochs,
            "exclude": exclude,
            "importance": importance,
            "learning_rate": learning_rate,
            "macs_ratio": macs_ratio,
            "max_latency_us": max_latency_us,
            "optimizer": optimizer,
            "ratio": ratio,
            "round_to": round_to,
            "scope": scope,
            "weight_decay": weight_decay,
        },
        unknown = unknown,
    )

def _prune_magnitude(
        *,
        batch_size = None,
        epochs = None,
        exclude = None,
        learning_rate = None,
        optimizer = None,
        scope = None,
        sparsity = None,
        weight_decay = None,
        **unknown):
    """Sets the weights of least magnitude to zero. Size only: shapes stay, and dense kernels take the same time.

    Consumes pytorch, produces pytorch.
    The artifact may bind the dataset slot train. Samples with labels, for fine-tuning.

    Args:
      batch_size: Samples of a step. At least 1 and at most 1048576. Default 50.
      epochs: Passes over the samples of the slot `train`. At least 0 and at most 10000. Default 0.
      exclude: Names of layers that stay dense. Default [].
      learning_rate: The greatest learning rate of the cycle. At least 1e-08 and at most 100.
        Default 0.02.
      optimizer: SGD with Nesterov's momentum of 0.9, or AdamW. One of sgd, adamw. Default "sgd".
      scope: Whether each layer loses that share, or the least weights of the whole model go. One of
        layer, model. Default "layer".
      sparsity: Share of the weights that become zero. At least 0 and at most 0.999. Default 0.5.
      weight_decay: Decay of matrices and kernels. At least 0 and at most 1. Default 0.0005.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/torch"),
        name = "prune_magnitude",
        config = {
            "batch_size": batch_size,
            "epochs": epochs,
            "exclude": exclude,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "scope": scope,
            "sparsity": sparsity,
            "weight_decay": weight_decay,
        },
        unknown = unknown,
    )

def _prune_n_m(
        *,
        batch_size = None,
        epochs = None,
        exclude = None,
        learning_rate = None,
        m = None,
        n = None,
        optimizer = None,
        weight_decay = None,
        **unknown):
    """Leaves at most N non-zero weights in each M along the reduced axis. Size only, but on chips with `sparse_2_4`.

    Consumes pytorch, produces pytorch.
    The artifact may bind the dataset slot train. Samples with labels, for fine-tuning.

    Args:
      batch_size: Samples of a step. At least 1 and at most 1048576. Default 50.
      epochs: Passes over the samples of the slot `train`. At least 0 and at most 10000. Default 0.
      exclude: Names of layers that stay dense. Default [].
      learning_rate: The greatest learning rate of the cycle. At least 1e-08 and at most 100.
        Default 0.02.
      m: Weights of a group. At least 2 and at most 64. Default 4.
      n: Non-zero weights that stay in a group. At least 1 and at most 63. Default 2.
      optimizer: SGD with Nesterov's momentum of 0.9, or AdamW. One of sgd, adamw. Default "sgd".
      weight_decay: Decay of matrices and kernels. At least 0 and at most 1. Default 0.0005.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/torch"),
        name = "prune_n_m",
        config = {
            "batch_size": batch_size,
            "epochs": epochs,
            "exclude": exclude,
            "learning_rate": learning_rate,
            "m": m,
            "n": n,
            "optimizer": optimizer,
            "weight_decay": weight_decay,
        },
        unknown = unknown,
    )

def _pytorch(
        *,
        factory = None,
        inputs = None,
        kwargs = None,
        outputs = None,
        **unknown):
    """A PyTorch module: the target's sources, which build it, and one safetensors file, which fills it.

    Produces pytorch.

    Args:
      factory: `module:attribute` in the target's sources: a subclass of torch.nn.Module, or a
        function that gives one. It must be given.
      inputs: The arguments of `forward` in their order, each as `name:dtype:shape`, such as
        `image:float32:batch,3,32,32`. A dimension is a length, or a name where it is known only at
        run time. It must be given.
      kwargs: Keyword arguments of the factory, as JSON: `json.encode({…})`. Default "{}".
      outputs: Names of what `forward` gives, in order: one for a tensor, more for a tuple. A dict
        brings its own names. Default ["output"].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/torch"),
        name = "pytorch",
        config = {
            "factory": factory,
            "inputs": inputs,
            "kwargs": kwargs,
            "outputs": outputs,
        },
        unknown = unknown,
    )

def _pytorch_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.

    Consumes pytorch, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 18 and at most 23. Default 20.
      tolerance: How far an output may be from torch's, relative to the greatest magnitude in it (at
        least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/torch"),
        name = "pytorch_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

def _quantize_aware_training(
        *,
        activation_bits = None,
        activation_symmetric = None,
        batch_size = None,
        epochs = None,
        exclude = None,
        learning_rate = None,
        optimizer = None,
        per_channel = None,
        weight_bits = None,
        weight_decay = None,
        **unknown):
    """Fine-tunes with weights and activations rounded as int8 will round them; `onnx.quantize` then loses less.

    Consumes pytorch, produces pytorch.
    The artifact must bind the dataset slot train. Samples with labels.

    Args:
      activation_bits: Bits of an activation. At least 2 and at most 8. Default 8.
      activation_symmetric: Zero is the middle of an activation's range. Default False.
      batch_size: Samples of a step. At least 1 and at most 1048576. Default 50.
      epochs: Passes over the samples of the slot `train`. At least 1 and at most 10000. Default 5.
      exclude: Names of layers that stay in floating point. Default [].
      learning_rate: The greatest learning rate of the cycle. At least 1e-08 and at most 100.
        Default 0.005.
      optimizer: SGD with Nesterov's momentum of 0.9, or AdamW. One of sgd, adamw. Default "sgd".
      per_channel: One weight scale for each output channel. Default True.
      weight_bits: Bits of a weight: 7 where the chip wants `reduce_range`. At least 2 and at most
        8. Default 8.
      weight_decay: Decay of matrices and kernels. At least 0 and at most 1. Default 0.0005.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/torch"),
        name = "quantize_aware_training",
        config = {
            "activation_bits": activation_bits,
            "activation_symmetric": activation_symmetric,
            "batch_size": batch_size,
            "epochs": epochs,
            "exclude": exclude,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "per_channel": per_channel,
            "weight_bits": weight_bits,
            "weight_decay": weight_decay,
        },
        unknown = unknown,
    )

def _torch_export(
        *,
        outputs = None,
        **unknown):
    """A `.pt2` file that torch.export.save wrote: a graph of torch's own operators. Nothing in it runs.

    Produces torch_export.

    Args:
      outputs: Names for the outputs, in order; empty for the graph's own. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/torch"),
        name = "torch_export",
        config = {
            "outputs": outputs,
        },
        unknown = unknown,
    )

def _torch_export_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.

    Consumes torch_export, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 18 and at most 23. Default 20.
      tolerance: How far an output may be from torch's, relative to the greatest magnitude in it (at
        least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/torch"),
        name = "torch_export_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

torch = struct(
    distill = _distill,
    prune_channels = _prune_channels,
    prune_magnitude = _prune_magnitude,
    prune_n_m = _prune_n_m,
    pytorch = _pytorch,
    pytorch_to_onnx = _pytorch_to_onnx,
    quantize_aware_training = _quantize_aware_training,
    torch_export = _torch_export,
    torch_export_to_onnx = _torch_export_to_onnx,
)
