//! Text to tokens. Every byte of the file is in a token or is blank between tokens; nothing fails here.

use crate::diagnostic::{Diagnostic, Span};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A name: a letter or `_`, then letters, digits, `_`; also digits followed by letters (a code such as `2A`).
    Word,
    /// Digits only.
    Int,
    /// A quoted text on one line.
    Text,
    Newline,
    Comment,
    Arrow,
    Plus,
    Equals,
    NotEquals,
    Bar,
    Open,
    Close,
    OpenSquare,
    CloseSquare,
    OpenBrace,
    CloseBrace,
    Comma,
    Colon,
    Semicolon,
    Dot,
    Tilde,
    Minus,
    Caret,
    Question,
    Star,
    /// `$`, the element itself.
    Dollar,
    /// A character that begins no token, or a text without its closing quote.
    Wrong,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// The tokens of a file, ending with [`Kind::End`].
pub(crate) fn tokens(text: &str, file: u32) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, at: 0, file, tokens: Vec::with_capacity(text.len() / 4), faults: Vec::new() };
    if text.starts_with('\u{feff}') {
        lexer.at = 3;
    }
    while lexer.step() {}
    let end = lexer.span(text.len());
    lexer.at = text.len();
    lexer.tokens.push(Token { kind: Kind::End, span: Span { start: text.len() as u32, ..end } });
    (lexer.tokens, lexer.faults)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    file: u32,
    tokens: Vec<Token>,
    faults: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The span from where the lexer stands up to `end`.
    fn span(&self, end: usize) -> Span {
        Span { file: self.file, start: self.at as u32, end: end as u32 }
    }

    fn push(&mut self, kind: Kind, len: usize) {
        let end = self.at + len;
        let span = self.span(end);
        self.tokens.push(Token { kind, span });
        self.at = end;
    }

    fn run(&self, more: impl Fn(char) -> bool) -> usize {
        self.rest().find(|c| !more(c)).unwrap_or(self.rest().len())
    }

    fn step(&mut self) -> bool {
        let Some(c) = self.rest().chars().next() else { return false };
        let next = self.rest().chars().nth(1);
        match c {
            '\n' => self.push(Kind::Newline, 1),
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '#' => self.push(Kind::Comment, self.run(|c| c != '\n' && c != '\r')),
            '"' => self.quoted(),
            c if c.is_ascii_digit() => {
                let digits = self.run(|c| c.is_ascii_digit());
                let word = self.run(is_word);
                self.push(if word > digits { Kind::Word } else { Kind::Int }, word);
            }
            c if is_word(c) => self.push(Kind::Word, self.run(is_word)),
            '-' if next == Some('>') => self.push(Kind::Arrow, 2),
            '!' if next == Some('=') => self.push(Kind::NotEquals, 2),
            '+' if next == Some('=') => self.push(Kind::Plus, 2),
            _ => match single(c) {
                Some(kind) => self.push(kind, 1),
                None => self.wrong(c),
            },
        }
        true
    }

    fn quoted(&mut self) {
        let mut escaped = false;
        for (i, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return self.push(Kind::Text, i + 1),
                '\n' => break,
                _ => {}
            }
        }
        let len = self.run(|c| c != '\n' && c != '\r');
        let span = self.span(self.at + len);
        self.faults.push(Diagnostic::error("syntax.text", span, "引号没有在本行闭合", "the text is not closed on this line"));
        self.push(Kind::Wrong, len);
    }

    fn wrong(&mut self, c: char) {
        let span = self.span(self.at + c.len_utf8());
        let ascii = match c {
            '“' | '”' | '＂' => Some("\""),
            '（' => Some("("),
            '）' => Some(")"),
            '，' | '、' => Some(","),
            '：' => Some(":"),
            '＝' => Some("="),
            '｜' => Some("|"),
            '～' => Some("~"),
            '；' => Some(";"),
            '+' => Some("+="),
            '!' => Some("!="),
            _ => None,
        };
        let fault = Diagnostic::error("syntax.character", span, format!("此处不能出现字符 `{c}`"), format!("`{c}` cannot stand here"));
        self.faults.push(fault.instead(ascii));
        self.push(Kind::Wrong, c.len_utf8());
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn single(c: char) -> Option<Kind> {
    Some(match c {
        '=' => Kind::Equals,
        '|' => Kind::Bar,
        '(' => Kind::Open,
        ')' => Kind::Close,
        '[' => Kind::OpenSquare,
        ']' => Kind::CloseSquare,
        '{' => Kind::OpenBrace,
        '}' => Kind::CloseBrace,
        ',' => Kind::Comma,
        ':' => Kind::Colon,
        ';' => Kind::Semicolon,
        '.' => Kind::Dot,
        '~' => Kind::Tilde,
        '-' => Kind::Minus,
        '^' => Kind::Caret,
        '?' => Kind::Question,
        '*' => Kind::Star,
        '$' => Kind::Dollar,
        _ => return None,
    })
}

/// The value of a [`Kind::Text`] token: without quotes, `\"` `\\` `\n` `\t` resolved.
pub(crate) fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let (tokens, faults) = tokens(text, 0);
        let mut got: Vec<String> = tokens.iter().map(|t| format!("{:?}", t.kind)).collect();
        got.pop();
        got.extend(faults.iter().map(|f| format!("!{}", f.code)));
        assert_eq!(got.join(" "), expect, "{text}");
    }

    #[test]
    fn tokens_of_small_texts() {
        for (text, expect) in [
            ("OBX-5.2", "Word Minus Int Dot Int"),
            ("n-3~", "Word Minus Int Tilde"),
            ("map a(OBX, NTE*) -> Patient # x", "Word Word Open Word Comma Word Star Close Arrow Word Comment"),
            ("x += \"a\\\"b\" | 12", "Word Plus Text Bar Int"),
            ("ADT^A01 != 2A", "Word Caret Word NotEquals Word"),
            ("男 : \"男\"", "Word Colon Text"),
            ("\u{feff}a\r\nb", "Word Newline Word"),
            ("\"a\nb", "Wrong Newline Word !syntax.text"),
            ("a ＝ b", "Word Wrong Word !syntax.character"),
            ("", ""),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn quotes_and_escapes_are_taken_off() {
        for (text, expect) in [(r#""a""#, "a"), (r#""a\"b\\c\n""#, "a\"b\\c\n"), ("\"", "")] {
            assert_eq!(unquote(text), expect);
        }
    }
}
