//! Where S3 is, who asks, and how long.
//!
//! One TLS stack: rustls with ring, as everywhere.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, ProvideCredentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use super::bucket::Bucket;
use crate::StoreError;

/// How often one call is made, the first time included.
const ATTEMPTS: u32 = 4;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// To the first byte of an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// One attempt, which sends 64 MiB at most.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(120);
/// All attempts of one call.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(300);
/// Names where clients reach the server, if they reach it elsewhere than this process does.
const PUBLIC_URL: &str = "LECTERN_S3_PUBLIC_URL";
/// Where servers that know no regions are.
const NO_REGION: &str = "us-east-1";

/// A bucket, found by what AWS' own programs go by: environment, profile files, roles of the machine or container.
pub(super) async fn bucket(name: &str) -> Result<Bucket, StoreError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(ANSWER_WITHIN)
        .operation_attempt_timeout(ATTEMPT_WITHIN)
        .operation_timeout(CALL_WITHIN)
        .build();
    let found = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .load()
        .await;
    let provider = found.credentials_provider();
    let known = match &provider {
        Some(provider) => provider.provide_credentials().await.is_ok(),
        None => false,
    };
    if !known {
        return Err(StoreError::NoCredentials { bucket: name.to_owned() });
    }
    let endpoint = endpoint().or_else(|| found.endpoint_url().map(str::to_owned));
    let mut config = plain(Builder::from(&found));
    if let Some(endpoint) = &endpoint {
        config = config.endpoint_url(endpoint).force_path_style(true);
    }
    if found.region().is_none() {
        if endpoint.is_none() {
            return Err(StoreError::UnsupportedLocation {
                location: format!("s3://{name}"),
                reason: "no region is known, set AWS_REGION",
            });
        }
        config = config.region(Region::from_static(NO_REGION));
    }
    let bucket = Bucket::new(config.clone(), name, endpoint.is_none());
    Ok(match named(PUBLIC_URL) {
        Some(public) => bucket.signing_by(config.endpoint_url(public)),
        None => bucket,
    })
}

/// Checksums are ours: what the SDK adds by itself comes behind the body, which many servers do not take.
pub(super) fn plain(config: Builder) -> Builder {
    config
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

fn endpoint() -> Option<String> {
    named("AWS_ENDPOINT_URL_S3").or_else(|| named("AWS_ENDPOINT_URL"))
}

fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|url| !url.is_empty())
}

/// Trusts the machine's certificate authorities, or those of `SSL_CERT_FILE`.
pub(super) fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
