//! `\C2842\` and `\M2442\`: switching character sets inside a value. What stands between such a sequence and the next
//! escape is the seven-bit encoding of the text, as in ISO-2022.

use crate::charset::Set;
use crate::v2::separators::Separators;

/// Writes what follows a sequence of `len` bytes that designates `set`. Returns the bytes taken; 0 where the following
/// bytes are not of that set, so that everything is kept as it stands.
pub(super) fn expand(set: Set, len: usize, raw: &str, separators: &Separators, out: &mut String) -> usize {
    if set == Set::Ascii {
        return len;
    }
    let run = raw.as_bytes().get(len..).unwrap_or_default();
    let run = run.get(..memchr::memchr(separators.escape, run).unwrap_or(run.len())).unwrap_or_default();
    let characters: Option<String> = run.chunks(set.width()).map(|bytes| set.char(bytes)).collect();
    match characters {
        Some(text) => {
            out.push_str(&text);
            len + run.len()
        }
        None => 0,
    }
}
