//! Cuts an expression into tokens. Signs may be written as they are printed in documents: `×`, `÷`, `≥`, `（`.

use super::Fault;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Number,
    /// In quotes; the token's place includes them.
    Text,
    Name,
    /// A word of the language.
    Word(&'static str),
    /// A sign in its plain form.
    Sign(&'static str),
}

/// A token and its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) const WORDS: [&str; 9] = ["if", "then", "else", "and", "or", "not", "in", "true", "false"];

/// Longest first.
const SIGNS: [(&str, &str); 33] = [
    ("<=", "<="),
    (">=", ">="),
    ("!=", "!="),
    ("<>", "!="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("(", "("),
    (")", ")"),
    ("{", "{"),
    ("}", "}"),
    (",", ","),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("＋", "+"),
    ("－", "-"),
    ("−", "-"),
    ("×", "*"),
    ("÷", "/"),
    ("／", "/"),
    ("（", "("),
    ("）", ")"),
    ("，", ","),
    ("＝", "="),
    ("＜", "<"),
    ("＞", ">"),
    ("≤", "<="),
    ("≦", "<="),
    ("≥", ">="),
    ("≧", ">="),
    ("≠", "!="),
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = token(rest, first).map_err(|(length, zh, en)| Fault::new(at, at + length, zh, en))?;
        out.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    Ok(out)
}

type Wrong = (usize, &'static str, &'static str);

fn token(rest: &str, first: char) -> Result<(Kind, usize), Wrong> {
    if first.is_ascii_digit() {
        return number(rest);
    }
    if first.is_alphabetic() || first == '_' {
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or(rest);
        let kind = WORDS.iter().find(|w| **w == word).map_or(Kind::Name, |w| Kind::Word(w));
        return Ok((kind, length));
    }
    if first == '"' {
        return match rest.get(1..).and_then(|r| r.find(['"', '\n'])) {
            Some(end) if rest.as_bytes().get(end + 1) == Some(&b'"') => Ok((Kind::Text, end + 2)),
            _ => Err((1, "文本没有结束的引号", "the text has no closing quote")),
        };
    }
    match SIGNS.iter().find(|(written, _)| rest.starts_with(written)) {
        Some((written, plain)) => Ok((Kind::Sign(plain), written.len())),
        None if first == '%' || first == '％' => {
            Err((first.len_utf8(), "百分号不是运算符：写 * 100", "% is not an operation: write * 100"))
        }
        None => Err((first.len_utf8(), "不认识的字符", "this character means nothing here")),
    }
}

fn number(rest: &str) -> Result<(Kind, usize), Wrong> {
    let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    let mut length = digits(rest);
    if let Some(fraction) = rest.get(length..).and_then(|r| r.strip_prefix('.')) {
        let more = digits(fraction);
        if more == 0 {
            return Err((length + 1, "小数点后没有数字", "no digit follows the point"));
        }
        length += 1 + more;
    }
    match rest.get(length..).and_then(|r| r.chars().next()) {
        Some(c) if c.is_alphabetic() || c == '_' || c == '.' => Err((length + c.len_utf8(), "数字写法不对", "this is not a number")),
        _ => Ok((Kind::Number, length)),
    }
}
