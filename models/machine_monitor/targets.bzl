"""What //models shows of this example."""

TARGETS = [
    "machine_monitor",
    "machine_monitor_fp32_cpu",
    "machine_monitor_fp32_cpu.summary",
    "machine_monitor_fp32_cpu_accuracy_test",
    "machine_monitor_fp32_cpu_latency_test",
    "machine_monitor_int8_cpu",
    "machine_monitor_int8_cpu.summary",
    "machine_monitor_int8_cpu_accuracy_test",
    "machine_monitor_int8_cpu_latency_test",
    "machine_monitor_int8_cpu_size_test",
]
