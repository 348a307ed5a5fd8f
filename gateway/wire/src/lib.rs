//! What the network sides share: limits, MLLP framing, TLS, the HTTP server.
