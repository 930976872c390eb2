"""What //models shows of this example."""

TARGETS = [
    "resnet",
    "resnet_fp32_cpu",
    "resnet_fp32_cpu.summary",
    "resnet_fp32_cpu_accuracy_test",
    "resnet_fp32_cpu_size_test",
    "resnet_fp32_gpu",
    "resnet_int8_cpu",
    "resnet_int8_cpu.summary",
    "resnet_int8_cpu_accuracy_test",
    "resnet_int8_cpu_latency_test",
    "resnet_int8_cpu_size_test",
    "resnet_int8_gpu",
    "resnet_int8_gpu.summary",
    "resnet_int8_gpu_accuracy_test",
    "resnet_int8_gpu_latency_test",
    "resnet_int8_gpu_size_test",
]
