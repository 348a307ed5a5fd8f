//! Fakes of the peers and helpers that all integration tests share.
