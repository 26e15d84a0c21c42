#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace causeway::control {

/// Who calls, as TLS vouches for it. Empty without TLS or without a client certificate.
struct Caller {
  std::string common_name;
  std::vector<std::string> subject_alternative_names;
};

/// Decides which caller may call which method: the seam for the roles and tenants that come later.
/// Asked at the start of every call, also of health, reflection and channelz. Immutable; any
/// thread.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// `method` is the path, `/causeway.v1.RelayService/CreateSession`.
  [[nodiscard]] virtual bool may_call(const Caller& caller, std::string_view method) const = 0;
};

/// Whoever reaches the port may call everything: TLS with a client authority has already chosen who
/// reaches it.
class AllowEveryone : public Authorizer {
 public:
  [[nodiscard]] bool may_call(const Caller&, std::string_view) const override { return true; }
};

}  // namespace causeway::control
