//! What a call of Java ended in where it has no result: the class of the exception, its words and its causes.

use jni::objects::{JObject, JString, JThrowable};
use jni::JNIEnv;

use super::super::hdfs::answers::Failure;
use super::super::hdfs::exceptions::{self, of_exception, of_known_exception, short, without_stack_trace, Cause};
use crate::error::ErrorKind;

/// What an exception that came over the network is wrapped in.
const REMOTE: &str = "org.apache.hadoop.ipc.RemoteException";

/// Causes that are looked at; Hadoop wraps an exception three or four times.
const DEPTH: usize = 8;

/// What an operator looks at who gets no ticket, or whose ticket is not taken.
const TICKET: &str =
    "see that there is a ticket that has not ended (klist), that kerberos_cache or KRB5CCNAME names its \
                      cache, and which krb5.conf the JVM reads (java.security.krb5.conf); then run again";

/// A call's end without a result.
pub(super) struct Thrown {
    class: String,
    message: String,
    /// The `NameNode` itself said so.
    is_remote: bool,
    /// The classes of what caused it.
    causes: Vec<String>,
}

/// The result of a call.
pub(super) type Called<T> = std::result::Result<T, Thrown>;

impl Thrown {
    /// Takes the exception that is pending; without one the call itself was wrong.
    pub(super) fn take(environment: &mut JNIEnv<'_>, failed: &jni::errors::Error) -> Self {
        let thrown = environment.exception_occurred().ok().filter(|thrown| !thrown.as_raw().is_null());
        // Nothing may be called with an exception pending.
        drop(environment.exception_clear());
        let told = thrown.and_then(|thrown| Self::read(environment, &thrown).ok());
        drop(environment.exception_clear());
        told.unwrap_or_else(|| Self {
            class: "jni".to_owned(),
            message: failed.to_string(),
            is_remote: false,
            causes: Vec::new(),
        })
    }

    /// An exception that libhdfs has put into words: the first line of its stack trace.
    pub(super) fn of_stack_trace(text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let (class, message) = first.split_once(": ").unwrap_or((first, ""));
        Self { class: class.to_owned(), message: message.to_owned(), is_remote: false, causes: Vec::new() }
    }

    fn read(environment: &mut JNIEnv<'_>, thrown: &JThrowable<'_>) -> jni::errors::Result<Self> {
        let class = class_of(environment, thrown)?;
        let message = text_of(environment, thrown, "getMessage")?;
        let is_remote = class == REMOTE;
        let class = if is_remote { text_of(environment, thrown, "getClassName")? } else { class };
        let mut causes = Vec::new();
        let cause_of = |environment: &mut JNIEnv<'_>, thrown: &JObject<'_>| {
            let cause = environment.call_method(thrown, "getCause", "()Ljava/lang/Throwable;", &[])?.l()?;
            environment.new_global_ref(cause)
        };
        let mut next = environment.new_global_ref(thrown)?;
        for _ in 0..DEPTH {
            next = cause_of(environment, next.as_obj())?;
            if next.as_obj().as_raw().is_null() {
                break;
            }
            causes.push(class_of(environment, next.as_obj())?);
        }
        Ok(Self { class, message, is_remote, causes })
    }

    /// Whether a ticket is missing, or is not taken: the client's own words where it has none are one of these classes, or
    /// the second text.
    fn is_of_kerberos(&self) -> bool {
        let classes = ["SaslException", "KerberosAuthException", "GSSException"];
        let by_class = self.causes.iter().any(|class| classes.contains(&short(class)));
        !self.is_remote && (by_class || self.message.contains("Client cannot authenticate via"))
    }

    /// Whether a host is not known, which waiting does not mend as a rule.
    pub(super) fn is_unknown_host(&self) -> bool {
        self.message.contains("UnknownHostException") || short(&self.class) == "UnknownHostException"
    }

    /// Whether there is no ticket that counts.
    pub(super) fn is_about_a_ticket(&self) -> bool {
        ["KerberosAuthException", "LoginException"].contains(&short(&self.class))
    }
}

impl Failure for Thrown {
    fn cause(&self) -> Cause {
        if self.is_remote {
            return of_exception(&self.class, &self.message);
        }
        match short(&self.class) {
            // Only a connect ends so, and nothing is sent before it.
            "ConnectException" | "NoRouteToHostException" | "ConnectTimeoutException" | "UnknownHostException" => {
                return Cause::Unreached;
            }
            _ => {}
        }
        let caused_by = |names: &[&str]| self.causes.iter().any(|class| names.contains(&short(class)));
        if caused_by(&["AccessControlException"]) || self.is_of_kerberos() {
            // It comes up while a connection is made, before any request goes out on it.
            return Cause::Said(ErrorKind::Permission);
        }
        if caused_by(&["UnresolvedPathException", "UnresolvedLinkException"]) {
            return Cause::Said(ErrorKind::Refused);
        }
        // The client passes the NameNode's exceptions on by their class; what it does not know is its own trouble, and a
        // request may have gone out before it.
        of_known_exception(&self.class, &self.message).unwrap_or(Cause::Lost)
    }

    fn words(&self) -> String {
        let text = without_stack_trace(&self.message);
        let text = text.strip_prefix(self.class.as_str()).map_or(text, |rest| rest.trim_start_matches(':').trim());
        format!("{}: {text}", short(&self.class))
    }

    fn advice(&self, kind: ErrorKind) -> Option<&'static str> {
        (kind == ErrorKind::Permission && self.is_of_kerberos()).then_some(TICKET)
    }

    fn parent_is_a_file(&self) -> bool {
        exceptions::parent_is_a_file(&self.class, &self.message)
    }
}

fn class_of(environment: &mut JNIEnv<'_>, object: &JObject<'_>) -> jni::errors::Result<String> {
    let class = environment.get_object_class(object)?;
    text_of(environment, &class, "getName")
}

/// What a method without arguments says; nothing where it says null.
pub(super) fn text_of(environment: &mut JNIEnv<'_>, object: &JObject<'_>, name: &str) -> jni::errors::Result<String> {
    let text = environment.call_method(object, name, "()Ljava/lang/String;", &[])?.l()?;
    if text.as_raw().is_null() {
        return Ok(String::new());
    }
    let text = JString::from(text);
    let owned = environment.get_string(&text)?.to_string_lossy().into_owned();
    environment.delete_local_ref(text)?;
    Ok(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thrown(class: &str, message: &str, is_remote: bool, causes: &[&str]) -> Thrown {
        let causes = causes.iter().map(|&class| class.to_owned()).collect();
        Thrown { class: class.to_owned(), message: message.to_owned(), is_remote, causes }
    }

    #[test]
    fn what_the_name_node_said_is_told_from_what_happened_to_the_client() {
        for (class, is_remote, causes, expected) in [
            ("java.io.IOException", true, &[][..], Cause::Said(ErrorKind::Storage)),
            ("java.io.IOException", false, &[], Cause::Lost),
            ("java.net.SocketTimeoutException", false, &[], Cause::Lost),
            ("java.io.EOFException", false, &[], Cause::Lost),
            ("java.net.ConnectException", false, &[], Cause::Unreached),
            ("org.apache.hadoop.net.ConnectTimeoutException", false, &[], Cause::Unreached),
            ("java.io.FileNotFoundException", false, &[], Cause::Said(ErrorKind::NotFound)),
            ("org.apache.hadoop.fs.FileAlreadyExistsException", false, &[], Cause::Said(ErrorKind::AlreadyExists)),
            ("org.apache.hadoop.ipc.RetriableException", true, &[], Cause::NotNow),
            ("org.apache.hadoop.hdfs.server.namenode.SafeModeException", false, &[], Cause::NotNow),
            ("java.lang.NullPointerException", true, &[], Cause::Lost),
            (
                "java.io.IOException",
                false,
                &["java.io.IOException", "org.apache.hadoop.security.AccessControlException"],
                Cause::Said(ErrorKind::Permission),
            ),
        ] {
            assert_eq!(thrown(class, "words", is_remote, causes).cause(), expected, "{class} {is_remote}");
        }
    }

    #[test]
    fn an_exception_is_told_in_one_line() {
        let remote = thrown("a.b.SomeException", "no such thing\n\tat a.b.C(C.java:1)", true, &[]);
        assert_eq!(remote.words(), "SomeException: no such thing");
        let traced =
            Thrown::of_stack_trace("java.lang.IllegalArgumentException: java.net.UnknownHostException: h\n\tat x");
        assert_eq!(traced.words(), "IllegalArgumentException: java.net.UnknownHostException: h");
        assert!(traced.is_unknown_host());
    }
}
