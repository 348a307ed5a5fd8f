//! `_pretty=true`: indents JSON without reading it.
//!
//! Bodies are the store's own bytes, so they are valid JSON; only the space between tokens changes, never a digit.

/// Indents compact JSON by two spaces a level.
pub(crate) fn indent(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut opened = false;
    for &b in json {
        if in_string {
            out.push(b);
            in_string = escaped || b != b'"';
            escaped = !escaped && b == b'\\';
            continue;
        }
        let close = matches!(b, b'}' | b']');
        if matches!(b, b' ' | b'\n' | b'\r' | b'\t') {
            continue;
        }
        if close {
            depth = depth.saturating_sub(1);
        }
        if opened != close {
            // the first thing in an object or array, or the end of one that is not empty
            line(depth, &mut out);
        }
        opened = false;
        out.push(b);
        match b {
            b'{' | b'[' => {
                depth += 1;
                opened = true;
            }
            b',' => line(depth, &mut out),
            b':' => out.push(b' '),
            b'"' => in_string = true,
            _ => {}
        }
    }
    out.push(b'\n');
    out
}

fn line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', depth.min(128) * 2));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_space_changes() {
        let json = r#"{"a":[],"b":{},"c":[1.50,{"d":"x,{\"]\\"}],"e":null}"#;
        let expected =
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1.50,\n    {\n      \"d\": \"x,{\\\"]\\\\\"\n    }\n  ],\n  \"e\": null\n}\n";
        assert_eq!(String::from_utf8(indent(json.as_bytes())).unwrap(), expected);
        let again: Vec<u8> = indent(expected.as_bytes());
        assert_eq!(String::from_utf8(again).unwrap(), expected);
    }
}
