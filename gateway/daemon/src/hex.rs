//! Bytes as lower-case hexadecimal text, and back.

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The 32 bytes of a SHA-256 from their 64 digits, of either case.
pub(crate) fn sha256(text: &str) -> Option<[u8; 32]> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs: Option<Vec<u8>> = text.as_bytes().chunks(2).map(|p| Some((digit(p.first()?)? << 4) | digit(p.get(1)?)?)).collect();
    pairs?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let bytes: [u8; 32] = std::array::from_fn(|i| i as u8 * 8 + 7);
        let text = hex(&bytes);
        assert!(text.starts_with("070f17") && text.ends_with("ff"), "{text}");
        assert_eq!((sha256(&text), sha256(&text.to_uppercase())), (Some(bytes), Some(bytes)));
        for wrong in ["", &text[2..], &text[1..], &format!("{text}00"), &text.replace('f', "g")] {
            assert_eq!(sha256(wrong), None, "{wrong}");
        }
    }
}
