//! Text as it is compared: one form for what people and systems write in several.

use unicode_normalization::UnicodeNormalization;

/// Characters that GB 18030-2000 and -2005 put into the private use area and GB 18030-2022 at their own places (FE51,
/// FE52, FE53, FE59, FE61, FE66, FE67, FE6C, FE6D, FE76, FE7E, FE90, FE91, FEA0): old systems still send the former.
const MOVED: [(char, char); 14] = [
    ('\u{e816}', '\u{20087}'),
    ('\u{e817}', '\u{20089}'),
    ('\u{e818}', '\u{200cc}'),
    ('\u{e81e}', '\u{9fb4}'),
    ('\u{e826}', '\u{9fb5}'),
    ('\u{e82b}', '\u{9fb6}'),
    ('\u{e82c}', '\u{9fb7}'),
    ('\u{e831}', '\u{215d7}'),
    ('\u{e832}', '\u{9fb8}'),
    ('\u{e83b}', '\u{2298f}'),
    ('\u{e843}', '\u{9fb9}'),
    ('\u{e854}', '\u{9fba}'),
    ('\u{e855}', '\u{241fe}'),
    ('\u{e864}', '\u{9fbb}'),
];

/// Stands for a character that was lost on the way.
pub(crate) const LOST: char = '?';

/// Compatibility forms unified, blanks and punctuation gone, small Latin letters; what stands for a lost character
/// (`?`, `□`, `*`, private use) as [`LOST`]. The dot inside foreign and minority names is dropped too: it is written
/// in six ways or not at all.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(moved).nfkc() {
        match c {
            '?' | '*' | '□' | '■' | '○' | '〇' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' => out.push(LOST),
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            _ => {}
        }
    }
    out
}

fn moved(c: char) -> char {
    MOVED.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
}

/// Whether a character is Chinese (or one that was lost from between such).
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a: small, the same on every machine, good enough for keys that are verified afterwards.
pub(crate) fn hash(text: &str) -> u64 {
    hash_of(&[text.as_bytes()])
}

/// The same of several parts.
pub(crate) fn hash_of(parts: &[&[u8]]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for b in part.iter().chain(&[0xff]) {
            h = (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3);
        }
    }
    h
}

/// Edits (insertion, deletion, substitution, exchange of neighbours) between two short texts; beyond `most`, `most + 1`.
pub(crate) fn edits(a: &[char], b: &[char], most: usize) -> usize {
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let width = b.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, cb) in b.iter().enumerate() {
            let same = usize::from(ca != cb);
            let mut least = (last[j] + same).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *cb && *ca == b[j - 1] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0).min(most + 1)
}

/// Share of the pairs of neighbouring characters that two texts have in common (Dice), 0 to 1.
pub(crate) fn likeness(a: &str, b: &str) -> f32 {
    let pairs = |s: &str| {
        let chars: Vec<char> = s.chars().collect();
        let mut pairs: Vec<(char, char)> = chars.windows(2).filter_map(|w| Some((*w.first()?, *w.get(1)?))).collect();
        pairs.sort_unstable();
        pairs
    };
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (mut i, mut j, mut common) = (0, 0, 0u16);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common.saturating_add(1)),
        }
    }
    2.0 * f32::from(common) / (a.len() + b.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        for (text, expect) in [
            ("张 三", "张三"),
            ("ＺＨＡＮＧ　San", "zhangsan"),
            ("阿卜杜拉·买买提", "阿卜杜拉买买提"),
            ("阿卜杜拉．买买提", "阿卜杜拉买买提"),
            ("王□", "王?"),
            ("李\u{e863}", "李?"),
            ("李\u{e81e}", "李\u{9fb4}"),
            ("㛃", "㛃"),
        ] {
            assert_eq!(plain(text), expect, "{text}");
        }
    }

    #[test]
    fn edits_are_counted_up_to_a_limit() {
        for (a, b, expect) in [("张三", "张三", 0), ("张三", "张四", 1), ("张小三", "张三小", 1), ("张三", "李四王", 3), ("abc", "", 3)]
        {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            assert_eq!(edits(&chars(a), &chars(b), 2), expect, "{a} {b}");
        }
    }

    #[test]
    fn addresses_are_alike_or_not() {
        assert!(likeness("重庆市奉节县永安镇茅草坝村3组", "奉节县永安镇茅草坝村三组") > 0.6);
        assert!(likeness("重庆市奉节县永安镇", "福建省明溪县雪峰镇") < 0.3);
    }
}
