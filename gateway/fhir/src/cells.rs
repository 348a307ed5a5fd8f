//! Rows and cells of a TSV or CSV text, as tables of codes, registries and rules come.

use std::borrow::Cow;

/// What stands between cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Separator {
    Tab,
    /// With cells in double quotes (RFC 4180).
    Comma,
}

impl Separator {
    /// By the line with the names of the columns.
    pub fn of(heading: &str) -> Separator {
        if heading.contains('\t') || !heading.contains(',') { Separator::Tab } else { Separator::Comma }
    }
}

/// Reads row after row.
pub struct Cells<'t> {
    rest: &'t str,
    separator: Separator,
    line: usize,
}

impl<'t> Cells<'t> {
    /// `line` lines were read before `text`.
    pub fn new(text: &'t str, separator: Separator, line: usize) -> Cells<'t> {
        Cells { rest: text, separator, line }
    }

    /// Lines read so far.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next row; false at the end, the line where a quote opens that is never closed.
    pub fn row(&mut self, out: &mut Vec<Cow<'t, str>>) -> Result<bool, usize> {
        out.clear();
        if self.rest.is_empty() {
            return Ok(false);
        }
        if self.separator == Separator::Tab {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.line += 1;
            out.extend(line.trim_end_matches('\r').split('\t').map(Cow::Borrowed));
            return Ok(true);
        }
        loop {
            let (cell, ended) = self.cell()?;
            out.push(cell);
            if ended {
                return Ok(true);
            }
        }
    }

    /// One cell, and whether the row ends with it.
    fn cell(&mut self) -> Result<(Cow<'t, str>, bool), usize> {
        let cell = match self.rest.strip_prefix('"') {
            Some(inside) => self.quoted(inside)?,
            None => {
                let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
                let (cell, rest) = self.rest.split_at(end);
                self.rest = rest;
                Cow::Borrowed(cell.trim_end_matches('\r'))
            }
        };
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok((cell, false));
        }
        // behind a closing quote only the end of the line is expected; anything else is dropped with it
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
        Ok((cell, true))
    }

    fn quoted(&mut self, inside: &'t str) -> Result<Cow<'t, str>, usize> {
        let opened = self.line + 1;
        let mut from = 0;
        let mut doubled = false;
        loop {
            let at = from + inside.get(from..).and_then(|s| s.find('"')).ok_or(opened)?;
            if inside.get(at + 1..).is_some_and(|s| s.starts_with('"')) {
                doubled = true;
                from = at + 2;
                continue;
            }
            let (cell, rest) = inside.split_at(at);
            self.rest = rest.get(1..).unwrap_or("");
            self.line += cell.bytes().filter(|b| *b == b'\n').count();
            return Ok(if doubled { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, usize> {
        let mut cells = Cells::new(text, Separator::of(text.lines().next().unwrap_or("")), 0);
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        while cells.row(&mut row)? {
            rows.push((cells.line(), row.iter().map(|c| c.to_string()).collect()));
        }
        Ok(rows)
    }

    #[test]
    fn quotes_and_line_ends_are_read() {
        let rows = read("a,b\r\n\"x, \"\"y\"\"\",2\r\n\"two\nlines\",\n,\n").unwrap();
        let expected: &[(usize, &[&str])] = &[(1, &["a", "b"]), (2, &["x, \"y\"", "2"]), (4, &["two\nlines", ""]), (5, &["", ""])];
        assert_eq!(rows.len(), expected.len());
        for ((line, row), (expected_line, expected)) in rows.iter().zip(expected) {
            assert_eq!((*line, row.as_slice()), (*expected_line, expected.iter().map(|s| s.to_string()).collect::<Vec<_>>().as_slice()));
        }
        assert_eq!(read("a\tb\n1\t\"x\n").unwrap()[1].1, ["1", "\"x"]);
        assert_eq!(read("a,b\n1,2\n\"x").unwrap_err(), 3);
    }
}
