//! TLS, mutual where a client authority is set; certificates are read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::settings::Settings;

/// Why TLS cannot be set up. No key is told.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file of certificates or a key cannot be read.
    #[error("cannot read `{path}`: {reason}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Key and certificate cannot be used.
    #[error("the certificate and key cannot be used")]
    Certificate(#[from] rustls::Error),
    /// The client authority cannot be used.
    #[error("the client authority cannot be used")]
    ClientAuthority(#[from] VerifierBuilderError),
}

/// What a server shows and asks of its clients.
#[derive(Debug)]
pub(super) struct Tls {
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// As `settings` say; `None` if they say nothing of TLS.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, TlsError> {
        Ok(config(settings)?.map(|config| Self { config: ArcSwap::from_pointee(config) }))
    }

    /// Reads all files again. New connections get what they hold; a failure leaves all as it was.
    pub(super) fn reload(&self, settings: &Settings) -> Result<(), TlsError> {
        if let Some(config) = config(settings)? {
            self.config.store(Arc::new(config));
        }
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn config(settings: &Settings) -> Result<Option<ServerConfig>, TlsError> {
    let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        return Ok(None);
    };
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    // gRPC is HTTP/2 and nothing else.
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Some(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| pem_error(path, &error))?;
    if certificates.is_empty() {
        return Err(pem_error(path, &pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn pem_error(path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is no such item in it".to_owned(),
        // Others quote the file.
        _ => "it is not PEM".to_owned(),
    };
    TlsError::Pem { path: path.to_owned(), reason }
}

/// Whether one of a certificate's names, its common name or a DNS name among its alternative
/// names, is on a list. If not, its names as a sentence can give them.
pub(super) fn subject_on_list(
    certificate: &CertificateDer<'_>,
    list: &[String],
) -> Result<(), String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Err("which cannot be read".to_owned());
    };
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let dns = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(|name| {
        match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        }
    });
    let names: Vec<&str> = common.chain(dns).collect();
    if names.iter().any(|name| list.iter().any(|allowed| allowed == name)) {
        return Ok(());
    }
    // A status message should not carry what a stranger wrote without a bound.
    Err(names.join(", ").chars().filter(|c| !c.is_control()).take(200).collect())
}

/// What a failed handshake means, in a word for the log.
pub(super) fn handshake_failure(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => "the client does not speak TLS".to_owned(),
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}
