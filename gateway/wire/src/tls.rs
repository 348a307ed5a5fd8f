//! TLS for both sides: certificates from PEM files, client certificates against a CA, revocation lists, and
//! fresh files taken up without a restart.
//!
//! The crypto provider (ring) is named explicitly everywhere: where two are linked, rustls' implicit default
//! panics. TLS 1.2 and 1.3.

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Whether a peer must show a certificate of [`TlsFiles::client_ca`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    #[default]
    Required,
    /// Verified where one is shown; the sender may be known by token or address instead.
    Optional,
    /// Not asked for.
    Never,
}

/// The files of a listener.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM: our certificate, then its intermediates.
    pub certificate: PathBuf,
    /// PEM: the private key (PKCS#8, SEC1 or PKCS#1).
    pub key: PathBuf,
    /// PEM: the authorities whose client certificates are accepted.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    #[serde(default)]
    pub client_certificate: ClientCertificate,
    /// PEM: revocation lists of those authorities.
    #[serde(default)]
    pub revoked: Vec<PathBuf>,
}

/// The files of a client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientFiles {
    /// PEM: the authorities that the server's certificate must come from. There is no built-in list: in a
    /// community's network every peer's authority is known by name.
    pub ca: PathBuf,
    /// PEM: our certificate and its key, where the server asks for one.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    #[serde(default)]
    pub key: Option<PathBuf>,
}

/// Why TLS could not be set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFault {
    /// The file that is at fault, where one is.
    pub path: PathBuf,
    pub zh: String,
    pub en: String,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} / {}", self.path.display(), self.zh, self.en)
    }
}

impl std::error::Error for TlsFault {}

/// A listener's TLS; [`Tls::reload`] takes up changed files for the connections that come after.
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// # Errors
    /// The file that is missing, unreadable, or does not fit the others.
    pub fn load(files: TlsFiles) -> Result<Tls, TlsFault> {
        let config = server_config(&files)?;
        Ok(Tls { files, current: RwLock::new(Arc::new(config)) })
    }

    /// Reads the files again. On an error the running configuration stays.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub fn reload(&self) -> Result<(), TlsFault> {
        let config = Arc::new(server_config(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Shakes hands within `within`.
    ///
    /// # Errors
    /// `TimedOut`, or what rustls says of the peer (no or a wrong certificate, no TLS at all).
    pub async fn accept<S>(&self, stream: S, within: Duration) -> std::io::Result<server::TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        match tokio::time::timeout(within, TlsAcceptor::from(config).accept(stream)).await {
            Ok(done) => done,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }
}

/// SHA-256 of the certificate that the peer of `stream` has shown, in hex.
pub fn peer_fingerprint<S>(stream: &server::TlsStream<S>) -> Option<String> {
    stream.get_ref().1.peer_certificates()?.first().map(|certificate| fingerprint(certificate))
}

/// SHA-256 of a certificate's DER, in lower-case hex: what `sha256sum` and `openssl x509 -outform der` give.
pub fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A client's configuration.
///
/// # Errors
/// As [`Tls::load`].
pub fn client_config(files: &ClientFiles) -> Result<Arc<ClientConfig>, TlsFault> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&files.ca, "无法启用 TLS", "TLS cannot be set up", &error))?
        .with_root_certificates(authorities(&files.ca)?);
    let config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| fault(certificate, "证书与私钥不匹配", "the certificate does not fit the key", &error))?,
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// Shakes hands as a client; `host` is the name or address that the server's certificate must show.
///
/// # Errors
/// `InvalidInput` where `host` is no name, `TimedOut`, or what rustls says of the server.
pub async fn connect<S>(config: Arc<ClientConfig>, host: &str, stream: S, within: Duration) -> std::io::Result<client::TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
    match tokio::time::timeout(within, TlsConnector::from(config).connect(name, stream)).await {
        Ok(done) => done,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn server_config(files: &TlsFiles) -> Result<ServerConfig, TlsFault> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&files.certificate, "无法启用 TLS", "TLS cannot be set up", &error))?;
    let builder = match (files.client_certificate, &files.client_ca) {
        (ClientCertificate::Never, _) => builder.with_no_client_auth(),
        (wanted, Some(ca)) => {
            let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(ca)?), provider());
            let lists = revocation_lists(&files.revoked)?;
            if !lists.is_empty() {
                verifier = verifier.with_crls(lists).only_check_end_entity_revocation();
            }
            if wanted == ClientCertificate::Optional {
                verifier = verifier.allow_unauthenticated();
            }
            let verifier = verifier.build().map_err(|error| {
                fault(ca, "客户端证书的签发机构不可用", "the authorities of client certificates cannot be used", &error)
            })?;
            builder.with_client_cert_verifier(verifier)
        }
        (_, None) => {
            return Err(TlsFault {
                path: files.certificate.clone(),
                zh: "要求客户端证书，但未指定签发机构（client_ca）；不需要客户端证书时请写 client_certificate = \"never\"".to_owned(),
                en: "client certificates are asked for, but client_ca names no authority; write client_certificate = \"never\" where none are wanted".to_owned(),
            });
        }
    };
    builder
        .with_single_cert(certificates(&files.certificate)?, private_key(&files.key)?)
        .map_err(|error| fault(&files.certificate, "证书与私钥不匹配", "the certificate does not fit the key", &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let unreadable = |error: &dyn fmt::Display| fault(path, "无法读取 PEM 证书", "no certificate can be read from this PEM file", error);
    let list: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(&error))?
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    if list.is_empty() { Err(unreadable(&"empty")) } else { Ok(list) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| fault(path, "无法读取 PEM 私钥", "no private key can be read from this PEM file", &error))
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsFault> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| fault(path, "签发机构证书无效", "the authority's certificate is not valid", &error))?;
    }
    Ok(store)
}

fn revocation_lists(paths: &[PathBuf]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsFault> {
    let mut lists = Vec::new();
    for path in paths {
        let unreadable =
            |error: &dyn fmt::Display| fault(path, "无法读取吊销列表", "no revocation list can be read from this PEM file", error);
        for list in CertificateRevocationListDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
            lists.push(list.map_err(|error| unreadable(&error))?);
        }
    }
    Ok(lists)
}

fn fault(path: &Path, zh: &str, en: &str, error: &dyn fmt::Display) -> TlsFault {
    TlsFault { path: path.to_owned(), zh: format!("{zh}（{error}）"), en: format!("{en} ({error})") }
}
