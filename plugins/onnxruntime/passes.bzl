"""What the plugin onnxruntime offers. Generated from its descriptors: do not edit."""

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {},
 "name": "onnxruntime",
 "passes": {},
 "runtimes": {
  "onnxruntime": {
   "config": {
    "fields": {
     "graph_optimization": {
      "choices": [
       "disable_all",
       "basic",
       "extended",
       "all"
      ],
      "default": "all",
      "doc": "How far the session optimises the graph for the machine that it runs on.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": [
    "onnx"
   ],
   "doc": "Runs ONNX models in onnxruntime, on the provider that the hardware target names."
  }
 },
 "targets": {
  "cpu": {
   "accepts": [
    "onnx"
   ],
   "available": "",
   "capabilities": [
    "dynamic_shapes",
    "int4_weights",
    "int8",
    "int8_activations",
    "int8_asymmetric",
    "int8_dynamic",
    "int8_per_channel",
    "int8_symmetric",
    "int8_weights",
    "onnxruntime_operators",
    "uint8_activations"
   ],
   "doc": "An x86-64 or arm64 CPU of any kind.",
   "options": {
    "provider": "CPUExecutionProvider"
   },
   "pass_defaults": {
    "onnx.quantize": {
     "reduce_range": true
    },
    "onnx.quantize_by_sensitivity": {
     "reduce_range": true
    },
    "onnx.quantize_dynamic": {
     "reduce_range": true
    },
    "onnx.quantize_to_accuracy": {
     "reduce_range": true
    },
    "onnx.quantize_weights": {
     "accuracy_level": 4,
     "form": "matmul_nbits"
    },
    "torch.quantize_aware_training": {
     "weight_bits": 7
    }
   },
   "runtime": "onnxruntime"
  },
  "cpu_vnni": {
   "accepts": [
    "onnx"
   ],
   "available": "cpu_vnni",
   "capabilities": [
    "dynamic_shapes",
    "int4_weights",
    "int8",
    "int8_activations",
    "int8_asymmetric",
    "int8_dynamic",
    "int8_full_range",
    "int8_per_channel",
    "int8_symmetric",
    "int8_weights",
    "onnxruntime_operators",
    "uint8_activations",
    "vnni"
   ],
   "doc": "An x86-64 CPU with VNNI, whose 8-bit products do not saturate.",
   "options": {
    "provider": "CPUExecutionProvider"
   },
   "pass_defaults": {
    "onnx.quantize_weights": {
     "accuracy_level": 4,
     "form": "matmul_nbits"
    }
   },
   "runtime": "onnxruntime"
  },
  "cuda": {
   "accepts": [
    "onnx"
   ],
   "available": "cuda",
   "capabilities": [
    "bf16",
    "dynamic_shapes",
    "fp16",
    "int4_weights",
    "int8",
    "int8_activations",
    "int8_full_range",
    "int8_per_channel",
    "int8_symmetric",
    "int8_weights",
    "onnxruntime_operators",
    "tf32"
   ],
   "doc": "An NVIDIA GPU through CUDA and cuDNN.",
   "options": {
    "cudnn_conv_algo_search": "HEURISTIC",
    "cudnn_conv_use_max_workspace": "1",
    "do_copy_in_default_stream": "1",
    "provider": "CUDAExecutionProvider",
    "use_tf32": "0"
   },
   "pass_defaults": {
    "onnx.quantize": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "onnx.quantize_by_sensitivity": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "onnx.quantize_to_accuracy": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "onnx.quantize_weights": {
     "form": "matmul_nbits"
    },
    "torch.quantize_aware_training": {
     "activation_symmetric": true
    }
   },
   "runtime": "onnxruntime"
  },
  "tensorrt": {
   "accepts": [
    "onnx"
   ],
   "available": "tensorrt",
   "capabilities": [
    "dynamic_shapes",
    "fp16",
    "int8",
    "int8_activations",
    "int8_full_range",
    "int8_per_channel",
    "int8_symmetric",
    "int8_weights",
    "tf32"
   ],
   "doc": "An NVIDIA GPU through TensorRT, with CUDA for what TensorRT does not take.",
   "options": {
    "provider": "TensorrtExecutionProvider",
    "trt_engine_cache_enable": "0",
    "trt_fp16_enable": "1",
    "trt_int8_enable": "1",
    "trt_int8_use_native_calibration_table": "0",
    "trt_timing_cache_enable": "0"
   },
   "pass_defaults": {
    "onnx.quantize": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "onnx.quantize_by_sensitivity": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "onnx.quantize_to_accuracy": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "dedicated_qdq": true
    },
    "torch.quantize_aware_training": {
     "activation_symmetric": true
    }
   },
   "runtime": "onnxruntime"
  }
 }
}''')
