//! MLLPS: who may speak, by certificate.

use super::*;
use hutong_wire::tls::{ClientCertificate, ClientFiles, Tls, TlsFiles, client_config, connect, fingerprint};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Certificates in a directory of their own: an authority, our server, and clients of that authority.
struct Papers {
    dir: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Papers {
    fn new() -> Papers {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "community authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let papers = Papers { dir: tempfile::tempdir().unwrap(), authority };
        fs::write(papers.path("ca.pem"), papers.authority.pem()).unwrap();
        papers.issue("server");
        papers
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes `name.pem` and `name.key`; gives the fingerprint.
    fn issue(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        fingerprint(certificate.der())
    }

    fn server_files(&self, wanted: ClientCertificate) -> TlsFiles {
        TlsFiles {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: Some(self.path("ca.pem")),
            client_certificate: wanted,
            revoked: Vec::new(),
        }
    }

    fn client_files(&self, ca: &Path, name: Option<&str>) -> ClientFiles {
        ClientFiles {
            ca: ca.to_owned(),
            certificate: name.map(|name| self.path(&format!("{name}.pem"))),
            key: name.map(|name| self.path(&format!("{name}.key"))),
        }
    }
}

async fn town(papers: &Papers, sources: Vec<Source>) -> Town {
    let tls = Tls::load(papers.server_files(ClientCertificate::Required)).unwrap();
    Town::with(short(), Sources::new(sources).ok().unwrap(), 1 << 20, Some(Arc::new(tls))).await
}

/// What a client with these papers gets for one message: the answer, or nothing.
async fn ask(town: &Town, files: &ClientFiles) -> Option<String> {
    let stream = TcpStream::connect(town.address).await.unwrap();
    let stream = connect(client_config(files).unwrap(), "localhost", stream, Duration::from_secs(5)).await.ok()?;
    let mut peer = Peer { stream };
    // With TLS 1.3 a client learns only here that its certificate was refused.
    peer.try_send(&frame(&message("1"))).await.ok()?;
    peer.try_answer().await
}

#[tokio::test]
async fn a_certificate_is_the_sender() {
    let papers = Papers::new();
    let lis = papers.issue("lis");
    papers.issue("unregistered");
    let elsewhere = Papers::new();
    elsewhere.issue("lis");
    let town = town(&papers, vec![Source { id: "lis".to_owned(), certificates: vec![lis.to_uppercase()], ..Source::default() }]).await;
    let ours = papers.path("ca.pem");

    assert_eq!(ask(&town, &papers.client_files(&ours, Some("lis"))).await.as_deref(), Some("1"));
    assert_eq!(town.handler.source(0), "lis");
    assert_eq!(ask(&town, &papers.client_files(&ours, None)).await, None, "no certificate");
    assert_eq!(ask(&town, &elsewhere.client_files(&ours, Some("lis"))).await, None, "of another authority");
    assert_eq!(ask(&town, &papers.client_files(&ours, Some("unregistered"))).await, None, "of ours, but nobody's");
    assert_eq!(ask(&town, &papers.client_files(&elsewhere.path("ca.pem"), Some("lis"))).await, None, "the client does not trust us");
    assert_eq!(town.handler.accepted(), 1);
    for _ in 0..100 {
        if town.setting.counts.tls_failed.load(Ordering::SeqCst) == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(town.setting.counts.tls_failed.load(Ordering::SeqCst), 3);
    assert_eq!(town.setting.counts.unknown.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_silent_or_plain_peer_does_not_hold_the_handshake() {
    let papers = Papers::new();
    let lis = papers.issue("lis");
    let tls = Tls::load(papers.server_files(ClientCertificate::Required)).unwrap();
    let sources = Sources::new(vec![Source { id: "lis".to_owned(), certificates: vec![lis], ..Source::default() }]).ok().unwrap();
    let limits = Limits { tls_handshake_ms: 100, ..short() };
    let town = Town::with(limits, sources, 1 << 20, Some(Arc::new(tls))).await;
    let begun = Instant::now();
    let mut silent = town.peer().await;
    assert_eq!(silent.until_closed().await, b"");
    assert!(begun.elapsed().as_millis() >= 100);
    let mut plain = town.peer().await;
    plain.send(&frame(&message("1"))).await;
    plain.until_closed().await;
    assert_eq!(town.handler.accepted(), 0);
}

#[tokio::test]
async fn a_certificate_has_its_own_cap() {
    let papers = Papers::new();
    let lis = papers.issue("lis");
    let tls = Tls::load(papers.server_files(ClientCertificate::Required)).unwrap();
    let sources = Sources::new(vec![Source { id: "lis".to_owned(), certificates: vec![lis], ..Source::default() }]).ok().unwrap();
    let limits = Limits { connections_per_certificate: 1, ..short() };
    let town = Town::with(limits, sources, 1 << 20, Some(Arc::new(tls))).await;
    let files = papers.client_files(&papers.path("ca.pem"), Some("lis"));
    let stream = TcpStream::connect(town.address).await.unwrap();
    let mut first = Peer { stream: connect(client_config(&files).unwrap(), "localhost", stream, Duration::from_secs(5)).await.unwrap() };
    first.send(&frame(&message("1"))).await;
    assert_eq!(first.answer().await, "1");
    assert_eq!(ask(&town, &files).await, None);
}

#[tokio::test]
async fn fresh_certificates_are_taken_up_without_a_restart() {
    let papers = Papers::new();
    let lis = papers.issue("lis");
    let tls = Arc::new(Tls::load(papers.server_files(ClientCertificate::Required)).unwrap());
    let sources = Sources::new(vec![Source { id: "lis".to_owned(), certificates: vec![lis], ..Source::default() }]).ok().unwrap();
    let town = Town::with(short(), sources, 1 << 20, Some(tls.clone())).await;
    // The clients' authority is exchanged: who had a certificate of the old one is out, with the next connection.
    let files = papers.client_files(&papers.path("ca.pem"), Some("lis"));
    assert_eq!(ask(&town, &files).await.as_deref(), Some("1"));
    fs::copy(papers.path("ca.pem"), papers.path("old-ca.pem")).unwrap();
    fs::write(papers.path("ca.pem"), Papers::new().authority.pem()).unwrap();
    tls.reload().unwrap();
    let files = papers.client_files(&papers.path("old-ca.pem"), Some("lis"));
    assert_eq!(ask(&town, &files).await, None);
    // A file that cannot be used changes nothing.
    fs::write(papers.path("ca.pem"), "not a certificate").unwrap();
    let fault = tls.reload().unwrap_err();
    assert!(fault.path.ends_with("ca.pem") && !fault.zh.is_empty(), "{fault}");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let papers = Papers::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.serial_number = Some(rcgen::SerialNumber::from(4711u64));
    let certificate = params.signed_by(&key, &papers.authority).unwrap();
    fs::write(papers.path("lis.pem"), certificate.pem()).unwrap();
    fs::write(papers.path("lis.key"), key.serialize_pem()).unwrap();
    let his = papers.issue("his");
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2025, 1, 1),
        next_update: rcgen::date_time_ymd(2099, 1, 1),
        crl_number: rcgen::SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(4711u64),
            revocation_time: rcgen::date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    fs::write(papers.path("revoked.pem"), list.signed_by(&papers.authority).unwrap().pem().unwrap()).unwrap();
    let files = TlsFiles { revoked: vec![papers.path("revoked.pem")], ..papers.server_files(ClientCertificate::Required) };
    let all = vec![fingerprint(certificate.der()), his];
    let sources = Sources::new(vec![Source { id: "lis".to_owned(), certificates: all, ..Source::default() }]).ok().unwrap();
    let town = Town::with(short(), sources, 1 << 20, Some(Arc::new(Tls::load(files).unwrap()))).await;
    let ca = papers.path("ca.pem");
    assert_eq!(ask(&town, &papers.client_files(&ca, Some("his"))).await.as_deref(), Some("1"));
    assert_eq!(ask(&town, &papers.client_files(&ca, Some("lis"))).await, None);
}
