#include "control/tls.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <optional>
#include <sstream>

namespace causeway::control {

namespace {

struct OpensslDelete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, OpensslDelete>;

Error tls_error(std::string field, std::string detail) {
  return {ErrorCode::InvalidArgument, "CONFIG", std::move(field), std::move(detail)};
}

Result<std::string, Error> read_file(const std::string& field, const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    return failure(tls_error(field, path + " cannot be read"));
  }
  return text.str();
}

Owned<BIO> memory(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// A key under a passphrase is refused: a daemon has nobody to ask for it.
int no_passphrase(char*, int, int, void*) { return -1; }

/// What is wrong with the time for which a certificate is valid; nothing when it is valid now.
std::optional<std::string> wrong_time(const X509& certificate, const std::string& path) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    return "the certificate in " + path + " has expired";
  }
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    return "the certificate in " + path + " is not valid yet";
  }
  return std::nullopt;
}

struct Files {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

Result<Files, Error> read_and_check(const Config& config) {
  auto certificate_text = read_file("tls.certificate", config.tls_certificate);
  if (!certificate_text) return failure(certificate_text.error());
  auto key_text = read_file("tls.key", config.tls_key);
  if (!key_text) return failure(key_text.error());
  Files files{*certificate_text, *key_text, {}};
  const Owned<X509> certificate(
      PEM_read_bio_X509(memory(files.certificate).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    return failure(tls_error("tls.certificate", config.tls_certificate + " is no PEM certificate"));
  }
  const Owned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(memory(files.key).get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    return failure(
        tls_error("tls.key", config.tls_key + " is no PEM private key, or is under a passphrase"));
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return failure(tls_error("tls.key", "the key does not belong to the certificate"));
  }
  if (const auto wrong = wrong_time(*certificate, config.tls_certificate)) {
    return failure(tls_error("tls.certificate", *wrong));
  }
  if (!config.tls_client_ca.empty()) {
    auto authority = read_file("tls.client_ca", config.tls_client_ca);
    if (!authority) return failure(authority.error());
    const Owned<X509> first(PEM_read_bio_X509(memory(*authority).get(), nullptr, nullptr, nullptr));
    if (!first) {
      return failure(tls_error("tls.client_ca", config.tls_client_ca + " is no PEM certificate"));
    }
    if (const auto wrong = wrong_time(*first, config.tls_client_ca)) {
      return failure(tls_error("tls.client_ca", *wrong));
    }
    files.client_ca = std::move(*authority);
  }
  return files;
}

/// Asks the authorizer at the start of each call; the path is among the metadata.
class CallFilter : public grpc::AuthMetadataProcessor {
 public:
  explicit CallFilter(std::shared_ptr<const Authorizer> authorizer)
      : authorizer_(std::move(authorizer)) {}

  [[nodiscard]] bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    Caller caller;
    for (const auto& name : context->FindPropertyValues("x509_common_name")) {
      caller.common_name.assign(name.data(), name.size());
    }
    for (const auto& name : context->FindPropertyValues("x509_subject_alternative_name")) {
      caller.subject_alternative_names.emplace_back(name.data(), name.size());
    }
    const auto path = metadata.find(":path");
    const std::string_view method =
        path == metadata.end() ? std::string_view()
                               : std::string_view(path->second.data(), path->second.size());
    if (authorizer_->may_call(caller, method)) return grpc::Status::OK;
    return {grpc::StatusCode::PERMISSION_DENIED, "the caller's role does not allow this method"};
  }

 private:
  const std::shared_ptr<const Authorizer> authorizer_;
};

}  // namespace

Result<void, Error> check_certificates(const Config& config) {
  if (config.is_insecure) return {};
  const auto files = read_and_check(config);
  if (!files) return failure(files.error());
  return {};
}

Result<std::shared_ptr<grpc::ServerCredentials>, Error> make_credentials(
    const Config& config, std::shared_ptr<const Authorizer> authorizer) {
  if (config.is_insecure) return grpc::InsecureServerCredentials();
  auto files = read_and_check(config);
  if (!files) return failure(files.error());
  grpc::SslServerCredentialsOptions options(
      files->client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                               : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = files->client_ca;
  options.pem_key_cert_pairs.push_back({files->key, files->certificate});
  auto credentials = grpc::SslServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<CallFilter>(std::move(authorizer)));
  return credentials;
}

}  // namespace causeway::control
