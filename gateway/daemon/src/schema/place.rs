//! From a JSON pointer to the place in the text that a person wrote, in JSON and in TOML.

use toml::de::{DeTable, DeValue};

/// Byte offset of the value (of a member: of its name) that `pointer` leads to in a JSON text; of the nearest value above it
/// where there is none. The text is known to be JSON.
pub(crate) fn in_json(text: &[u8], pointer: &str) -> usize {
    let mut at = space(text, 0);
    let mut told = at;
    for segment in segments(pointer) {
        let (next, shown) = match text.get(at) {
            Some(b'{') => match member(text, at, &segment) {
                Some(found) => found,
                None => return told,
            },
            Some(b'[') => match segment.parse().ok().and_then(|n| item(text, at, n)) {
                Some(found) => (found, found),
                None => return told,
            },
            _ => return told,
        };
        (at, told) = (next, shown);
    }
    told
}

fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|s| s.replace("~1", "/").replace("~0", "~"))
}

/// Of a member of the object at `at`: where its value and its name begin.
fn member(text: &[u8], at: usize, name: &str) -> Option<(usize, usize)> {
    let mut at = space(text, at + 1);
    while text.get(at) == Some(&b'"') {
        let end = string_end(text, at);
        let own: Option<String> = serde_json::from_slice(text.get(at..end)?).ok();
        let value = space(text, space(text, end) + 1);
        if own.as_deref() == Some(name) {
            return Some((value, at));
        }
        at = space(text, value_end(text, value));
        at = if text.get(at) == Some(&b',') { space(text, at + 1) } else { return None };
    }
    None
}

/// Where the `n`th item of the array at `at` begins.
fn item(text: &[u8], at: usize, n: usize) -> Option<usize> {
    let mut at = space(text, at + 1);
    for _ in 0..n {
        at = space(text, value_end(text, at));
        at = if text.get(at) == Some(&b',') { space(text, at + 1) } else { return None };
    }
    text.get(at).filter(|b| **b != b']').map(|_| at)
}

fn space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

fn string_end(text: &[u8], at: usize) -> usize {
    let mut escaped = false;
    for (i, b) in text.iter().enumerate().skip(at + 1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// The end of the value that begins at `at`; without recursion, however deep it is.
fn value_end(text: &[u8], at: usize) -> usize {
    let (mut depth, mut i) = (0usize, at);
    while let Some(b) = text.get(i) {
        match b {
            b'"' => i = string_end(text, i),
            b'{' | b'[' => (depth, i) = (depth + 1, i + 1),
            b'}' | b']' if depth == 0 => return i,
            b'}' | b']' => (depth, i) = (depth - 1, i + 1),
            b',' if depth == 0 => return i,
            _ => i += 1,
        }
        if depth == 0 && matches!(text.get(i), Some(b',' | b'}' | b']') | None) {
            return i;
        }
    }
    text.len()
}

/// The same in a TOML text.
pub(crate) fn in_toml(text: &str, pointer: &str) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 0 };
    let mut told = 0;
    let root = DeValue::Table(table.into_inner());
    let mut at = &root;
    for segment in segments(pointer) {
        let next = match at {
            DeValue::Table(table) => table.iter().find(|(key, _)| key.get_ref() == segment.as_str()).map(|(k, v)| (k.span().start, v)),
            DeValue::Array(items) => segment.parse().ok().and_then(|n: usize| items.get(n)).map(|item| (item.span().start, item)),
            _ => None,
        };
        let Some((start, value)) = next else { return told };
        (told, at) = (start, value.get_ref());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_text() {
        let json = r#" {"a": [1, {"b\"}": [true, "x]"], "c/d": {}}], "e": null}"#;
        for (pointer, expected) in [
            ("", "{\"a\""),
            ("/a", "\"a\""),
            ("/a/0", "1,"),
            ("/a/1/b\"}/1", "\"x]\""),
            ("/a/1/c~1d", "\"c/d\""),
            ("/e", "\"e\""),
            ("/a/1/nothing/below", "{\"b"),
            ("/a/9", "\"a\""),
        ] {
            let at = in_json(json.as_bytes(), pointer);
            assert!(json[at..].starts_with(expected), "{pointer}: {}", &json[at..]);
        }
        let toml = "# head\n[http]\nlisten = \"x\"\n\n[[source]]\nid = 1\n[[source]]\nid = 2\nrate = { per_s = 1 }\n";
        for (pointer, expected) in [
            ("/http/listen", "listen"),
            ("/source/1/id", "id = 2"),
            ("/source/1/rate/per_s", "per_s"),
            ("/source/0/nothing", "[[source]]\nid = 1"),
            ("/nothing", "# head"),
        ] {
            let at = in_toml(toml, pointer);
            assert!(toml[at..].starts_with(expected), "{pointer}: {}", &toml[at..]);
        }
    }
}
