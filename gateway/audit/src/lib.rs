//! Audit: the hash chain over the journal (pure).
