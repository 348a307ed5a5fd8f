//! Text to tokens (N1, grammar in appendix B).

use super::fault::{Eval, Fault, FaultKind};
use std::borrow::Cow;

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token<'s> {
    /// A name or keyword; `quoted` in back-ticks, then it is never a keyword.
    Name {
        text: Cow<'s, str>,
        quoted: bool,
    },
    String(Cow<'s, str>),
    /// Digits with at most one point.
    Number(&'s str),
    /// What follows `@`: a date, dateTime, or time with `T` first.
    Moment(&'s str),
    /// `%name`
    Constant(Cow<'s, str>),
    /// `$this`, `$index`, `$total` without the sign.
    Dollar(&'s str),
    Symbol(&'static str),
    End,
}

/// A token and the byte offset at which it begins.
pub(super) type Placed<'s> = (Token<'s>, u32);

/// Longest first.
const SYMBOLS: [&str; 24] =
    ["!=", "!~", "<=", ">=", ".", ",", "(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "|", "&", "=", "~", "<", ">", "%", "$"];

fn syntax(offset: usize, zh: &'static str, en: &'static str) -> Box<Fault> {
    Fault::new(FaultKind::Syntax, u32::try_from(offset).unwrap_or(u32::MAX), zh, en)
}

/// All tokens, an [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Eval<Vec<Placed<'_>>> {
    let mut out = Vec::with_capacity(text.len() / 4 + 2);
    let mut at = 0;
    loop {
        at = skip_blank(text, at)?;
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        let (token, len) = match first {
            'A'..='Z' | 'a'..='z' | '_' => {
                let len = name_len(rest);
                (Token::Name { text: Cow::Borrowed(&rest[..len]), quoted: false }, len)
            }
            '`' => {
                let (text, len) = quoted(rest, '`', at)?;
                (Token::Name { text, quoted: true }, len)
            }
            '\'' => {
                let (text, len) = quoted(rest, '\'', at)?;
                (Token::String(text), len)
            }
            '"' => {
                let (text, len) = quoted(rest, '"', at)?;
                (Token::String(text), len)
            }
            '0'..='9' => {
                let len = number_len(rest);
                (Token::Number(&rest[..len]), len)
            }
            '@' => {
                let len = moment_len(&rest[1..]);
                (Token::Moment(&rest[1..=len]), len + 1)
            }
            '%' => constant(rest, at)?,
            '$' => {
                let len = name_len(&rest[1..]);
                match &rest[1..=len] {
                    name @ ("this" | "index" | "total") => (Token::Dollar(name), len + 1),
                    _ => return Err(syntax(at, "只有 $this、$index、$total", "only $this, $index and $total exist")),
                }
            }
            _ => {
                let Some(symbol) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) else {
                    return Err(syntax(at, "FHIRPath 中没有这个字符", "FHIRPath has no such character"));
                };
                (Token::Symbol(symbol), symbol.len())
            }
        };
        out.push((token, u32::try_from(at).unwrap_or(u32::MAX)));
        at += len;
    }
    out.push((Token::End, u32::try_from(text.len()).unwrap_or(u32::MAX)));
    Ok(out)
}

/// White space and comments.
fn skip_blank(text: &str, mut at: usize) -> Eval<usize> {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}', '\u{a0}']);
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        } else if let Some(inner) = trimmed.strip_prefix("/*") {
            let end = inner.find("*/").ok_or_else(|| syntax(at, "注释没有结束 */", "this comment has no end */"))?;
            at += end + 4;
        } else {
            return Ok(at);
        }
    }
}

fn name_len(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

/// `12`, `1.5`; the point of `1.is(Integer)` is not part of it.
fn number_len(text: &str) -> usize {
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    match text[whole..].strip_prefix('.').map(digits) {
        Some(fraction) if fraction > 0 => whole + 1 + fraction,
        _ => whole,
    }
}

/// Everything that can belong to a date or time; the parser judges it. A point belongs to it before digits only.
fn moment_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut len = 0;
    while let Some(b) = bytes.get(len) {
        let next_digit = bytes.get(len + 1).is_some_and(u8::is_ascii_digit);
        let part = match b {
            b'0'..=b'9' | b':' | b'T' | b'Z' => true,
            b'-' | b'+' | b'.' => next_digit && len > 0,
            _ => false,
        };
        if !part {
            break;
        }
        len += 1;
    }
    len
}

/// `%name`, `` %`vs-name` ``, `%'name'`; `%vs-…` and `%ext-…` may hold hyphens as R4 writes them.
fn constant(rest: &str, at: usize) -> Eval<(Token<'_>, usize)> {
    let name = &rest[1..];
    if let Some(mark) = name.chars().next().filter(|c| matches!(c, '`' | '\'' | '"')) {
        let (text, len) = quoted(name, mark, at + 1)?;
        return Ok((Token::Constant(text), len + 1));
    }
    let mut len = name_len(name);
    if len == 0 {
        return Err(syntax(at, "% 之后应为名称", "a name is expected behind %"));
    }
    if matches!(&name[..len], "vs" | "ext") {
        len += name[len..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    }
    Ok((Token::Constant(Cow::Borrowed(&name[..len])), len + 1))
}

/// The text between two marks with escapes resolved, and the length with marks.
fn quoted(rest: &str, mark: char, at: usize) -> Eval<(Cow<'_, str>, usize)> {
    let inner = &rest[1..];
    let mut out = Cow::Borrowed("");
    let mut from = 0;
    loop {
        let Some(stop) = inner[from..].find([mark, '\\']).map(|i| from + i) else {
            return Err(syntax(at, "没有结束的引号", "the closing quote is missing"));
        };
        let plain = &inner[from..stop];
        if inner[stop..].starts_with(mark) {
            if from == 0 {
                return Ok((Cow::Borrowed(plain), stop + 2));
            }
            out.to_mut().push_str(plain);
            return Ok((out, stop + 2));
        }
        out.to_mut().push_str(plain);
        let len = escape(&inner[stop + 1..], out.to_mut()).ok_or_else(|| syntax(at + 1 + stop, "不认识的转义", "an unknown escape"))?;
        from = stop + 1 + len;
    }
}

/// One escape behind its backslash; gives its length.
fn escape(text: &str, out: &mut String) -> Option<usize> {
    let c = text.chars().next()?;
    match c {
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'f' => out.push('\u{c}'),
        '\\' | '/' | '\'' | '"' | '`' => out.push(c),
        'u' => {
            let unit = |from: usize| u32::from_str_radix(text.get(from..from + 4)?, 16).ok();
            let first = unit(1)?;
            if let Some(c) = char::from_u32(first) {
                out.push(c);
                return Some(5);
            }
            // half of a surrogate pair: the other half follows
            let second = text.get(5..7).filter(|t| *t == "\\u").and_then(|_| unit(7))?;
            out.extend(char::decode_utf16([u16::try_from(first).ok()?, u16::try_from(second).ok()?]).next()?);
            return Some(11);
        }
        // patterns are often published with single backslashes (`\d`): what was meant is kept
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    Some(c.len_utf8())
}
