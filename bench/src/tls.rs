//! TLS for the AWS endpoints: an authority of our own, and the bundle in which a function finds
//! it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Where systems keep the authorities that they trust. A function reads such a bundle at its
/// first call, so it must be of natural size here too.
const SYSTEM_BUNDLES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A server's side of TLS as `localhost`, and the bundle that makes a client trust it.
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerConfig>,
    bundle: Vec<u8>,
}

impl Tls {
    /// Makes an authority and a certificate; both end with this process.
    pub(crate) fn new() -> Result<Self> {
        let mut authority = CertificateParams::new([])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(["localhost".to_owned()])?;
        let certificate = params.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        let mut bundle = system_bundle()?;
        bundle.extend_from_slice(authority.pem().as_bytes());
        Ok(Self { server: Arc::new(server), bundle })
    }

    /// Writes the bundle, for `SSL_CERT_FILE`.
    pub(crate) fn write_bundle(&self, path: &Path) -> io::Result<()> {
        fs::File::create(path)?.write_all(&self.bundle)
    }
}

fn system_bundle() -> Result<Vec<u8>> {
    let found = SYSTEM_BUNDLES.iter().find(|path| Path::new(path).exists());
    let path = found.context("this system has no bundle of authorities to add ours to")?;
    let bundle = fs::read(path).with_context(|| format!("cannot read {path}"))?;
    ensure!(!bundle.is_empty(), "{path} is empty");
    Ok(bundle)
}
