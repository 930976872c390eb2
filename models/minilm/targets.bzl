"""What //models shows of this example."""

TARGETS = [
    "minilm",
    "minilm_fp32_cpu",
    "minilm_fp32_cpu.summary",
    "minilm_fp32_cpu_accuracy_test",
    "minilm_fp32_cpu_size_test",
    "minilm_int8_cpu",
    "minilm_int8_cpu.monitor",
    "minilm_int8_cpu.profile",
    "minilm_int8_cpu.report",
    "minilm_int8_cpu.summary",
    "minilm_int8_cpu_accuracy_test",
    "minilm_int8_cpu_batch_10_latency_test",
    "minilm_int8_cpu_image",
    "minilm_int8_cpu_image.digest",
    "minilm_int8_cpu_image.load",
    "minilm_int8_cpu_image.push",
    "minilm_int8_cpu_image.sign",
    "minilm_int8_cpu_image.verify",
    "minilm_int8_cpu_latency_test",
    "minilm_int8_cpu_size_test",
]
