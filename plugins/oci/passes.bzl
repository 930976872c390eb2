"""What the plugin oci offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {},
 "name": "oci",
 "packagers": {
  "modelcar": {
   "config": {
    "fields": {
     "directory": {
      "default": "/models",
      "doc": "Where the model\u0027s files are.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": [],
   "doc": "The model as an image whose one directory KServe, or a volume of kind image, mounts.",
   "layers": [
    {
     "name": "model",
     "sources": [
      "model",
      "manifest"
     ]
    }
   ],
   "serves": false
  },
  "modelpack": {
   "config": {
    "fields": {
     "architecture": {
      "default": null,
      "doc": "The model\u0027s architecture, such as cnn or transformer.",
      "optional": true,
      "type": "string"
     },
     "description": {
      "default": null,
      "doc": "A sentence about it.",
      "optional": true,
      "type": "string"
     },
     "doc_url": {
      "default": null,
      "doc": "Where its documentation is.",
      "optional": true,
      "type": "string"
     },
     "family": {
      "default": null,
      "doc": "The model\u0027s family, such as resnet.",
      "optional": true,
      "type": "string"
     },
     "license": {
      "default": null,
      "doc": "Its license, an SPDX expression.",
      "optional": true,
      "type": "string"
     },
     "source_url": {
      "default": null,
      "doc": "Where its sources are.",
      "optional": true,
      "type": "string"
     },
     "vendor": {
      "default": null,
      "doc": "Who publishes it.",
      "optional": true,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": [],
   "doc": "The model as a CNCF ModelPack artifact.",
   "layers": [
    {
     "name": "weights",
     "sources": [
      "model"
     ]
    },
    {
     "name": "manifest",
     "sources": [
      "manifest"
     ]
    }
   ],
   "serves": false
  },
  "server": {
   "config": {
    "fields": {
     "drain_s": {
      "default": null,
      "doc": "How long requests in flight may take after SIGTERM.",
      "minimum": 0,
      "optional": true,
      "type": "float"
     },
     "grpc_port": {
      "default": 0,
      "doc": "gRPC port; 0 for none.",
      "maximum": 65535,
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "max_batch": {
      "default": null,
      "doc": "Rows that are run at once; requests are joined up to it.",
      "minimum": 1,
      "optional": true,
      "type": "int"
     },
     "max_batch_delay_ms": {
      "default": null,
      "doc": "How long a batch that is not full waits.",
      "minimum": 0,
      "optional": true,
      "type": "float"
     },
     "max_body_bytes": {
      "default": null,
      "doc": "The largest request.",
      "minimum": 1,
      "optional": true,
      "type": "int"
     },
     "port": {
      "default": 8080,
      "doc": "HTTP port.",
      "maximum": 65535,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "python": {
      "default": "/usr/bin/python3.11",
      "doc": "The interpreter in the base.",
      "optional": false,
      "type": "string"
     },
     "queue": {
      "default": null,
      "doc": "Requests that may wait; more get 503.",
      "minimum": 1,
      "optional": true,
      "type": "int"
     },
     "threads": {
      "default": 0,
      "doc": "Threads of one inference; 0: the hardware\u0027s, else the cgroup\u0027s.",
      "minimum": 0,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": [],
   "doc": "An image that serves the model over the Open Inference Protocol. What is not given is the server\u0027s default.",
   "layers": [
    {
     "name": "server",
     "sources": [
      "server"
     ]
    },
    {
     "name": "model",
     "sources": [
      "model",
      "manifest"
     ]
    }
   ],
   "serves": true
  }
 },
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _modelcar(
        *,
        directory = None,
        **unknown):
    """The model as an image whose one directory KServe, or a volume of kind image, mounts.

    Packs any format, in the layers model.

    Args:
      directory: Where the model's files are. Default "/models".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a packager.
    """
    return lepton_component(
        kind = "packager",
        plugin = Label("//plugins/oci"),
        name = "modelcar",
        config = {
            "directory": directory,
        },
        unknown = unknown,
    )

def _modelpack(
        *,
        architecture = None,
        description = None,
        doc_url = None,
        family = None,
        license = None,
        source_url = None,
        vendor = None,
        **unknown):
    """The model as a CNCF ModelPack artifact.

    Packs any format, in the layers weights, manifest.

    Args:
      architecture: The model's architecture, such as cnn or transformer.
      description: A sentence about it.
      doc_url: Where its documentation is.
      family: The model's family, such as resnet.
      license: Its license, an SPDX expression.
      source_url: Where its sources are.
      vendor: Who publishes it.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a packager.
    """
    return lepton_component(
        kind = "packager",
        plugin = Label("//plugins/oci"),
        name = "modelpack",
        config = {
            "architecture": architecture,
            "description": description,
            "doc_url": doc_url,
            "family": family,
            "license": license,
            "source_url": source_url,
            "vendor": vendor,
        },
        unknown = unknown,
    )

def _server(
        *,
        drain_s = None,
        grpc_port = None,
        max_batch = None,
        max_batch_delay_ms = None,
        max_body_bytes = None,
        port = None,
        python = None,
        queue = None,
        threads = None,
        **unknown):
    """An image that serves the model over the Open Inference Protocol. What is not given is the server's default.

    Packs any format, in the layers server, model.

    Args:
      drain_s: How long requests in flight may take after SIGTERM. At least 0.
      grpc_port: gRPC port; 0 for none. At least 0 and at most 65535. Default 0.
      max_batch: Rows that are run at once; requests are joined up to it. At least 1.
      max_batch_delay_ms: How long a batch that is not full waits. At least 0.
      max_body_bytes: The largest request. At least 1.
      port: HTTP port. At least 1 and at most 65535. Default 8080.
      python: The interpreter in the base. Default "/usr/bin/python3.11".
      queue: Requests that may wait; more get 503. At least 1.
      threads: Threads of one inference; 0: the hardware's, else the cgroup's. At least 0. Default
        0.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a packager.
    """
    return lepton_component(
        kind = "packager",
        plugin = Label("//plugins/oci"),
        name = "server",
        config = {
            "drain_s": drain_s,
            "grpc_port": grpc_port,
            "max_batch": max_batch,
            "max_batch_delay_ms": max_batch_delay_ms,
            "max_body_bytes": max_body_bytes,
            "port": port,
            "python": python,
            "queue": queue,
            "threads": threads,
        },
        unknown = unknown,
    )

oci = struct(
    modelcar = _modelcar,
    modelpack = _modelpack,
    server = _server,
)
