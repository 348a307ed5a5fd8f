//! Where a page ended, as an opaque text for the `next` link: the sort keys of its last match, that row's number, and
//! the state of the store when the first page was read, so that later writes neither repeat nor shift what follows.

/// The value of a sort key of the last match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum KeyValue {
    Null,
    Int(i64),
    Text(String),
    /// A resource id.
    Id(String),
}

/// A position between two pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Journal sequence that the first page had seen.
    pub(crate) seq: u64,
    /// Highest row number of the type on the first page's reading: rows born later are not in this search.
    pub(crate) born: i64,
    /// Row number of the last match.
    pub(crate) row: i64,
    pub(crate) keys: Vec<KeyValue>,
}

fn text(bytes: &mut Vec<u8>, tag: u8, t: &str) {
    let mut end = t.len().min(TEXT_MAX);
    while !t.is_char_boundary(end) {
        end -= 1;
    }
    bytes.push(tag);
    bytes.extend((end as u16).to_be_bytes());
    bytes.extend(t.as_bytes().iter().take(end));
}

const KEYS_MAX: usize = 4;
const TEXT_MAX: usize = 512;

impl Cursor {
    /// Text of `[0-9a-f]`, safe in a URL.
    pub fn encode(&self) -> String {
        let mut bytes = vec![1u8];
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.born.to_be_bytes());
        bytes.extend(self.row.to_be_bytes());
        for key in &self.keys {
            match key {
                KeyValue::Null => bytes.push(0),
                KeyValue::Int(n) => {
                    bytes.push(1);
                    bytes.extend(n.to_be_bytes());
                }
                KeyValue::Text(t) => text(&mut bytes, 2, t),
                KeyValue::Id(t) => text(&mut bytes, 3, t),
            }
        }
        // not a secret, but a link that was edited or cut must not be read as another position
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// `None` where the text was not written by [`Cursor::encode`].
    pub fn decode(text: &str) -> Option<Cursor> {
        if text.len() > 2 * (29 + KEYS_MAX * (TEXT_MAX + 3)) || !text.len().is_multiple_of(2) || !text.is_ascii() {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect();
        let bytes = bytes?;
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_be_bytes(*crc) {
            return None;
        }
        let rest = body.strip_prefix(&[1u8])?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (born, rest) = rest.split_first_chunk::<8>()?;
        let (row, mut rest) = rest.split_first_chunk::<8>()?;
        let mut keys = Vec::new();
        while let Some((tag, tail)) = rest.split_first() {
            rest = match tag {
                0 => {
                    keys.push(KeyValue::Null);
                    tail
                }
                1 => {
                    let (n, tail) = tail.split_first_chunk::<8>()?;
                    keys.push(KeyValue::Int(i64::from_be_bytes(*n)));
                    tail
                }
                2 | 3 => {
                    let (n, tail) = tail.split_first_chunk::<2>()?;
                    let (t, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*n)))?;
                    let t = String::from_utf8(t.to_vec()).ok()?;
                    keys.push(if *tag == 2 { KeyValue::Text(t) } else { KeyValue::Id(t) });
                    tail
                }
                _ => return None,
            };
        }
        Some(Cursor { seq: u64::from_be_bytes(*seq), born: i64::from_be_bytes(*born), row: i64::from_be_bytes(*row), keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_an_altered_one_does_not() {
        let cursor = Cursor {
            seq: 7,
            born: 9,
            row: 3,
            keys: vec![KeyValue::Null, KeyValue::Int(-5), KeyValue::Text("张三".into()), KeyValue::Id("p1".into())],
        };
        let text = cursor.encode();
        assert_eq!(Cursor::decode(&text), Some(cursor));
        for i in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[i] = if altered[i] == b'0' { b'1' } else { b'0' };
            assert_eq!(Cursor::decode(std::str::from_utf8(&altered).unwrap()), None);
        }
        for odd in ["", "0", "zz", "é0"] {
            assert_eq!(Cursor::decode(odd), None);
        }
    }
}
