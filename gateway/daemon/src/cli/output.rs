//! How the command line shows things: tables whose columns line up with Chinese text, and colours on a terminal only.

use std::io::IsTerminal;

/// Output for people or for machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
}

/// Columns that a terminal needs for `text`: East Asian wide characters take two, colours (`paint`) none.
pub(crate) fn width(text: &str) -> usize {
    let mut pieces = text.split('\u{1b}');
    let plain = pieces.next().unwrap_or_default();
    let painted = pieces.map(|piece| piece.split_once('m').map_or(piece, |(_, rest)| rest));
    std::iter::once(plain).chain(painted).map(hutong_paper::width).sum()
}

/// `text` padded to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A table with a header line; numbers right-aligned where every cell of the column is one.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let cell = |row: &'_ Vec<String>, i: usize| row.get(i).cloned().unwrap_or_default();
    let widths: Vec<usize> =
        (0..columns).map(|i| rows.iter().map(|r| width(&cell(r, i))).chain([width(header[i])]).max().unwrap_or(0)).collect();
    let numeric: Vec<bool> = (0..columns)
        .map(|i| !rows.is_empty() && rows.iter().all(|r| cell(r, i).chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))))
        .collect();
    let mut out = String::new();
    let line = |cells: Vec<String>, out: &mut String| {
        let text: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(i, c)| if numeric[i] { format!("{}{c}", " ".repeat(widths[i].saturating_sub(width(c)))) } else { pad(c, widths[i]) })
            .collect();
        out.push_str(text.join("  ").trim_end());
        out.push('\n');
    };
    line(header.iter().map(|h| (*h).to_owned()).collect(), &mut out);
    line(widths.iter().map(|w| "─".repeat(*w)).collect(), &mut out);
    for row in rows {
        line((0..columns).map(|i| cell(row, i)).collect(), &mut out);
    }
    out
}

/// Colours, where the stream is a terminal and nobody asked for none.
pub(crate) fn colour(on_stderr: bool) -> bool {
    let terminal = if on_stderr { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    terminal && std::env::var_os("NO_COLOR").is_none()
}

pub(crate) fn paint(text: &str, code: &str, on: bool) -> String {
    if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_chinese() {
        let text = table(&["机构", "n"], &[vec!["县人民医院".into(), "12".into()], vec!["HIS".into(), "7".into()]]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(width(lines[2]), width(lines[3]));
        assert!(lines[3].ends_with(" 7"), "{text}");
        assert_eq!((width(&paint("县✓", "1;31", true)), width("县✓")), (3, 3));
    }
}
