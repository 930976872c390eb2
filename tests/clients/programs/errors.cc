// Asks servers that misbehave: `errors URL… verify:URL…`. Prints, for each, what is thrown.

#include "echo.h"

#include <iostream>

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    echo::Options options;
    options.encoding = echo::Encoding::kBinary;
    options.timeout = std::chrono::milliseconds(700);
    const std::string url = arguments[i];
    const bool verify = url.rfind("verify:", 0) == 0;
    echo::Client client(verify ? url.substr(7) : url, options);
    try {
      if (verify) {
        client.Verify();
      } else {
        client.Infer({echo::X(2)});
      }
      std::cout << "nothing\n";
    } catch (const echo::ModelMismatch& error) {
      std::cout << "ModelMismatch " << error.what() << "\n";
    } catch (const echo::Overloaded& error) {
      std::cout << "Overloaded " << error.status() << " " << error.retry_after().count() << " " << error.message() << "\n";
    } catch (const echo::Rejected& error) {
      std::cout << "Rejected " << error.status() << " " << error.message() << "\n";
    } catch (const echo::ServerFault& error) {
      std::cout << "ServerFault " << error.status() << " " << error.message() << "\n";
    } catch (const echo::ServerError& error) {
      std::cout << "ServerError " << error.status() << " " << error.message() << "\n";
    } catch (const echo::Unreachable&) {
      std::cout << "Unreachable\n";
    } catch (const echo::TimedOut&) {
      std::cout << "TimedOut\n";
    } catch (const echo::UnexpectedAnswer& error) {
      std::cout << "UnexpectedAnswer " << error.what() << "\n";
    }
  }
}
