//! Breaking text into lines: Chinese anywhere but before closing and after opening marks (GB/T 15834), Latin between words.

/// No line begins with these.
const NOT_FIRST: &str = "，。、；：？！）》」』】〉〕”’％%…—·,.;:?!)]}";
/// No line ends with these.
const NOT_LAST: &str = "（《「『【〈〔“‘([{";

/// The text in lines no wider than `room` (the first by `indent` less), as `width` measures. A single word that is wider is
/// cut between characters.
pub(crate) fn break_lines(text: &str, room: f32, indent: f32, width: impl Fn(&str) -> f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut free = room - indent;
    for unit in units(text) {
        let candidate = format!("{line}{unit}");
        if line.is_empty() || width(candidate.trim_end()) <= free {
            line = candidate;
        } else {
            lines.push(line.trim_end().to_owned());
            free = room;
            line = unit.trim_start().to_owned();
        }
        while width(line.trim_end()) > free && line.trim_end().chars().nth(1).is_some() {
            let cut = fitting(&line, free, &width);
            let rest = line.split_off(cut);
            lines.push(std::mem::replace(&mut line, rest));
            free = room;
        }
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Bytes of the beginning that fits, of a line that does not: at least one character, never all.
fn fitting(line: &str, free: f32, width: impl Fn(&str) -> f32) -> usize {
    let mut at = 0;
    for (i, c) in line.char_indices() {
        let end = i + c.len_utf8();
        if at > 0 && width(&line[..end]) > free {
            break;
        }
        at = end;
    }
    at
}

/// Pieces that no line break parts: a Chinese character with its marks, a word with the blanks after it.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut last: Option<char> = None;
    for c in text.chars() {
        let joined = match last {
            None => false,
            Some(last) => {
                let words = !wide(last) && !wide(c) && !last.is_whitespace();
                NOT_FIRST.contains(c) || NOT_LAST.contains(last) || words || (c.is_whitespace() && !last.is_whitespace())
            }
        };
        match units.last_mut() {
            Some(unit) if joined => unit.push(c),
            _ => units.push(c.to_string()),
        }
        last = Some(c);
    }
    units
}

fn wide(c: char) -> bool {
    crate::terminal::width(c.encode_utf8(&mut [0; 4])) == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, room: usize) -> Vec<String> {
        break_lines(text, room as f32, 0.0, |t| crate::terminal::width(t) as f32)
    }

    #[test]
    fn lines_break_where_chinese_and_latin_allow() {
        for (text, room, expected) in [
            ("县域医共体", 10, vec!["县域医共体"]),
            ("县域医共体建设", 10, vec!["县域医共体", "建设"]),
            // the full stop takes its character along
            ("县域医共体。", 10, vec!["县域医共", "体。"]),
            ("推进“互认”", 6, vec!["推进", "“互认”"]),
            ("共 1,234 例次", 8, vec!["共 1,234", "例次"]),
            ("health centre", 8, vec!["health", "centre"]),
            ("Hospitalisation", 6, vec!["Hospit", "alisat", "ion"]),
            ("", 6, vec![""]),
            ("   ", 6, vec![""]),
        ] {
            assert_eq!(lines(text, room), expected, "{text}");
        }
        assert_eq!(break_lines("县域医共体", 10.0, 4.0, |t| crate::terminal::width(t) as f32), ["县域医", "共体"]);
    }

    #[test]
    fn nothing_is_lost_and_no_width_loops() {
        let text = "按照《方案》要求，“基层检查、上级诊断”19,261 人次（IMG5），Qingjiang County 完成率 88.1%。";
        for room in [0, 1, 2, 3, 7, 20, 500] {
            let kept: String = lines(text, room).concat().split_whitespace().collect();
            assert_eq!(kept, text.split_whitespace().collect::<String>(), "{room}");
        }
    }
}
