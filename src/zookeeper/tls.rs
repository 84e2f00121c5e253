//! TLS: whom to trust, as whom to come, and what a failure of it means to an operator.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error as TlsError, InconsistentKeys,
    RootCertStore,
};

use super::fault::{Fault, Outcome};
use super::stream::taken;
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a file with certificates may have.
const FILE_BYTES_LIMIT: u64 = 16 << 20;
/// What makes PEM of the stores that ZooKeeper itself is set up with.
const EXPORT: &str = "give PEM; out of a Java key store it comes by `keytool -exportcert -rfc`, out of PKCS#12 by \
                      `openssl pkcs12`";

/// TLS to `ZooKeeper`: the authorities to trust, and the client certificate where there is one.
///
/// TLS 1.3 and 1.2. The files are read once. A server's certificate is always held against the authorities, the time and
/// the host; nothing turns that off, and no authority of the system is trusted.
#[derive(Clone)]
pub struct ZooKeeperTls {
    config: Arc<ClientConfig>,
    /// For messages.
    authorities_file: String,
    has_own: bool,
}

impl ZooKeeperTls {
    /// Trusts the authorities whose certificates are in a PEM file, and nobody else.
    ///
    /// # Errors
    /// `NotFound` or `Permission` where the file cannot be read, `InvalidArgument` for what is in it.
    pub fn trusting(authorities_file: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for (place, certificate) in certificates(authorities_file)?.into_iter().enumerate() {
            roots.add(certificate).map_err(|error| {
                refused(format!("its certificate number {} cannot be read: {error}", place + 1), authorities_file)
                    .advise("give the certificates of the authorities, whole")
            })?;
        }
        // The provider is handed over, not installed: the process's own default is the host's.
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Internal, format!("TLS cannot be set up: {error}")))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        // Each connection shows its certificate anew.
        config.resumption = Resumption::disabled();
        let authorities_file = authorities_file.display().to_string();
        Ok(Self { config: Arc::new(config), authorities_file, has_own: false })
    }

    /// Comes with a client certificate: a PEM file with it, and behind it those of the authorities in between; and a PEM
    /// file with its private key, without a pass phrase.
    ///
    /// # Errors
    /// `NotFound` or `Permission` where a file cannot be read, `InvalidArgument` for what is in it, and where the key is
    /// not the certificate's.
    pub fn client_certificate(mut self, certificate_file: &Path, key_file: &Path) -> Result<Self> {
        let (chain, key) = (certificates(certificate_file)?, private_key(key_file)?);
        let own = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => refused(
                format!("the key is not the one of the first certificate in {}", certificate_file.display()),
                key_file,
            )
            .advise("give a certificate and its own key; the certificate of the client comes first in its file"),
            TlsError::InvalidCertificate(error) => {
                refused(format!("its first certificate cannot be read: {error}"), certificate_file)
                    .advise("give the client certificate, whole")
            }
            // The text of other errors is about the key's bytes.
            _ => refused("TLS cannot use this key".to_owned(), key_file)
                .advise("give an RSA key of 2,048 to 8,192 bits, or one of ECDSA P-256 or P-384, or Ed25519"),
        })?;
        let config = Arc::make_mut(&mut self.config);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(own));
        self.has_own = true;
        Ok(self)
    }

    /// The fault that an error of TLS means.
    fn fault(&self, error: &TlsError, host: &str) -> Fault {
        let (why, advice) = match error {
            TlsError::InvalidCertificate(error) => self.of_certificate(error, host),
            TlsError::AlertReceived(alert) => self.of_alert(*alert),
            TlsError::InvalidMessage(_) => (
                "what the server answers is not TLS".to_owned(),
                "see that the port is the one for TLS (secureClientPort)",
            ),
            TlsError::PeerIncompatible(_) => (
                format!("the server and this library have no version or cipher of TLS in common ({error})"),
                "let the server speak TLS 1.2 or 1.3 with an ECDHE cipher",
            ),
            error => (format!("{error}"), "see the server's log"),
        };
        Fault::Tls { why, advice }
    }

    fn of_certificate(&self, error: &CertificateError, host: &str) -> (String, &'static str) {
        let clock = "renew the server's certificate, or put this machine's clock right";
        match error {
            // A bad signature is one by another key of an authority of the same name, as after a renewal.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                format!("no authority in {} stands behind the server's certificate", self.authorities_file),
                "give in tls_ca_file the authority that signed the server's certificate, and let the server send those \
                 in between",
            ),
            CertificateError::ExpiredContext { not_after, .. } => {
                (format!("a certificate of the server's ended on {}", date(*not_after)), clock)
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                (format!("a certificate of the server's begins on {}", date(*not_before)), clock)
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names = if presented.is_empty() { "no name at all".to_owned() } else { presented.join(", ") };
                (
                    format!("the server's certificate is for {names}, not for {host}"),
                    "name the server as its certificate does, or give it one with this name among its subject \
                     alternative names",
                )
            }
            error => (
                format!("the server's certificate cannot be accepted: {error}"),
                "give the server a certificate for TLS servers that an authority in tls_ca_file signed",
            ),
        }
    }

    fn of_alert(&self, alert: AlertDescription) -> (String, &'static str) {
        match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::HandshakeFailure
                if !self.has_own =>
            {
                (
                    format!("the server ends it, as one does that asks for a client certificate (alert {alert:?})"),
                    "give tls_certificate_file and tls_key_file, or see the server's log",
                )
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
                if self.has_own =>
            {
                (
                    format!("the server does not accept the client certificate (alert {alert:?})"),
                    "give one that has not ended and that an authority in the server's trust store signed",
                )
            }
            alert => (format!("the server ends it (alert {alert:?})"), "see the server's log"),
        }
    }
}

impl std::fmt::Debug for ZooKeeperTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ZooKeeperTls")
            .field("authorities_file", &self.authorities_file)
            .field("has_own", &self.has_own)
            .finish_non_exhaustive()
    }
}

/// The TLS of one connection. It has no socket of its own: whoever calls it hands in the one.
pub(super) struct Secured {
    connection: ClientConnection,
    tls: ZooKeeperTls,
    host: String,
}

impl Secured {
    pub(super) fn new(tls: &ZooKeeperTls, host: &str) -> Outcome<Self> {
        let name = server_name(host).map_err(|error| Fault::Protocol(error.message().to_owned()))?;
        let mut connection = ClientConnection::new(Arc::clone(&tls.config), name).map_err(|e| tls.fault(&e, host))?;
        // A call goes in whole; it is sent before the next one comes.
        connection.set_buffer_limit(None);
        Ok(Self { connection, tls: tls.clone(), host: host.to_owned() })
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Takes bytes that are to be sent next.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.connection.writer().write_all(bytes).map_err(|error| Fault::Lost(error.to_string()))
    }

    /// One write of what is to be sent. Says whether that was all.
    pub(super) fn send(&mut self, socket: &mut TcpStream) -> std::io::Result<bool> {
        if self.connection.wants_write() {
            self.connection.write_tls(socket)?;
        }
        Ok(!self.connection.wants_write())
    }

    /// Takes in what is there, by one read, and keeps nothing back of what it means.
    pub(super) fn receive(&mut self, socket: &mut TcpStream, into: &mut Vec<u8>) -> Outcome<()> {
        if taken(self.connection.read_tls(socket))? == 0 {
            return Ok(());
        }
        let processed = self.connection.process_new_packets();
        // What TLS itself answers, or the alert that tells the server why: with the next call, if not now.
        let _later = self.send(socket);
        let before = into.len();
        let ended = match self.connection.reader().read_to_end(into) {
            // A goodbye; what came before it is looked at first.
            Ok(_) => true,
            Err(error) => error.kind() != IoKind::WouldBlock,
        };
        match processed {
            _ if into.len() > before => Ok(()),
            Err(error) => Err(self.tls.fault(&error, &self.host)),
            Ok(_) if ended => Err(Fault::closed()),
            Ok(_) => Ok(()),
        }
    }

    /// Tells the server that nothing more comes, if that goes without waiting.
    pub(super) fn say_goodbye(&mut self, socket: &mut TcpStream) {
        self.connection.send_close_notify();
        let _unheard = self.send(socket);
    }
}

/// The name that a server's certificate must be for.
///
/// # Errors
/// `InvalidArgument` where no certificate can be for it.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|_| {
        refused("no certificate can be for a server of this name".to_owned(), Path::new(host))
            .advise("name the servers by DNS names or IP addresses")
    })
}

/// Whether a file holds certificates.
pub(crate) fn check_certificates(file: &Path) -> Result<()> {
    certificates(file).map(|_| ())
}

/// Whether a file holds a private key that needs no pass phrase.
pub(crate) fn check_private_key(file: &Path) -> Result<()> {
    private_key(file).map(|_| ())
}

/// The certificates in a PEM file: one at least.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(file)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(refused("it holds no certificate in PEM".to_owned(), file).advise(EXPORT)),
        Err(_) => Err(refused("it is not PEM, or is cut short".to_owned(), file).advise(EXPORT)),
    }
}

/// The private key in a PEM file.
fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let text = read(file)?;
    // Both kinds say so: the older one in a line of its own, below the first.
    if text.windows(b"ENCRYPTED".len()).any(|word| word == b"ENCRYPTED") {
        return Err(refused("the key is under a pass phrase, which nobody is asked for".to_owned(), file)
            .advise("give the key without its pass phrase, in a file that this user alone may read"));
    }
    // No error's own text: it could be about the key's bytes.
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| refused("it holds no private key in PEM, or is cut short".to_owned(), file).advise(EXPORT))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            IoKind::NotFound => ErrorKind::NotFound,
            IoKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::InvalidArgument,
        };
        Error::new(kind, format!("it cannot be read: {error}"))
            .at(file.display())
            .advise("give a file that this user may read")
    };
    let facts = std::fs::metadata(file).map_err(failed)?;
    // Of a pipe nobody knows when its end comes.
    if !facts.is_file() || facts.len() > FILE_BYTES_LIMIT {
        return Err(refused(format!("it is no file of at most {FILE_BYTES_LIMIT} bytes"), file));
    }
    std::fs::read(file).map_err(failed)
}

fn refused(why: String, file: &Path) -> Error {
    Error::new(ErrorKind::InvalidArgument, why).at(file.display())
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or("a day that no calendar has".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
    use rustix::event::PollFlags;

    use super::super::stream::{wait_for, Stream};
    use super::super::ZooKeeperOptions;
    use super::*;

    /// A file in a folder of the test's own.
    fn file(folder: &tempfile::TempDir, name: &str, text: impl AsRef<[u8]>) -> std::path::PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn self_signed() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_name_and_without_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = self_signed();
        let cut = |text: &str| text[..text.len() - 40].to_owned();
        let secret = key.lines().nth(1).unwrap();
        let legacy = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1);
        let (good, good_key) = (file(&folder, "good.crt", &certificate), file(&folder, "good.key", &key));
        let ca = |path: &Path| ZooKeeperTls::trusting(path).unwrap_err();
        let own = |path: &Path| ZooKeeperTls::trusting(&good).unwrap().client_certificate(&good, path).unwrap_err();
        for (told, path, word) in [
            (&ca as &dyn Fn(&Path) -> Error, folder.path().join("missing"), "cannot be read"),
            (&ca, folder.path().to_owned(), "no file"),
            (&ca, file(&folder, "empty", ""), "no certificate"),
            (&ca, file(&folder, "store.jks", [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]), "no certificate"),
            (&ca, file(&folder, "only.key", &key), "no certificate"),
            (&ca, file(&folder, "cut.crt", cut(&certificate)), "cut short"),
            (&ca, file(&folder, "odd.crt", certificate.replacen("MII", "AAA", 1)), "number 1"),
            (&own, folder.path().join("missing"), "cannot be read"),
            (&own, good.clone(), "no private key"),
            (&own, file(&folder, "cut.key", cut(&key)), "no private key"),
            (&own, file(&folder, "odd.key", key.replacen("MIG", "AAA", 1)), "cannot use this key"),
            (&own, file(&folder, "sealed.key", key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "pass phrase"),
            (&own, file(&folder, "older.key", legacy), "pass phrase"),
            (&own, file(&folder, "other.key", self_signed().1), "good.crt"),
        ] {
            let error = told(&path);
            assert!(error.message().contains(word), "{}: {error:?}", path.display());
            assert_eq!(error.path(), path.to_str().unwrap());
            assert!(!format!("{error:?}").contains(secret), "{error:?}");
        }
        assert_eq!(ca(&folder.path().join("missing")).kind(), ErrorKind::NotFound);
        let whole = ZooKeeperTls::trusting(&good).unwrap().client_certificate(&good, &good_key).unwrap();
        assert!(format!("{whole:?}").contains("good.crt") && !format!("{whole:?}").contains(secret));
    }

    #[test]
    fn one_file_may_hold_the_chain_and_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::default().signed_by(&key, &issuer).unwrap();
        let all = file(&folder, "all.pem", format!("{}{}{}", key.serialize_pem(), leaf.pem(), issuer.pem()));
        ZooKeeperTls::trusting(&all).unwrap().client_certificate(&all, &all).unwrap();
        // The authority first: the key is not its own.
        let turned = file(&folder, "turned.pem", format!("{}{}", issuer.pem(), leaf.pem()));
        let refused = ZooKeeperTls::trusting(&all).unwrap().client_certificate(&turned, &all).unwrap_err();
        assert!(refused.next_action().contains("first"), "{refused:?}");
    }

    #[test]
    fn hosts_that_no_certificate_can_be_for_are_refused_before_any_connection() {
        let folder = tempfile::tempdir().unwrap();
        let tls = ZooKeeperTls::trusting(&file(&folder, "ca", self_signed().0)).unwrap();
        let parsed = |hosts| crate::ZooKeeperOptions::parse(hosts).unwrap();
        for good in ["zk1.bank.example:2281,zk_2", "10.0.0.7", "[::1]:2281"] {
            parsed(good).tls(tls.clone()).unwrap();
        }
        for bad in ["good,no..name:1", "[fe80::1%eth0]"] {
            let error = parsed(bad).tls(tls.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad}");
        }
    }

    /// A port of this machine at which a server does this with its one connection.
    fn served(serve: impl FnOnce(TcpStream) + Send + 'static) -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (address, std::thread::spawn(move || serve(listener.accept().unwrap().0)))
    }

    /// A server's side of TLS with a certificate, and what a client trusts to take it.
    fn server(made: impl FnOnce(&mut CertificateParams)) -> (rustls::ServerConnection, ZooKeeperOptions) {
        let folder = tempfile::tempdir().unwrap();
        let issuer = CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        made(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.signed_by(&key, &issuer).unwrap().der().clone()];
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let tls = ZooKeeperTls::trusting(&file(&folder, "ca", issuer.pem())).unwrap();
        let options = ZooKeeperOptions::parse("127.0.0.1").unwrap().tls(tls).unwrap();
        (rustls::ServerConnection::new(Arc::new(config)).unwrap(), options)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn what_stands_against_a_connection_is_told_with_what_to_do() {
        type Made = fn(&mut CertificateParams);
        let cases: [(Made, &str, &str); 3] = [
            (|params| params.not_before = rcgen::date_time_ymd(2090, 1, 1), "begins on 2090-01-01", "clock"),
            (|params| params.subject_alt_names.clear(), "for no name at all, not for 127.0.0.1", "alternative"),
            (
                |params| params.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ClientAuth),
                "cannot be accepted",
                "for TLS servers",
            ),
        ];
        for (made, word, what_to_do) in cases {
            let (mut connection, options) = server(made);
            let (address, serving) = served(move |mut socket| {
                // Refused by the client, which says why.
                let error = connection.complete_io(&mut socket).unwrap_err();
                assert!(error.to_string().contains("alert"), "{error}");
            });
            match Stream::open(address, "127.0.0.1", &options, soon()).err().unwrap() {
                Fault::Tls { why, advice } => {
                    assert!(why.contains(word) && advice.contains(what_to_do), "{why}; {advice}");
                }
                fault => panic!("{fault:?}"),
            }
            serving.join().unwrap();
        }
    }

    #[test]
    fn a_server_of_another_kind_is_told() {
        let (_, options) = server(|_| ());
        let (address, serving) = served(|mut socket| {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            socket.read_to_end(&mut Vec::new()).unwrap_or_default();
        });
        let fault = Stream::open(address, "127.0.0.1", &options, soon()).err().unwrap();
        assert!(matches!(&fault, Fault::Tls { why, .. } if why.contains("not TLS")), "{fault:?}");
        serving.join().unwrap();
    }

    #[test]
    fn many_bytes_go_both_ways_and_those_before_a_goodbye_are_not_lost() {
        const BYTES: usize = 3 << 20;
        let sent: Vec<u8> = (0..BYTES).map(|place| u8::try_from(place % 251).unwrap()).collect();
        let (mut connection, options) = server(|_| ());
        let (address, serving) = served(move |mut socket| {
            let mut all = vec![0; BYTES];
            let mut secured = rustls::Stream::new(&mut connection, &mut socket);
            // Until the client has to wait with what it sends.
            secured.read_exact(&mut all[..1]).unwrap();
            std::thread::sleep(Duration::from_millis(100));
            secured.read_exact(&mut all[1..]).unwrap();
            secured.write_all(&all).unwrap();
            secured.conn.send_close_notify();
            secured.flush().unwrap();
        });
        let mut stream = Stream::open(address, "127.0.0.1", &options, soon()).unwrap();
        stream.send(&sent, soon()).unwrap();
        let mut got = Vec::new();
        let end = loop {
            assert!(wait_for(&mut [stream.poll_fd(PollFlags::IN)], soon()), "{} came", got.len());
            if let Err(fault) = stream.receive(&mut got) {
                break fault;
            }
        };
        assert_eq!(end, Fault::closed());
        assert!(got == sent, "{} came", got.len());
        serving.join().unwrap();
    }

    #[test]
    fn one_read_gives_all_that_came_so_that_a_poll_tells_the_truth() {
        let (mut connection, options) = server(|_| ());
        let (written, all_written) = std::sync::mpsc::channel();
        let (address, serving) = served(move |mut socket| {
            while connection.is_handshaking() {
                connection.complete_io(&mut socket).unwrap();
            }
            // What follows a handshake of its own accord comes first.
            connection.complete_io(&mut socket).ok();
            // Three records by one write.
            let mut records = Vec::new();
            for word in [b"one", b"two", b"six"] {
                connection.writer().write_all(word).unwrap();
                while connection.wants_write() {
                    connection.write_tls(&mut records).unwrap();
                }
            }
            socket.write_all(&records).unwrap();
            written.send(()).unwrap();
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).unwrap();
            connection.read_tls(&mut rest.as_slice()).unwrap();
            assert!(connection.process_new_packets().unwrap().peer_has_closed(), "no goodbye");
        });
        let mut stream = Stream::open(address, "127.0.0.1", &options, soon()).unwrap();
        stream.send(b"go on", soon()).unwrap();
        all_written.recv().unwrap();
        let mut got = Vec::new();
        while got.is_empty() {
            assert!(wait_for(&mut [stream.poll_fd(PollFlags::IN)], soon()));
            stream.receive(&mut got).unwrap();
        }
        assert_eq!(got, b"onetwosix");
        assert!(!wait_for(&mut [stream.poll_fd(PollFlags::IN)], Instant::now()));
        drop(stream);
        serving.join().unwrap();
    }
}
