//! Regular expressions of `matches`, `matchesFull` and `replaceMatches` (N1 §5.6.10): linear time, limited size, a
//! point matches line ends too, and `\d`, `\w`, `\s` are ASCII as in the engines that authors test with.

use regex::{Regex, RegexBuilder};
use std::sync::OnceLock;

/// Longest pattern in bytes.
const PATTERN_MAX: usize = 4096;

/// Greatest size of a compiled pattern in bytes.
const SIZE_MAX: usize = 1 << 20;

/// The pattern of one call.
pub(super) enum Pattern {
    /// A literal, compiled when it is first used: compiling costs far more than all else in an expression. `None` in
    /// it is no regular expression (or uses look-around, which has no linear time): a fault.
    Literal(OnceLock<Option<Regex>>),
    /// Comes from the data: the first argument.
    Dynamic,
}

/// Compiles a pattern; `whole` = it must match the whole text.
pub(super) fn compile(pattern: &str, whole: bool) -> Option<Regex> {
    if pattern.len() > PATTERN_MAX {
        return None;
    }
    let ascii = ascii_classes(pattern);
    let text = if whole { format!("^(?:{ascii})$") } else { ascii };
    RegexBuilder::new(&text).dot_matches_new_line(true).size_limit(SIZE_MAX).dfa_size_limit(SIZE_MAX).build().ok()
}

/// `\d` and its kin as ASCII classes. They may stand inside a class, where they nest.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str("[ \\t\\n\\x0B\\f\\r]"),
            Some('S') => out.push_str("[^ \\t\\n\\x0B\\f\\r]"),
            Some('Z') => out.push_str("\\z"),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_authors_expect() {
        for (pattern, whole, text, expected) in [
            ("^[a-zA-Z0-9\\/\\-_\\[\\]\\@]+$", false, "a/b-[x]@", true),
            ("\\d{3}", true, "123", true),
            ("\\d{3}", true, "１２３", false),
            ("[\\d\\.]+", true, "1.2", true),
            // R4's eld-20 and eld-19
            (r"^[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*$", false, "Observation.value[x]", true),
            (
                r#"^[^\s\.,:;\'"\/|?!@#$%&*()\[\]{}]{1,64}(\.[^\s\.,:;\'"\/|?!@#$%&*()\[\]{}]{1,64}(\[x\])?(\:[^\s\.]+)?)*$"#,
                false,
                "A.b[x]:c",
                true,
            ),
            (r"^[^\d]+$", false, "a1", false),
            ("A.*B", false, "A\n\tB", true),
            ("b", false, "abc", true),
            ("b", true, "abc", false),
            ("a|bc", true, "bcd", false),
        ] {
            assert_eq!(compile(pattern, whole).unwrap().is_match(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn hostile_patterns_are_refused() {
        assert!(compile(&"a".repeat(PATTERN_MAX + 1), false).is_none());
        assert!(compile("((a{1,1000}){1,1000}){1,1000}", false).is_none());
        assert!(compile("(?=a)", false).is_none());
        let text = "a".repeat(100_000);
        assert!(!compile("(a+)+$", false).unwrap().is_match(&(text + "!")));
    }
}
