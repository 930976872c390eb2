"""What the plugin metrics offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {
  "accuracy": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of labels: for each sample the index of its class.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The share of samples whose highest score is their label\u0027s.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": false
  },
  "agreement": {
   "config": {
    "fields": {
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The share of samples on which model and baseline have their highest score at the same class.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": true
  },
  "auroc": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of labels: for each sample the index of its class.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a score, or one for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     },
     "positive": {
      "default": 1,
      "doc": "The index of the class.",
      "minimum": 0,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "doc": "The area under the receiver operating characteristic of one class.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": false
  },
  "cosine": {
   "config": {
    "fields": {
     "output": {
      "default": "",
      "doc": "The output that holds a vector for each sample; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The mean cosine between the model\u0027s output and the baseline\u0027s.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": true
  },
  "f1": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of labels: for each sample the index of its class.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     },
     "positive": {
      "default": 1,
      "doc": "The index of the class.",
      "minimum": 0,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "doc": "The harmonic mean of precision and recall of one class.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": false
  },
  "rmse": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of the true numbers, of the output\u0027s shape; a last axis of 1 may be missing.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds the predicted numbers; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The root of the mean squared difference between the output and the dataset\u0027s numbers.",
   "higher_is_better": false,
   "largest": null,
   "needs_baseline": false
  },
  "spearman": {
   "config": {
    "fields": {
     "output": {
      "default": "",
      "doc": "The output that holds a vector for each sample; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     },
     "pairs": {
      "default": "pair",
      "doc": "The dataset\u0027s array of pair numbers, each there twice: the two samples whose similarity counts.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "Spearman\u0027s rank correlation of the similarities of pairs with those that the baseline gives.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": true
  },
  "spearman_labels": {
   "config": {
    "fields": {
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of grades: for each sample that of its pair.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a vector for each sample; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     },
     "pairs": {
      "default": "pair",
      "doc": "The dataset\u0027s array of pair numbers, each there twice: the two samples whose similarity counts.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "Spearman\u0027s rank correlation of the similarities of pairs with the dataset\u0027s grades of them.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": false
  },
  "top_k": {
   "config": {
    "fields": {
     "k": {
      "default": 5,
      "doc": "How many of the highest scores count.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "labels": {
      "default": "labels",
      "doc": "The dataset\u0027s array of labels: for each sample the index of its class.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "The output that holds a score for each class on its last axis; empty for a model\u0027s only output.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "The share of samples whose label is among their highest scores.",
   "higher_is_better": true,
   "largest": 1,
   "needs_baseline": false
  }
 },
 "name": "metrics",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _accuracy(
        *,
        labels = None,
        output = None,
        **unknown):
    """The share of samples whose highest score is their label's.

    Args:
      labels: The dataset's array of labels: for each sample the index of its class. Default
        "labels".
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "accuracy",
        config = {
            "labels": labels,
            "output": output,
        },
        unknown = unknown,
    )

def _agreement(
        *,
        output = None,
        **unknown):
    """The share of samples on which model and baseline have their highest score at the same class.

    Args:
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "agreement",
        config = {
            "output": output,
        },
        unknown = unknown,
    )

def _auroc(
        *,
        labels = None,
        output = None,
        positive = None,
        **unknown):
    """The area under the receiver operating characteristic of one class.

    Args:
      labels: The dataset's array of labels: for each sample the index of its class. Default
        "labels".
      output: The output that holds a score, or one for each class on its last axis; empty for a
        model's only output. Default "".
      positive: The index of the class. At least 0. Default 1.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "auroc",
        config = {
            "labels": labels,
            "output": output,
            "positive": positive,
        },
        unknown = unknown,
    )

def _cosine(
        *,
        output = None,
        **unknown):
    """The mean cosine between the model's output and the baseline's.

    Args:
      output: The output that holds a vector for each sample; empty for a model's only output.
        Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "cosine",
        config = {
            "output": output,
        },
        unknown = unknown,
    )

def _f1(
        *,
        labels = None,
        output = None,
        positive = None,
        **unknown):
    """The harmonic mean of precision and recall of one class.

    Args:
      labels: The dataset's array of labels: for each sample the index of its class. Default
        "labels".
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      positive: The index of the class. At least 0. Default 1.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "f1",
        config = {
            "labels": labels,
            "output": output,
            "positive": positive,
        },
        unknown = unknown,
    )

def _rmse(
        *,
        labels = None,
        output = None,
        **unknown):
    """The root of the mean squared difference between the output and the dataset's numbers.

    Args:
      labels: The dataset's array of the true numbers, of the output's shape; a last axis of 1 may
        be missing. Default "labels".
      output: The output that holds the predicted numbers; empty for a model's only output. Default
        "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "rmse",
        config = {
            "labels": labels,
            "output": output,
        },
        unknown = unknown,
    )

def _spearman(
        *,
        output = None,
        pairs = None,
        **unknown):
    """Spearman's rank correlation of the similarities of pairs with those that the baseline gives.

    Args:
      output: The output that holds a vector for each sample; empty for a model's only output.
        Default "".
      pairs: The dataset's array of pair numbers, each there twice: the two samples whose similarity
        counts. Default "pair".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "spearman",
        config = {
            "output": output,
            "pairs": pairs,
        },
        unknown = unknown,
    )

def _spearman_labels(
        *,
        labels = None,
        output = None,
        pairs = None,
        **unknown):
    """Spearman's rank correlation of the similarities of pairs with the dataset's grades of them.

    Args:
      labels: The dataset's array of grades: for each sample that of its pair. Default "labels".
      output: The output that holds a vector for each sample; empty for a model's only output.
        Default "".
      pairs: The dataset's array of pair numbers, each there twice: the two samples whose similarity
        counts. Default "pair".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "spearman_labels",
        config = {
            "labels": labels,
            "output": output,
            "pairs": pairs,
        },
        unknown = unknown,
    )

def _top_k(
        *,
        k = None,
        labels = None,
        output = None,
        **unknown):
    """The share of samples whose label is among their highest scores.

    Args:
      k: How many of the highest scores count. At least 1. Default 5.
      labels: The dataset's array of labels: for each sample the index of its class. Default
        "labels".
      output: The output that holds a score for each class on its last axis; empty for a model's
        only output. Default "".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//plugins/metrics"),
        name = "top_k",
        config = {
            "k": k,
            "labels": labels,
            "output": output,
        },
        unknown = unknown,
    )

metrics = struct(
    accuracy = _accuracy,
    agreement = _agreement,
    auroc = _auroc,
    cosine = _cosine,
    f1 = _f1,
    rmse = _rmse,
    spearman = _spearman,
    spearman_labels = _spearman_labels,
    top_k = _top_k,
)
