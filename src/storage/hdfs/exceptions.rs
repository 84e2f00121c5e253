//! What an exception of Java means: by its class, not by its words. Both clients hear of the same ones.

use crate::error::ErrorKind;

/// What Hadoop says of a file that stands where a folder should, whatever class it says it by.
const NOT_A_FOLDER: &str = "(is not a directory)";

/// What is known after a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The NameNode said no: nothing was changed.
    Said(ErrorKind),
    /// It said that it cannot serve now: nothing was changed, and the same call may do later.
    NotNow,
    /// No NameNode took the connection, so nothing was sent.
    Unreached,
    /// The request may have been carried out and the reply did not come.
    Lost,
}

/// The cause of a call that the NameNode ended in an exception of this class.
pub(crate) fn of_exception(class: &str, message: &str) -> Cause {
    of_known_exception(class, message).unwrap_or(Cause::Said(ErrorKind::Storage))
}

/// The same for the classes that have a meaning of their own.
pub(crate) fn of_known_exception(class: &str, message: &str) -> Option<Cause> {
    let said = match short(class) {
        "SafeModeException"
        | "RetriableException"
        | "StandbyException"
        | "ObserverRetryOnActiveException"
        | "NoNamenodesAvailableException" => return Some(Cause::NotNow),
        // The NameNode was stopped in the middle of it; or, the first six, a router's own call to one broke.
        "EOFException"
        | "SocketException"
        | "SocketTimeoutException"
        | "ConnectException"
        | "ConnectTimeoutException"
        | "ClosedChannelException"
        | "InterruptedException"
        | "InterruptedIOException"
        | "ClosedByInterruptException"
        | "AsynchronousCloseException" => {
            return Some(Cause::Lost);
        }
        // Hadoop before 2.8 says so of a file that stands where a folder should.
        "AccessControlException" if message.contains(NOT_A_FOLDER) => ErrorKind::NotFound,
        // A folder, which is no file to be read.
        "FileNotFoundException" if message.starts_with("Path is not a file") => ErrorKind::Storage,
        "FileNotFoundException" | "ParentNotDirectoryException" => ErrorKind::NotFound,
        "FileAlreadyExistsException" | "AlreadyBeingCreatedException" | "RecoveryInProgressException" => {
            ErrorKind::AlreadyExists
        }
        "AccessControlException" | "AuthorizationException" | "SnapshotAccessControlException" | "InvalidToken" => {
            ErrorKind::Permission
        }
        "PathComponentTooLongException" | "MaxDirectoryItemsExceededException" => ErrorKind::TooLarge,
        "IOException" if message.contains("Pathname too long") => ErrorKind::TooLarge,
        "NSQuotaExceededException"
        | "DSQuotaExceededException"
        | "QuotaByStorageTypeExceededException"
        | "QuotaExceededException"
        | "ClusterStorageCapacityExceededException" => ErrorKind::Quota,
        "PathIsNotEmptyDirectoryException" => ErrorKind::NotEmpty,
        "InvalidPathException" | "HadoopIllegalArgumentException" | "IllegalArgumentException" => {
            ErrorKind::InvalidArgument
        }
        "UnresolvedPathException" | "UnresolvedLinkException" => ErrorKind::Refused,
        "UnsupportedOperationException" => ErrorKind::Unsupported,
        // A defect in the NameNode says nothing about how far it came.
        _ if class.starts_with("java.lang.") => return Some(Cause::Lost),
        _ => return None,
    };
    Some(Cause::Said(said))
}

/// A class without its package.
pub(crate) fn short(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

/// Whether an exception says that a file stands in a folder's place.
pub(crate) fn parent_is_a_file(class: &str, message: &str) -> bool {
    short(class) == "ParentNotDirectoryException" || message.contains(NOT_A_FOLDER)
}

/// The words of an exception, without the stack trace that a remote one brings along.
pub(crate) fn without_stack_trace(message: &str) -> &str {
    message.split("\n\tat ").next().unwrap_or_default().trim()
}
