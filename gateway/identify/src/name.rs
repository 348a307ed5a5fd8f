//! Names of people: Chinese characters, pinyin, or both; and names that name nobody.

use crate::text::{LOST, edits, is_han, plain};
use pinyin::{ToPinyin, ToPinyinMulti};

/// Surnames of two characters that are common enough to be told from a surname of one and a given name.
const DOUBLE: [&str; 16] =
    ["欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "司徒", "夏侯", "端木", "百里", "轩辕"];

/// Endings of what is written for a newborn before it has a name (王某某之子).
const NEWBORN: [&str; 14] =
    ["之子", "之女", "之婴", "之男婴", "之女婴", "之子一", "之子二", "之女一", "之女二", "之大", "之小", "婴儿", "新生儿", "毛毛"];

/// What is written for somebody who could not say a name.
const UNNAMED: [&str; 8] = ["无名", "不详", "未知", "佚名", "无姓名", "流浪", "急救", "匿名"];

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Naming {
    Name,
    /// The name of the mother with "child of".
    Newborn,
    /// 无名氏 and the like: names nobody.
    Nobody,
}

pub(crate) fn naming(plain: &str) -> Naming {
    if plain.chars().all(|c| c == LOST || c.is_ascii_digit()) || UNNAMED.iter().any(|u| plain.starts_with(u)) {
        Naming::Nobody
    } else if NEWBORN.iter().any(|n| plain.ends_with(n)) || plain.split('之').skip(1).any(|rest| rest.starts_with(['子', '女'])) {
        Naming::Newborn
    } else {
        Naming::Name
    }
}

/// How two names agree, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum NameLevel {
    /// The same characters.
    Exact,
    /// The same but for characters that were lost on the way.
    Lost,
    /// One is the pinyin of the other, or both are the same pinyin.
    Pinyin,
    /// Other characters of the same sound (建军, 建君).
    Homophone,
    /// One character of three or more differs.
    OneCharacter,
    /// Only the surname is the same.
    Surname,
    Different,
}

/// The reading of a name: small Latin letters without tones or blanks.
pub(crate) fn reading(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() * 2);
    for c in plain.chars() {
        match c.to_pinyin() {
            Some(p) => out.extend(p.plain().chars().map(u_for_v)),
            None => out.push(u_for_v(c)),
        }
    }
    out
}

/// Bytes of the reading of a few characters.
pub(crate) fn reading_length(plain: &str) -> usize {
    plain.chars().map(|c| c.to_pinyin().map_or(u_for_v(c).len_utf8(), |p| p.plain().chars().map(|c| u_for_v(c).len_utf8()).sum())).sum()
}

/// `ü` is written `v` or `u`.
fn u_for_v(c: char) -> char {
    if matches!(c, 'v' | 'ü') { 'u' } else { c }
}

/// The surname in characters; of a name in letters, nothing: where it ends is not known.
pub(crate) fn surname(plain: &str) -> &str {
    if let Some(double) = DOUBLE.iter().find(|d| plain.starts_with(**d) && plain.chars().count() > 2) {
        return double;
    }
    match plain.chars().next() {
        Some(c) if is_han(c) => &plain[..c.len_utf8()],
        _ => "",
    }
}

/// Compares two names in plain form, neither empty.
pub(crate) fn compare(a: &str, b: &str) -> NameLevel {
    if a == b {
        return if a.chars().any(is_han) { NameLevel::Exact } else { NameLevel::Pinyin };
    }
    let (ca, cb): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (han_a, han_b) = (ca.iter().any(|c| is_han(*c)), cb.iter().any(|c| is_han(*c)));
    if han_a != han_b {
        let (han, latin) = if han_a { (&ca, b) } else { (&cb, a) };
        return if reads(han, latin) { NameLevel::Pinyin } else { NameLevel::Different };
    }
    if !han_a {
        return NameLevel::Different;
    }
    let lost = |c: char| c == LOST;
    if ca.len() == cb.len() && ca.iter().zip(&cb).all(|(x, y)| x == y || lost(*x) || lost(*y)) {
        return NameLevel::Lost;
    }
    if ca.len() == cb.len() && ca.iter().zip(&cb).all(|(x, y)| x == y || same_sound(*x, *y)) {
        return NameLevel::Homophone;
    }
    if ca.len().max(cb.len()) >= 3 && edits(&ca, &cb, 1) == 1 {
        return NameLevel::OneCharacter;
    }
    if surname(a) == surname(b) { NameLevel::Surname } else { NameLevel::Different }
}

/// The readings of a character, without tones, `ü` as it comes.
fn readings(c: char) -> impl Iterator<Item = &'static str> {
    let multi = c.to_pinyin_multi();
    let count = multi.map_or(0, |m| m.count());
    (0..count).filter_map(move |i| Some(multi?.get_opt(i)?.plain()))
}

fn same_sound(a: char, b: char) -> bool {
    readings(a).any(|r| readings(b).any(|s| r == s))
}

/// Whether letters are a reading of characters, surname first or last; also in part initials are not taken.
fn reads(han: &[char], latin: &str) -> bool {
    let latin: String = latin.chars().map(u_for_v).collect();
    let turned: Vec<char> = han.iter().skip(1).chain(han.first()).copied().collect();
    follows(han, &latin) || follows(&turned, &latin)
}

fn follows(han: &[char], latin: &str) -> bool {
    let Some((first, rest)) = han.split_first() else { return latin.is_empty() };
    if *first == LOST {
        // any reading: of one to six letters
        return (1..=6).any(|n| latin.get(n..).is_some_and(|left| follows(rest, left)));
    }
    if !is_han(*first) {
        let mut chars = latin.chars();
        return chars.next().is_some_and(|c| c == *first) && follows(rest, chars.as_str());
    }
    readings(*first).any(|r| after(latin, r).is_some_and(|left| follows(rest, left)))
}

/// What follows a reading in letters.
fn after<'l>(latin: &'l str, reading: &str) -> Option<&'l str> {
    let mut left = latin.chars();
    reading.chars().all(|c| left.next() == Some(u_for_v(c))).then_some(left.as_str())
}

/// The plain form; a name that is longer than any name is cut.
pub(crate) fn plain_name(text: &str) -> String {
    let mut plain = plain(text);
    if let Some((at, _)) = plain.char_indices().nth(60) {
        plain.truncate(at);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        use NameLevel::*;
        for (a, b, expect) in [
            ("张三丰", "张 三 丰", Exact),
            ("王□", "王喆", Lost),
            ("张伟", "ZHANG WEI", Pinyin),
            ("张伟", "WEI ZHANG", Pinyin),
            ("单小吕", "SHAN XIAO LV", Pinyin),
            ("单小吕", "dan xiaolu", Pinyin),
            ("zhang wei", "ZHANGWEI", Pinyin),
            ("董?伟", "dong zhu wei", Pinyin),
            ("李建军", "李建君", Homophone),
            ("李建军", "李健君", Homophone),
            ("欧阳娜娜", "欧阳娜", OneCharacter),
            ("王小明", "王大明", OneCharacter),
            ("王芳", "王强", Surname),
            ("欧阳明", "欧阳强国", Surname),
            ("王芳", "李强", Different),
            ("王芳", "li qiang", Different),
        ] {
            assert_eq!(compare(&plain_name(a), &plain_name(b)), expect, "{a} {b}");
            assert_eq!(compare(&plain_name(b), &plain_name(a)), expect, "{b} {a}");
        }
    }

    #[test]
    fn names_of_nobody_and_of_the_mother() {
        for (text, expect) in [
            ("无名氏", Naming::Nobody),
            ("未知男1", Naming::Nobody),
            ("??", Naming::Nobody),
            ("急救20260101", Naming::Nobody),
            ("王小芳之女", Naming::Newborn),
            ("李梅之子（大）", Naming::Newborn),
            ("王小芳", Naming::Name),
        ] {
            assert_eq!(naming(&plain_name(text)), expect, "{text}");
        }
    }
}
