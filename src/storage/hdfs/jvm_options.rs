//! What a Java machine is started with, where the process has none yet.

use std::path::PathBuf;

/// What a Java machine is started with. It counts for nothing where the host has one already.
#[derive(Clone, Default)]
pub(crate) struct JvmOptions {
    /// A JDK or JRE; without it libjvm.so is looked for where the loader looks.
    pub(crate) java_home: Option<PathBuf>,
    /// Jars and folders with a `:` between them; `folder/*` is every jar in it.
    pub(crate) class_path: Option<String>,
    /// The machine's own options, `-Xmx512m`.
    pub(crate) options: Vec<String>,
}

impl JvmOptions {
    /// What the environment says: `JAVA_HOME`, `CLASSPATH` and, as libhdfs reads it, `LIBHDFS_OPTS`.
    pub(crate) fn of_environment() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let java_home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
        Self {
            java_home: java_home.map(PathBuf::from),
            class_path: text("CLASSPATH"),
            options: Self::words(&text("LIBHDFS_OPTS").unwrap_or_default()),
        }
    }

    /// Options as they stand on a command line, without quoting.
    pub(crate) fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// These, and what another says where they say nothing.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            java_home: self.java_home.or(other.java_home),
            class_path: self.class_path.or(other.class_path),
            options: if self.options.is_empty() { other.options } else { self.options },
        }
    }

    /// Whether nothing was said.
    #[cfg(any(feature = "hdfs-native", test))]
    pub(crate) fn is_empty(&self) -> bool {
        self.java_home.is_none() && self.class_path.is_none() && self.options.is_empty()
    }
}
