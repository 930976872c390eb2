// Sends every half, and expects it back: `halves URL`. Converts every half to float and back first.

#include "halves.h"

#include <cmath>
#include <iostream>

int main(int, char** arguments) {
  int failures = 0;
  std::vector<halves::Half> all;
  for (int bits = 0; bits < 0x10000; ++bits) {
    const halves::Half half{static_cast<std::uint16_t>(bits)};
    const float value = halves::ToFloat(half);
    all.push_back(half);
    failures += !std::isnan(value) && halves::ToHalf(value).bits != bits;
    const halves::BFloat16 brain{half.bits};
    const float other = halves::ToFloat(brain);
    failures += !std::isnan(other) && halves::ToBFloat16(other).bits != bits;
  }
  // Halfway to the next one: to the even one of the two.
  failures += halves::ToHalf(2049.0f).bits != halves::ToHalf(2048.0f).bits;
  failures += halves::ToHalf(2051.0f).bits != halves::ToHalf(2052.0f).bits;
  failures += !std::isinf(halves::ToFloat(halves::ToHalf(65520.0f)));
  failures += halves::ToFloat(halves::ToHalf(65519.0f)) != 65504.0f;
  failures += halves::ToHalf(std::ldexp(1.0f, -25)).bits != 0;
  failures += !std::isnan(halves::ToFloat(halves::ToHalf(NAN))) || !std::isnan(halves::ToFloat(halves::ToBFloat16(NAN)));
  if (failures) std::cout << failures << " conversions are wrong\n";

  halves::Client client(arguments[1]);
  const halves::Response response = client.Infer({halves::HalfTensor({0x10000}, all)});
  for (int bits = 0; bits < 0x10000; ++bits) failures += response.half_out.values()[bits].bits != bits;
  if (failures) std::cout << failures << " failures\n";
  return failures != 0;
}
