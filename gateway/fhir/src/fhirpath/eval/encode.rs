//! `encode`, `decode` (hex, base64, urlbase64), `escape`, `unescape` (html, json). An unknown target gives nothing.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(text: &str, target: &str) -> Option<String> {
    match target {
        "hex" => Some(text.bytes().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(u32::from(d), 16)).collect()),
        "base64" => Some(to_base64(text.as_bytes(), STANDARD)),
        "urlbase64" => Some(to_base64(text.as_bytes(), URL)),
        _ => None,
    }
}

pub(super) fn decode(text: &str, target: &str) -> Option<String> {
    let bytes = match target {
        "hex" => {
            let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
            if !digits.len().is_multiple_of(2) {
                return None;
            }
            digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect()
        }
        "base64" => from_base64(text, STANDARD)?,
        "urlbase64" => from_base64(text, URL)?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// RFC 4648 §4 and §5, with padding.
fn to_base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let digit = (word >> (18 - 6 * i)) as usize & 63;
            out.push(if i <= chunk.len() { char::from(alphabet[digit]) } else { '=' });
        }
    }
    out
}

fn from_base64(text: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'=')
        .map(|b| alphabet.iter().position(|a| *a == b).and_then(|p| u32::try_from(p).ok()))
        .collect::<Option<_>>()?;
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let word = (0..4).fold(0u32, |word, i| word << 6 | chunk.get(i).copied().unwrap_or(0));
        out.extend(word.to_be_bytes().get(1..chunk.len())?);
    }
    Some(out)
}

pub(super) fn escape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => Some(text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                _ => out.push(c),
            }
            out
        })),
        "json" => {
            let mut out = Vec::with_capacity(text.len() + 2);
            crate::json::escape(text, &mut out);
            String::from_utf8(out).ok()
        }
        _ => None,
    }
}

pub(super) fn unescape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => Some(unescape_html(text)),
        "json" => unescape_json(text),
        _ => None,
    }
}

fn unescape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').map(|end| (&rest[1..end], end + 1));
        let found = entity.and_then(|(name, len)| Some((entity_char(name)?, len)));
        let (c, len) = found.unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[len..];
    }
    out + rest
}

fn entity_char(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

fn unescape_json(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let hex: String = chars.by_ref().take(4).collect();
                out.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes() {
        for text in ["", "t", "te", "tes", "test", "subjects?_d", "检验"] {
            for target in ["hex", "base64", "urlbase64"] {
                let encoded = encode(text, target).unwrap();
                assert_eq!(decode(&encoded, target).as_deref(), Some(text), "{target} {encoded}");
            }
            for target in ["html", "json"] {
                assert_eq!(unescape(&escape(text, target).unwrap(), target).as_deref(), Some(text));
            }
        }
        assert_eq!(encode("subjects?_d", "urlbase64").as_deref(), Some("c3ViamVjdHM_X2Q="));
        assert_eq!(unescape("&quot;1&lt;2&#33;&unknown; &", "html").as_deref(), Some("\"1<2!&unknown; &"));
        for bad in ["0", "zz"] {
            assert_eq!(decode(bad, "hex"), None);
        }
        assert_eq!(decode("A", "base64"), None);
        assert_eq!(encode("a", "rot13"), None);
    }
}
