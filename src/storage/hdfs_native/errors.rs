//! What a failure of the client means: by the class of the remote exception, not by its words.

use std::io;

use hdfs_native::HdfsError;

use super::super::hdfs::answers::Failure;
use super::super::hdfs::exceptions::{self, of_exception, short, without_stack_trace, Cause};
use crate::error::ErrorKind;

/// What Kerberos says where no key distribution centre of the realm answers (`KRB5_KDC_UNREACH`, as it comes: unsigned).
const KDC_UNREACHABLE: u32 = 0x96C7_3A9C;

/// What is said where the end of a connection is all that came of a call.
pub(super) const BROKE: &str = "the connection to the NameNode broke before its answer came";

/// What an operator looks at who gets no ticket, or whose ticket is not taken.
const TICKET: &str = "see that there is a ticket that has not ended (klist), or that kerberos_keytab holds a key of \
                      kerberos_principal (klist -kt), and which krb5.conf this process reads; then run again";

impl Failure for HdfsError {
    fn cause(&self) -> Cause {
        use HdfsError as H;
        match self {
            H::RPCError(class, message) => of_exception(class, message),
            H::AlreadyExists(_) => Cause::Said(ErrorKind::AlreadyExists),
            H::FileNotFound(_) => Cause::Said(ErrorKind::NotFound),
            H::InvalidPath(_) | H::InvalidArgument(_) | H::UrlParseError(_) => Cause::Said(ErrorKind::InvalidArgument),
            H::UnsupportedFeature(_) | H::UnsupportedErasureCodingPolicy(_) => Cause::Said(ErrorKind::Unsupported),
            // These come up while a connection is made, before any request goes out on it: what breaks an open one is
            // reported as an aborted connection.
            H::GSSAPIError(_, KDC_UNREACHABLE, _) => Cause::NotNow,
            H::SASLError(_) | H::GSSAPIError(..) | H::NoSASLMechanism => Cause::Said(ErrorKind::Permission),
            H::FatalRPCError(class, message) => of_refused_connection(class, message),
            H::OperationFailed(_) if lacks_gssapi(self) => Cause::Said(ErrorKind::Unsupported),
            H::IOError(error) => of_io(error),
            // A reply that cannot be read: the request itself may have gone through.
            H::InvalidRPCResponse(_) => Cause::Lost,
            _ => Cause::Said(ErrorKind::Storage),
        }
    }

    fn words(&self) -> String {
        match self {
            HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message) => {
                let text = without_stack_trace(message);
                format!("{}: {text}", short(class))
            }
            HdfsError::AlreadyExists(message) => without_stack_trace(message).to_owned(),
            HdfsError::IOError(error) if error.kind() == io::ErrorKind::ConnectionAborted => BROKE.to_owned(),
            HdfsError::IOError(error) => error.to_string(),
            // Kerberos's own words, without the client's numbers.
            HdfsError::GSSAPIError(_, _, text) => format!("Kerberos: {text}"),
            error if lacks_gssapi(error) => {
                "the system's library for Kerberos, libgssapi_krb5.so.2, cannot be loaded".to_owned()
            }
            error => error.to_string(),
        }
    }

    fn advice(&self, kind: ErrorKind) -> Option<&'static str> {
        match kind {
            _ if lacks_gssapi(self) => Some("install libgssapi-krb5-2 (Debian) or krb5-libs (Red Hat)"),
            ErrorKind::RetryLater if is_of_kerberos(self) => {
                Some("see that the key distribution centre of the realm answers, then run again")
            }
            ErrorKind::Permission if is_of_kerberos(self) => Some(TICKET),
            _ => None,
        }
    }

    fn parent_is_a_file(&self) -> bool {
        matches!(self, Self::RPCError(class, message) if exceptions::parent_is_a_file(class, message))
    }
}

/// Once a request is sent the client reports every failure as an aborted connection, so what only a connect can
/// answer proves that nothing was sent.
fn of_io(error: &io::Error) -> Cause {
    use io::ErrorKind as K;
    match error.kind() {
        K::ConnectionRefused | K::AddrNotAvailable | K::HostUnreachable | K::NetworkUnreachable => Cause::Unreached,
        _ => Cause::Lost,
    }
}

/// The NameNode does not go on with a connection that is being made.
fn of_refused_connection(class: &str, message: &str) -> Cause {
    match (short(class), of_exception(class, message)) {
        ("SaslException" | "GSSException", _) => Cause::Said(ErrorKind::Permission),
        // Nothing was sent on it, so nothing is lost.
        (_, Cause::Lost) => Cause::Said(ErrorKind::Storage),
        (_, cause) => cause,
    }
}

/// Whether the system's GSSAPI library could not be loaded: the client has no class of its own for it.
fn lacks_gssapi(error: &HdfsError) -> bool {
    matches!(error, HdfsError::OperationFailed(text) if text.contains("libgssapi_krb"))
}

fn is_of_kerberos(error: &HdfsError) -> bool {
    match error {
        HdfsError::GSSAPIError(..) | HdfsError::SASLError(_) | HdfsError::NoSASLMechanism => true,
        HdfsError::FatalRPCError(class, _) => matches!(short(class), "SaslException" | "GSSException"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(class: &str, message: &str) -> Cause {
        HdfsError::RPCError(class.to_owned(), message.to_owned()).cause()
    }

    #[test]
    fn every_class_has_its_kind() {
        use ErrorKind as K;
        for (class, kind) in [
            ("java.io.FileNotFoundException", K::NotFound),
            ("org.apache.hadoop.fs.ParentNotDirectoryException", K::NotFound),
            ("org.apache.hadoop.fs.FileAlreadyExistsException", K::AlreadyExists),
            ("org.apache.hadoop.hdfs.protocol.RecoveryInProgressException", K::AlreadyExists),
            ("org.apache.hadoop.security.AccessControlException", K::Permission),
            ("org.apache.hadoop.hdfs.protocol.NSQuotaExceededException", K::Quota),
            ("org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", K::Quota),
            ("org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException", K::TooLarge),
            ("org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException", K::TooLarge),
            ("org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", K::NotEmpty),
            ("org.apache.hadoop.fs.InvalidPathException", K::InvalidArgument),
            ("org.apache.hadoop.hdfs.protocol.UnresolvedPathException", K::Refused),
            ("org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", K::Storage),
            ("java.io.IOException", K::Storage),
        ] {
            assert_eq!(remote(class, "words"), Cause::Said(kind), "{class}");
        }
        assert_eq!(remote("java.io.FileNotFoundException", "Path is not a file: /d"), Cause::Said(K::Storage));
        assert_eq!(remote("java.io.IOException", "create: Pathname too long."), Cause::Said(K::TooLarge));
    }

    #[test]
    fn not_now_and_lost_are_not_taken_for_a_no() {
        for class in [
            "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
            "org.apache.hadoop.ipc.RetriableException",
            "org.apache.hadoop.ipc.StandbyException",
        ] {
            assert_eq!(remote(class, "words"), Cause::NotNow, "{class}");
        }
        assert_eq!(remote("java.lang.NullPointerException", ""), Cause::Lost);
        for (kind, expected) in [
            (io::ErrorKind::ConnectionRefused, Cause::Unreached),
            (io::ErrorKind::ConnectionAborted, Cause::Lost),
            (io::ErrorKind::TimedOut, Cause::Lost),
            (io::ErrorKind::Other, Cause::Lost),
        ] {
            assert_eq!(HdfsError::IOError(kind.into()).cause(), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_refused_connection_is_no_lost_reply() {
        let refused =
            |class: &str| HdfsError::FatalRPCError(class.to_owned(), "GSS initiate failed".to_owned()).cause();
        assert_eq!(refused("javax.security.sasl.SaslException"), Cause::Said(ErrorKind::Permission));
        assert_eq!(refused("org.apache.hadoop.security.AccessControlException"), Cause::Said(ErrorKind::Permission));
        assert_eq!(refused("org.apache.hadoop.ipc.StandbyException"), Cause::NotNow);
        assert_eq!(refused("java.lang.NullPointerException"), Cause::Said(ErrorKind::Storage));
    }

    #[test]
    fn a_remote_error_is_told_without_its_stack_trace() {
        let error =
            HdfsError::RPCError("a.b.SomeException".to_owned(), "no such thing\n\tat a.b.C(C.java:1)".to_owned());
        assert_eq!(error.words(), "SomeException: no such thing");
    }
}
