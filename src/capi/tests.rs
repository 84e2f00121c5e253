//! The conformance suite through the host's storage functions, served by the memory storage.
