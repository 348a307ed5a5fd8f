//! One input cut into the documents that it holds: a JSON or XML document, or NDJSON, a document a line. A stream of any
//! length is read with no more than one document in memory.

use std::io::{BufRead, Read};

use hutong_fhir::{Finding, Location, Severity};

/// One document, or one line of NDJSON.
const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// One document as it stands in the input.
pub(super) struct Piece {
    /// The text, or why there is none.
    pub(super) text: Result<Vec<u8>, Finding>,
    /// The line of the input on which it begins, from 1.
    pub(super) first_line: u32,
    /// What it took of the input.
    pub(super) bytes: usize,
}

/// What the input turned out to be.
enum Form {
    Unknown,
    Lines,
    Done,
}

pub(super) struct Pieces<R> {
    input: R,
    form: Form,
    /// Lines read so far.
    line: u32,
}

impl<R: BufRead> Pieces<R> {
    /// `lines`: the name of the input says that it is NDJSON.
    pub(super) fn new(input: R, lines: bool) -> Pieces<R> {
        Pieces { input, form: if lines { Form::Lines } else { Form::Unknown }, line: 0 }
    }

    /// The next line without its end, or `None` at the end of the input; too long a line is read to its end and dropped.
    fn next_line(&mut self) -> std::io::Result<Option<Piece>> {
        let mut text = Vec::new();
        let max = DOCUMENT_BYTES_MAX as u64 + 1;
        let mut bytes = self.input.by_ref().take(max).read_until(b'\n', &mut text)?;
        if bytes == 0 {
            return Ok(None);
        }
        self.line = self.line.saturating_add(1);
        let whole = text.last() == Some(&b'\n') || bytes <= DOCUMENT_BYTES_MAX;
        let text = if whole {
            Ok(text)
        } else {
            bytes = bytes.saturating_add(self.input.skip_until(b'\n')?);
            Err(too_large())
        };
        Ok(Some(Piece { text, first_line: self.line, bytes }))
    }

    /// The next line that holds something.
    fn next_filled(&mut self) -> std::io::Result<Option<Piece>> {
        while let Some(piece) = self.next_line()? {
            if !matches!(&piece.text, Ok(text) if text.trim_ascii().is_empty()) {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Looks at the beginning: one object on the first line and more behind it is NDJSON, anything else one document.
    fn first(&mut self) -> std::io::Result<Option<Piece>> {
        let Some(first) = self.next_filled()? else {
            self.form = Form::Done;
            // an empty input is a document that is none
            return Ok(Some(Piece { text: Ok(Vec::new()), first_line: 1, bytes: 0 }));
        };
        let Ok(mut text) = first.text else {
            self.form = Form::Done;
            return Ok(Some(first));
        };
        if is_one_object(&text) && !self.only_space_follows()? {
            self.form = Form::Lines;
            return Ok(Some(Piece { text: Ok(text), ..first }));
        }
        self.form = Form::Done;
        let room = DOCUMENT_BYTES_MAX.saturating_sub(text.len()) as u64 + 1;
        let more = self.input.by_ref().take(room).read_to_end(&mut text)?;
        // lines before the document are blank; they count
        let blank = vec![b'\n'; first.first_line.saturating_sub(1) as usize];
        let text = if text.len() > DOCUMENT_BYTES_MAX { Err(too_large()) } else { Ok([blank, text].concat()) };
        Ok(Some(Piece { text, first_line: 1, bytes: first.bytes.saturating_add(more) }))
    }

    fn only_space_follows(&mut self) -> std::io::Result<bool> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(true);
            }
            let space = buffer.iter().take_while(|b| b.is_ascii_whitespace()).count();
            if space < buffer.len() {
                return Ok(false);
            }
            self.line = self.line.saturating_add(u32::try_from(buffer.iter().filter(|b| **b == b'\n').count()).unwrap_or(0));
            self.input.consume(space);
        }
    }
}

impl<R: BufRead> Iterator for Pieces<R> {
    type Item = std::io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.form {
            Form::Unknown => self.first(),
            Form::Lines => self.next_filled(),
            Form::Done => return None,
        };
        if next.is_err() {
            self.form = Form::Done;
        }
        next.transpose()
    }
}

/// Whether a line begins and ends with the braces of one object.
fn is_one_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.first() != Some(&b'{') {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, b) in line.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1 == line.len();
                }
            }
            _ => {}
        }
    }
    false
}

fn too_large() -> Finding {
    let mb = DOCUMENT_BYTES_MAX >> 20;
    Finding::new(Severity::Error, "document.size", "too-long", 0).at(Location::Path { expression: String::new(), line: 1, column: 1 }).says(
        format!("文档超过 {mb} MB，未读取；请拆分"),
        format!("the document is larger than {mb} MB and was not read; send it in parts"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_input_holds() {
        for (input, lines, expected) in [
            ("{\"a\":1}", false, vec![(1, "{\"a\":1}")]),
            ("{\"a\":1}\n\n  \n", false, vec![(1, "{\"a\":1}\n")]),
            ("{\"a\":\"}\\\"\"}\n\n{\"b\":2}\n", false, vec![(1, "{\"a\":\"}\\\"\"}\n"), (3, "{\"b\":2}\n")]),
            ("{\n\"a\":1}\n", false, vec![(1, "{\n\"a\":1}\n")]),
            ("\n{\n\"a\":1}", false, vec![(1, "\n{\n\"a\":1}")]),
            ("<a>\n</a>", false, vec![(1, "<a>\n</a>")]),
            // a broken line is that line's fault only
            ("{\"a\":\n{\"b\":2}\n", true, vec![(1, "{\"a\":\n"), (2, "{\"b\":2}\n")]),
            ("{\"a\":1}\nrest\n{}", false, vec![(1, "{\"a\":1}\n"), (2, "rest\n"), (3, "{}")]),
            ("", false, vec![(1, "")]),
            ("", true, vec![]),
        ] {
            let got: Vec<(u32, String)> = Pieces::new(input.as_bytes(), lines)
                .map(|p| p.map(|p| (p.first_line, String::from_utf8(p.text.ok().unwrap()).unwrap())).unwrap())
                .collect();
            let expected: Vec<(u32, String)> = expected.into_iter().map(|(l, t)| (l, t.to_owned())).collect();
            assert_eq!(got, expected, "{input:?}");
        }
    }
}
