//! TLS settings: which provider to use and which root certificates to trust.
//!
//! candor does not bring a TLS provider by default, because a second one in a program can make other code in it panic. This
//! module never reads a file, an environment variable or a system store. Sessions are never resumed, because a ticket would link
//! one request to the next.

use crate::error::{Error, Kind};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::CryptoProvider, pki_types::CertificateDer};
use std::sync::Arc;

/// The settings for every connection to `endpoint`. `roots` (DER) replace Mozilla's root certificates.
///
/// # Errors
/// There is no TLS provider, it lacks a protocol version, or `roots` is empty or has an unreadable certificate.
pub(super) fn settings(
    endpoint: &str,
    given: Option<Arc<CryptoProvider>>,
    roots: Option<Vec<Vec<u8>>>,
) -> Result<Arc<ClientConfig>, Error> {
    let provider = given
        .or_else(|| CryptoProvider::get_default().cloned())
        .or_else(own)
        .ok_or_else(|| Kind::NoTlsProvider { endpoint: endpoint.to_owned() })?;
    let failed = |error: rustls::Error| Kind::Tls { why: error.to_string() };
    let mut settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_root_certificates(trusted(roots)?)
        .with_no_client_auth();
    settings.resumption = Resumption::disabled();
    Ok(Arc::new(settings))
}

/// The provider of the `ring` feature.
#[cfg(feature = "ring")]
fn own() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(feature = "ring"))]
fn own() -> Option<Arc<CryptoProvider>> {
    None
}

fn trusted(roots: Option<Vec<Vec<u8>>>) -> Result<RootCertStore, Error> {
    let Some(roots) = roots else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut store = RootCertStore::empty();
    for root in roots {
        // A root that can't be read is an error and not skipped. A program that pins its root must not learn this only in use.
        store
            .add(CertificateDer::from(root))
            .map_err(|error| Kind::Tls { why: format!("a root certificate: {error}") })?;
    }
    if store.is_empty() {
        return Err(Kind::Tls { why: "the list of root certificates is empty".into() }.into());
    }
    Ok(store)
}
