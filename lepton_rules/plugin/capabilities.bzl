"""What a chip can do, in words that hardware targets list and that passes and their options require.

One literal, read by Starlark (`load`) and by Python (`lepton_rules.plugin.capabilities`). A target lists everything that its
runtime runs natively on the chip, and a pass is refused at analysis when it, or an option that it was given, requires a
capability that the target does not list. A capability is never a preference: what a chip prefers stands in its `pass_defaults`.
"""

CAPABILITIES = {
    "bf16": "Computes in bfloat16 (8 exponent bits, 7 fraction bits) with float32 accumulation.",
    "dynamic_shapes": "Runs a graph whose input dimensions, the batch among them, are known only at run time.",
    "fp16": "Computes in IEEE 754 binary16; weights and activations are stored in 2 bytes.",
    "fp4": "Computes on 4-bit floating point (E2M1) operands with block scales.",
    "fp8": "Computes on 8-bit floating point operands (E4M3 or E5M2, OCP 8-bit floating point specification 1.0).",
    "int16_activations": "Takes 16-bit integer activations with 8-bit weights.",
    "int4_weights": "Takes 4-bit integer weights, packed two in a byte, with activations in a wider type.",
    "int8": "Multiplies 8-bit integer operands into 32-bit accumulators: convolution and matrix product.",
    "int8_activations": "Takes signed 8-bit activations (int8).",
    "int8_asymmetric": "Takes activations whose zero point is not 0; without it activation_symmetric is a must.",
    "int8_dynamic": "Computes the activations' scale and zero point at run time, so that no calibration is needed.",
    "int8_full_range": "Sums 8-bit products without 16-bit saturation, so that weights use all 8 bits (no reduce_range).",
    "int8_per_channel": "Takes one weight scale for each output channel.",
    "int8_symmetric": "Takes activations and weights whose zero point is 0.",
    "int8_weights": "Takes 8-bit integer weights with activations in a wider type.",
    "onnxruntime_operators": "Runs onnxruntime's own operators (domain com.microsoft), such as fused attention.",
    "sparse_2_4": "Skips zeros of weights that have at most 2 non-zeros in each group of 4 along the reduced axis.",
    "tf32": "Computes float32 products with 10 fraction bits.",
    "uint8_activations": "Takes unsigned 8-bit activations (uint8).",
    "vnni": "Has x86 VNNI dot products (AVX-512 VNNI or AVX-VNNI): uint8 by int8, four products a step, into int32.",
}
