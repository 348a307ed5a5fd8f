//! Decode: bytes to a source tree and findings, whatever the bytes are.
