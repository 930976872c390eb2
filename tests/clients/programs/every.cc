// Sends the ends of every type's range, and expects them back: `every URL ENCODING`.

#include "every.h"

#include <iostream>
#include <limits>

namespace {

template <typename T>
std::vector<T> Ends() {
  return {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()};
}

int failures = 0;

template <typename T>
void Same(const char* name, const std::vector<T>& sent, const std::vector<T>& came) {
  if (sent == came) return;
  ++failures;
  std::cout << name << " is not what was sent\n";
}

}  // namespace

int main(int, char** arguments) {
  every::Options options;
  options.encoding = std::string(arguments[2]) == "json" ? every::Encoding::kJson : every::Encoding::kBinary;
  every::Client client(arguments[1], options);
  client.Verify();

  every::Request request;
  request.class_ = every::Class({2}, {1.5f, -0.0f, 3e38f, 1e-45f});
  request.input_1 = every::Input1({2, 1}, Ends<std::int64_t>());
  request.input_1_2 = every::Input12({2}, {0, 1});
  request.words_0 = every::Words0({2}, {"\xc3\xa9 \"\\\n", ""});
  request.bytes = every::Bytes({2}, {0, 1, 127, 128, 200, 254, 255, 3});
  request.signed_ = every::Signed({}, Ends<std::int8_t>());
  request.short_ = every::Short({}, Ends<std::int16_t>());
  request.int_ = every::Int({}, Ends<std::int32_t>());
  request.ushort = every::Ushort({}, Ends<std::uint16_t>());
  request.uint = every::Uint({}, Ends<std::uint32_t>());
  request.huge = every::Huge({}, {std::numeric_limits<std::uint64_t>::max()});
  request.sum = every::Sum({2, 2}, {1e300, -1e-300, 0.1, 3});
  const every::Response response = client.Infer(request);
  Same("class", request.class_.values(), response.class_.values());
  Same("input.1", request.input_1.values(), response.output_1.values());
  Same("input_1", request.input_1_2.values(), response.output_1_2.values());
  Same("words:0", request.words_0.values(), response.a_quoted_name.values());
  Same("bytes", request.bytes.values(), response.bytes.values());
  Same("signed", request.signed_.values(), response.tuple.values());
  Same("short", request.short_.values(), response.tensor_2_nd.values());
  Same("int", request.int_.values(), response.tensor_.values());
  Same("ushort", request.ushort.values(), response.u.values());
  Same("uint", request.uint.values(), response.u_2.values());
  Same("huge", request.huge.values(), response.self.values());
  Same("sum", request.sum.values(), response.request.values());

  // Two tensors that name one dimension agree on it.
  request.bytes = every::Bytes(3);
  try {
    client.Infer(request);
    std::cout << "another batch was sent\n";
    ++failures;
  } catch (const every::InvalidTensor& error) {
    std::cout << error.what() << "\n";
  }
  return failures;
}
