// Asks a server for the logits of digits: `digits URL IN OUT BATCH ENCODING`. Prints what each error of the server is.

#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <thread>

#include "tests/clients/digits_cpp.h"

namespace digits = tests::digits;

namespace {

constexpr std::size_t kPixels = 16 * 16;

// A tensor of another rank, type or length does not compile.
static_assert(std::is_same_v<digits::Image, digits::Tensor<float, digits::kAny, 1, 16, 16>>);
static_assert(std::is_same_v<decltype(digits::Response::logits), digits::Tensor<float, digits::kAny, 10>>);
static_assert(!std::is_assignable_v<digits::Image&, digits::Tensor<float, digits::kAny, 1, 16, 17>>);
static_assert(!std::is_assignable_v<digits::Image&, digits::Tensor<double, digits::kAny, 1, 16, 16>>);
static_assert(!std::is_assignable_v<digits::Image&, digits::Logits>);

std::vector<float> Read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

template <typename Error>
void Expect(const char* what, const std::function<void()>& ask) {
  try {
    ask();
  } catch (const Error& error) {
    std::cout << what << ": " << error.what() << "\n";
    return;
  }
  std::cout << what << ": nothing was thrown\n";
}

}  // namespace

int main(int, char** arguments) {
  const std::string url = arguments[1];
  const std::vector<float> pixels = Read(arguments[2]);
  const std::size_t batch = std::stoul(arguments[4]);
  digits::Options options;
  options.encoding = std::string(arguments[5]) == "json" ? digits::Encoding::kJson : digits::Encoding::kAuto;
  digits::Client client(url, options);
  std::cout << "live " << client.Live() << ", ready " << client.Ready() << "\n";
  client.Verify();

  std::ofstream out(arguments[3], std::ios::binary);
  for (std::size_t start = 0; start < pixels.size(); start += batch * kPixels) {
    const std::size_t end = std::min(pixels.size(), start + batch * kPixels);
    digits::Request request;
    request.image = digits::Image({static_cast<std::int64_t>((end - start) / kPixels)},
                                  {pixels.begin() + start, pixels.begin() + end});
    const digits::Response response = client.Infer(request, "digits");
    out.write(reinterpret_cast<const char*>(response.logits.values().data()),
              response.logits.values().size() * sizeof(float));
  }

  // One client, two threads.
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&client] {
      for (int j = 0; j < 5; ++j) client.Infer({digits::Image(1)});
    });
  }
  for (std::thread& thread : threads) thread.join();

  Expect<digits::InvalidTensor>("InvalidTensor", [&client] {
    digits::Request request{digits::Image(1)};
    request.image.values().pop_back();
    client.Infer(request);
  });
  Expect<digits::Rejected>("Rejected", [&url] {
    digits::Options other;
    other.model_name = "nobody";
    digits::Client(url, other).Verify();
  });
  Expect<digits::Unreachable>("Unreachable", [] { digits::Client("http://127.0.0.1:1").Infer({digits::Image(1)}); });
  return 0;
}
