//! The one layout of a mapping file (`map fmt`): two blanks a level, signs of neighbouring lines under one another.
//! Works on tokens, so comments and blank lines stay where they are. Laying out twice changes nothing.

use super::parse::parse;
use super::token::{Kind, Token, tokens};
use crate::diagnostic::{Diagnostic, width};

/// Targets wider than this do not push the signs of their neighbours to the right.
const TARGET_WIDTH_MAX: usize = 36;

/// The file in canonical layout, or what keeps it from being read.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, faults) = parse(text, 0);
    if !faults.is_empty() {
        return Err(faults);
    }
    let (list, _) = tokens(text, 0);
    let mut lines = Vec::new();
    let mut state = State { braces: Vec::new(), parens: 0 };
    for row in list.split(|t| matches!(t.kind, Kind::Newline | Kind::End)) {
        lines.push(state.row(text, row));
    }
    align(&mut lines);
    Ok(join(&lines))
}

/// One line: what stands before the sign that is aligned, the sign, the rest.
#[derive(Default)]
struct Row {
    indent: usize,
    head: String,
    sign: Option<&'static str>,
    tail: String,
    comment: String,
    /// Opens a block that it does not close, or closes one: ends a group of aligned lines.
    breaks: bool,
    declaration: bool,
}

impl Row {
    fn is_comment(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty() && !self.comment.is_empty()
    }

    fn is_blank(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty() && self.comment.is_empty()
    }
}

struct State {
    /// Whether each open brace holds the branches of a `by`.
    braces: Vec<bool>,
    parens: usize,
}

impl State {
    fn row(&mut self, text: &str, row: &[Token]) -> Row {
        let word = |t: &Token| text.get(t.span.start as usize..t.span.end as usize).unwrap_or("");
        let mut out = Row::default();
        let Some(first) = row.first() else { return out };
        let opened = self.braces.len();
        let closing = row.iter().take_while(|t| t.kind == Kind::CloseBrace).count();
        let branches = self.braces.last() == Some(&true);
        let goes_on = self.parens > 0
            || first.kind == Kind::Bar
            || matches!(word(first), "when" | "required" | "and" | "or") && !next_is(row, &[Kind::Equals, Kind::Plus, Kind::Dot])
            || word(first) == "else" && !next_is(row, &[Kind::Colon, Kind::Equals, Kind::Plus]);
        out.indent = opened.saturating_sub(closing) * 2 + if goes_on { 4 } else { 0 };
        out.declaration = opened == 0 && matches!(word(first), "map" | "message" | "extend" | "absent") && !next_is(row, &[Kind::Equals]);
        let sign_allowed = !goes_on && self.parens == 0 && !out.declaration && closing == 0;
        let mut lowest = opened;
        for (i, token) in row.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|i| row.get(i));
            if token.kind == Kind::Comment {
                out.comment = word(token).trim_end().to_owned();
                continue;
            }
            let here = sign_allowed && out.sign.is_none() && self.braces.len() == opened && self.parens == 0;
            let sign = match token.kind {
                Kind::Equals if here && !branches => Some("="),
                Kind::Plus if here && !branches => Some("+="),
                Kind::Colon if here && branches => Some(":"),
                _ => None,
            };
            if sign.is_some() {
                out.sign = sign;
                continue;
            }
            let into = if out.sign.is_some() { &mut out.tail } else { &mut out.head };
            if !into.is_empty() && before.is_some_and(|b| spaced(b, token, self.parens > 0)) {
                into.push(' ');
            }
            into.push_str(word(token));
            self.track(token.kind, row, i, &word);
            lowest = lowest.min(self.braces.len());
        }
        out.breaks = self.braces.len() != opened || lowest != opened;
        out
    }

    fn track<'t>(&mut self, kind: Kind, row: &[Token], at: usize, word: &impl Fn(&Token) -> &'t str) {
        match kind {
            Kind::Open | Kind::OpenSquare => self.parens += 1,
            Kind::Close | Kind::CloseSquare => self.parens = self.parens.saturating_sub(1),
            Kind::OpenBrace => {
                let by = row
                    .get(..at)
                    .unwrap_or(&[])
                    .iter()
                    .rev()
                    .take_while(|t| !matches!(t.kind, Kind::OpenBrace | Kind::Equals | Kind::Plus));
                self.braces.push(by.into_iter().any(|t| word(t) == "by"));
            }
            Kind::CloseBrace => {
                self.braces.pop();
            }
            _ => {}
        }
    }
}

fn next_is(row: &[Token], kinds: &[Kind]) -> bool {
    row.get(1).is_some_and(|t| kinds.contains(&t.kind))
}

/// Whether a blank stands between two neighbouring tokens.
fn spaced(before: &Token, token: &Token, in_parens: bool) -> bool {
    let joined = before.span.end == token.span.start;
    match (before.kind, token.kind) {
        (Kind::Open | Kind::OpenSquare, _) => false,
        (_, Kind::Close | Kind::CloseSquare | Kind::Comma | Kind::Semicolon | Kind::Tilde | Kind::Question | Kind::Star) => false,
        (_, Kind::Colon) => !in_parens && !joined,
        (Kind::Colon, _) => in_parens || !joined,
        (Kind::Minus | Kind::Dot | Kind::Caret, _) | (_, Kind::Minus | Kind::Dot | Kind::Caret) => !joined,
        (_, Kind::Open | Kind::OpenSquare) => !joined,
        _ => true,
    }
}

/// Gives neighbouring lines of one block the same column for their sign.
fn align(rows: &mut [Row]) {
    let mut from = 0;
    while from < rows.len() {
        let mut to = from;
        let mut widest = 0;
        while let Some(row) = rows.get(to) {
            let same = rows.get(from).is_some_and(|f| f.indent == row.indent);
            if row.is_comment() && same && to > from {
                to += 1;
                continue;
            }
            if row.sign.is_none() || !same {
                break;
            }
            let w = head_width(row);
            if w <= TARGET_WIDTH_MAX {
                widest = widest.max(w);
            }
            to += 1;
            if row.breaks {
                break;
            }
        }
        for row in rows.get_mut(from..to).unwrap_or(&mut []).iter_mut().filter(|r| r.sign.is_some()) {
            let w = head_width(row);
            row.head.push_str(&" ".repeat(widest.saturating_sub(w)));
        }
        from = to.max(from + 1);
    }
}

/// Columns up to the end of the sign, blank before it not counted.
fn head_width(row: &Row) -> usize {
    row.head.chars().map(width).sum::<usize>() + row.sign.map_or(0, str::len)
}

fn join(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut blank = true;
    for row in rows {
        if row.is_blank() {
            if !blank {
                out.push('\n');
            }
            blank = true;
            continue;
        }
        blank = false;
        out.push_str(&" ".repeat(row.indent));
        out.push_str(&row.head);
        if let Some(sign) = row.sign {
            out.push(' ');
            out.push_str(sign);
            if !row.tail.is_empty() {
                out.push(' ');
            }
            out.push_str(&row.tail);
        }
        if !row.comment.is_empty() {
            if !row.head.is_empty() {
                out.push_str("  ");
            }
            out.push_str(&row.comment);
        }
        out.push('\n');
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = format(text).unwrap_or_else(|d| panic!("{text}: {d:?}"));
        assert_eq!(got, expect, "{text}");
        assert_eq!(format(&got).unwrap(), got, "laying out twice changes nothing");
    }

    #[test]
    fn layouts() {
        for (text, expect) in [
            (
                "map a( OBX,NTE * )->Observation\nstatus=table( OBX-11 ,t )\nx+=A|B # why\n",
                "map a(OBX, NTE*) -> Observation\nstatus = table(OBX-11, t)\nx     += A | B  # why\n",
            ),
            (
                "map a(c) -> X\n\n\nv = by c.1 {\nNM : Quantity(c, unit:u)\nCWE CE: c.2\nelse: warn \"x\"\n}\nlonger = c\n\n",
                "map a(c) -> X\n\nv = by c.1 {\n  NM     : Quantity(c, unit: u)\n  CWE CE : c.2\n  else   : warn \"x\"\n}\nlonger = c\n",
            ),
            ("map a(PID) -> X\nb = PID-3[.5=\"MR\"].1\n|PID-3 . 2\n", "!"),
            (
                "map a(PID) -> X\nb:c += { d=PID-3[ .5=\"MR\" and .1 ].1 }\n| PID-4~\nwhen PID-8!=\"F\"\n",
                "map a(PID) -> X\nb:c += { d = PID-3[.5 = \"MR\" and .1].1 }\n    | PID-4~\n    when PID-8 != \"F\"\n",
            ),
            (
                "message ADT^A01,ADT^A04\neach G{\na=b(PID ,x?)\n  each NTE { c = d( NTE ) when -1.5 = PID-1 }\n}\n",
                "message ADT^A01, ADT^A04\neach G {\n  a = b(PID, x?)\n  each NTE { c = d(NTE) when -1.5 = PID-1 }\n}\n",
            ),
            ("map a(c) -> X\nb=c\n# why\nlonger =c\n", "map a(c) -> X\nb      = c\n# why\nlonger = c\n"),
            ("absent \"-\",\"无\" as not-applicable\n# end", "absent \"-\", \"无\" as not-applicable\n# end\n"),
        ] {
            if expect == "!" {
                assert!(format(text).is_err(), "{text}");
            } else {
                check(text, expect);
            }
        }
    }
}
