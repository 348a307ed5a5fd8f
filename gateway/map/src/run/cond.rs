//! Conditions.

use super::Exec;
use super::quick::Quick;
use super::value::Val;
use crate::plan::{Class, Cond, CondId, Guard, Op, OpId};

impl<'m> Exec<'m> {
    pub(crate) fn holds(&mut self, id: CondId) -> bool {
        // what a condition reads decides about a line and is no value of it
        let (null, absent, origin) = (self.null, self.absent, self.origin);
        let holds = self.judge(id);
        (self.null, self.absent, self.origin) = (null, absent, origin);
        holds
    }

    pub(crate) fn all_hold(&mut self, guards: &[Guard]) -> bool {
        guards.iter().all(|g| self.holds(g.cond) == g.holds)
    }

    fn judge(&mut self, id: CondId) -> bool {
        match self.plan.conds.get(id as usize) {
            None => false,
            Some(Cond::Has(op)) => self.has(*op),
            Some(Cond::Not(c)) => !self.judge(*c),
            Some(Cond::And(list)) => list.iter().all(|c| self.judge(*c)),
            Some(Cond::Or(list)) => list.iter().any(|c| self.judge(*c)),
            Some(Cond::Equals { left, right }) => {
                let Some((right, _)) = self.text(*right) else { return !self.has(*left) };
                self.any(*left, |text| text == right)
            }
            Some(Cond::In { left, list }) => {
                let plan = self.plan;
                let list = plan.list(*list);
                if list.iter().all(|op| matches!(plan.op(*op), Op::Text(_))) {
                    return self.any(*left, |text| list.iter().any(|op| matches!(plan.op(*op), Op::Text(id) if plan.text(id) == text)));
                }
                let wanted: Vec<_> = list.iter().filter_map(|op| self.text(*op)).map(|(t, _)| t).collect();
                self.any(*left, |text| wanted.iter().any(|w| w == text))
            }
            Some(Cond::Matches { left, classes }) => self.any(*left, |text| classes.iter().any(|c| matches(*c, text))),
        }
    }

    fn has(&mut self, op: OpId) -> bool {
        match self.quick(self.plan.op(op)) {
            Quick::View(_) => return true,
            Quick::Nothing => return false,
            Quick::No => {}
        }
        let before = self.vals.len();
        let n = self.values(op);
        self.vals.truncate(before);
        n > 0
    }

    /// Whether one of the values of an operation passes.
    fn any(&mut self, op: OpId, mut test: impl FnMut(&str) -> bool) -> bool {
        match self.quick(self.plan.op(op)) {
            Quick::View(v) => return self.text_of(&Val::View(v)).is_some_and(|(t, _)| test(&t)),
            Quick::Nothing => return false,
            Quick::No => {}
        }
        let from = self.vals.len();
        let n = self.values(op);
        let found: Vec<Val<'m>> = self.vals.drain(from..from + n).collect();
        found.iter().any(|v| self.text_of(v).is_some_and(|(t, _)| test(&t)))
    }
}

/// Whether a text is of a class.
pub(crate) fn matches(class: Class, text: &str) -> bool {
    match class {
        Class::Digits => text.bytes().all(|b| b.is_ascii_digit()),
        Class::Letters => text.chars().all(|c| c.is_ascii_alphabetic()),
        Class::Chinese => text.chars().any(is_chinese),
        Class::IdCard => hutong_fhir::identifier::IdentityCard::parse(text).is_ok(),
        Class::Number => hutong_fhir::primitive::Primitive::Decimal.check_text(text).is_ok(),
        Class::Oid => hutong_fhir::primitive::is_oid(text),
        Class::Uuid => hutong_fhir::primitive::is_uuid(text.to_ascii_lowercase().as_bytes()),
        Class::Uri => text.contains(':') && hutong_fhir::primitive::Primitive::Uri.check_text(text).is_ok(),
        Class::Marked => text.starts_with(['★', '▲']),
        Class::Test => is_test(text),
        Class::Institution => crate::builtins::institution::national(text).is_some(),
        Class::Recognition => recognition(text),
        Class::Timed => super::clock::Moment::read(text).is_some_and(|m| m.time.is_some()),
    }
}

/// Whether a text names a mark of mutual recognition: 全国HR, 渝ＨＲ (HR behind a character), or says 互认.
fn recognition(text: &str) -> bool {
    let hr = |mark: &str| {
        text.match_indices(mark).any(|(at, _)| text.get(..at).unwrap_or_default().trim_end().chars().next_back().is_some_and(is_chinese))
    };
    text.contains("互认") || hr("HR") || hr("ＨＲ")
}

/// Whether a person's name says that it is a test: 测试…, …测试, TEST or CESHI with nothing but digits and signs behind it, or
/// another word.
fn is_test(text: &str) -> bool {
    let latin = text.to_ascii_uppercase();
    let word = |name: &str| latin.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()));
    text.starts_with("测试") || text.ends_with("测试") || word("TEST") || word("CESHI")
}

/// CJK ideographs.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}' | '〇')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (class, text, expect) in [
            (Class::Digits, "012", true),
            (Class::Digits, "1a", false),
            (Class::Letters, "ab", true),
            (Class::Letters, "王", false),
            (Class::Chinese, "Zhang 张", true),
            (Class::Chinese, "Zhang", false),
            (Class::IdCard, "500236198002020017", false),
            (Class::IdCard, "11010519491231002X", true),
            (Class::IdCard, "11010519491331002X", false),
            (Class::IdCard, "110105491231002", true),
            (Class::Number, "1.50", true),
            (Class::Number, "<5", false),
            (Class::Oid, "2.16.840", true),
            (Class::Uri, "http://a", true),
            (Class::Uri, "a b:c", false),
            (Class::Timed, "202001011200", true),
            (Class::Timed, "20200101", false),
            (Class::Recognition, "★ 等同于 鄂HR", true),
            (Class::Recognition, "渝ＨＲ", true),
            (Class::Recognition, "检查检验结果互认", true),
            (Class::Recognition, "HR 72 次/分", false),
            (Class::Recognition, "CHR 渝", false),
            (Class::Institution, "91110000600037341L", true),
            (Class::Institution, "内科", false),
            (Class::Marked, "★葡萄糖", true),
            (Class::Marked, "葡萄糖★", false),
            (Class::Test, "测试001", true),
            (Class::Test, "李测试", true),
            (Class::Test, "Test 3", true),
            (Class::Test, "TEST PATIENT", true),
            (Class::Test, "Testa", false),
            (Class::Test, "秦望舒", false),
        ] {
            assert_eq!(matches(class, text), expect, "{class:?} {text}");
        }
    }
}
