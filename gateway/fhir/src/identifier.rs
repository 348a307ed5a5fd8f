//! Chinese identifiers: form and check digits (GB 11643, GB 32100, GB 11714, WS 218 and others).
