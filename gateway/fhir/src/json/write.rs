//! The writer: a tree as FHIR JSON, compact or for people.

use crate::tree::{Kind, NodeRef};

/// Writes a node as compact FHIR JSON.
pub fn write(node: NodeRef<'_>, out: &mut Vec<u8>) {
    write_object(node, out, None);
}

/// Writes a node as indented FHIR JSON, for people.
pub fn write_pretty(node: NodeRef<'_>, out: &mut Vec<u8>) {
    write_object(node, out, Some(0));
}

fn newline(out: &mut Vec<u8>, indent: Option<usize>) {
    if let Some(n) = indent {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', n * 2));
    }
}

fn write_key(name: &str, known: bool, sibling: bool, out: &mut Vec<u8>, pretty: bool) {
    out.push(b'"');
    if sibling {
        out.push(b'_');
    }
    if known {
        out.extend_from_slice(name.as_bytes())
    } else {
        escape(name, out)
    }
    out.extend_from_slice(if pretty { b"\": " } else { b"\":" });
}

fn write_object(node: NodeRef<'_>, out: &mut Vec<u8>, indent: Option<usize>) {
    out.push(b'{');
    let inner = indent.map(|n| n + 1);
    let mut rest = node.children();
    let mut first = true;
    loop {
        // one run of nodes under one key
        let start = rest.clone();
        let Some(head) = rest.next() else { break };
        let key = head.key();
        let mut ahead = rest.clone();
        while ahead.next().is_some_and(|c| c.key() == key) {
            rest.next();
        }
        write_run(start.take_while(move |c| c.key() == key), head, out, inner, &mut first);
    }
    if !first {
        newline(out, indent);
    }
    out.push(b'}');
}

fn write_run<'t>(
    run: impl Iterator<Item = NodeRef<'t>> + Clone,
    head: NodeRef<'t>,
    out: &mut Vec<u8>,
    indent: Option<usize>,
    first: &mut bool,
) {
    let name = head.name();
    let list = head.is_list() || run.clone().nth(1).is_some();
    let complex = run.clone().any(|c| c.kind() == Kind::Object);
    let values = complex || run.clone().any(|c| c.value().is_some());
    let siblings = !complex && run.clone().any(NodeRef::has_children);
    let start = |sibling: bool, out: &mut Vec<u8>, first: &mut bool| {
        if !*first {
            out.push(b',');
        }
        *first = false;
        newline(out, indent);
        write_key(name, head.key().is_known(), sibling, out, indent.is_some());
    };
    if values || !siblings {
        start(false, out, first);
        write_items(run.clone(), list, out, indent, write_value);
    }
    if siblings {
        start(true, out, first);
        write_items(run, list, out, indent, |c, out, indent| {
            if c.has_children() {
                write_object(c, out, indent);
            } else {
                out.extend_from_slice(b"null");
            }
        });
    }
}

fn write_items<'t>(
    run: impl Iterator<Item = NodeRef<'t>>,
    list: bool,
    out: &mut Vec<u8>,
    indent: Option<usize>,
    write_one: impl Fn(NodeRef<'t>, &mut Vec<u8>, Option<usize>),
) {
    if !list {
        for c in run {
            write_one(c, out, indent);
        }
        return;
    }
    out.push(b'[');
    let inner = indent.map(|n| n + 1);
    for (i, c) in run.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        newline(out, inner);
        write_one(c, out, inner);
    }
    newline(out, indent);
    out.push(b']');
}

fn write_value(node: NodeRef<'_>, out: &mut Vec<u8>, indent: Option<usize>) {
    match (node.kind(), node.value()) {
        (Kind::Object, _) => write_object(node, out, indent),
        (Kind::String, Some(v)) => {
            out.push(b'"');
            escape(v, out);
            out.push(b'"');
        }
        (_, Some(v)) => out.extend_from_slice(v.as_bytes()),
        (_, None) => out.extend_from_slice(b"null"),
    }
}

/// Appends `text` with JSON's escapes (RFC 8259 §7).
pub fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let (mut from, mut i) = (0, 0);
    while let Some(step) = plain(&bytes[i..]) {
        i += step;
        let b = bytes[i];
        out.extend_from_slice(&bytes[from..i]);
        from = i + 1;
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
        }
        i += 1;
    }
    out.extend_from_slice(&bytes[from..]);
}

/// How many bytes stand before the first that needs an escape; `None` where none does. Eight bytes at a time: almost
/// all text needs none.
fn plain(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS != 0;
    let needs = |b: u8| b < 0x20 || b == b'"' || b == b'\\';
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let x = u64::from_le_bytes(*chunk);
        let control = x.wrapping_sub(ONES * 0x20) & !x & HIGHS != 0;
        if control || has_zero(x ^ (ONES * 0x22)) || has_zero(x ^ (ONES * 0x5c)) {
            break;
        }
        at += 8;
    }
    bytes[at..].iter().position(|b| needs(*b)).map(|found| at + found)
}
