//! Percent-encoding (RFC 3986 §2.1) and form fields, strict: what does not decode to clean UTF-8 is refused.

use std::borrow::Cow;

/// The text was not valid percent-encoded UTF-8 without control characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadEncoding;

/// Decodes one path segment (`form` false) or one side of a form field (`form` true: `+` is a space).
/// Overlong and otherwise invalid UTF-8, NUL and other C0 controls and DEL are refused, however they are written.
pub(crate) fn decode(text: &str, form: bool) -> Result<Cow<'_, str>, BadEncoding> {
    let decoded = if text.bytes().any(|b| b == b'%' || (form && b == b'+')) {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(b) = rest.next() {
            out.push(match b {
                b'%' => hex(rest.next())? << 4 | hex(rest.next())?,
                b'+' if form => b' ',
                _ => b,
            });
        }
        Cow::Owned(String::from_utf8(out).map_err(|_| BadEncoding)?)
    } else {
        Cow::Borrowed(text)
    };
    if decoded.bytes().any(|b| b < 0x20 || b == 0x7f) { Err(BadEncoding) } else { Ok(decoded) }
}

fn hex(digit: Option<u8>) -> Result<u8, BadEncoding> {
    match digit {
        Some(d @ b'0'..=b'9') => Ok(d - b'0'),
        Some(d @ b'a'..=b'f') => Ok(d - b'a' + 10),
        Some(d @ b'A'..=b'F') => Ok(d - b'A' + 10),
        _ => Err(BadEncoding),
    }
}

/// Appends `text` encoded so that it is one side of a query field: letters, digits and what FHIR searches are full of
/// (`-._~:|,$/`) stay readable, all else is encoded.
pub(crate) fn encode(text: &str, out: &mut String) {
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~:|,$/*".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push('%');
            for n in [b >> 4, b & 15] {
                out.push(char::from_digit(u32::from(n), 16).map_or('0', |c| c.to_ascii_uppercase()));
            }
        }
    }
}

/// The fields of a query string or form in their order; empty ones (`a=1&&b=2`) are skipped.
pub(crate) fn fields(query: &str) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), BadEncoding>> {
    query.split('&').filter(|f| !f.is_empty()).map(|f| {
        let (name, value) = f.split_once('=').unwrap_or((f, ""));
        Ok((decode(name, true)?, decode(value, true)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding() {
        for (text, form, expected) in [
            ("abc", true, Ok("abc")),
            ("a+b", true, Ok("a b")),
            ("a+b", false, Ok("a+b")),
            ("a%2Bb", true, Ok("a+b")),
            ("%E5%BC%A0", true, Ok("张")),
            ("张", true, Ok("张")),
            ("%e5%bc%a0", true, Ok("张")),
            ("..%2f..", false, Ok("../..")),
            ("%2525", true, Ok("%25")), // decoded once, never twice
            ("%", true, Err(BadEncoding)),
            ("%4", true, Err(BadEncoding)),
            ("%G1", true, Err(BadEncoding)),
            ("%+1", true, Err(BadEncoding)),
            ("%00", true, Err(BadEncoding)),
            ("a%0d%0aSet-Cookie:x", true, Err(BadEncoding)),
            ("%7F", true, Err(BadEncoding)),
            ("%C0%AF", true, Err(BadEncoding)),       // overlong '/'
            ("%ED%A0%80", true, Err(BadEncoding)),    // surrogate
            ("%F4%90%80%80", true, Err(BadEncoding)), // above U+10FFFF
            ("%FF", true, Err(BadEncoding)),
            ("%E5%BC", true, Err(BadEncoding)), // cut
        ] {
            assert_eq!(decode(text, form).as_deref(), expected.as_ref().map(|s| *s), "{text}");
        }
    }

    #[test]
    fn encoding_comes_back() {
        for text in ["http://loinc.org|2345-7", "张 三&=+%?#", "a,b$c", "\u{1F600}\"<>"] {
            let mut out = String::new();
            encode(text, &mut out);
            assert!(out.is_ascii() && !out.contains(['&', '=', '+', ' ', '#', '"']), "{out}");
            assert_eq!(decode(&out, true).unwrap(), text);
        }
    }

    #[test]
    fn fields_split() {
        let got: Vec<_> = fields("a=1&&b=x=y&c&=z").map(|f| f.map(|(n, v)| (n.into_owned(), v.into_owned())).unwrap()).collect();
        let expected = [("a", "1"), ("b", "x=y"), ("c", ""), ("", "z")];
        assert_eq!(got, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
