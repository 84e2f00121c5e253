//! Authorities and what they sign, made anew for each test.

use std::path::{Path, PathBuf};

use rcgen::{date_time_ymd, BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::server::write;
use super::Result;

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The PEM files of a certificate and its key.
#[derive(Clone)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// One that signs for itself.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(|error| told(&error))?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(|error| told(&error))
    }

    /// Its own certificate, in a PEM file.
    pub fn write(&self, file: &Path) -> Result<PathBuf> {
        write(file, &self.0.pem())?;
        Ok(file.to_owned())
    }

    /// A certificate for these names that ends with a year, and its key, in PEM files of a folder.
    pub fn sign(&self, names: &[&str], last_year: i32, folder: &Path, name: &str) -> Result<Files> {
        let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).map_err(|error| told(&error))?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().map_err(|error| told(&error))?;
        let certificate = params.signed_by(&key, &self.0).map_err(|error| told(&error))?;
        let files =
            Files { certificate: folder.join(format!("{name}.crt.pem")), key: folder.join(format!("{name}.key.pem")) };
        write(&files.certificate, &certificate.pem())?;
        write(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

fn told(error: &rcgen::Error) -> String {
    format!("no certificate can be made: {error}")
}
